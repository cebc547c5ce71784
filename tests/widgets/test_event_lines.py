"""EventLines: events cut or wrapped, as words or as JSON, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.cells import cell_len

from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.domain.activity_log import Gap
from tui.security.redact import Redactor
from tui.widgets.event_lines import EventItem, EventLines
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECRET = "sk-secret-of-mine-123456"


def lines_of(item: EventItem, width: int = 60, *, wraps: bool = False, raw: bool = False) -> list[str]:
    """Return the lines of an item as text."""
    lines = EventLines(UIContext(lambda: NOW, Redactor([SECRET]), "test"))
    lines.wraps, lines.raw = wraps, raw
    return ["".join(piece.text for piece in line) for line in lines.lines(item, width)]


def event(text: str) -> EventItem:
    """Return a thought from the stream."""
    return EventItem(1, NOW, Event.from_value({"type": "think", "task_id": "t", "data": {"thought": text}}))


def test_an_event_is_cut_to_one_line_or_wrapped() -> None:
    long = event("word " * 40)
    assert len(lines_of(long)) == 1
    wrapped = lines_of(long, wraps=True)
    assert len(wrapped) > 3
    assert all(cell_len(line.rstrip()) <= 60 for line in wrapped)
    assert all(line.startswith(" " * 28) for line in wrapped[1:])


def test_raw_lines_are_the_received_json_without_secrets() -> None:
    (line,) = lines_of(event(f"key {SECRET}"), 200, raw=True)
    assert '"thought"' in line
    assert SECRET not in line
    assert SECRET not in lines_of(event(f"key {SECRET}"))[0]


def test_gaps_and_link_changes_have_lines_too() -> None:
    assert "─ gap 3.0s, 2 back-filled ─" in lines_of(EventItem(1, NOW, Gap(NOW, 3.0, 2)))[0]
    assert "not filled yet" in lines_of(EventItem(1, NOW, Gap(NOW, 3.0)))[0]
    assert lines_of(EventItem(1, None, Link(LinkState.LIVE)))[0].startswith(" " * 9 + "link")


def test_lines_are_cached_until_they_are_cleared() -> None:
    lines = EventLines(UIContext(lambda: NOW, Redactor(), "test"))
    item = event("word " * 40)
    assert len(lines.lines(item, 60)) == 1
    lines.wraps = True
    assert len(lines.lines(item, 60)) == 1
    lines.clear()
    assert len(lines.lines(item, 60)) > 1
