"""TaskFollower: how one task is followed to its end, with a stream and without one."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import FastClock, make_client
from tests.wire.platform import Platform
from tests.wire.server import Server
from tui.client.errors import NotFound
from tui.client.event_stream import LinkState
from tui.client.models import Task
from tui.domain.state import Change, LinkSeen, State, TaskGone
from tui.services.list_poller import PollIntervals
from tui.services.task_follower import TaskFollower


class Followed:
    """What a follower has told of a task."""

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
    followed = Followed()
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
    followed = Followed()
    job = asyncio.create_task(followed.follow(server, "t1"))
    await followed.until(LinkState.POLLING)
    await platform.finish("t1")
    assert (await job).is_final
    assert LinkState.LIVE not in followed.states


async def test_a_task_that_has_ended_is_read_once_and_opens_no_stream(platform: Platform, server: Server) -> None:
    platform.task("t1", status="completed")
    followed = Followed()
    assert (await followed.follow(server, "t1")).is_final
    assert followed.states == set()


async def test_a_task_that_vanishes_is_told_as_gone(platform: Platform, server: Server) -> None:
    platform.task("t1", events_streaming=False)
    followed = Followed()
    job = asyncio.create_task(followed.follow(server, "t1"))
    await followed.until(LinkState.POLLING)
    platform.local.platform.destroy("t1")
    with pytest.raises(NotFound):
        await job
    assert any(isinstance(change, TaskGone) for change in followed.changes)
