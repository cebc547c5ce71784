"""The event pane: the live events of a task, which it follows until the operator scrolls up."""

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
from tui.widgets.virtual_list import CursorPosition, VirtualList

MAX_EVENTS = 20_000
"""Maximum items that the pane keeps; the activity log has all of them."""
FLOOD_REDRAW_SECONDS = 1 / 15
"""Seconds between two redraws while more items arrive than fit in the view: nobody can read faster."""
MAX_CHARS_IN_TITLE = 30
EventRow = tuple[EventItem, int]
"""A row of the pane: its item, and the index among the item's wrapped lines; a bare tuple, because floods make many."""
START = CursorPosition(None, 0)


class EventPane(VirtualList):
    """A list of a task's events as they arrive."""

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
        """A message that the pane's title has changed."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._items: list[EventItem] = []
        self._pending_items: list[EventItem] = []
        """The items that have arrived since the last redraw."""
        self._paused_items: list[EventItem] = []
        """The items that have arrived since the pane was paused."""
        self._drawn_at = 0.0
        self._redraw_timer: Timer | None = None
        self._rows: list[EventRow] = []
        self._lines = EventLines(ui)
        self._is_in_chunks = False
        """Whether the latest event was a chunk of a text: of its chunks only the first is listed."""
        self._only_kind = ""
        self._search_words = ""
        self._marked_numbers: set[int] = set()
        """The numbers of the marked items."""
        self.follows = True
        self.is_paused = False
        self.unseen_count = 0
        self.total = 0

    # Adding items

    def add_changes(self, changes: Iterable[Change]) -> None:
        """Add the items of changes to the task."""
        items = [item for change in changes for item in self._items_of(change)]
        if not items:
            return
        if self.is_paused:
            self._paused_items += items
            del self._paused_items[:-MAX_EVENTS]
            self.post_message(self.Changed())
            return
        self._pending_items += items
        del self._pending_items[:-MAX_EVENTS]
        seconds_to_wait = self._drawn_at + FLOOD_REDRAW_SECONDS - time.monotonic()
        is_flood = len(self._pending_items) >= self.size.height
        if seconds_to_wait <= 0 or not is_flood:
            self._show_pending()
        elif self._redraw_timer is None:
            self._redraw_timer = self.set_timer(seconds_to_wait, self._show_pending)

    @property
    def is_behind(self) -> bool:
        """Whether the pane is behind: items have arrived that are not shown yet."""
        return bool(self._pending_items)

    def _show_pending(self) -> None:
        """Show the pending items now, and stop the timer that would show them later."""
        if self._redraw_timer is not None:
            self._redraw_timer.stop()
            self._redraw_timer = None
        items = self._pending_items
        self._pending_items = []
        self._drawn_at = time.monotonic()
        self._append(items)
        self.post_message(self.Changed())

    def _items_of(self, change: Change) -> Iterable[EventItem]:
        """Yield the items of a change; of the chunks of one text, only the first is an item."""
        match change:
            case EventSeen(_, event, at):
                was_in_chunks = self._is_in_chunks
                self._is_in_chunks = event.chunk is not None
                is_later_chunk = was_in_chunks and self._is_in_chunks
                if not is_later_chunk:
                    yield self._new_item(event.time or at, event)
            case LogSeen(fresh=LazyEntries() as log):
                yield from self._unread_items(log)
            case LogSeen(fresh=entries):
                for entry in entries:
                    yield self._new_item(entry.created_at, entry)
            case GapSeen(_, gap):
                yield self._new_item(gap.at, gap)
            case LinkSeen(_, link, at):
                yield self._new_item(at, link)

    def _unread_items(self, log: LazyEntries) -> Iterable[EventItem]:
        """Return items for the last entries of a large log, none of which is read before it is drawn."""
        unread = UnreadEntries(log, self.total + 1)
        self.total += len(log)
        skipped = max(len(log) - MAX_EVENTS // 2, 0)
        numbers = count(unread.first + skipped)
        return map(EventItem, numbers, log.times[skipped:], repeat(unread))

    def _new_item(self, at: datetime | None, content: Event | Entry | Gap | Link) -> EventItem:
        """Return a new item with the next number."""
        self.total += 1
        return EventItem(self.total, at, content)

    def _append(self, items: list[EventItem]) -> None:
        """Append items and show their rows; the oldest items are removed if there are more than `MAX_EVENTS`."""
        self._items += items
        cursor_before = self.rows_will_change()
        self._rows += self._rows_of(items)
        if len(self._items) > MAX_EVENTS:
            del self._items[: -MAX_EVENTS // 2]  # half of them at once, because each removal is slow
            first_kept_row = self._first_index_from(self._items[0].number)
            del self._rows[:first_kept_row]
            self._lines.clear()
        self._show_rows(cursor_before, len(items))

    # Rows

    def _rows_of(self, items: Sequence[EventItem]) -> Iterable[EventRow]:
        """Return the rows of the items that the filters let through."""
        if self._only_kind or self._search_words:
            items = [item for item in items if self._is_wanted(item)]
        if not self._lines.wraps:
            return zip(items, repeat(0), strict=False)
        width = self.scrollable_content_region.width
        return [(item, line) for item in items for line in range(len(self._lines.lines(item, width)))]

    def _is_wanted(self, item: EventItem) -> bool:
        """Return whether the filters let an item through: it is of the kind, and has the words."""
        if self._only_kind and item.kind != self._only_kind:
            return False
        if not self._search_words:
            return True
        return self._search_words in f"{item.kind} {self._lines.text(item)}".casefold()

    def _first_index_from(self, number: int) -> int:
        """Return the index of the first row of the item with this number, or of the next item with rows."""
        return bisect_left(self._rows, number, key=lambda row: row[0].number)

    def _first_index(self, number: int) -> int | None:
        """Return the index of the first row of the item with this number; None if it has no row."""
        index = self._first_index_from(number)
        if index == len(self._rows) or self._rows[index][0].number != number:
            return None
        return index

    def _show_rows(self, cursor_before: CursorPosition, new_count: int) -> None:
        """Show the changed rows; go to the last one while following, else count the new items as unseen."""
        if not self.follows:
            self.rows_changed(cursor_before)
            self.unseen_count += new_count
            return
        self.rows_changed(START)
        self.move_to(len(self._rows) - 1)
        self.call_after_refresh(self.show_cursor)  # the pane's height may be unknown until then

    def _rebuild(self) -> None:
        """Filter and wrap all items again."""
        cursor_before = self.rows_will_change()
        self._lines.clear()
        self._rows = list(self._rows_of(self._items))
        self._show_rows(cursor_before, 0)
        self.post_message(self.Changed())

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """Return the key of a row: its item's number, and the index among the item's lines."""
        item, line = self._rows[index]
        return item.number, line

    def index_of(self, key: object) -> int | None:
        """Return the index of the row with this key; the item may have fewer lines than before."""
        if not isinstance(key, tuple):
            return None
        number, line = key
        first_index = self._first_index(number)
        if first_index is None:
            return None
        return min(first_index + int(line), len(self._rows) - 1)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text."""
        item, line = self._rows[index]
        lines = self._lines.lines(item, width)
        mark = " "
        if line == 0 and item.number in self._marked_numbers:
            mark = "*"
        # The item may have fewer lines than rows until a resize has been handled.
        text = lines[min(line, len(lines) - 1)]
        return [StyledText(mark, "marked"), *text]

    @property
    def selected(self) -> object:
        """The content of the item that the cursor has selected."""
        if self.cursor >= len(self._rows):
            return None
        return self._rows[self.cursor][0].content

    # Commands

    def on_resize(self) -> None:
        """Wrap the lines again after a resize."""
        super().on_resize()
        if self._lines.wraps:
            self._rebuild()

    def watch_cursor(self, before: int, after: int) -> None:
        """Watch the cursor: following stops when it goes up, and starts again when it reaches the end."""
        super().watch_cursor(before, after)
        if not self.has_focus:
            return
        is_at_end = after >= len(self._rows) - 1
        if is_at_end != self.follows:
            self.follows = is_at_end
            if is_at_end:
                self.unseen_count = 0
            self.post_message(self.Changed())

    def action_follow(self) -> None:
        """Follow new events, or stop following."""
        self.follows = not self.follows
        self.unseen_count = 0
        if self.follows:
            self.move_to(len(self._rows) - 1)
        self.post_message(self.Changed())

    def action_pause(self) -> None:
        """Pause or resume; while it is paused, the pane keeps new events and does not show them."""
        self._show_pending()
        self.is_paused = not self.is_paused
        has_items_to_show = not self.is_paused and bool(self._paused_items)
        if has_items_to_show:
            items = self._paused_items
            self._paused_items = []
            self._append(items)
        self.post_message(self.Changed())

    def narrow(self, words: str) -> int:
        """Narrow the list to events with these words; return the number of rows left."""
        self._search_words = words.casefold()
        self._rebuild()
        return len(self._rows)

    def action_only(self) -> None:
        """Show only events of the kind under the cursor, or all kinds again."""
        if self._only_kind:
            self._only_kind = ""
        elif self.cursor < len(self._rows):
            self._only_kind = self._rows[self.cursor][0].kind
        self._rebuild()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them at the edge."""
        self._lines.wraps = not self._lines.wraps
        self._rebuild()

    def action_raw(self) -> None:
        """Switch between raw JSON and formatted text."""
        self._lines.raw = not self._lines.raw
        self._rebuild()

    def action_mark(self) -> None:
        """Mark or unmark the event under the cursor."""
        if self.cursor < len(self._rows):
            self._marked_numbers ^= {self._rows[self.cursor][0].number}
            self.refresh()

    def action_marked(self) -> None:
        """Go to the next marked event; after the last, to the first."""
        all_indexes = map(self._first_index, sorted(self._marked_numbers))
        indexes = [index for index in all_indexes if index is not None]
        if not indexes:
            return
        indexes_below = (index for index in indexes if index > self.cursor)
        self.move_to(next(indexes_below, indexes[0]))

    @property
    def title_text(self) -> str:
        """The text for the pane's title: the number of events, and every filter and option in use."""
        words = [f"{self.total:,}"]
        if self.is_paused:
            words.append(f"paused, {len(self._paused_items):,} held")
        elif self.follows:
            words.append("follow")
        else:
            words.append(f"not following, {self.unseen_count:,} new")
        if self._only_kind:
            words.append(f"only {one_line(self._only_kind)}")
        if self._search_words:
            words.append(f"with “{one_line(self._search_words, longest=MAX_CHARS_IN_TITLE)}”")
        if self._lines.wraps:
            words.append("wrapped")
        if self._lines.raw:
            words.append("raw")
        return "  ".join(words)
