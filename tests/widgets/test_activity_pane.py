"""ActivityPane: what the tree and the timeline share when one replaces the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input

from tests.domain.activity_sources import activity_of, call, delegation, extend, source_of
from tui.client.models import Task
from tui.domain.activity_log import Activity
from tui.domain.activity_rows import ROWS_PER_SLICE, ActivitySource
from tui.security.redact import Redactor
from tui.widgets import activity_pane
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_timeline import ActivityTimeline
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, 30, tzinfo=UTC)


class PaneApp(App[None]):
    """An app with the pane between two inputs, which records the pane's messages."""

    CSS = "ActivityView { height: 1fr; }"

    def __init__(self, pane: ActivityPane) -> None:
        super().__init__()
        self.pane = pane
        self.wanted: list[str] = []
        self.changes = 0

    def compose(self) -> ComposeResult:
        yield Input(id="before")
        yield self.pane
        yield Input(id="after")

    def on_activity_pane_log_requested(self, event: ActivityPane.LogRequested) -> None:
        self.wanted.append(event.task_id)

    def on_activity_pane_view_changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def shown(*activities: Activity, **more: Any) -> AsyncIterator[tuple[PaneApp, Pilot[None]]]:
    """Run a pane that shows these activities and has the focus."""
    app = PaneApp(ActivityPane(UIContext(lambda: NOW, Redactor(), "test")))
    async with app.run_test(size=(80, 18)) as pilot:
        app.pane.focus()
        app.pane.show(source_of(*activities, **more))
        await pilot.pause()
        yield app, pilot


def calls(count: int) -> list[dict[str, Any]]:
    """Return calls of a second each, with a message after every fourth one."""
    entries: list[dict[str, Any]] = []
    for number in range(count):
        at = NOW - timedelta(minutes=10) + timedelta(seconds=number)
        entries.append(call(f"c{number}", created_at=at.isoformat()))
        if number % 4 == 3:
            entries.append({"id": f"m{number}", "role": "agent", "text": "so far", "created_at": at.isoformat()})
    return entries


async def test_the_timeline_takes_cursor_scroll_position_and_focus_from_the_tree_and_gives_them_back() -> None:
    async with shown(activity_of("t", *calls(40))) as (app, pilot):
        await pilot.press("home", *["down"] * 25, *["up"] * 3)
        tree = app.pane.view
        key, line = tree.key_of(tree.cursor), tree.cursor - tree.scroll_offset.y
        assert isinstance(tree, ActivityTree)
        assert 0 < line < 11
        for kind in (ActivityTimeline, ActivityTree):
            app.pane.action_timeline()
            view = app.pane.view
            assert isinstance(view, kind)
            assert app.focused is view  # at once: the next key is meant for it
            await pilot.pause()
            assert (view.key_of(view.cursor), view.cursor - view.scroll_offset.y) == (key, line)
            assert view.has_focus
            assert [one.display for one in app.query(kind)] == [True]
            assert sum(one.display for one in (*app.query(ActivityTree), *app.query(ActivityTimeline))) == 1
        assert app.changes == 2


async def test_an_unmoved_cursor_follows_the_last_row_in_either_view() -> None:
    activity = activity_of("t", *calls(8))
    async with shown(activity) as (app, pilot):
        for _ in range(2):
            extend(activity, call(f"more-{len(activity)}"))
            app.pane.show(source_of(activity))
            assert app.pane.view.cursor == app.pane.view.count() - 1
            await pilot.press("v")
        await pilot.press("up", "v")
        before = app.pane.view.key_of(app.pane.view.cursor)
        extend(activity, call("last"))
        app.pane.show(source_of(activity))
        assert app.pane.view.key_of(app.pane.view.cursor) == before


async def test_folds_are_the_same_in_both_views() -> None:
    child = activity_of("c", call("inner"))
    async with shown(activity_of("t", delegation("d", "c"), call("after")), child) as (app, pilot):
        await pilot.press("home", "right")
        assert app.pane.rows.unfolded == {"c"}
        assert app.wanted == ["c"]
        await pilot.press("v")
        assert "t/d" in [app.pane.view.key_of(index) for index in range(app.pane.view.count())]
        await pilot.press("home", "left", "v")
        assert app.pane.rows.unfolded == set()
        assert app.pane.view.count() == 2


async def test_enter_folds_and_unfolds_but_a_double_click_only_chooses() -> None:
    child = activity_of("c", call("inner"))
    async with shown(activity_of("t", delegation("d", "c")), child) as (app, pilot):
        await pilot.press("home", "enter")
        assert app.pane.view.count() == 2
        await pilot.click(ActivityTree, offset=(5, 0), times=2)
        assert app.pane.view.count() == 2
        await pilot.press("enter")
        assert app.pane.view.count() == 1


