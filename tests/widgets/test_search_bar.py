"""SearchBar: a search in the activity, and one in the events."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.widgets import Static

from tests.domain.activity_sources import activity_of, call, source_of
from tests.widgets.search_app import NOW, SearchApp
from tui.client.events import Event
from tui.domain.state import EventSeen
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.event_pane import EventPane
from tui.widgets.search_bar import SearchBar


def found(app: App[None]) -> str:
    """Return the number of hits that the search shows."""
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
