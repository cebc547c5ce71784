"""Events as lines: what came, and how it is written in one line or wrapped into as many as it takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.log_entries import Entry
from tui.domain import humanize
from tui.domain.activity_log import Gap
from tui.domain.entry_format import entry_code, event_text
from tui.security.sanitize import one_line
from tui.widgets.styled_text import StyledText, wrap
from tui.widgets.ui_context import UIContext

EVENT_STYLES = {
    "task_finished": "strong",
    "tool_call_request": "running",
    "auth_event": "need",
    "ask_user_questions": "need",
}
MAX_CACHED_ITEMS = 1_000
PREFIX_CELLS = 29
"""Cells before the text of an event: its time and its kind."""


class UnreadEntries(NamedTuple):
    """The entries of a large log, each to be read when it is looked at; the first of them has this number."""

    log: Sequence[Entry]
    first: int


class EventItem(Struct, frozen=True, gc=False):
    """Something that came, and when."""

    number: int
    at: datetime | None
    kept: Event | Entry | Gap | Link | UnreadEntries

    @property
    def about(self) -> Event | Entry | Gap | Link:
        """What it is."""
        return self.kept.log[self.number - self.kept.first] if isinstance(self.kept, UnreadEntries) else self.kept

    @property
    def kind(self) -> str:
        """A word for what it is."""
        match self.about:
            case Event() as event:
                return event.type
            case Entry() as entry:
                return f"~{entry_code(entry)}"
            case Gap():
                return "gap"
            case _:
                return "link"


class EventLines:
    """Writes items as lines, and keeps the lines of those that were written."""

    def __init__(self, ui: UIContext) -> None:
        self._ui = ui
        self.wraps = False
        """Whether a long line is wrapped, and not cut at the edge."""
        self.raw = False
        """Whether an item is written as JSON, as the platform wrote it."""
        self._known: dict[int, list[list[StyledText]]] = {}

    def clear(self) -> None:
        """Write everything anew when it is asked for."""
        self._known.clear()

    def lines(self, item: EventItem, width: int) -> list[list[StyledText]]:
        """Return the lines of an item."""
        known = self._known.get(item.number)
        if known is None:
            if len(self._known) > MAX_CACHED_ITEMS:
                self._known.clear()
            known = self._known[item.number] = self._write(item, width)
        return known

    def _write(self, item: EventItem, width: int) -> list[list[StyledText]]:
        clock = f"{item.at.astimezone():%H:%M:%S}" if item.at else " " * 8
        text, style = self.text(item), self._style(item)
        begin = [StyledText(f"{clock} ", "faint"), StyledText(f"{one_line(item.kind, longest=18):<18} ", style)]
        body = StyledText(text, "faint" if style == "faint" else "")
        if not self.wraps:
            return [[*begin, body]]
        first, *rest = wrap([body], max(width - PREFIX_CELLS, 16))
        return [[*begin, *first], *([StyledText(" " * (PREFIX_CELLS - 1)), *line] for line in rest)]

    def text(self, item: EventItem) -> str:
        """Return an item as text, with what is secret masked."""
        redactor = self._ui.redactor
        longest = 4000 if self.wraps or self.raw else 300
        match item.about:
            case Event() as event:
                return self._json(event, longest) if self.raw else event_text(event, redactor)
            case Entry() as entry:
                return self._json(entry, longest) if self.raw else self._ui.safe(entry.label, longest)
            case Gap() as gap:
                filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
                return f"─ gap {humanize.exact_duration(gap.seconds)}, {filled} ─"
            case link:
                return self._ui.safe(str(link))

    def _json(self, record: Entry | Event, longest: int) -> str:
        """As it was written, but for secrets."""
        return one_line(dumps(self._ui.redactor.json(record.raw)), longest=longest)

    def _style(self, item: EventItem) -> str:
        match item.about:
            case Event(type="tool_call_result", data={"is_error": True}):
                return "failed"
            case Event() as event:
                return EVENT_STYLES.get(event.type, "")
            case Gap():
                return "strong"
            case _:
                return "faint"
