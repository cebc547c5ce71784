"""WaitingNotifier: the window title, the bell, and the notice of a task that needs a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual import events

from tests.app.stub import StubApp
from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice, make_invoice
from tui.app.app import XpTui
from tui.app.terminal import notification_sequence, window_title_sequence
from tui.app.waiting_notifier import WaitingNotifier
from tui.client.models import Agent, Task
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.state import AgentsSeen, Change, State, TasksSeen, WaitRead
from tui.security.redact import Redactor
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class NotifierSetup:
    """A notifier, and the bells, notices and titles that it made."""

    def __init__(self) -> None:
        self.app = StubApp()
        self.written: list[str] = []
        self.has_baseline = True
        ui = UIContext(lambda: NOW, Redactor(), "test")
        self.notifier = WaitingNotifier(self.app, ui, self.written.append, lambda: self.has_baseline)
        self.state = State()
        self._minutes = 0

    def see(self, task_id: str, status: str, **fields: object) -> None:
        """Give a task a status, and read for what it waits."""
        at = self.list(task_id, status, **fields)
        self.apply(WaitRead(task_id, at))

    def apply(self, change: Change) -> None:
        """Apply a change to the state."""
        self.state = self.state.after([change])
        self.notifier.update(self.state, ())

    def list(self, task_id: str, status: str, **fields: object) -> datetime:
        """Give a task a status, as a list reports it."""
        self._minutes += 1
        at = NOW + timedelta(minutes=self._minutes)
        raw = {"id": task_id, "title": f"Task {task_id}", "status": status, "updated_at": at.isoformat()}
        self.apply(TasksSeen((Task.from_value({"agent_id": "w", **raw, **fields}),), at))
        return at


def test_the_window_title_counts_the_tasks_that_need_a_person() -> None:
    notified = NotifierSetup()
    notified.see("a", "executing")
    notified.see("a", "paused")
    notified.see("b", "paused")
    notified.see("a", "completed")
    words = ["xp-tui", "1 need you · xp-tui", "2 need you · xp-tui", "1 need you · xp-tui"]
    assert notified.written == [window_title_sequence(one) for one in words]
    assert notified.notifier.waiting == {"b"}


def test_tasks_that_waited_before_all_lists_were_read_are_not_announced() -> None:
    notified = NotifierSetup()
    notified.has_baseline = False
    notified.see("a", "paused")
    assert notified.app.notices == []
    notified.has_baseline = True
    notified.see("b", "paused")
    assert notified.app.notices == ["Needs you: Task b"]


def test_a_wait_is_announced_once_it_is_known_for_what_and_never_for_a_machine() -> None:
    """C7: a task that waits for a webhook looked as if it needed a person until its workflow was read."""
    hook = {"id": "hook", "type": "wait", "definition": {"type": "webhook"}}
    notified = NotifierSetup()
    at = notified.list("parcel", "paused", last_executed_node_id="hook")
    notified.list("bare", "paused", hitl_request={"wait_node_id": "hook"})
    notified.list("silent", "paused")
    assert (notified.app.notices, notified.notifier.waiting) == ([], frozenset())
    notified.apply(AgentsSeen((Agent.from_value({"id": "w", "orchestration_nodes": [hook]}),), at))
    for name in ("parcel", "bare"):
        notified.apply(WaitRead(name, at + timedelta(minutes=9)))
    assert notified.app.notices == []
    notified.apply(WaitRead("silent", at + timedelta(minutes=9), has_failed=True))
    assert notified.app.notices == ["Needs you: Task silent"]


def test_the_bell_rings_only_while_the_terminal_is_not_in_focus() -> None:
    notified = NotifierSetup()
    notified.see("a", "paused")
    assert notified.app.bells == 0
    notified.app.app_focus = False
    notified.see("b", "paused")
    assert notified.app.bells == 1
    assert notified.written[-1] == notification_sequence("2 need you · xp-tui")


def test_the_window_title_never_says_nothing_when_nothing_is_known() -> None:
    """Point 9: before all lists were read, and while they cannot be read, the title says so."""
    notified = NotifierSetup()
    notified.has_baseline = False
    notified.notifier.update_status(ListStatus())
    notified.see("a", "paused")
    notified.notifier.update_status(ListStatus(ListLink.NOT_AUTHORIZED))
    notified.has_baseline = True
    notified.notifier.update_status(ListStatus(ListLink.LIVE))
    notified.notifier.update_status(ListStatus(ListLink.RETRYING))
    notified.notifier.update_status(ListStatus(ListLink.OFFLINE))
    notified.see("a", "completed")
    words = [
        "? need you · xp-tui", "1+ need you · xp-tui", "1+ need you · not authorized · xp-tui", "1 need you · xp-tui",
        "1 need you · offline · xp-tui", "offline · xp-tui",
    ]  # fmt: skip
    assert notified.written == [window_title_sequence(one) for one in words]


def test_a_task_that_waits_for_a_machine_needs_nobody() -> None:
    notified = NotifierSetup()
    raw = {"id": "m", "status": "paused", "process": {"wake": "2027-01-01T00:00:00Z"}}
    notified.notifier.update(State().after([TasksSeen((Task.from_value(raw),), NOW)]), ())
    assert notified.notifier.waiting == frozenset()
    assert notified.app.notices == []


async def test_the_dashboard_rings_for_a_new_wait_while_it_is_not_in_focus(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    monkeypatch.setattr("tui.app.app.write_to_terminal", lambda app, sequence: written.append(sequence))
    monkeypatch.setattr(XpTui, "bell", lambda self: written.append("bell"))
    monkeypatch.delenv("TMUX", raising=False)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        await operator.until(lambda: written[-1] == "\x1b]0;1 need you · xp-tui\x07")
        operator.app.post_message(events.AppBlur())
        make_invoice(operator.here, 8)
        await operator.until(lambda: "\x1b]9;2 need you · xp-tui\x07" in written)
        assert "bell" in written
        await operator.until(lambda: "Pay invoice 8" in operator.toasts())
