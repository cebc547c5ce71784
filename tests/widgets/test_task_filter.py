"""TaskFilter: what is typed, what is wrong in it, and what the platform is asked for."""

from __future__ import annotations

import pytest

from tests.widgets.list_parts_app import UI, ListPartsApp, text_of
from tui.client.task_rows import TaskQuery
from tui.domain.filters import Filter, parse_filter
from tui.domain.seen_values import SeenValues
from tui.widgets import task_filter
from tui.widgets.task_filter import TaskFilter


async def test_a_filter_applies_as_typed_except_an_unfinished_field() -> None:
    async with ListPartsApp().run_test() as pilot:
        asked = pilot.app.screen.query_one(TaskFilter)
        asked.input.focus()
        await pilot.press(*"pay st")
        assert asked.active_filter == parse_filter("pay")
        await pilot.press(*"atus:failed")
        assert asked.active_filter == parse_filter("pay status:failed")


async def test_a_mistake_is_named_and_the_filter_before_it_stays() -> None:
    async with ListPartsApp().run_test() as pilot:
        asked = pilot.app.screen.query_one(TaskFilter)
        asked.input.value = "status:failed"
        await pilot.pause()
        asked.input.value = "age:soon"
        await pilot.pause()
        assert asked.active_filter == parse_filter("status:failed")
        assert text_of(pilot.app, "#wrong") != ""
        assert asked.input.has_class("-wrong")


async def test_the_platform_is_asked_once_for_what_it_can_filter_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_filter, "SERVER_FILTER_DELAY_SECONDS", 0.01)
    app = ListPartsApp()
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
        assert text_of(app, "#there") == ""  # that is not asked for any more
        asked.input.value = "status:failed"
        while len(app.queries) < 3:
            await pilot.pause()
        asked.show_server_count(query, 1234)
        assert text_of(app, "#there") == " status asked of the platform: 1,234 "


async def test_a_status_is_wrong_only_once_it_is_whole() -> None:
    async with ListPartsApp().run_test() as pilot:
        asked = pilot.app.screen.query_one(TaskFilter)
        asked.input.focus()
        await pilot.press(*"status:paus")
        assert (asked.active_filter, text_of(pilot.app, "#wrong")) == (Filter(), "")
        await pilot.press("d")
        assert "^^^^^ no status pausd, did you mean paused?" in text_of(pilot.app, "#wrong")
        await pilot.press("backspace", "enter")
        assert "did you mean paused?" in text_of(pilot.app, "#wrong")
        assert asked.active_filter == Filter()


async def test_a_refused_query_is_told_below_the_filter_until_it_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_filter, "SERVER_FILTER_DELAY_SECONDS", 0.01)
    app = ListPartsApp()
    async with app.run_test() as pilot:
        asked = app.screen.query_one(TaskFilter)
        asked.input.value = "status:hibernating"
        while not app.queries:
            await pilot.pause()
        query = app.queries[0]
        assert query is not None
        asked.show_refusal(TaskQuery(agent_id="x"), "that was before")
        assert text_of(app, "#wrong") == ""
        asked.show_refusal(query, "no such status")
        assert text_of(app, "#wrong") == " the platform does not take this filter: no such status"
        assert asked.input.has_class("-wrong")
        asked.input.value = "status:failed"
        await pilot.pause()
        assert text_of(app, "#wrong") == ""


def test_a_new_filter_is_empty() -> None:
    assert TaskFilter(UI, SeenValues(UI.redactor)).active_filter == Filter()
