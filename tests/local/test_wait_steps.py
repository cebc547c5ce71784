"""The steps that wait on the platform: how they pause, what they record, and that they go on by themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import NOW, Serve, Served
from tui.client.task_facts import WaitKind
from tui.domain.review import review_of
from tui.domain.state import AgentsSeen, LogSeen, State, TasksSeen
from tui.local.process import LocalPlatform, ServerOptions


async def read_state(here: Served, task_id: str) -> State:
    """Return what a client knows of a task once it has read all about it."""
    async with here.client() as client:
        task = await client.task(task_id)
        agent, log = await client.agent(task.agent_id), await client.log(task)
        return State().after([TasksSeen((task,), NOW), AgentsSeen((agent,), NOW), LogSeen(task_id, log, NOW)])


def start(here: Served, agent: str) -> str:
    request = {"input": {"text": "Go"}, "title": "Go", "events_streaming": True}
    return str(here.local.platform.create(agent, request)["id"])


def call_clock(here: Served, task_id: str) -> None:
    """Let the time of a wait come now."""
    run = here.local.store.run_state(task_id) or {}
    here.local.store.put_run_state(task_id, {**run, "resumes_at": here.local.platform.now})
    here.local.runner.wake(task_id)


@pytest.mark.parametrize(
    ("agent", "kinds", "cards"),
    [
        ("courier", [WaitKind.WEBHOOK, WaitKind.SCHEDULE], ["self_schedule"]),
        ("onboarder", [WaitKind.SECRET, WaitKind.INVITATION], ["ask_for_secret", "secret_saved", "invite_member", "member_invited"]),
    ],
)  # fmt: skip
async def test_each_wait_is_known_to_a_client_and_ends_by_itself(
    serve: Serve, agent: str, kinds: list[WaitKind], cards: list[str]
) -> None:
    async with serve() as here:
        task_id = start(here, agent)
        for kind in kinds:
            await here.until(task_id, "paused")
            wait = (await read_state(here, task_id)).wait(task_id)
            assert wait
            assert wait.kind is kind
            run = here.local.store.run_state(task_id) or {}
            if kind is WaitKind.SCHEDULE:
                assert wait.until == datetime.fromisoformat(run["resumes_at"])
            call_clock(here, task_id)
            await here.until(task_id, "executing", "completed")
        await here.until(task_id, "completed")
        assert [entry["action"] for entry in here.log(task_id) if "action" in entry] == cards
        events = {event["type"]: event["data"]["id"] for event in here.events(task_id) if event["type"] in cards}
        logged = {entry["action"]: entry["id"] for entry in here.log(task_id) if entry.get("action") in events}
        assert events == logged


async def test_a_message_to_a_paused_task_leaves_it_paused_with_its_wait(serve: Serve) -> None:
    """Story: an operator writes to a task that waits for an invitation; the review still tells for what it waits."""
    async with serve() as here:
        task_id = start(here, "onboarder")
        await here.until(task_id, "paused")
        call_clock(here, task_id)
        await here.until(task_id, "executing")
        await here.until(task_id, "paused")
        async with here.client() as client:
            before = review_of(await client.task(task_id), await client.log(await client.task(task_id)))
            here.local.platform.create("onboarder", {"id": task_id, "input": {"text": "Any news?"}})
            here.local.runner.play_until(here.local.platform.clock.now)
            task = await client.task(task_id)
            after = review_of(task, await client.log(task))
        assert after.task.status == "paused"
        assert after.wait
        assert after.wait.kind is WaitKind.INVITATION
        assert (after.wait, after.held) == (before.wait, before.held)
        call_clock(here, task_id)
        await here.until(task_id, "completed")


async def test_a_restarted_platform_keeps_the_time_of_a_wait(serve: Serve) -> None:
    async with serve(pace=10.0) as here:
        task_id = start(here, "courier")
        await here.until(task_id, "paused")
        resumes_at = (here.local.store.run_state(task_id) or {})["resumes_at"]
    async with serve(pace=10.0) as here:
        here.local.runner.play_until(here.local.platform.clock.now + timedelta(seconds=1))
        assert here.local.platform.task(task_id)["status"] == "paused"
        assert (here.local.store.run_state(task_id) or {})["resumes_at"] == resumes_at
        call_clock(here, task_id)
        await here.until(task_id, "executing")


async def test_a_stopped_wait_does_not_go_on(serve: Serve) -> None:
    async with serve() as here:
        task_id = start(here, "onboarder")
        await here.until(task_id, "paused")
        here.local.platform.stop(task_id)
        call_clock(here, task_id)
        here.local.runner.play_until(here.local.platform.clock.now + timedelta(hours=1))
        assert here.local.platform.task(task_id)["status"] == "stopped"


def test_a_new_platform_shows_every_kind_of_wait_without_a_crowd(tmp_path: Path) -> None:
    """The first screen of the demo: each wait once at most, those of machines included."""
    local = LocalPlatform(ServerOptions(tmp_path, seed="7", now=NOW), ":memory:")
    paused: list[dict[str, Any]] = local.store.tasks({"status": "paused"})
    local.store.close()
    agents = [task["agent_id"] for task in paused]
    assert len(agents) == len(set(agents)) <= 8
    assert {"courier", "onboarder", "shell-bot", "invoice-bot", "release-bot", "mail-writer"} <= set(agents)
