"""A list of lines of which only those in sight are drawn: the base of list, tree and event pane."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container
from typing import ClassVar, NamedTuple, Self

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.widgets.styled_text import Piece, Pieces, strip_of

REMEMBERED = 200
"""How many lines are remembered by what they looked like."""


class Sight(NamedTuple):
    """All that a line in sight is drawn from."""

    pieces: tuple[Piece, ...]
    ground: str
    is_cursor: bool


class Paper(NamedTuple):
    """What all lines of a frame are drawn on."""

    top: int
    width: int
    base: Style
    has_focus: bool
    selection: Selection | None


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines under a cursor. Whoever inherits says how many there are, and what each is made of."""

    LOOKS: ClassVar[frozenset[str]] = frozenset(
        {"strong", "faint", "need", "running", "failed", "accent", "head", "marked"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--flash", *(f"lines--{look}" for look in LOOKS)}
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
    was_led = False
    """Whether somebody has put the cursor anywhere; until then it may go where things happen."""
    _is_prefixed = False
    """Whether z was pressed, and M or R may follow."""

    class Chosen(Message):
        """A line was opened, with Enter or a double click."""

        def __init__(self, lines: Lines, index: int) -> None:
            super().__init__()
            self.lines = lines
            self.index = index

        @property
        def control(self) -> Lines:
            """The widget."""
            return self.lines

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sights: dict[int, Sight | None] = {}
        """What each line of the view was drawn from last."""
        self._fresh: dict[tuple[int, int], Sight | None] = {}
        """What lines that were found to differ are to be drawn from, at a width, if nothing changes before."""
        self._strips: dict[tuple[Sight, int, Style, bool], Strip] = {}
        """What lines looked like, for one that comes again, mostly in another place."""
        self._inks: dict[str, Style] = {}
        """How each look is drawn."""
        self._paper: Paper | None = None
        """What all lines are drawn on, while they are drawn."""

    # What an heir tells

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def pieces(self, index: int, width: int) -> Pieces:
        """What a line is made of."""
        raise NotImplementedError

    def key_of(self, index: int) -> object:
        """What a line is about, so that the cursor stays with it."""
        return index

    def index_of(self, key: object) -> int | None:
        """Where the line about something is."""
        return key if isinstance(key, int) else None

    def can_rest(self, index: int) -> bool:
        """Whether the cursor can be on a line."""
        return True

    def ground(self, index: int) -> str:
        """The component class whose background a line has, where it has one of its own."""
        return ""

    def text_of(self, index: int) -> str:
        """A line as text."""
        return "".join(piece.text for piece in self.pieces(index, self.scrollable_content_region.width)).rstrip()

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
                self.set_reactive(Lines.cursor, place)  # it is on the same as before
        height = self.scrollable_content_region.height
        if found is not None and (self.scroll_offset.y > 0 or place >= height):
            top = place - below_top if 0 <= below_top < max(height, 1) else self.scroll_offset.y + place - self.cursor
            self.scroll_to(y=max(top, 0), animate=False, immediate=True)
        self.draw_changed()

    def take_position(self, other: Lines) -> None:
        """Put the cursor and the scroll position where those of another list of the same lines are."""
        self._grow(self.count())
        self.was_led = other.was_led
        self.set_reactive(Lines.cursor, other.cursor)
        self.scroll_to(y=other.scroll_offset.y, animate=False, immediate=True, force=True)

    def draw_changed(self, among: Container[int] | None = None) -> None:
        """Draw the lines in sight that are other than they were drawn; of some, where only these can be."""
        fresh: dict[tuple[int, int], Sight | None] = {}
        (width, height), top = self.scrollable_content_region.size, self.scroll_offset.y
        first = None
        for y in range(height + 1):
            is_asked = y < height and (among is None or y in among)
            if is_asked and self._sights.get(y, False) != (sight := self._sight_at(top + y, width)):
                fresh[top + y, width] = sight
                first = y if first is None else first
            elif first is not None:
                self.refresh_lines(top + first, y - first)
                first = None
        self._fresh = fresh

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw anew: whatever was found out about lines holds no more."""
        self._fresh = {}
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _sight_at(self, index: int, width: int) -> Sight | None:
        """All that a line is drawn from; None where there is none."""
        if index >= self.count():
            return None
        return Sight(tuple(self.pieces(index, width)), self.ground(index), index == self.cursor)

    def _grow(self, count: int) -> None:
        """Take another number of lines; where the scrollbar stays, the screen needs no layout and no whole repaint."""
        size = Size(self.size.width, count)
        has_scrollbar = self.show_vertical_scrollbar and self.virtual_size.width == size.width
        if has_scrollbar and count > self.virtual_size.height:
            self.set_reactive(Lines.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = count
        else:
            self.virtual_size = size

    def _resting(self, index: int, direction: int) -> int:
        """The nearest line that the cursor can be on, first in this direction, then in the other."""
        count = self.count()
        for step in (direction, -direction):
            place = index
            while 0 <= place < count:
                if self.can_rest(place):
                    return place
                place += step
        return max(min(index, count - 1), 0)

    # Moving

    def action_move(self, by: int) -> None:
        """Move the cursor by lines."""
        self.was_led = True
        self.move_to(self.cursor + by, by)

    def action_edge(self, last: bool) -> None:
        """Move to the first or the last line."""
        self.was_led = True
        self.move_to(self.count() - 1 if last else 0, -1 if last else 1)

    def action_leap(self, pages: float) -> None:
        """Move by pages."""
        self.was_led = True
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
        above = self.cursor - 1 if self.cursor and not self.can_rest(self.cursor - 1) else self.cursor
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

    # Drawing

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are, where the height is its own; nothing tells of a size as long as that is none."""
        return self.count()

    def on_resize(self) -> None:
        """Take the new width."""
        self._grow(self.count())
        self.call_after_refresh(self.show_cursor)

    def notify_style_update(self) -> None:
        """Other colours: nothing looks as it did."""
        super().notify_style_update()
        self._strips.clear()
        self._inks.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Some lines of the view, on one paper."""
        self._paper = self._laid_out()
        try:
            return super().render_lines(crop)
        finally:
            self._paper = None

    def _laid_out(self) -> Paper:
        width = self.scrollable_content_region.width
        return Paper(self.scroll_offset.y, width, self.rich_style, self.has_focus, self.text_selection)

    def render_line(self, y: int) -> Strip:
        """One line of the view."""
        paper = self._paper or self._laid_out()
        place = index, width = paper.top + y, paper.width
        sight = self._sights[y] = self._fresh.pop(place) if place in self._fresh else self._sight_at(*place)
        if sight is None:
            return Strip.blank(width, paper.base)
        strip = self._strip(sight, paper)
        if paper.selection is not None and (span := paper.selection.get_span(index)) is not None:
            strip = self._selected(strip, *span)
        # Where a text is on it, is asked of a line by itself; painted, it is the same wherever it stands.
        return strip.apply_offsets(0, index) if self._paper is None else strip

    def _strip(self, sight: Sight, paper: Paper) -> Strip:
        key = sight, paper.width, paper.base, paper.has_focus
        if (known := self._strips.get(key)) is not None:
            return known
        base = paper.base
        if sight.ground:
            base += self.get_component_rich_style(sight.ground)
        if sight.is_cursor:
            base += self.get_component_rich_style("lines--cursor", partial=not paper.has_focus)
        if len(self._strips) >= REMEMBERED:
            self._strips.clear()
        strip = self._strips[key] = strip_of(sight.pieces, paper.width, base, self._style_of)
        return strip

    def _selected(self, strip: Strip, start: int, end: int) -> Strip:
        """A line of which a part is selected; both ends count characters."""
        text = strip.text
        first = cell_len(text[:start])
        last = cell_len(text[:end]) if end >= 0 else strip.cell_length
        style = self.screen.get_component_rich_style("screen--selection")
        before, chosen, after = strip.divide([first, max(first, last), strip.cell_length])
        return Strip.join([before, chosen.apply_style(style), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, without the blanks that fill the lines."""
        first = selection.start.y if selection.start else 0
        last = min(selection.end.y if selection.end else self.count(), self.count() - 1)
        texts = []
        for index in range(first, last + 1):
            span = selection.get_span(index) or (0, 0)
            text = self.text_of(index)
            texts.append(text[span[0] : span[1] if span[1] >= 0 else None])
        return "\n".join(texts), "\n"

    def _style_of(self, look: str) -> Style:
        if (known := self._inks.get(look)) is None:
            known = self._inks[look] = self.get_component_rich_style(f"lines--{look}", partial=True)
        return known

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one opens it."""
        self.was_led = True
        index = self.scroll_offset.y + event.y
        if not 0 <= index < self.count() or not self.can_rest(index):
            return
        self.cursor = index
        if event.chain == 2:
            event.prevent_default()  # it opens, and selects nothing
            self.post_message(self.Chosen(self, index))

    def action_choose(self) -> None:
        """Open the line under the cursor."""
        if self.cursor < self.count() and self.can_rest(self.cursor):
            self.post_message(self.Chosen(self, self.cursor))
