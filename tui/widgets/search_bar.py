"""The search in a pane: a line to write in, and which of how many lines the search has found."""

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
    """Searches one pane: goes from hit to hit, and of events shows only those that are found."""

    def __init__(self, placeholder: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._placeholder = placeholder
        self._pane: SearchablePane | None = None

    def compose(self) -> ComposeResult:
        """Yield the line to write in, and what was found."""
        yield Static(" / ", id="slash", markup=False)
        yield Input(placeholder=self._placeholder, id="search", compact=True)
        yield Static("", id="found", markup=False)

    @property
    def is_open(self) -> bool:
        """Whether a search is under way."""
        return self.has_class("-shown")

    @property
    def is_writing(self) -> bool:
        """Whether keys are letters of what is searched for."""
        return self.query_one(Input).has_focus

    def open(self, pane: SearchablePane) -> None:
        """Begin to search this pane."""
        self._pane = pane
        self.add_class("-shown")
        self.query_one(Input).focus()

    def close(self) -> None:
        """End the search, and go back to its pane."""
        self.remove_class("-shown")
        self.query_one(Input).value = ""
        if self._pane is not None:
            self._pane.focus()

    def find(self, by: int) -> None:
        """Go to the next hit, or to the one before."""
        words = self.query_one(Input).value.strip()
        if words and self._pane is not None and not isinstance(self._pane, EventPane):
            place, count = self._pane.find(words, by)
            self._show_found(f"{place} of {count}" if count else "nothing")

    def on_key(self, event: events.Key) -> None:
        """Go to the hit before, or to the next one, while words are written."""
        if event.key in {"up", "down"} and self.is_writing:
            self.find(-1 if event.key == "up" else 1)

    @on(Input.Submitted)
    def _find_and_leave(self) -> None:
        self.find(1)
        if self._pane is not None:
            self._pane.focus()

    @on(Input.Changed)
    def _narrow(self) -> None:
        if isinstance(self._pane, EventPane):
            count = self._pane.narrow(self.query_one(Input).value)
            self._show_found(f"{count:,} lines" if count else "nothing")

    def _show_found(self, words: str) -> None:
        self.query_one("#found", Static).update(f" {words} ")
