"""Lines drawn from an index: only those in sight are made, and only those that have changed are drawn."""

from __future__ import annotations

from collections.abc import Container
from typing import ClassVar, NamedTuple, Self

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.widgets.styled_text import StyledLine, StyledText, make_strip

MAX_CACHED_STRIPS = 200
"""How many lines are remembered by what they looked like."""


class LineKey(NamedTuple):
    """All that a line in sight is drawn from."""

    pieces: tuple[StyledText, ...]
    ground: str
    is_cursor: bool


class FrameStyle(NamedTuple):
    """What all lines of a frame are drawn on."""

    top: int
    width: int
    base: Style
    has_focus: bool
    selection: Selection | None


class LineView(ScrollView, inherit_bindings=False):
    """Draws lines. A subclass says how many lines there are, and what each is made of."""

    STYLES: ClassVar[frozenset[str]] = frozenset(
        {"strong", "faint", "need", "running", "failed", "accent", "head", "marked"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--flash", *(f"lines--{style}" for style in STYLES)}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._sights: dict[int, LineKey | None] = {}
        """What each line of the view was drawn from last."""
        self._fresh: dict[tuple[int, int], LineKey | None] = {}
        """What lines that were found to differ are to be drawn from, at a width, if nothing changes before."""
        self._strips: dict[tuple[LineKey, int, Style, bool], Strip] = {}
        """What lines looked like, for one that comes again, mostly in another place."""
        self._inks: dict[str, Style] = {}
        """How each look is drawn."""
        self._paper: FrameStyle | None = None
        """What all lines are drawn on, while they are drawn."""

    # What a subclass says

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def pieces(self, index: int, width: int) -> StyledLine:
        """What a line is made of."""
        raise NotImplementedError

    def is_cursor(self, index: int) -> bool:
        """Return whether the cursor is on a line."""
        return False

    def ground(self, index: int) -> str:
        """The component class whose background a line has, where it has one of its own."""
        return ""

    def text_of(self, index: int) -> str:
        """A line as text."""
        return "".join(piece.text for piece in self.pieces(index, self.scrollable_content_region.width)).rstrip()

    # Drawing

    def draw_changed(self, among: Container[int] | None = None) -> None:
        """Draw the lines in sight that are other than they were drawn; of some, where only these can be."""
        fresh: dict[tuple[int, int], LineKey | None] = {}
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

    def _sight_at(self, index: int, width: int) -> LineKey | None:
        """All that a line is drawn from; None where there is none."""
        if index >= self.count():
            return None
        return LineKey(tuple(self.pieces(index, width)), self.ground(index), self.is_cursor(index))

    def _grow(self, count: int) -> None:
        """Take another number of lines; where the scrollbar stays, the screen needs no layout and no whole repaint."""
        size = Size(self.size.width, count)
        has_scrollbar = self.show_vertical_scrollbar and self.virtual_size.width == size.width
        if has_scrollbar and count > self.virtual_size.height:
            self.set_reactive(LineView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = count
        else:
            self.virtual_size = size

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are, where the height is its own; nothing tells of a size as long as that is none."""
        return self.count()

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

    def _laid_out(self) -> FrameStyle:
        width = self.scrollable_content_region.width
        return FrameStyle(self.scroll_offset.y, width, self.rich_style, self.has_focus, self.text_selection)

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

    def _strip(self, sight: LineKey, paper: FrameStyle) -> Strip:
        key = sight, paper.width, paper.base, paper.has_focus
        if (known := self._strips.get(key)) is not None:
            return known
        base = paper.base
        if sight.ground:
            base += self.get_component_rich_style(sight.ground)
        if sight.is_cursor:
            base += self.get_component_rich_style("lines--cursor", partial=not paper.has_focus)
        if len(self._strips) >= MAX_CACHED_STRIPS:
            self._strips.clear()
        strip = self._strips[key] = make_strip(sight.pieces, paper.width, base, self._style_of)
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

    def _style_of(self, style: str) -> Style:
        if (known := self._inks.get(style)) is None:
            known = self._inks[style] = self.get_component_rich_style(f"lines--{style}", partial=True)
        return known
