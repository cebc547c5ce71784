"""Event lines: the items of the event pane, and how each is written in one line or wrapped into several."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.json_values import EPOCH
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
MAX_LINE_CHARS = 300
MAX_WRAPPED_CHARS = 4_000
"""Maximum characters of an item that is wrapped or written as JSON."""
CLOCK_CHARS = 8
KIND_CHARS = 18
PREFIX_CELLS = 1 + CLOCK_CHARS + 1 + KIND_CHARS + 1
"""Cells before the text of an event: the mark, its time and its kind, with a space after each of the two."""
MIN_WRAP_CELLS = 16


class UnreadEntries(NamedTuple):
    """The entries of a large log, each read when it is drawn; `first` is the item number of the first one."""

    log: Sequence[Entry]
    first: int


class EventItem(Struct, frozen=True, gc=False):
    """An item of the event pane: an event, a log entry, a gap or a new state of the connection."""

    number: int
    at: datetime | None
    source: Event | Entry | Gap | Link | UnreadEntries
    placed_at: datetime = EPOCH
    """The time by which it is placed among the others: that of the item before it, if it has none of its own."""

    @property
    def is_filled_in(self) -> bool:
        """Whether it was filled in from the log, not told by the stream."""
        return isinstance(self.source, Entry | UnreadEntries)

    @property
    def content(self) -> Event | Entry | Gap | Link:
        """The content of the item; an unread entry is read now."""
        if isinstance(self.source, UnreadEntries):
            return self.source.log[self.number - self.source.first]
        return self.source

    @property
    def kind(self) -> str:
        """The kind of the item, in one word."""
        match self.content:
            case Event() as event:
                return event.type
            case Entry() as entry:
                return f"~{entry_code(entry)}"
            case Gap():
                return "gap"
            case _:
                return "link"


class EventLines:
    """Writes items as lines, and caches the lines."""

    def __init__(self, ui: UIContext) -> None:
        self._ui = ui
        self.wraps = False
        """Wrap a long line instead of cutting it."""
        self.raw = False
        """Write an item as the JSON that the platform sent."""
        self._cache: dict[int, list[list[StyledText]]] = {}

    def clear(self) -> None:
        """Clear the cache."""
        self._cache.clear()

    def forget(self, number: int) -> None:
        """Forget the lines of the item with this number, whose content has changed."""
        self._cache.pop(number, None)

    def lines(self, item: EventItem, width: int) -> list[list[StyledText]]:
        """Return the lines of an item."""
        lines = self._cache.get(item.number)
        if lines is None:
            if len(self._cache) > MAX_CACHED_ITEMS:
                self._cache.clear()
            lines = self._cache[item.number] = self._write_lines(item, width)
        return lines

    def _write_lines(self, item: EventItem, width: int) -> list[list[StyledText]]:
        """Write an item as one line, or wrapped into several: time, kind and text."""
        clock = " " * CLOCK_CHARS
        if item.at:
            clock = f"{item.at.astimezone():%H:%M:%S}"
        style = self._style(item)
        kind = one_line(item.kind, longest=KIND_CHARS).ljust(KIND_CHARS)
        prefix = [StyledText(f"{clock} ", "faint"), StyledText(f"{kind} ", style)]
        text = StyledText(self.text(item), "faint" if style == "faint" else "")
        if not self.wraps:
            return [[*prefix, text]]
        lines = wrap([text], max(width - PREFIX_CELLS, MIN_WRAP_CELLS))
        indent = StyledText(" " * (PREFIX_CELLS - 1))  # without the mark, which the pane adds
        written_lines = [[indent, *line] for line in lines]
        written_lines[0] = [*prefix, *lines[0]]
        return written_lines

    def text(self, item: EventItem) -> str:
        """Return the text of an item, with secrets masked."""
        has_room = self.wraps or self.raw
        max_chars = MAX_WRAPPED_CHARS if has_room else MAX_LINE_CHARS
        match item.content:
            case Event() | Entry() as record if self.raw:
                return one_line(dumps(self._ui.redactor.json(record.raw)), longest=max_chars)
            case Event() as event:
                return event_text(event, self._ui.redactor)
            case Entry() as entry:
                return self._ui.safe(entry.label, max_chars)
            case Gap() as gap:
                filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
                return f"─ gap {humanize.exact_duration(gap.seconds)}, {filled} ─"
            case link:
                return self._ui.safe(str(link))

    def _style(self, item: EventItem) -> str:
        """Return the style of an item's kind."""
        match item.content:
            case Event(type="tool_call_result", data={"is_error": True}):
                return "failed"
            case Event() as event:
                return EVENT_STYLES.get(event.type, "")
            case Gap():
                return "strong"
            case _:
                return "faint"
