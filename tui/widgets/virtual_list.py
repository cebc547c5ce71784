"""A list of lines under a cursor: the base of list, tree and event pane."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive

from tui.widgets.line_view import LineView


class VirtualList(LineView, can_focus=True, inherit_bindings=False):
    """Lines under a cursor. Whoever inherits says how many there are, and what each is made of."""

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
    """Who shows what is under it, watches it: both are drawn in one frame then. A message would come a frame later."""
    was_cursor_moved = False
    """Whether somebody has put the cursor anywhere; until then it may go where things happen."""
    _is_prefixed = False
    """Whether z was pressed, and M or R may follow."""

    class Chosen(Message):
        """A line was opened, with Enter or a double click."""

        def __init__(self, lines: VirtualList, index: int) -> None:
            super().__init__()
            self.lines = lines
            self.index = index

        @property
        def control(self) -> VirtualList:
            """The widget."""
            return self.lines

    # What an heir tells

    def key_of(self, index: int) -> object:
        """What a line is about, so that the cursor stays with it."""
        return index

    def index_of(self, key: object) -> int | None:
        """Where the line about something is."""
        return key if isinstance(key, int) else None

    def can_hold_cursor(self, index: int) -> bool:
        """Whether the cursor can be on a line."""
        return True

    def is_cursor(self, index: int) -> bool:
        """Return whether the cursor is on a line."""
        return index == self.cursor

    # Changing

    def rows_will_change(self) -> tuple[object, int]:
        """What the cursor is on, and how far below the top of the view; for `rows_changed`."""
        key = self.key_of(self.cursor) if self.cursor < self.count() else None
        return key, self.cursor - self.scroll_offset.y

    def rows_changed(self, before: tuple[object, int]) -> None:
        """Draw anew: the cursor stays on what it was on, and that where it was on the screen."""
        key, below_top = before
        count = self.count()
        self._grow(count)
        found = self.index_of(key) if key is not None else None
        place = self._resting(min(self.cursor if found is None else found, max(count - 1, 0)), 1)
        if place != self.cursor:
            if found is None:
                self.cursor = place
            else:
                self.set_reactive(VirtualList.cursor, place)  # it is on the same as before
        height = self.scrollable_content_region.height
        if found is not None and (self.scroll_offset.y > 0 or place >= height):
            top = place - below_top if 0 <= below_top < max(height, 1) else self.scroll_offset.y + place - self.cursor
            self.scroll_to(y=max(top, 0), animate=False, immediate=True)
        self.draw_changed()

    def take_position(self, other: VirtualList) -> None:
        """Put the cursor and the scroll position where those of another list of the same lines are."""
        self._grow(self.count())
        self.was_cursor_moved = other.was_cursor_moved
        self.set_reactive(VirtualList.cursor, other.cursor)
        self.scroll_to(y=other.scroll_offset.y, animate=False, immediate=True, force=True)

    def _resting(self, index: int, direction: int) -> int:
        """The nearest line that the cursor can be on, first in this direction, then in the other."""
        count = self.count()
        for step in (direction, -direction):
            place = index
            while 0 <= place < count:
                if self.can_hold_cursor(place):
                    return place
                place += step
        return max(min(index, count - 1), 0)

    # Moving

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.was_cursor_moved = True
        self.move_to(self.cursor + by, by)

    def action_edge(self, last: bool) -> None:
        """Move to the first or the last line."""
        self.was_cursor_moved = True
        self.move_to(self.count() - 1 if last else 0, -1 if last else 1)

    def action_leap(self, pages: float) -> None:
        """Move by pages."""
        self.was_cursor_moved = True
        by = int(pages * max(self.size.height - 1, 1))
        self.move_to(self.cursor + by, 1 if by > 0 else -1)

    def move_to(self, index: int, direction: int = 1) -> None:
        """Move the cursor to a line, and show it."""
        count = self.count()
        if count:
            self.cursor = self._resting(max(min(index, count - 1), 0), direction)
            self.show_cursor()

    def show_cursor(self) -> None:
        """Scroll as little as shows the cursor."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        # A heading above the cursor is shown with it.
        above = self.cursor - 1 if self.cursor and not self.can_hold_cursor(self.cursor - 1) else self.cursor
        if above < top:
            self.scroll_to(y=above, animate=False, immediate=True)
        elif self.cursor >= top + height > 0:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True)

    def find(self, words: str, by: int) -> tuple[int, int]:
        """Go to the next line that has these words, or the one before; which of how many it is."""
        wanted = words.casefold()
        found = [index for index in range(self.count()) if wanted in self.text_of(index).casefold()]
        if not found:
            return 0, 0
        beyond = bisect_right(found, self.cursor) if by > 0 else bisect_left(found, self.cursor) - 1
        place = (bisect_left(found, self.cursor) if by == 0 else beyond) % len(found)
        self.move_to(found[place])
        return place + 1, len(found)

    def watch_cursor(self, before: int, after: int) -> None:
        """Draw the two lines."""
        for index in (before, after):
            self.refresh_lines(index)

    def fold_all(self, away: bool) -> None:
        """Fold or unfold everything, where there is anything to fold."""

    def action_prefix(self) -> None:
        """The next key says what."""
        self._is_prefixed = True

    def on_key(self, event: events.Key) -> None:
        """What follows a z."""
        if self._is_prefixed:
            self._is_prefixed = False
            if event.key in {"M", "R"}:
                event.stop()
                event.prevent_default()
                self.fold_all(event.key == "M")

    def on_resize(self) -> None:
        """Take the new width."""
        self._grow(self.count())
        self.call_after_refresh(self.show_cursor)

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one opens it."""
        self.was_cursor_moved = True
        index = self.scroll_offset.y + event.y
        if not 0 <= index < self.count() or not self.can_hold_cursor(index):
            return
        self.cursor = index
        if event.chain == 2:
            event.prevent_default()  # it opens, and selects nothing
            self.post_message(self.Chosen(self, index))

    def action_choose(self) -> None:
        """Open the line under the cursor."""
        if self.cursor < self.count() and self.can_hold_cursor(self.cursor):
            self.post_message(self.Chosen(self, self.cursor))
