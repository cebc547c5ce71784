"""The search bar: an input for the words to search for in a pane, and the number of hits."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from tui.widgets.activity_pane import ActivityPane
from tui.widgets.event_pane import EventPane
from tui.widgets.virtual_list import VirtualList

SearchablePane = ActivityPane | VirtualList


class SearchBar(Horizontal):
    """A bar to search one pane: it goes from hit to hit, but narrows the event pane to the hits."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._placeholder = placeholder
        self._pane: SearchablePane | None = None

    def compose(self) -> ComposeResult:
        """Compose the input and the number of hits."""
        yield Static(" / ", id="slash", markup=False)
        yield Input(placeholder=self._placeholder, id="search", compact=True)
        yield Static("", id="found", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether the bar is open."""
        return self.has_class("-shown")

    @property
    def is_writing(self) -> bool:
        """Whether the operator is writing in the input."""
        return self.query_one(Input).has_focus

    def open(self, pane: SearchablePane) -> None:
        """Open the bar to search this pane."""
        self._pane = pane
        self.add_class("-shown")
        self.query_one(Input).focus()

    def close(self) -> None:
        """Close the bar, and focus its pane."""
        self.remove_class("-shown")
        self.query_one(Input).value = ""
        if self._pane is not None:
            self._pane.focus()

    def find(self, by: int) -> None:
        """Find the next hit; with -1, the hit before."""
        words = self.query_one(Input).value.strip()
        if words and self._pane is not None and not isinstance(self._pane, EventPane):
            result = self._pane.find(words, by)
            self._show_hits(result.total, f"{result.number} of {result.total}")

    def on_key(self, event: events.Key) -> None:
        """Handle the keys up and down in the input: go to the hit before, or to the next one."""
        if not self.is_writing:
            return
        if event.key == "up":
            self.find(-1)
        elif event.key == "down":
            self.find(1)

    @on(Input.Submitted)
    def _find_and_focus_pane(self) -> None:
        self.find(1)
        if self._pane is not None:
            self._pane.focus()

    @on(Input.Changed)
    def _narrow_events(self) -> None:
        if isinstance(self._pane, EventPane):
            count = self._pane.narrow(self.query_one(Input).value)
            self._show_hits(count, f"{count:,} lines")

    def _show_hits(self, count: int, words: str) -> None:
        """Show the hits in words; if their count is 0, "nothing"."""
        if count == 0:
            words = "nothing"
        self.query_one("#found", Static).update(f" {words} ")