async def test_errors_only_unfolds_the_sub_tasks_that_hide_a_failure_and_goes_to_it() -> None:
    grandchild = activity_of("g", call("fine"), call("broken", is_error=True))
    child = activity_of("c", call("inner"), delegation("e", "g"))
    async with shown(activity_of("t", call("outer"), delegation("d", "c")), child, grandchild) as (app, pilot):
        await pilot.press("home", "e")
        view = app.pane.view
        assert isinstance(view, ActivityTree)
        assert view.key_of(view.cursor) == "g/broken"
        await pilot.press("e")
        assert view.key_of(view.cursor) == "g/broken"
        assert app.pane.rows.index_of("t/outer") == 0


async def test_a_search_shows_the_tree_without_filters_where_the_hit_is_not_in_the_view() -> None:
    async with shown(activity_of("t", *calls(4))) as (app, pilot):
        await pilot.press("v", "e")
        assert app.pane.title_words == ["errors only"]
        assert app.pane.find("so far", 1) == (1, 1)
        view = app.pane.view
        assert isinstance(view, ActivityTree)
        assert view.key_of(view.cursor) == "t/m3"
        assert app.pane.title_words == []
        await pilot.pause()
        assert view.has_focus


async def test_rows_that_take_long_are_arranged_in_slices_with_what_has_come_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Private: work in the background is not visible from outside.
    monkeypatch.setattr(activity_pane, "MAX_BLOCKING_SECONDS", 0.0)
    activity = activity_of("t", *calls(4 * ROWS_PER_SLICE))
    async with shown(activity) as (app, pilot):
        while app.pane.view.count() < 5 * ROWS_PER_SLICE:
            await pilot.pause()
        app.pane.action_timeline()
        assert isinstance(app.pane.view, ActivityTimeline)
        slices = app.pane._pending_slices
        assert slices is not None
        next(slices)
        app.pane.show(source_of(activity_of("t", *calls(4 * ROWS_PER_SLICE), call("late"))))
        async with asyncio.timeout(20):
            while app.pane.rows.index_of("t/late") is None or app.pane.rows.index_of("t/m3") is not None:
                await pilot.pause()
        assert app.pane.view.count() == 4 * ROWS_PER_SLICE + 1


async def test_the_timeline_says_how_long_all_of_it_took_and_what_took_longest() -> None:
    ends = {"started_at": NOW.isoformat(), "finished_at": (NOW + timedelta(seconds=7)).isoformat(), "result": "ok"}
    async with shown(activity_of("t", call("slow", **ends)), status="completed") as (app, pilot):
        assert app.pane.title_words == []
        await pilot.press("v")
        assert app.pane.title_words == ["7.0s", "longest: slow 7.0s"]
        assert "█" in app.pane.view.text_of(0)


async def test_a_failed_sub_task_two_levels_below_is_seen_while_it_is_folded_in_the_tree_and_the_timeline() -> None:
    def task(name: str, status: str, parent: str, seconds: int) -> Task:
        begin, end = NOW - timedelta(minutes=2), NOW - timedelta(minutes=2) + timedelta(seconds=seconds)
        times = {"started_at": begin.isoformat(), "finished_at": end.isoformat()}
        return Task.from_value({"id": name, "status": status, "parent_task_id": parent, **times})

    root = activity_of("t", call("x", is_error=True, finished_at=NOW.isoformat()), delegation("d", "a"))
    below = {"a": activity_of("a", call("y"), delegation("e", "b")), "b": activity_of("b", call("z", is_error=True))}
    children = {"t": (task("a", "completed", "t", 9),), "a": (task("b", "failed", "a", 7),), "b": ()}
    app = PaneApp(ActivityPane(UIContext(lambda: NOW, Redactor(), "test")))
    async with app.run_test(size=(80, 18)) as pilot:
        app.pane.focus()
        record = Task.from_value({"id": "t", "status": "completed"})
        app.pane.show(ActivitySource("t", {"t": root, **below}, children, {}, record))
        await pilot.pause()
        tree = app.pane.view
        assert "2 calls, 1 failed 9.0s ✗" in tree.text_of(1)
        await pilot.press("v")
        lines = [app.pane.view.text_of(index) for index in range(app.pane.view.count())]
        assert [line.count("✗") for line in lines if " x " in line or " d " in line] == [1, 1]
        await pilot.press("v", "home", "down", "right")
        assert "calls" not in tree.text_of(1)
        assert "1 call, 1 failed 7.0s ✗" in tree.text_of(3)
