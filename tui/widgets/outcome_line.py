"""The outcome of a decision, on as many lines as its text needs."""

from __future__ import annotations

from textual.widgets import Static

from tui.security.sanitize import one_line


class OutcomeLine(Static):
    """A line with the outcome of a decision, hidden while there is none."""

    def __init__(self) -> None:
        super().__init__("", id="outcome", markup=False)

    def show_outcome(self, words: str) -> None:
        """Show an outcome in words; hide the line if there are none."""
        self.update(one_line(words))
        self.display = bool(words)
