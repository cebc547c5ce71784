"""An app that shows one widget, and the UIContext of the tests of widgets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from textual.app import App, ComposeResult
from textual.widget import Widget

from tui.security.redact import Redactor
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
UI = UIContext(lambda: NOW, Redactor(), "test")


class WidgetApp(App[None]):
    """An app with one widget."""

    CSS = ".lines--cursor { background: red; } .lines--flash { background: blue; } VirtualList:focus { color: green; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget: Any = widget
        self.chosen: list[int] = []

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_virtual_list_chosen(self, event: VirtualList.Chosen) -> None:
        self.chosen.append(event.index)
