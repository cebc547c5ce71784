"""A field with all its choices on one line; the arrow keys, space or a click choose one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText

MORE_BEFORE = "… "
"""Stands for the choices at the left that there is no room for."""


class ChoiceField(SegmentLine, can_focus=True):
    """A line with choices, of which one is chosen; it stands in brackets, so that it can be told without colours."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose_beside(-1)", "Choice before", show=False, id="choice.before"),
        Binding("right,space", "choose_beside(1)", "Choice after", show=False, id="choice.after"),
    ]

    class ChoiceChanged(Message):
        """A message that another choice was chosen."""

        def __init__(self, field: ChoiceField) -> None:
            super().__init__()
            self.field = field

        @property
        def control(self) -> ChoiceField:
            """The control that posted the message."""
            return self.field

    def __init__(self, choices: Sequence[str], chosen: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.choices = tuple(dict.fromkeys((*choices, chosen)))
        """The choices; one that was chosen before stays, even if it is no longer offered."""
        self.chosen = chosen

    def choose(self, choice: str) -> None:
        """Choose one of the choices."""
        if choice in self.choices and choice != self.chosen:
            self.chosen = choice
            self.refresh()
            self.post_message(self.ChoiceChanged(self))

    def action_choose_beside(self, by: int) -> None:
        """Choose the choice beside the chosen one; after the last comes the first."""
        index = self.choices.index(self.chosen) + by
        self.choose(self.choices[index % len(self.choices)])

    def render_line(self, y: int) -> Strip:
        """Render the choices; where they do not fit, those before the chosen one are left out."""
        index = self.choices.index(self.chosen)
        first = 0
        while first < index and self._cells_until_chosen(first, index) > self.size.width:
            first += 1
        segments = [(self._segment(choice), choice) for choice in self.choices[first:]]
        if first:
            segments.insert(0, (StyledText(MORE_BEFORE, "faint"), ""))
        self._left = segments
        return super().render_line(y)

    def _cells_until_chosen(self, first: int, index: int) -> int:
        """Return the cells from the choice `first` to the end of the chosen one."""
        cells = sum(cell_len(self._segment(choice).text) for choice in self.choices[first : index + 1])
        return cells + cell_len(MORE_BEFORE) if first else cells

    def _segment(self, choice: str) -> StyledText:
        if choice == self.chosen:
            return StyledText(f"[{choice}]", "strong")
        return StyledText(f" {choice} ", "faint")

    @on(SegmentLine.Picked)
    def _choose_clicked(self, event: SegmentLine.Picked) -> None:
        """Choose the choice that was clicked."""
        event.stop()
        self.choose(event.name)
