"""EventPane: large logs, floods of events, pausing and marks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.client.lazy_entries import lazy_entries
from tests.domain.activity_builders import call_of_log
from tests.widgets.widget_app import NOW, UI, WidgetApp
from tui.client.events import Event
from tui.client.log_entries import Log, ToolCall, parse_entry
from tui.domain.activity_log import Activity
from tui.domain.state import EventSeen, LogSeen
from tui.widgets.event_pane import EventPane
from tui.widgets.event_rows import MAX_EVENTS, RowKey


async def test_the_pane_parses_only_visible_entries_of_a_large_log() -> None:
    log = lazy_entries([call_of_log(f"c{n}", created_at=NOW.isoformat()) for n in range(MAX_EVENTS // 2 + 50)], 5_000)
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(100, 24)) as pilot:
        pane.add_changes([LogSeen("t", Log(log), NOW, log)])
        await pilot.pause()
        assert (pane.total, pane.count()) == (MAX_EVENTS // 2 + 50, MAX_EVENTS // 2 + 1)  # and the rule above
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
        assert (pane.count(), pane.key_of(0)) == (MAX_EVENTS // 2, RowKey(NOW, 401 + MAX_EVENTS // 2 + 1, 0))
        assert pane.index_of(RowKey(NOW, 301, 0)) is None
        pane.action_marked()
        assert pane.cursor == 300  # the mark went with its line


def told(number: int, seconds: float) -> EventSeen:
    when = NOW + timedelta(seconds=seconds)
    raw = {"type": "think", "task_id": "t", "time": when.isoformat(), "data": {"id": f"e{number}"}}
    return EventSeen("t", Event.from_value(raw), when)


def logged(*entries: dict[str, Any]) -> LogSeen:
    parsed = tuple(map(parse_entry, entries))
    return LogSeen("t", Log(parsed), NOW, parsed)


def thought(name: str, seconds: float | None) -> dict[str, Any]:
    at = {} if seconds is None else {"created_at": (NOW + timedelta(seconds=seconds)).isoformat()}
    return {"id": name, "type": "think", "thought": name, "title": name, **at}


async def test_the_line_under_the_cursor_stays_in_its_place_while_others_are_filled_in_above() -> None:
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(80, 10)) as pilot:
        pane.focus()
        pane.add_changes([told(number, number * 10) for number in range(30)])
        await pilot.press("up", "up", "up")
        before = pane.text_of(pane.cursor), pane.cursor - pane.scroll_offset.y
        pane.add_changes([logged(thought("a", 5), thought("b", 6)), told(99, 400)])
        await pilot.pause()
        assert (pane.text_of(pane.cursor), pane.cursor - pane.scroll_offset.y) == before
        assert not pane.follows
        assert pane.text_of(1).strip() == "─ filled in later, from the log: 2 ─"
        await pilot.press("p")
        lines = [pane.text_of(index) for index in range(pane.count())]
        pane.add_changes([logged(thought("c", 7)), told(100, 500)])
        await pilot.pause()
        assert [pane.text_of(index) for index in range(pane.count())] == lines
        await pilot.press("p")
        assert pane.text_of(1).strip() == "─ filled in later, from the log: 3 ─"
        assert (pane.text_of(pane.cursor), pane.cursor - pane.scroll_offset.y) == before


async def test_the_cursor_rests_on_no_rule_and_a_log_entry_without_a_time_stays_after_the_one_before() -> None:
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(80, 12)) as pilot:
        pane.focus()
        pane.add_changes([told(1, 50), logged(thought("a", 5), thought("b", None), thought("c", 6))])
        await pilot.press("home")
        assert pane.selected is not None
        texts = [pane.text_of(index) for index in range(pane.count())]
        assert [next((name for name in "abc" if text.rstrip().endswith(f" {name}")), "") for text in texts] == [
            "", "a", "b", "c", "", "",
        ]  # fmt: skip
        await pilot.press("down", "down", "down")
        assert isinstance(pane.selected, Event)


async def test_an_entry_that_the_stream_told_under_another_id_is_not_filled_in_again() -> None:
    card = {"id": "x", "action": "ask_for_secret", "name": "TOKEN", "created_at": NOW.isoformat()}
    event = Event.from_value({"type": "ask_for_secret", "time": NOW.isoformat(), "data": {"name": "TOKEN"}})
    activity = Activity("t")
    activity.add_event(event, NOW)
    activity.add_log(logged(card).log, NOW)
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(80, 12)):
        pane.add_changes([EventSeen("t", event, NOW), logged(card)], activity)
        assert pane.count() == 1


async def test_live_events_are_sorted_by_time_but_a_wrong_clock_hides_none_of_them() -> None:
    app = WidgetApp(pane := EventPane(UI))
    async with app.run_test(size=(80, 12)):
        pane.add_changes([told(1, 0), told(2, 20), told(3, 10), told(4, -3600), told(5, 21)])
        numbers = [pane._rows[index][0].number for index in range(pane.count())]  # Private: the order of the items
        assert numbers == [1, 3, 2, 4, 5]
