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
        """Render the line; if there is no room even for the segments at the right, they are cut."""
        width = self.size.width
        left_width = width - sum(cell_len(segment.text) for segment in self._right)
        left = [segment for segment, _ in self._left]
        if left_width >= 0:
            left = self._fitted_left(left_width)
        return make_strip([*left, *self._right], width, self.rich_style, self._rich_style_of)

    def _fitted_left(self, width: int) -> list[StyledText]:
        """Return the segments at the left that fit into a width, and spaces that fill the rest of it."""
        fitted: list[StyledText] = []
        cells_left = width
        for segment, _ in self._left:
            cells = cell_len(segment.text)
            if cells > cells_left:
                if cells_left > MIN_CUT_CELLS:
                    cut_text = fit(segment.text, cells_left - 1)
                    fitted.append(StyledText(f"{cut_text} ", segment.style))
                    cells_left = 0
                break
            fitted.append(segment)
            cells_left -= cells
        return [*fitted, StyledText(" " * cells_left)]

    def _rich_style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"bar--{style}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """Post `Picked` after a click on a named segment."""
        segment_end = 0
        for segment, name in self._left:
            segment_end += cell_len(segment.text)
            if event.x < segment_end:
                if name:
                    self.post_message(self.Picked(self, name))
                return
