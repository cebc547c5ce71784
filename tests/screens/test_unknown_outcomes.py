"""Actions whose outcome is unknown: reported on quitting, not sent again, and never called done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Serve
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, make_invoice, open_dashboard
from tui.client.client import Client
from tui.client.errors import ConnectionLost
from tui.client.models import Task
from tui.domain.action import Outcome
from tui.domain.state import TasksSeen
from tui.screens.confirm import ConfirmScreen
from tui.screens.review import ReviewScreen


def outcomes(operator: Operator) -> list[str]:
    """Return the outcomes in the journal."""
    return [line["outcome"] for line in operator.journal.lines() if line["kind"] == "done"]


async def never_answered(*_: Any) -> None:
    """Wait for an answer that never comes."""
    await asyncio.Event().wait()


def answers_lost(carried_out: Callable[[], object]) -> Callable[..., Any]:
    """Return an action whose answer is lost, after it was carried out or not."""

    async def act(*_: Any) -> None:
        carried_out()
        raise ConnectionLost("the connection broke")

    return act


async def test_quitting_while_an_approval_is_sent_reports_that_it_was_sent(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "approve", never_answered)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: operator.sent == ["approve"])
        app = operator.app
        app.exit()
    (action,) = await app.services.commands.interrupted()
    assert action.outcome is Outcome.UNKNOWN
    assert action.words.startswith("interrupted after it was sent: whether it was done, only the task tells")
    assert outcomes(operator) == ["unknown"]


@pytest.mark.parametrize("kind", ["held", "sent"])
async def test_a_hold_that_cannot_be_journaled_is_reported_and_keys_work_again(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        write, fails = operator.journal.write, True

        def sometimes_fails(told: str, **more: Any) -> None:
            if fails and told == kind:
                raise OSError(28, "No space left on device")
            write(told, **more)

        monkeypatch.setattr(operator.journal, "write", sometimes_fails)
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "the journal cannot be written" in operator.text)
        fails = False
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: invoice(operator)["status"] != "paused")
        assert operator.sent == ["approve"]


async def test_an_approval_that_may_have_been_done_is_not_sent_again_from_any_screen(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "approve", answers_lost(lambda: None))
    monkeypatch.setattr("tui.services.confirmation.CONFIRMATION_SECONDS", 0.5)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "no clear answer came" in operator.text)
        await operator.press("escape", "a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "approve was sent before" in operator.text)
        assert operator.sent == ["approve"]
        assert outcomes(operator) == ["unknown", "already sent"]


async def test_a_stop_that_may_have_been_done_is_shown_before_it_is_sent_again(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.services.confirmation.CONFIRMATION_SECONDS", 0.5)
    async with serve() as here:
        task = here.local.platform.create("your-agent", {"input": {"text": "work"}, "title": "Work"})
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Work" in operator.text)
            stop = operator.app.client.stop
            monkeypatch.setattr(Client, "stop", answers_lost(lambda: None))
            await operator.press("X")
            await operator.until(lambda: isinstance(operator.app.screen, ConfirmScreen))
            await operator.press("tab", "enter")
            await operator.until(lambda: "no clear answer came" in operator.toasts())
            monkeypatch.setattr(Client, "stop", lambda _, task_id: stop(task_id))
            await operator.press("X")
            await operator.until(lambda: "stop was sent before" in operator.text)
            await operator.press("tab", "enter")
            await operator.until(lambda: here.local.store.task(task["id"])["status"] == "stopped")  # type: ignore[index]
            assert operator.sent == ["stop", "stop"]


async def test_the_record_of_another_task_is_never_reviewed(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        task_of = operator.here.local.platform.task

        def lie(task_id: str) -> dict[str, Any]:
            return {**task_of(task_id), "id": "another"}

        monkeypatch.setattr(operator.here.local.platform, "task", lie)
        await operator.press("a")
        await operator.until(lambda: isinstance(operator.app.screen, ReviewScreen))
        await operator.until(lambda: "the platform answered with task 'another'" in operator.text)
        await operator.pilot.pause(1.0)
        await operator.press("A")
        assert operator.sent == []


async def test_a_stop_relies_on_the_record_and_not_on_an_event(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here:
        task = here.local.platform.create("your-agent", {"input": {"text": "work"}, "title": "Work"})
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Work" in operator.text)
            lie = {**task, "status": "completed", "updated_at": "2099-01-01T00:00:00Z"}
            operator.app.services.store.add(TasksSeen((Task.from_value(lie),), operator.app.ui.now()))
            await operator.until(lambda: "✓ completed" in operator.text)
            await operator.press("down", "X")
            await operator.until(lambda: isinstance(operator.app.screen, ConfirmScreen))
            await operator.press("tab", "enter")
            await operator.until(lambda: here.local.store.task(task["id"])["status"] == "stopped")  # type: ignore[index]


async def test_a_bulk_review_shows_who_asks_for_what_and_why(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, size=(120, 50)) as operator:
        make_invoice(operator.here, 8)
        await operator.until(lambda: "2 need you" in operator.text and "‖ paused" not in operator.text)
        await operator.press("home", "space", "space", "a")
        await operator.until(lambda: "the agent's last message, unverified" in operator.text)
        assert "Invoice bot (invoice-bot)" in operator.text
