"""A line of segments that can be clicked: a title, counters, headings."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.styled_text import StyledText, fit, make_strip

MIN_CUT_CELLS = 3
"""A segment that does not fit is cut only if more cells than this are left for it, else it is left out."""


class SegmentLine(Widget):
    """A line with segments at the left and at the right edge; those at the left are cut if there is no room."""

    STYLES: ClassVar[frozenset[str]] = frozenset(
        {"strong", "faint", "need", "running", "failed", "accent", "button", "button-off"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{style}" for style in STYLES}

    class Picked(Message):
        """A message that a named segment was picked with the mouse."""

        def __init__(self, segment_line: SegmentLine, name: str) -> None:
            super().__init__()
            self.segment_line = segment_line
            self.name = name

        @property
        def control(self) -> SegmentLine:
            """The control that posted the message."""
            return self.segment_line

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: list[tuple[StyledText, str]] = []
        self._right: list[StyledText] = []

    def show(self, left: list[tuple[StyledText, str]], right: list[StyledText]) -> None:
        """Show segments; each one at the left has the name that a click on it posts, or an empty name."""
        if (left, right) != (self._left, self._right):
            self._left = left
            self._right = right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Render the line."""
        width = self.size.width
        room = width - sum(cell_len(text) for text, _ in self._right)
        if room < 0:
            pieces, padding = [piece for piece, _ in self._left], 0
        else:
            pieces, padding = self._fitted_left(room)
        padded = [*pieces, StyledText(" " * padding), *self._right]
        return make_strip(padded, width, self.rich_style, self._rich_style_of)

    def _fitted_left(self, room: int) -> tuple[list[StyledText], int]:
        """Return the segments at the left that fit, and the number of cells left over."""
        pieces: list[StyledText] = []
        cells_left = room
        for piece, _ in self._left:
            cells = cell_len(piece.text)
            if cells > cells_left:
                if cells_left > MIN_CUT_CELLS:
                    pieces.append(StyledText(fit(piece.text, cells_left - 1) + " ", piece.style))
                    cells_left = 0
                break
            pieces.append(piece)
            cells_left -= cells
        return pieces, cells_left

    def _rich_style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"bar--{style}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """Post `Picked` after a click on a named segment."""
        end = 0
        for piece, name in self._left:
            end += cell_len(piece.text)
            if event.x < end:
                if name:
                    self.post_message(self.Picked(self, name))
                return
