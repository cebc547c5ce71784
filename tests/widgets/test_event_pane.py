"""EventPane: large logs, floods of events, pausing and marks."""

from __future__ import annotations

from tests.client.lazy_entries import lazy_entries
from tests.domain.activity_builders import call_of_log
from tests.widgets.widget_app import NOW, UI, WidgetApp
from tui.client.events import Event
from tui.client.log_entries import Log, ToolCall
from tui.domain.state import EventSeen, LogSeen
from tui.widgets.event_pane import MAX_EVENTS, EventPane


async def test_the_pane_parses_only_visible_entries_of_a_large_log() -> None:
    log = lazy_entries([call_of_log(f"c{n}", created_at=NOW.isoformat()) for n in range(MAX_EVENTS // 2 + 50)], 5_000)
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(100, 24)) as pilot:
        pane.add_changes([LogSeen("t", Log(log), NOW, log)])
        await pilot.pause()
        assert (pane.total, pane.count()) == (MAX_EVENTS // 2 + 50, MAX_EVENTS // 2)
        assert isinstance(pane.selected, ToolCall)
        assert pane.selected.id == f"c{MAX_EVENTS // 2 + 49}"
        pane.move_to(0)
        assert isinstance(pane.selected, ToolCall)
        assert pane.selected.id == "c50"


async def test_a_flood_of_events_is_complete_and_a_few_are_shown_at_once() -> None:
    def told(first: int, count: int) -> list[EventSeen]:
        raw = [{"type": "think", "task_id": "t", "data": {"id": f"e{first + n}"}} for n in range(count)]
        return [EventSeen("t", Event.from_value(one), NOW) for one in raw]

    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(100, 24)) as pilot:
        pane.add_changes(told(0, 100))
        assert pane.count() == 100  # it was not looked at for long
        pane.add_changes(told(100, 1))
        assert (pane.count(), pane.is_behind) == (101, False)
        pane.add_changes(told(101, 100))
        pane.add_changes(told(201, 100))
        assert (pane.count(), pane.total, pane.is_behind) == (101, 301, True)
        while pane.is_behind:
            await pilot.pause()
        assert (pane.count(), pane.cursor) == (301, 300)
        pane.action_mark()
        pane.add_changes(told(301, 50))
        pane.action_pause()
        assert pane.count() == 351  # what came before the pause
        pane.add_changes(told(351, 50))
        assert (pane.count(), pane.total, pane.is_behind) == (351, 401, False)
        pane.action_pause()
        assert pane.count() == 401
        pane.action_marked()
        assert pane.cursor == 300
        pane.add_changes(told(401, MAX_EVENTS))
        while pane.is_behind:
            await pilot.pause()
        assert (pane.count(), pane.key_of(0)) == (MAX_EVENTS // 2, (401 + MAX_EVENTS // 2 + 1, 0))
        assert pane.index_of((301, 0)) is None
        pane.action_marked()
        assert pane.cursor == 300  # the mark went with its line
