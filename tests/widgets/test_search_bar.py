"""The search in a pane, and a grid whose panes are resized and zoomed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from tests.domain.test_activity_rows import activity_of, call, source_of
from tui.client.events import Event
from tui.domain.state import EventSeen
from tui.security.redact import Redactor
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.event_pane import EventPane
from tui.widgets.pane_grid import PaneGrid
from tui.widgets.search_bar import SearchBar
from tui.widgets.ui_context import UIContext

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DESK = UIContext(lambda: NOW, Redactor(), "test")


class SearchApp(App[None]):
    """An activity and its events in a grid, and a search below."""

    CSS = "PaneGrid { layout: grid; grid-size: 2 2; height: 10; } .-hidden { display: none; } #searching { height: 1; }"

    def compose(self) -> ComposeResult:
        with PaneGrid(left="left", right="right", below="below", id="panes"):
            yield ActivityPane(DESK, id="left")
            yield Vertical(id="right")
            with Vertical(id="below"):
                yield EventPane(DESK, id="events")
        yield SearchBar("words", id="searching")


def found(app: App[None]) -> str:
    """What the search says that it has found."""
    return str(app.query_one("#found", Static).content)


async def test_a_search_goes_from_hit_to_hit_and_back_to_its_pane() -> None:
    app = SearchApp()
    async with app.run_test() as pilot:
        pane, search = app.query_one(ActivityPane), app.query_one(SearchBar)
        pane.show(source_of(activity_of("t", call("one"), call("other"), call("one-more"), call("one-last"))))
        search.open(pane)
        await pilot.pause()
        assert search.is_open
        assert search.is_writing
        await pilot.press(*"one", "down")
        assert found(app) == " 1 of 3 "
        await pilot.press("down")
        assert found(app) == " 2 of 3 "
        await pilot.press("up")
        assert found(app) == " 1 of 3 "
        await pilot.press("enter")
        assert (found(app), pane.view.has_focus, search.is_open) == (" 2 of 3 ", True, True)
        search.close()
        assert not search.is_open


async def test_a_search_in_the_events_shows_only_what_it_finds() -> None:
    app = SearchApp()
    async with app.run_test() as pilot:
        pane, search = app.query_one(EventPane), app.query_one(SearchBar)
        told: list[dict[str, Any]] = [{"type": "think", "data": {"thought": words}} for words in ("red", "blue")]
        pane.add_changes([EventSeen("t", Event.from_value(one), NOW) for one in told])
        search.open(pane)
        await pilot.press(*"blue")
        assert (found(app), pane.count()) == (" 1 lines ", 1)
        await pilot.press("x")
        assert (found(app), pane.count()) == (" nothing ", 0)
        search.close()
        await pilot.pause()
        assert (pane.count(), pane.has_focus) == (2, True)


async def test_panes_are_resized_within_limits_and_zoomed() -> None:
    app = SearchApp()
    async with app.run_test(size=(100, 24)) as pilot:
        grid = app.query_one(PaneGrid)

        async def widths() -> tuple[int, int]:
            await pilot.pause()
            return app.query_one("#left").size.width, app.query_one("#right").size.width

        assert await widths() == (50, 50)
        grid.resize("left", 1)
        assert await widths() == (60, 40)
        grid.resize("right", 9)
        assert await widths() == (20, 80)
        grid.zoom("right")
        await pilot.pause()
        assert [app.query_one(f"#{name}").display for name in ("left", "right", "below")] == [False, True, False]
        grid.zoom(None)
        assert await widths() == (20, 80)
