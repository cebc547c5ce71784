"""What stands around the task list: its filter, its title, and what is said where it is empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import Static

from tests.test_listing import row, seen
from tui.client.task_rows import TaskQuery
from tui.domain.filters import Filter, parse_filter
from tui.domain.seen_values import SeenValues
from tui.domain.state import State
from tui.domain.task_list import TaskListModel
from tui.security.redact import Redactor
from tui.widgets import task_filter
from tui.widgets.empty_list import EmptyList
from tui.widgets.list_title import ListTitle, Liveness
from tui.widgets.task_filter import TaskFilter
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DESK = UIContext(lambda: NOW, Redactor(), "test")


class Parts(Screen[None]):
    """The parts by themselves, on a screen with the keys that they name."""

    BINDINGS = [
        Binding("r", "none", id="tasks.reload"),
        Binding("m", "none", id="tasks.more"),
        Binding("n", "none", id="tasks.new"),
        Binding("escape", "none", id="tasks.leave"),
    ]

    def compose(self) -> ComposeResult:
        yield ListTitle(DESK)
        yield TaskFilter(DESK, SeenValues(DESK.redactor))
        yield EmptyList(id="empty")


class PartsApp(App[None]):
    """Notes what the platform would be asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[TaskQuery | None] = []

    def get_default_screen(self) -> Screen[Any]:
        return Parts()

    def on_task_filter_server_query_changed(self, event: TaskFilter.ServerQueryChanged) -> None:
        self.queries.append(event.query)


def text(app: App[None], selector: str) -> str:
    """What a widget of text says."""
    return str(app.screen.query_one(selector, Static).content)


async def test_a_filter_is_used_as_it_is_typed_but_for_a_word_that_may_become_a_field() -> None:
    async with PartsApp().run_test() as pilot:
        asked = pilot.app.screen.query_one(TaskFilter)
        asked.input.focus()
        await pilot.press(*"pay st")
        assert asked.active_filter == parse_filter("pay")
        await pilot.press(*"atus:failed")
        assert asked.active_filter == parse_filter("pay status:failed")


async def test_a_mistake_is_named_and_the_filter_before_it_stays() -> None:
    async with PartsApp().run_test() as pilot:
        asked = pilot.app.screen.query_one(TaskFilter)
        asked.input.value = "status:failed"
        await pilot.pause()
        asked.input.value = "age:soon"
        await pilot.pause()
        assert asked.active_filter == parse_filter("status:failed")
        assert text(pilot.app, "#wrong") != ""
        assert asked.input.has_class("-wrong")


async def test_the_platform_is_asked_once_for_what_it_can_filter_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_filter, "SERVER_FILTER_DELAY_SECONDS", 0.01)
    app = PartsApp()
    async with app.run_test() as pilot:
        asked = app.screen.query_one(TaskFilter)
        for value, count in (("status:failed", 1), ("status:failed pay", 1), ("", 2)):
            asked.input.value = value
            while len(app.queries) < count or asked.active_filter != parse_filter(value):
                await pilot.pause()
        query = app.queries[0]
        assert query is not None
        assert (query.status, app.queries[1]) == (("failed",), None)
        asked.show_server_count(query, 1234)
        assert text(app, "#there") == ""  # that is not asked for any more
        asked.input.value = "status:failed"
        while len(app.queries) < 3:
            await pilot.pause()
        asked.show_server_count(query, 1234)
        assert text(app, "#there") == " status asked of the platform: 1,234 "


async def test_an_empty_list_says_why_and_what_to_press() -> None:
    async with PartsApp().run_test() as pilot:
        empty = pilot.app.screen.query_one(EmptyList)
        assert text(pilot.app, "#empty") == "Reading the tasks …"
        empty.show_reason(Liveness("live", "running"))
        assert text(pilot.app, "#empty").endswith("n starts one")
        empty.show_reason(Liveness("no link", "failed", "The platform does not answer."))
        assert text(pilot.app, "#empty").startswith("The platform does not answer.")
        empty.show_filtered(parse_filter("status:faild"), ["odd"], 3, has_more=True)
        assert "No task has the status faild, did you mean failed?" in text(pilot.app, "#empty")
        assert text(pilot.app, "#empty").endswith("m loads more")
        empty.show_filtered(parse_filter("status:odd"), ["odd"], 3, has_more=False)
        assert "No task has" not in text(pilot.app, "#empty")


async def test_the_title_counts_the_groups_and_says_when_the_list_is_not_live() -> None:
    state = State().after([seen(row("a", status="failed"), row("b", status="paused"), row("c"))])
    listing = TaskListModel()
    listing.apply(state, state.touched.tasks)
    async with PartsApp().run_test(size=(120, 24)) as pilot:
        title = pilot.app.screen.query_one(ListTitle)

        def shown(liveness: Liveness, **more: Any) -> str:
            about: dict[str, Any] = {"marked": 0, "only_group": None, "is_filtered": False, "total": None, **more}
            title.show_counts(liveness, listing, **about)
            return title.render_line(0).text

        live = Liveness("live", "running", checked_at=NOW)
        assert " ‖ 1 need you  ✗ 1 failed " in shown(live)
        assert "running" not in shown(live)
        assert " ▶ 0 running " in shown(live, only_group="Running")
        assert " * 2 marked " in shown(live, marked=2)
        assert shown(live, is_filtered=True, total=9).rstrip().endswith("3 of 3 loaded · 9 total")
        assert " ● last read 2m ago " in shown(Liveness("live", checked_at=NOW - timedelta(minutes=2)))


def test_liveness_is_stale_after_a_silence_that_is_too_long() -> None:
    live = Liveness("live", "running", max_silent_seconds=10.0, checked_at=NOW)
    assert not live.is_stale(NOW + timedelta(seconds=10))
    assert live.is_stale(NOW + timedelta(seconds=11))
    assert not Liveness().is_stale(NOW)
    assert live.has_same_text_as(Liveness("live", "running"))
    assert not live.has_same_text_as(Liveness("live", "running", "why"))


def test_nothing_is_asked_for_at_first() -> None:
    assert TaskFilter(DESK, SeenValues(DESK.redactor)).active_filter == Filter()
