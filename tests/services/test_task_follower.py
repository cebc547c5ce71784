"""TaskFollower: how a task is followed to its end, with a stream and without one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conftest import FastClock, make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.client.errors import NotFound
from tui.client.event_stream import LinkState
from tui.client.models import Task
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen, State, TaskGone
from tui.services.list_poller import PollIntervals
from tui.services.task_follower import TaskFollower


class FollowerSetup:
    """A follower, and the changes that it published."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    @property
    def states(self) -> set[LinkState]:
        return {change.link.state for change in self.changes if isinstance(change, LinkSeen)}

    async def until(self, state: LinkState) -> None:
        async with asyncio.timeout(10):
            while state not in self.states:
                await asyncio.sleep(0.001)

    async def follow(self, server: Server, task_id: str) -> Task:
        clock = FastClock(factor=100.0)
        async with make_client(server.url, clock=clock) as client, asyncio.timeout(20):
            return await TaskFollower(
                client, task_id, self.changes.append, clock=clock, intervals=PollIntervals()
            ).run()


async def test_a_task_with_a_stream_is_followed_until_it_ends(platform: Platform, server: Server) -> None:
    platform.task("t1")
    followed = FollowerSetup()
    job = asyncio.create_task(followed.follow(server, "t1"))
    await followed.until(LinkState.LIVE)
    await platform.tool("t1", "r1", "search", {"q": 1}, {"hits": 1})
    await platform.finish("t1")
    task = await job
    assert task.is_final
    activity = State().after(followed.changes).activity("t1")
    assert activity is not None
    assert len(activity)


async def test_a_task_without_a_stream_is_polled(platform: Platform, server: Server) -> None:
    platform.task("t1", events_streaming=False)
    followed = FollowerSetup()
    job = asyncio.create_task(followed.follow(server, "t1"))
    await followed.until(LinkState.POLLING)
    await platform.finish("t1")
    assert (await job).is_final
    assert LinkState.LIVE not in followed.states


async def test_a_task_that_has_ended_is_read_once_and_opens_no_stream(platform: Platform, server: Server) -> None:
    platform.task("t1", status="completed")
    followed = FollowerSetup()
    assert (await followed.follow(server, "t1")).is_final
    assert followed.states == set()


async def test_a_task_that_vanishes_is_published_as_gone(platform: Platform, server: Server) -> None:
    platform.task("t1", events_streaming=False)
    followed = FollowerSetup()
    job = asyncio.create_task(followed.follow(server, "t1"))
    await followed.until(LinkState.POLLING)
    platform.local.platform.destroy("t1")
    with pytest.raises(NotFound):
        await job
    assert any(isinstance(change, TaskGone) for change in followed.changes)


async def follow(platform: Platform, server: Server, story: Any, **more: Any) -> tuple[State, list[Change]]:
    changes: list[Change] = []
    clock = FastClock(factor=100.0)
    async with make_client(server.url, clock=clock) as client:
        follower = TaskFollower(client, "t1", changes.append, clock=clock, intervals=PollIntervals(**more))
        job = asyncio.create_task(follower.run())
        await story()
        async with asyncio.timeout(60):
            await job
    return State().after(changes), changes


@pytest.mark.parametrize("resume", ["by id", "replay", "live only"])
async def test_a_stream_that_is_cut_repeatedly_loses_nothing(platform: Platform, server: Server, resume: str) -> None:
    platform.resume = resume
    platform.task("t1")
    frames = 0

    async def cut(connection: Connection, frame: bytes) -> bool:
        nonlocal frames
        frames += 1
        await connection.chunk(frame if frames % 3 else frame[: len(frame) // 2])
        return bool(frames % 3)

    platform.stream_hook = cut
    calls = 60

    async def story() -> None:
        for number in range(calls):
            await platform.tool("t1", f"r{number}", "search", {"q": number}, {"hits": number})
            await asyncio.sleep(0.005)
        await platform.finish("t1")

    state, changes = await follow(platform, server, story)
    activity = state.activity("t1")
    assert activity is not None
    assert [node.entry.id for node in activity.nodes if node.entry.kind == "tool"] == [f"r{n}" for n in range(calls)]
    if resume == "by id":
        ids = [change.event.frame_id for change in changes if isinstance(change, EventSeen)]
        assert ids == sorted(set(ids), key=int)
    if resume == "live only":
        gaps = [change.gap for change in changes if isinstance(change, GapSeen)]
        assert gaps
        assert all(gap.filled is not None for gap in activity.gaps.values())
        assert any(change.fresh for change in changes if isinstance(change, LogSeen))


async def test_the_end_of_a_task_is_read_while_the_stream_is_down(platform: Platform, server: Server) -> None:
    platform.task("t1")

    async def down(request: Request, connection: Connection) -> bool:
        if "/events" in request.path:
            await connection.reply(404, {"detail": "no stream"})
        return "/events" in request.path

    platform.before_reply = down
    state, _ = await follow(platform, server, lambda: platform.finish("t1"))
    assert state.task("t1").status == "completed"  # type: ignore[union-attr]
