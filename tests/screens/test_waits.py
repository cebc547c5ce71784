"""Waits as an operator sees them: what can be ended here, what only on the platform, and what ends by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.local.conftest import Serve, Served
from tests.screens.operator import Operator, open_dashboard
from tests.wire.platform import KEY, Platform, add_waiting_task
from tests.wire.server import Server
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen

RUN_AT = "2099-01-01T00:00:00Z"
NODES = [{"id": "hook", "type": "wait", "definition": {"type": "webhook"}}, {"id": "clock", "type": "self_schedule"}]


@asynccontextmanager
async def dashboard_with_waits(platform: Platform, tmp_path: Path, size: tuple[int, int]) -> AsyncIterator[Operator]:
    """Run the dashboard with a task for each kind of wait."""
    platform.store.put_agent({**(platform.store.agent("a1") or {}), "orchestration_nodes": NODES})
    add_waiting_task(platform, "approval")
    for name in ("secret", "member", "held", "silent", "question"):
        platform.task(name, status="paused")
    platform.task("hook", status="paused", last_executed_node_id="hook")
    platform.task("clock", status="paused", last_executed_node_id="clock")
    platform.entry("secret", action="ask_for_secret", name="TOKEN", reason="to read the mail")
    platform.entry("member", action="invite_member", email="mei@example.com")
    platform.entry("held", action="approval_requested", approval_request_id="r1", title="Run shell.run?")
    platform.entry("question", questions=[{"id": "q", "question": "Which?"}])
    platform.entry("clock", action="self_schedule", run_at=RUN_AT)
    async with Server(platform.handle) as server:
        async with open_dashboard(Served(platform.local, server.url), tmp_path, size, key=KEY) as operator:
            await operator.until(lambda: "○ schedule" in operator.text and "◇ secret asked" in operator.text)
            await operator.until(lambda: "● live" in operator.text)
            yield operator


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_point_7_waits_that_cannot_be_decided_here_do_not_look_like_those_that_can(
    platform: Platform, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with dashboard_with_waits(platform, tmp_path, size) as operator:
        here = ("‖ approval", "‖ question")
        elsewhere = ("◇ secret asked", "◇ invitation", "◇ held call", "◇ paused")
        machines = ("○ webhook", "○ schedule")
        await operator.until(lambda: all(words in operator.text for words in (*here, *elsewhere, *machines)))
        assert "6 need you" in operator.text
        assert operator.at("▾ Waits for a machine (2)")[1] < min(operator.at(words)[1] for words in machines)
        assert max(operator.at(words)[1] for words in (*here, *elsewhere)) < operator.at("▾ Waits for a")[1]
        assert "in 72y" in operator.text
        for need, found in (("me", here), ("elsewhere", elsewhere), ("machine", machines)):
            operator.app.screen.query_one("#filter").value = f"needs:{need}"  # type: ignore[attr-defined]
            await operator.until(partial(_has_all, operator, f"{len(found)} of 8", *found))


def _has_all(operator: Operator, *words: str) -> bool:
    return all(word in operator.text for word in words)


async def test_a_task_that_waits_for_a_machine_has_nothing_to_review(platform: Platform, tmp_path: Path) -> None:
    async with dashboard_with_waits(platform, tmp_path, (120, 40)) as operator:
        await operator.click("○ webhook")
        await operator.until(lambda: "waits for a machine: webhook" in operator.text)
        await operator.press("a")
        await operator.until(lambda: "it waits for a machine: it goes on when its webhook is called" in operator.text)
        assert isinstance(operator.app.screen, TaskListScreen)
        await operator.press("enter")
        await operator.until(lambda: isinstance(operator.app.screen, TaskScreen) and "○ webhook" in operator.text)


async def test_what_is_asked_is_shown_in_its_own_words_with_where_it_is_given(
    platform: Platform, tmp_path: Path
) -> None:
    async with dashboard_with_waits(platform, tmp_path, (200, 50)) as operator:
        await operator.click("◇ secret asked")
        await operator.until(lambda: "the secret is entered in the platform's cha" in operator.text)
        assert operator.text.count("TOKEN, to read the mail") >= 2  # in its row, and in the peek
        await operator.click("◇ held call")
        await operator.until(lambda: "Run shell.run?" in operator.text)
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        await operator.until(lambda: "Settings > Approvals" in operator.text)
        await operator.press("A", "R")
        assert operator.sent == []


@pytest.mark.parametrize(("agent", "words"), [("courier", "○ webhook"), ("onboarder", "◇ secret asked")])
async def test_the_demo_shows_waits_that_end_elsewhere_and_by_themselves(
    serve: Serve, tmp_path: Path, agent: str, words: str
) -> None:
    async with serve(pace=10.0) as here:
        request = {"input": {"text": "Go"}, "title": "Go", "events_streaming": True}
        made = here.local.platform.create(agent, request)
        await here.until(made["id"], "paused")
        async with open_dashboard(here, tmp_path, (80, 24)) as operator:
            await operator.until(lambda: words in operator.text)
