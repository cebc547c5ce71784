"""The parts that the screen of a task shows of a row, an event, and the task itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.domain.activity_sources import call, delegation
from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.client.task_rows import TaskRow
from tui.domain.activity_log import Gap
from tui.domain.state import LogSeen, State, TasksSeen
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.screens.task_parts import event_parts, row_parts
from tui.screens.task_title import live_state, styled_progress
from tui.security.redact import Redactor
from tui.widgets.document_layout import Part
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
UI = UIContext(lambda: NOW, Redactor(), "test")


def state_of(*entries: dict[str, Any], **about: Any) -> State:
    """Return a state with the task t, its sub-task c, and the log of t."""
    tasks = (
        Task.from_value({"id": "t", "status": "executing", **about}),
        Task.from_value({"id": "c", "parent_task_id": "t"}),
    )
    return State().after([TasksSeen(tasks, NOW), LogSeen("t", Log(tuple(map(parse_entry, entries))), NOW)])


def headings(parts: list[Part] | None) -> list[str]:
    """Return the headings of these parts."""
    assert parts is not None
    return [part.heading for part in parts]


def test_a_row_is_shown_by_its_entry_before_the_sub_task_that_it_started() -> None:
    state = state_of(delegation("d", "c"))
    activity = state.activity("t")
    assert activity is not None
    row = TreeRow(0, "t", activity.nodes[0], child_id="c")
    assert headings(row_parts(row, state, "t", "a")) == ["asked", "files", "whole entry"]
    assert headings(row_parts(row._replace(node=None), state, "t", "a"))[2:] == ["task", "whole record"]


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (StatusRow("end", " ■ ", "completed"), ["result", "asked", "task", "whole record"]),
        (StatusRow("wait", " ‖ ", "waits: approval"), ["what it waits for: a opens the review", "what exactly"]),
        (StatusRow("gap 1", "───", "gap 3s"), [""]),
        (StatusRow("streaming", "AGT", "Hello"), ["AGT"]),
        (None, ["nothing to show"]),
        (TreeRow(0, "t", child_id="unknown"), ["nothing to show"]),
    ],
)
def test_a_row_without_an_entry_is_shown_too(row: TreeRow | StatusRow | None, shown: list[str]) -> None:
    assert headings(row_parts(row, state_of(call("x")), "t", "a")) == shown


def test_the_inspector_says_why_there_is_no_row() -> None:
    assert headings(row_parts(None, State(), "t", "a")) == ["a moment"]
    assert headings(row_parts(None, state_of(), "t", "a")) == ["nothing has happened yet"]


def test_an_event_is_shown_whole() -> None:
    event = Event.from_value({"type": "think", "task_id": "t", "data": {"thought": "hm"}})
    assert headings(event_parts(event)) == ["think", "whole event"]
    assert headings(event_parts(parse_entry(call("x"))))[-1] == "whole entry"
    assert headings(event_parts(Gap(NOW, 3.0))) == ["the stream was away"]
    assert headings(event_parts(Link(LinkState.LIVE))) == ["link"]
    assert event_parts(None) is None


def test_the_title_has_status_plan_and_tokens() -> None:
    began = (NOW - timedelta(seconds=90)).isoformat()
    about = {"started_at": began, "tokens": {"total_tokens": 1200}}
    state = state_of(call("x"), **about)
    task = state.task("t")
    assert task is not None
    words = "".join(piece.text for piece in styled_progress(task, state, NOW))
    assert words == "▶ executing  01:30  1.2k tok  "


def test_the_end_of_a_task_is_shown_before_the_state_of_its_stream() -> None:
    running, done = (
        TaskRow.from_value({"id": "t", "status": "executing"}),
        TaskRow.from_value({"id": "t", "status": "completed"}),
    )
    live = Link(LinkState.LIVE)
    assert live_state(running, live, "", UI).style == "running"
    assert live_state(running, None, "", UI).text == "● connecting "
    assert live_state(done, live, "", UI).text == "■ ended "
    assert live_state(done, live, "it is gone", UI).text == "● ended: it is gone "
