"""An app with the filter, the title and the empty list that surround the task list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static

from tui.client.task_rows import TaskQuery
from tui.domain.seen_values import SeenValues
from tui.security.redact import Redactor
from tui.widgets.empty_list import EmptyList
from tui.widgets.list_title import ListTitle
from tui.widgets.task_filter import TaskFilter
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
UI = UIContext(lambda: NOW, Redactor(), "test")


class ListPartsScreen(Screen[None]):
    """The widgets around the task list, on a screen with the keys that they name."""

    BINDINGS = [
        Binding("r", "none", id="tasks.reload"),
        Binding("m", "none", id="tasks.more"),
        Binding("n", "none", id="tasks.new"),
        Binding("escape", "none", id="tasks.leave"),
    ]

    def __init__(self, place: str) -> None:
        super().__init__()
        self._place = place

    def compose(self) -> ComposeResult:
        yield ListTitle(replace(UI, place=self._place))
        yield TaskFilter(UI, SeenValues(UI.redactor))
        yield EmptyList(id="empty")


class ListPartsApp(App[None]):
    """An app that records the queries that the filter requests."""

    def __init__(self, place: str = "test") -> None:
        super().__init__()
        self._place = place
        self.queries: list[TaskQuery | None] = []

    def get_default_screen(self) -> Screen[Any]:
        return ListPartsScreen(self._place)

    def on_task_filter_server_query_changed(self, event: TaskFilter.ServerQueryChanged) -> None:
        self.queries.append(event.query)


def text_of(app: App[None], selector: str) -> str:
    """Return the text of a widget."""
    return str(app.screen.query_one(selector, Static).content)
