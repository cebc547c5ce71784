"""A virtual list of lines under a cursor: the base of the task table, the activity views, the inspector and others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from tui.widgets.line_view import LineView


class CursorPosition(NamedTuple):
    """The position of the cursor before rows change: the key of its line, and its y in the view."""

    key: object
    """None if there was no line under the cursor."""
    y: int


class SearchResult(NamedTuple):
    """The result of a search: the number of the hit gone to, from 1, and the total of hits; both are 0 if none."""

    number: int
    total: int


NO_RESULT = SearchResult(0, 0)


class VirtualList(LineView, can_focus=True, inherit_bindings=False):
    """A list of lines under a cursor. A subclass implements `count` and `styled_line`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False, id="lines.down"),
        Binding("up,k", "move(-1)", "Up", show=False, id="lines.up"),
        Binding("home,g", "edge(False)", "First", show=False, id="lines.first"),
        Binding("end,G", "edge(True)", "Last", show=False, id="lines.last"),
        Binding("pagedown", "leap(1.0)", "Page down", show=False, id="lines.page_down"),
        Binding("pageup", "leap(-1.0)", "Page up", show=False, id="lines.page_up"),
        Binding("ctrl+d", "leap(0.5)", "Half a page down", show=False, id="lines.half_down"),
        Binding("ctrl+u", "leap(-0.5)", "Half a page up", show=False, id="lines.half_up"),
        Binding("enter", "choose", "Open", show=False, id="lines.choose"),
        Binding("z", "prefix", "zM folds all, zR unfolds all", show=False, id="lines.folds"),
    ]
    cursor: reactive[int] = reactive(0, init=False, repaint=False)
    """The index of the line under the cursor.

    Widgets that show details of this line watch it instead of handling a message, because a message would arrive one
    frame later than the cursor is drawn.
    """
    was_cursor_moved = False
    """Whether the operator has moved the cursor; until then it may follow the last line."""
    _is_after_prefix = False
    """Whether the last key was the prefix z, which M or R may follow."""

    class Chosen(Message):
        """A message that a line was chosen, with Enter or a double click."""

        def __init__(self, virtual_list: VirtualList, index: int) -> None:
            super().__init__()
            self.virtual_list = virtual_list
            self.index = index

        @property
        def control(self) -> VirtualList:
            """The control that posted the message."""
            return self.virtual_list

    # May be overridden by a subclass

    def key_of(self, index: int) -> object:
        """Return the key of a line; the cursor stays on its key when lines are added or removed."""
        return index

    def index_of(self, key: object) -> int | None:
        """Return the index of the line with this key."""
        if isinstance(key, int):
            return key
        return None

    def can_hold_cursor(self, index: int) -> bool:
        """Return whether a line can hold the cursor."""
        return True

    def is_cursor(self, index: int) -> bool:
        """Return whether the cursor is on a line."""
        return index == self.cursor

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all lines, in a list with folds."""

    # Updating

    def rows_will_change(self) -> CursorPosition:
        """Return the cursor's position before rows change, which `rows_changed` gets after the change."""
        key = None
        if self.cursor < self.count():
            key = self.key_of(self.cursor)
        return CursorPosition(key, self.cursor - self.scroll_offset.y)

    def rows_changed(self, before: CursorPosition) -> None:
        """Draw the list after its rows have changed; the cursor stays on its key, and at its y in the view."""
        self._set_line_count(self.count())
        new_index = None
        if before.key is not None:
            new_index = self.index_of(before.key)
        self._move_with_key(new_index)
        if new_index is not None:
            self._scroll_with_cursor(before.y)
        self.draw_changed()

    def _move_with_key(self, new_index: int | None) -> None:
        """Move the cursor to the new index of its key; if the key is gone, leave the cursor where it is.

        Where that line does not exist or cannot hold the cursor, the nearest one that can does.
        """
        index = self.cursor
        if new_index is not None:
            index = new_index
        last_index = max(self.count() - 1, 0)
        index = self._nearest_allowed(min(index, last_index), 1)
        if index == self.cursor:
            return
        if new_index is None:
            self.cursor = index
        else:
            # No watcher is called, because the line under the cursor is the same one as before.
            self.set_reactive(VirtualList.cursor, index)

    def _scroll_with_cursor(self, old_y: int) -> None:
        """Scroll so that a cursor that was visible stays at its y in the view."""
        top = self.scroll_offset.y
        height = self.scrollable_content_region.height
        is_all_above_visible = top == 0 and self.cursor < height
        if is_all_above_visible:
            return
        was_visible = 0 <= old_y < max(height, 1)
        if was_visible:
            top = max(self.cursor - old_y, 0)
        self.scroll_to(y=top, animate=False, immediate=True)

    def take_position(self, other: VirtualList) -> None:
        """Take the cursor and the scroll position from another list of the same lines."""
        self._set_line_count(self.count())
        self.was_cursor_moved = other.was_cursor_moved
        self.set_reactive(VirtualList.cursor, other.cursor)
        self.scroll_to(y=other.scroll_offset.y, animate=False, immediate=True, force=True)

    def on_resize(self) -> None:
        """Set the size of the content after a resize, and show the cursor."""
        self._set_line_count(self.count())
        self.call_after_refresh(self.show_cursor)

    # Moving the cursor

    def _nearest_allowed(self, index: int, direction: int) -> int:
        """Return the nearest line that can hold the cursor, first in this direction, then in the other."""
        count = self.count()
        for step in (direction, -direction):
            candidate = index
            while 0 <= candidate < count:
                if self.can_hold_cursor(candidate):
                    return candidate
                candidate += step
        return self._within_list(index)

    def _within_list(self, index: int) -> int:
        """Return the index of the line, or of the nearest line that exists; 0 for an empty list."""
        return max(min(index, self.count() - 1), 0)

    def action_move(self, by: int) -> None:
        """Move the cursor by so many lines."""
        self.was_cursor_moved = True
        self.move_to(self.cursor + by, by)

    def action_edge(self, last: bool) -> None:
        """Move the cursor to an edge of the list: the first or the last line."""
        self.was_cursor_moved = True
        if last:
            self.move_to(self.count() - 1, -1)
        else:
            self.move_to(0, 1)

    def action_leap(self, pages: float) -> None:
        """Leap by so many pages."""
        self.was_cursor_moved = True
        lines_per_page = max(self.size.height - 1, 1)
        by = int(pages * lines_per_page)
        direction = 1 if by > 0 else -1
        self.move_to(self.cursor + by, direction)

    def move_to(self, index: int, direction: int = 1) -> None:
        """Move the cursor to a line, and show it.

        If the line cannot hold the cursor, the nearest one in this direction does.
        """
        if self.count():
            self.cursor = self._nearest_allowed(self._within_list(index), direction)
            self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll no further than is needed to show the cursor."""
        first_visible = self.scroll_offset.y
        height = self.scrollable_content_region.height
        end_of_visible = first_visible + height
        first_to_show = self.cursor
        has_heading_above = self.cursor > 0 and not self.can_hold_cursor(self.cursor - 1)
        if has_heading_above:
            first_to_show -= 1
        if first_to_show < first_visible:
            self.scroll_to(y=first_to_show, animate=False, immediate=True)
        elif self.cursor >= end_of_visible > 0:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def find(self, words: str, by: int) -> SearchResult:
        """Find the next line with these words, and go to it; after the last hit, it goes to the first.

        With -1 it goes to the hit before, with 0 to the first hit that is not above the cursor.
        """
        wanted = words.casefold()
        hits = [index for index in range(self.count()) if wanted in self.text_of(index).casefold()]
        if not hits:
            return NO_RESULT
        if by > 0:
            position = bisect_right(hits, self.cursor)
        elif by == 0:
            position = bisect_left(hits, self.cursor)
        else:
            position = bisect_left(hits, self.cursor) - 1
        position %= len(hits)
        self.move_to(hits[position])
        return SearchResult(position + 1, len(hits))

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw the lines that the cursor leaves and enters."""
        for index in (before, after):
            self.refresh_lines(index)

    # Keys and mouse

    def action_prefix(self) -> None:
        """Handle the prefix z: the next key folds or unfolds all."""
        self._is_after_prefix = True

    def on_key(self, event: events.Key) -> None:
        """Handle the key after the prefix z: M folds all, R unfolds all."""
        if not self._is_after_prefix:
            return
        self._is_after_prefix = False
        if event.key in {"M", "R"}:
            event.stop()
            event.prevent_default()
            self.fold_all(event.key == "M")

    def on_click(self, event: events.Click) -> None:
        """Move the cursor with a click; a double click chooses the line."""
        self.was_cursor_moved = True
        index = self.scroll_offset.y + event.y
        if not 0 <= index < self.count() or not self.can_hold_cursor(index):
            return
        self.cursor = index
        is_double_click = event.chain == 2
        if is_double_click:
            event.prevent_default()  # a double click selects no text here
            self.post_message(self.Chosen(self, index))

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        if self.cursor < self.count() and self.can_hold_cursor(self.cursor):
            self.post_message(self.Chosen(self, self.cursor))
