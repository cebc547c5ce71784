"""The rows of the event pane: its items in order of time, with rules round what was filled in later."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby, repeat
from typing import NamedTuple

from tui.widgets.event_lines import EventItem, EventLines

MAX_EVENTS = 20_000
"""Maximum items that are kept; the activity log has all of them."""
RULE_ABOVE = -1
"""The line number of the rule above the first of the items that were filled in later."""
RULE_BELOW = 1_000_000
"""The line number of the rule below the last of these items; no item has so many lines."""
EventRow = tuple[EventItem, int]
"""A row: its item, and the index among the item's wrapped lines; a bare tuple, because floods make many."""


class RowKey(NamedTuple):
    """The key of a row, by which rows are sorted: the time and the number of its item, and the line of the item."""

    placed_at: datetime
    number: int
    line: int


class EventRows:
    """The items that are kept, in order of time, and the rows of those that the filters let through."""

    def __init__(self, lines: EventLines, width: Callable[[], int]) -> None:
        self._lines = lines
        self._width = width
        self._items: list[EventItem] = []
        self._rows: list[EventRow] = []
        self._filled_counts: dict[int, int] = {}
        """The number of items below each rule, by the number of the first of them."""
        self.only_kind = ""
        self.search_words = ""

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> EventRow:
        return self._rows[index]

    # Changes

    def place(self, items: Iterable[EventItem]) -> None:
        """Place items at their time; an item with the number of an earlier one replaces it."""
        new_items = {item.number: item for item in items}
        if not new_items:
            return
        ordered = sorted(new_items.values(), key=_order_of)
        position = bisect_left(self._items, _order_of(ordered[0]), key=_order_of)
        later = [item for item in self._items[position:] if item.number not in new_items]
        self._items[position:] = sorted([*later, *ordered], key=_order_of)
        if len(self._items) > MAX_EVENTS:
            del self._items[: -MAX_EVENTS // 2]  # half of them at once, because each removal is slow
            self._lines.clear()
            position = 0
        self._rebuild_from(position)

    def rebuild(self) -> None:
        """Filter and wrap all items again."""
        self._lines.clear()
        self._rebuild_from(0)

    def _rebuild_from(self, position: int) -> None:
        """Rebuild the rows of the items from a position on, and of those that are filled in right before it."""
        while position and self._items[position - 1].is_filled_in:
            position -= 1
        first_row = 0
        if position:
            first_row = bisect_left(self._rows, _order_of(self._items[position]), key=_row_order)
        self._rows[first_row:] = self._rows_from(position)

    def _rows_from(self, position: int) -> Iterator[EventRow]:
        """Yield the rows of the items from a position on that the filters let through."""
        items = self._items[position:]
        for is_filled_in, group in groupby(items, key=lambda item: item.is_filled_in):
            run = list(group)
            has_more_below = run[-1] is not items[-1]
            if self.only_kind or self.search_words:
                run = [item for item in run if self._is_wanted(item)]
            if not run:
                continue
            if is_filled_in:
                self._filled_counts[run[0].number] = len(run)
                yield run[0], RULE_ABOVE
            yield from self._rows_of(run)
            if is_filled_in and has_more_below:
                yield run[-1], RULE_BELOW

    def _rows_of(self, items: list[EventItem]) -> Iterable[EventRow]:
        if not self._lines.wraps:
            return zip(items, repeat(0), strict=False)
        width = self._width()
        return [(item, line) for item in items for line in range(len(self._lines.lines(item, width)))]

    def _is_wanted(self, item: EventItem) -> bool:
        """Return whether the filters let an item through: it is of the kind, and has the words."""
        if self.only_kind and item.kind != self.only_kind:
            return False
        if not self.search_words:
            return True
        return self.search_words in f"{item.kind} {self._lines.text(item)}".casefold()

    # Queries

    def rule_text(self, index: int) -> str:
        """Return the text of the rule at an index; empty for the row of an item."""
        item, line = self._rows[index]
        if line == RULE_ABOVE:
            return f"─ filled in later, from the log: {self._filled_counts[item.number]:,} ─"
        if line == RULE_BELOW:
            return "─ end of what was filled in ─"
        return ""

    def key(self, index: int) -> RowKey:
        """Return the key of the row at an index."""
        item, line = self._rows[index]
        return RowKey(item.placed_at, item.number, line)

    def index_of(self, key: RowKey) -> int | None:
        """Return the index of the row with this key, or of another row of its item; None if the item has none."""
        index = bisect_right(self._rows, key, key=_row_key)
        for candidate in (index - 1, index):
            if 0 <= candidate < len(self._rows) and self._rows[candidate][0].number == key.number:
                return candidate
        return None


def _order_of(item: EventItem) -> tuple[datetime, int]:
    return item.placed_at, item.number


def _row_order(row: EventRow) -> tuple[datetime, int]:
    return _order_of(row[0])


def _row_key(row: EventRow) -> RowKey:
    item, line = row
    return RowKey(item.placed_at, item.number, line)
