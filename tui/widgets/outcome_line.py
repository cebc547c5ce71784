"""What became of a decision, whole, on as many lines as it takes."""

from __future__ import annotations

from textual.widgets import Static

from tui.security.sanitize import one_line


class OutcomeLine(Static):
    """Shows the outcome of a decision; it takes no line while there is none."""

    def __init__(self) -> None:
        super().__init__("", id="outcome", markup=False)

    def show_outcome(self, words: str) -> None:
        """Show an outcome in words; without any, hide the line."""
        self.update(one_line(words))
        self.display = bool(words)
