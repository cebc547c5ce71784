"""EventRows: events in order of time, and what was filled in later in its place between two rules."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.widgets.widget_app import NOW, UI
from tui.client.events import Event
from tui.client.log_entries import parse_entry
from tui.domain.activity_log import Gap
from tui.widgets.event_lines import EventItem, EventLines
from tui.widgets.event_rows import EventRows


def live(number: int, seconds: float) -> EventItem:
    when = NOW + timedelta(seconds=seconds)
    return EventItem(number, when, Event.from_value({"type": "think", "data": {"thought": f"e{number}"}}), when)


def filled(number: int, seconds: float) -> EventItem:
    when = NOW + timedelta(seconds=seconds)
    return EventItem(number, when, parse_entry({"id": f"e{number}", "type": "think", "thought": f"e{number}"}), when)


def rows_with(*batches: list[EventItem]) -> EventRows:
    rows = EventRows(EventLines(UI), lambda: 80)
    for batch in batches:
        rows.place(batch)
    return rows


def shown(rows: EventRows) -> list[str]:
    """Return the number of the item of each row, or the text of the rule."""
    return [rows.rule_text(index) or str(rows[index][0].number) for index in range(len(rows))]


ABOVE, BELOW = "─ filled in later, from the log: {} ─", "─ end of what was filled in ─"


def test_what_was_filled_in_later_stands_at_its_time_between_two_rules() -> None:
    rows = rows_with([live(1, 0), live(2, 40)], [filled(3, 10), filled(4, 20)], [live(5, 50)])
    assert shown(rows) == ["1", ABOVE.format(2), "3", "4", BELOW, "2", "5"]


def test_a_rule_below_comes_with_the_first_live_event() -> None:
    rows = rows_with([filled(1, 0)], [filled(2, 1)])
    assert shown(rows) == [ABOVE.format(2), "1", "2"]
    rows.place([live(3, 2)])
    assert shown(rows) == [ABOVE.format(2), "1", "2", BELOW, "3"]


def test_a_gap_that_is_told_again_replaces_its_row() -> None:
    gap = NOW + timedelta(seconds=5)
    rows = rows_with([live(1, 0), EventItem(2, gap, Gap(gap, 3.0), gap), live(3, 9)])
    rows.place([filled(4, 6), EventItem(2, gap, Gap(gap, 3.0, 1), gap)])
    assert shown(rows) == ["1", "2", ABOVE.format(1), "4", BELOW, "3"]
    assert rows[1][0].content == Gap(gap, 3.0, 1)


def test_a_filter_keeps_rules_only_round_what_it_shows() -> None:
    rows = rows_with([live(1, 0), filled(2, 1), filled(12, 2), live(3, 3), filled(4, 4), live(5, 5)])
    rows.search_words = "e2"
    rows.rebuild()
    assert shown(rows) == [ABOVE.format(1), "2", BELOW]
    rows.place([filled(31, 1.5)])
    assert shown(rows) == [ABOVE.format(1), "2", BELOW]


BATCHES = st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=6), max_size=6)


@given(BATCHES, st.booleans())
def test_rows_are_the_same_in_whatever_parts_the_items_came(
    batches: list[list[tuple[bool, int]]], has_filter: bool
) -> None:
    rows, whole, number = rows_with(), rows_with(), 0
    if has_filter:
        rows.only_kind = whole.only_kind = "think"
    everything: list[EventItem] = []
    for batch in batches:
        items = []
        for is_live, seconds in batch:
            number += 1
            items.append(live(number, seconds) if is_live else filled(number, seconds))
        rows.place(items)
        everything += items
    whole.place(everything)
    assert shown(rows) == shown(whole)
    keys = [rows.key(index) for index in range(len(rows))]
    assert keys == sorted(keys)
    assert [rows.index_of(key) for key in keys] == list(range(len(rows)))
