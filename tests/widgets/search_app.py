"""An app with an activity and its events in a grid, and a search below."""

from __future__ import annotations

from datetime import UTC, datetime

from textual.app import App, ComposeResult
from textual.containers import Vertical

from tui.security.redact import Redactor
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.event_pane import EventPane
from tui.widgets.pane_grid import PaneGrid
from tui.widgets.search_bar import SearchBar
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
UI = UIContext(lambda: NOW, Redactor(), "test")


class SearchApp(App[None]):
    """An activity and its events in a grid, and a search below."""

    CSS = "PaneGrid { layout: grid; grid-size: 2 2; height: 10; } .-hidden { display: none; } #searching { height: 1; }"

    def compose(self) -> ComposeResult:
        with PaneGrid(left="left", right="right", below="below", id="panes"):
            yield ActivityPane(UI, id="left")
            yield Vertical(id="right")
            with Vertical(id="below"):
                yield EventPane(UI, id="events")
        yield SearchBar("words", id="searching")
