"""The live events of a task, a line each; it follows them until somebody scrolls up."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count, repeat
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry
from tui.domain.activity_log import Gap
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen
from tui.security.sanitize import one_line
from tui.widgets.event_lines import EventItem, EventLines, UnreadEntries
from tui.widgets.styled_text import StyledLine, StyledText
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

MAX_EVENTS = 20_000
"""How many events are kept; the activity log has everything."""
FLOOD_REDRAW_SECONDS = 1 / 15
"""Seconds between two looks at more than a view holds: nobody could read it sooner."""
EventLine = tuple[EventItem, int]
"""One line on the screen: an item, and which of its wrapped lines."""


class EventPane(VirtualList):
    """Events as they come."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", show=False, id="events.follow"),
        Binding("p", "pause", "Pause", show=False, id="events.pause"),
        Binding("o", "only", "Only this kind", show=False, id="events.only"),
        Binding("w", "wrap", "Wrap", show=False, id="events.wrap"),
        Binding("W", "raw", "Raw JSON", show=False, id="events.raw"),
        Binding("space", "mark", "Mark this line", show=False, id="events.mark"),
        Binding("apostrophe", "marked", "Next mark", show=False, id="events.marked"),
    ]

    class Changed(Message):
        """What the pane's title tells has changed."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._items: list[EventItem] = []
        self._coming: list[EventItem] = []
        """What has come since it was drawn."""
        self._drawn_at = 0.0
        self._waking: Timer | None = None
        self._held: list[EventItem] = []
        self._views: list[EventLine] = []
        self._lines = EventLines(ui)
        self._chunk = False
        self._only = ""
        self._words = ""
        self._marks: set[int] = set()
        self.follows = True
        self.is_paused = False
        self.unseen = 0
        self.total = 0

    # Taking in

    def take(self, changes: Iterable[Change]) -> None:
        """Take in what happened to the task."""
        fresh = [item for change in changes for item in self._items_of(change)]
        if not fresh:
            return
        if self.is_paused:
            self._held += fresh
            del self._held[:-MAX_EVENTS]
            self.post_message(self.Changed())
            return
        self._coming += fresh
        del self._coming[:-MAX_EVENTS]
        rest = self._drawn_at + FLOOD_REDRAW_SECONDS - time.monotonic()
        if rest <= 0 or len(self._coming) < self.size.height:
            self._show_coming()
        elif self._waking is None:
            self._waking = self.set_timer(rest, self._show_coming)

    @property
    def is_behind(self) -> bool:
        """Whether something has come that is not shown yet."""
        return bool(self._coming)

    def _show_coming(self) -> None:
        """Show what has come."""
        if self._waking is not None:
            self._waking.stop()
            self._waking = None
        coming, self._coming, self._drawn_at = self._coming, [], time.monotonic()
        self._append(coming)
        self.post_message(self.Changed())

    def _items_of(self, change: Change) -> Iterable[EventItem]:
        match change:
            case EventSeen(_, event, at):
                is_more = event.chunk is not None and self._chunk
                self._chunk = event.chunk is not None
                if not is_more:
                    yield self._item(event.time or at, event)
            case LogSeen(fresh=LazyEntries() as log):
                place, unread = max(len(log) - MAX_EVENTS // 2, 0), UnreadEntries(log, self.total + 1)
                self.total += len(log)
                yield from map(EventItem, count(unread.first + place), log.times[place:], repeat(unread))
            case LogSeen(fresh=fresh):
                for entry in fresh:
                    yield self._item(entry.created_at, entry)
            case GapSeen(_, gap):
                yield self._item(gap.at, gap)
            case LinkSeen(_, link, at):
                yield self._item(at, link)

    def _item(self, at: datetime | None, about: Event | Entry | Gap | Link) -> EventItem:
        self.total += 1
        return EventItem(self.total, at, about)

    def _append(self, fresh: list[EventItem]) -> None:
        self._items += fresh
        before = self.rows_will_change()
        self._views += self._viewed(fresh)
        if len(self._items) > MAX_EVENTS:
            del self._items[: -MAX_EVENTS // 2]  # by halves, so that not every event cuts
            del self._views[: self._first(self._items[0].number)]
            self._lines.clear()
        self._shown(before, len(fresh))

    def _viewed(self, items: Sequence[EventItem]) -> Iterable[EventLine]:
        """The lines of those items that are wanted."""
        if self._only or self._words:
            items = [item for item in items if self._is_wanted(item)]
        if not self._lines.wraps:
            return zip(items, repeat(0), strict=False)
        width = self.scrollable_content_region.width
        return [(item, part) for item in items for part in range(len(self._lines.lines(item, width)))]

    def _first(self, number: int) -> int:
        """Where the first line of an item is, or of the next one that has any."""
        return bisect_left(self._views, number, key=lambda view: view[0].number)

    def _shown(self, before: tuple[object, int], fresh: int) -> None:
        self.rows_changed((None, 0) if self.follows else before)
        if self.follows:
            self.move_to(len(self._views) - 1)
            self.call_after_refresh(self.show_cursor)  # its height may be known only then
        else:
            self.unseen += fresh

    def _rebuild(self) -> None:
        """Choose and wrap anew."""
        before = self.rows_will_change()
        self._lines.clear()
        self._views = [*self._viewed(self._items)]
        self._shown(before, 0)
        self.post_message(self.Changed())

    def _is_wanted(self, item: EventItem) -> bool:
        if self._only and item.kind != self._only:
            return False
        return not self._words or self._words in f"{item.kind} {self._lines.text(item)}".casefold()

    # Drawing

    def count(self) -> int:
        """How many lines there are."""
        return len(self._views)

    def key_of(self, index: int) -> object:
        """The item's number, and the line of it."""
        item, part = self._views[index]
        return item.number, part

    def index_of(self, key: object) -> int | None:
        """Where that line is."""
        if not isinstance(key, tuple) or (place := self._place(key[0])) is None:
            return None
        return min(place + int(key[1]), len(self._views) - 1)

    def _place(self, number: int) -> int | None:
        place = self._first(number)
        return place if place < len(self._views) and self._views[place][0].number == number else None

    def pieces(self, index: int, width: int) -> StyledLine:
        """One line."""
        item, part = self._views[index]
        lines = self._lines.lines(item, width)
        mark = StyledText("*" if item.number in self._marks and not part else " ", "marked")
        return [mark, *lines[min(part, len(lines) - 1)]]

    # Doing

    @property
    def chosen(self) -> object:
        """What the line under the cursor is about."""
        return self._views[self.cursor][0].about if self.cursor < len(self._views) else None

    def on_resize(self) -> None:
        """Wrap anew."""
        super().on_resize()
        if self._lines.wraps:
            self._rebuild()

    def watch_cursor(self, before: int, after: int) -> None:
        """Going up stops following, reaching the end begins it again."""
        super().watch_cursor(before, after)
        if self.has_focus:
            at_end = after >= len(self._views) - 1
            if at_end != self.follows:
                self.follows = at_end
                self.unseen = 0 if at_end else self.unseen
                self.post_message(self.Changed())

    def action_follow(self) -> None:
        """Follow, or stay."""
        self.follows = not self.follows
        self.unseen = 0
        if self.follows:
            self.move_to(len(self._views) - 1)
        self.post_message(self.Changed())

    def action_pause(self) -> None:
        """Show nothing new for a while; receiving goes on."""
        self._show_coming()
        self.is_paused = not self.is_paused
        if not self.is_paused and self._held:
            held, self._held = self._held, []
            self._append(held)
        self.post_message(self.Changed())

    def narrow(self, words: str) -> int:
        """Show only what has these words; how many lines that is."""
        self._words = words.casefold()
        self._rebuild()
        return len(self._views)

    def action_only(self) -> None:
        """Only what is of the kind under the cursor, or everything again."""
        if self._only:
            self._only = ""
        elif self.cursor < len(self._views):
            self._only = self._views[self.cursor][0].kind
        self._rebuild()

    def action_wrap(self) -> None:
        """Long lines wrapped, or cut at the edge."""
        self._lines.wraps = not self._lines.wraps
        self._rebuild()

    def action_raw(self) -> None:
        """As the platform wrote it, or told."""
        self._lines.raw = not self._lines.raw
        self._rebuild()

    def action_mark(self) -> None:
        """Mark the line, or not any more."""
        if self.cursor < len(self._views):
            self._marks ^= {self._views[self.cursor][0].number}
            self.refresh()

    def action_marked(self) -> None:
        """Go to the next mark, from the last to the first."""
        places = [place for number in sorted(self._marks) if (place := self._place(number)) is not None]
        if places:
            self.move_to(next((place for place in places if place > self.cursor), places[0]))

    @property
    def state(self) -> str:
        """What its title tells."""
        told = [f"{self.total:,}"]
        if self.is_paused:
            told.append(f"paused, {len(self._held):,} held")
        else:
            told.append("follow" if self.follows else f"not following, {self.unseen:,} new")
        told += [f"only {one_line(self._only)}"] if self._only else []
        told += [f"with “{one_line(self._words, longest=30)}”"] if self._words else []
        told += [word for word, is_so in (("wrapped", self._lines.wraps), ("raw", self._lines.raw)) if is_so]
        return "  ".join(told)
