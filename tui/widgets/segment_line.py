"""One line of pieces, some of which can be clicked: titles, counters, chips."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.styled_text import StyledText, fit, make_strip


class SegmentLine(Widget):
    """Pieces at the left and pieces at the right; what does not fit is left out from the middle."""

    STYLES: ClassVar[frozenset[str]] = frozenset({"strong", "faint", "need", "running", "failed", "accent"})
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{style}" for style in STYLES}

    class Picked(Message):
        """A piece that stands for something was clicked."""

        def __init__(self, bar: SegmentLine, name: str) -> None:
            super().__init__()
            self.bar = bar
            self.name = name

        @property
        def control(self) -> SegmentLine:
            """The widget."""
            return self.bar

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: list[tuple[StyledText, str]] = []
        self._right: list[StyledText] = []

    def show(self, left: list[tuple[StyledText, str]], right: list[StyledText]) -> None:
        """Show these; each piece at the left has the name of what a click on it means, or nothing."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        right = sum(cell_len(text) for text, _ in self._right)
        room = width - right
        pieces, used = [], 0
        for piece, _ in self._left:
            if used + cell_len(piece.text) > room:
                if room - used > 3:  # there is room for a beginning of it
                    pieces.append(StyledText(fit(piece.text, room - used - 1) + " ", piece.style))
                    used = room
                break
            pieces.append(piece)
            used += cell_len(piece.text)
        if room < 0:
            pieces, used, room = [piece for piece, _ in self._left], 0, 0
        padding = [StyledText(" " * max(room - used, 0))]
        return make_strip([*pieces, *padding, *self._right], width, self.rich_style, self._style_of)

    def _style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"bar--{style}", partial=True)

    def on_click(self, event: events.Click) -> None:
        """Tell which piece was clicked."""
        begun = 0
        for piece, name in self._left:
            begun += cell_len(piece.text)
            if event.x < begun:
                if name:
                    self.post_message(self.Picked(self, name))
                return
