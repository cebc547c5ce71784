"""The event pane: the live events of a task, which it follows until the operator scrolls up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count, repeat
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from tui.client.event_stream import Link
from tui.client.events import Event
from tui.client.json_values import EPOCH
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry
from tui.domain.activity_log import Activity, Gap
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen
from tui.security.sanitize import one_line
from tui.widgets.event_lines import EventItem, EventLines, UnreadEntries
from tui.widgets.event_rows import MAX_EVENTS, EventRows, RowKey
from tui.widgets.styled_text import StyledLine, StyledText
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import CursorPosition, VirtualList

FLOOD_REDRAW_SECONDS = 1 / 15
"""Seconds between two redraws while more items arrive than fit in the view: nobody can read faster."""
MAX_CHARS_IN_TITLE = 30
MAX_LATE_LIVE = timedelta(seconds=30)
"""How much older than the newest live event another one may be that is still placed at its own time."""
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
        self._pending_items: list[EventItem] = []
        """The items that have arrived since the last redraw."""
        self._paused_items: list[EventItem] = []
        """The items that have arrived since the pane was paused."""
        self._drawn_at = 0.0
        self._redraw_timer: Timer | None = None
        self._lines = EventLines(ui)
        self._rows = EventRows(self._lines, lambda: self.scrollable_content_region.width)
        self._newest_live = EPOCH
        """The latest time of a live event."""
        self._gap_numbers: dict[datetime, int] = {}
        """The number of the item of each gap, by the time of the gap."""
        self._is_in_chunks = False
        """Whether the latest event was a chunk of a text: of its chunks only the first is listed."""
        self._marked: dict[int, EventItem] = {}
        """The marked items by their numbers."""
        self.follows = True
        self.is_paused = False
        self.unseen_count = 0
        self.total = 0

    # Adding items

    def add_changes(self, changes: Iterable[Change], activity: Activity | None = None) -> None:
        """Add the items of changes to the task; the activity tells which entries of the log the stream has told."""
        items = [item for change in changes for item in self._items_of(change, activity)]
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
        self._place(items)
        self.post_message(self.Changed())

    def _items_of(self, change: Change, activity: Activity | None) -> Iterable[EventItem]:
        """Yield the items of a change; of the chunks of one text, only the first is an item."""
        match change:
            case EventSeen(_, event, at):
                was_in_chunks = self._is_in_chunks
                self._is_in_chunks = event.chunk is not None
                is_later_chunk = was_in_chunks and self._is_in_chunks
                if not is_later_chunk:
                    when = event.time or at
                    yield self._new_item(when, event, self._place_of_live(when))
            case LogSeen(fresh=LazyEntries() as log):
                yield from self._unread_items(log)
            case LogSeen(fresh=entries):
                yield from self._filled_items(entries, activity)
            case GapSeen(_, gap):
                yield self._gap_item(gap)
            case LinkSeen(_, link, at):
                yield self._new_item(at, link, at)

    def _place_of_live(self, when: datetime) -> datetime:
        """Return the time by which a live event is placed: its own, or if it is far too late that of the newest one.

        A clock that is wrong must not hide what has just come.
        """
        if when < self._newest_live and self._newest_live - when > MAX_LATE_LIVE:
            return self._newest_live
        self._newest_live = max(self._newest_live, when)
        return when

    def _unread_items(self, log: LazyEntries) -> Iterable[EventItem]:
        """Return items for the last entries of a large log, none of which is read before it is drawn."""
        unread = UnreadEntries(log, self.total + 1)
        self.total += len(log)
        skipped = max(len(log) - MAX_EVENTS // 2, 0)
        numbers = count(unread.first + skipped)
        times = log.times[skipped:]
        return map(EventItem, numbers, times, repeat(unread), times)

    def _filled_items(self, entries: Iterable[Entry], activity: Activity | None) -> Iterable[EventItem]:
        """Yield items for entries of the log, without those that the stream has told under another id."""
        placed_at = EPOCH
        for entry in entries:
            placed_at = entry.created_at or placed_at
            node = activity.get(entry.id) if activity is not None else None
            if node is None or node.live is None:
                yield self._new_item(entry.created_at, entry, placed_at)

    def _gap_item(self, gap: Gap) -> EventItem:
        """Return the item of a gap; one that was told before keeps its number."""
        number = self._gap_numbers.get(gap.at)
        if number is None:
            item = self._new_item(gap.at, gap, gap.at)
            self._gap_numbers[gap.at] = item.number
            return item
        self._lines.forget(number)
        return EventItem(number, gap.at, gap, gap.at)

    def _new_item(self, at: datetime | None, content: Event | Entry | Gap | Link, placed_at: datetime) -> EventItem:
        """Return a new item with the next number."""
        self.total += 1
        return EventItem(self.total, at, content, placed_at)

    def _place(self, items: list[EventItem]) -> None:
        """Place items at their time, and show their rows."""
        cursor_before = self.rows_will_change()
        self._rows.place(items)
        self._show_rows(cursor_before, len(items))

    # Rows

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
        self._rows.rebuild()
        self._show_rows(cursor_before, 0)
        self.post_message(self.Changed())

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """Return the key of a row, which stays the same when others come."""
        return self._rows.key(index)

    def index_of(self, key: object) -> int | None:
        """Return the index of the row with this key; the item may have fewer lines than before."""
        if not isinstance(key, RowKey):
            return None
        return self._rows.index_of(key)

    def can_hold_cursor(self, index: int) -> bool:
        """Return whether a row can hold the cursor: no rule can."""
        return not self._rows.rule_text(index)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text."""
        if rule := self._rows.rule_text(index):
            return [StyledText(f" {rule}", "strong")]
        item, line = self._rows[index]
        lines = self._lines.lines(item, width)
        mark = " "
        if line == 0 and item.number in self._marked:
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
            self._place(items)
        self.post_message(self.Changed())

    def narrow(self, words: str) -> int:
        """Narrow the list to events with these words; return the number of rows left."""
        self._rows.search_words = words.casefold()
        self._rebuild()
        return len(self._rows)

    def action_only(self) -> None:
        """Show only events of the kind under the cursor, or all kinds again."""
        if self._rows.only_kind:
            self._rows.only_kind = ""
        elif self.cursor < len(self._rows):
            self._rows.only_kind = self._rows[self.cursor][0].kind
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
            item, _ = self._rows[self.cursor]
            if self._marked.pop(item.number, None) is None:
                self._marked[item.number] = item
            self.refresh()

    def action_marked(self) -> None:
        """Go to the next marked event; after the last, to the first."""
        keys = sorted(RowKey(item.placed_at, item.number, 0) for item in self._marked.values())
        indexes = [index for index in map(self._rows.index_of, keys) if index is not None]
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
        if self._rows.only_kind:
            words.append(f"only {one_line(self._rows.only_kind)}")
        if self._rows.search_words:
            words.append(f"with “{one_line(self._rows.search_words, longest=MAX_CHARS_IN_TITLE)}”")
        if self._lines.wraps:
            words.append("wrapped")
        if self._lines.raw:
            words.append("raw")
        return "  ".join(words)
