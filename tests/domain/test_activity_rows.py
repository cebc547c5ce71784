"""ActivityRows: filters, folds, search, and appending when the activity only grows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.client.lazy_entries import lazy_entries
from tests.domain.activity_sources import NOW, activity_of, call, delegation, extend, source_of, thought
from tui.client.log_entries import Log
from tui.client.models import Wait, WaitKind
from tui.domain.activity_log import Activity, Gap
from tui.domain.activity_rows import ROWS_PER_SLICE, ActivityRows, ActivitySource
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.security.redact import Redactor


def rows_of(source: ActivitySource) -> ActivityRows:
    """Return rows that are arranged for this source."""
    rows = ActivityRows(lambda: NOW)
    rows.source = source
    arrange(rows)
    return rows


def arrange(rows: ActivityRows) -> int:
    """Arrange all rows, and return the number of slices."""
    return sum(1 for _ in rows.arrange()) + 1


def keys(rows: ActivityRows) -> list[str]:
    """Return the keys of all rows, in order."""
    return [rows.key(index) for index in range(len(rows))]


def test_every_row_is_found_by_its_key() -> None:
    rows = rows_of(source_of(activity_of("t", call("a"), thought("b")), status="completed"))
    assert keys(rows) == ["t/a", "t/b", "\nend"]
    assert [rows.index_of(key) for key in keys(rows)] == [0, 1, 2]
    assert rows.index_of("t/c") is None


def test_rows_change_only_with_the_last_slice() -> None:
    rows = ActivityRows(lambda: NOW)
    rows.by_plan = True
    rows.source = source_of(activity_of("t", call("a")))
    arrange(rows)
    rows.source = source_of(activity_of("t", *(call(f"c{n}") for n in range(3 * ROWS_PER_SLICE))))
    slices = rows.arrange()
    for _ in range(3):
        next(slices)
        assert keys(rows) == ["t/a"]
    assert sum(1 for _ in slices) == 3
    assert len(rows) == 3 * ROWS_PER_SLICE


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda rows: setattr(rows, "errors_only", True), ["t/failed"]),
        (lambda rows: setattr(rows, "with_reasoning", False), ["t/failed", "t/fine"]),
    ],
)
def test_a_filter_keeps_only_matching_rows(change: Callable[[ActivityRows], None], left: list[str]) -> None:
    rows = rows_of(source_of(activity_of("t", thought("why"), call("failed", is_error=True), call("fine"))))
    change(rows)
    arrange(rows)
    assert keys(rows) == left


def test_a_sub_task_is_folded_until_it_is_unfolded() -> None:
    child = activity_of("c", call("inner"))
    rows = rows_of(source_of(activity_of("t", delegation("d", "c"), call("after")), child))
    assert keys(rows) == ["t/d", "t/after"]
    assert rows.foldable() == {"c"}
    rows.unfolded.add("c")
    arrange(rows)
    assert keys(rows) == ["t/d", "c/inner", "t/after"]
    trigger = rows.row(0)
    assert isinstance(trigger, TreeRow)
    assert rows.is_unfolded(trigger)
    assert [rows.index_above(index) for index in range(3)] == [0, 0, 2]


def test_a_gap_has_a_row_where_the_stream_was_interrupted() -> None:
    activity = activity_of("t", call("a"), call("b"))
    activity.add_gap(Gap(NOW + timedelta(seconds=0.5), 3.0, 2))
    rows = rows_of(source_of(activity))
    gap = rows.row(1)
    assert isinstance(gap, StatusRow)
    assert gap.text == "gap 3s, 2 back-filled"
    assert keys(rows)[::2] == ["t/a", "t/b"]


def test_new_rows_are_appended_above_the_status_row() -> None:
    activity = activity_of("t", call("a"))
    wait = Wait(WaitKind.APPROVAL, NOW - timedelta(minutes=2))
    rows = rows_of(source_of(activity, wait=wait))
    extend(activity, call("b"))
    rows.source = source_of(activity, wait=wait)
    assert rows.only_grows()
    rows.append()
    assert keys(rows) == ["t/a", "t/b", "\nwait"]
    status = rows.row(2)
    assert isinstance(status, StatusRow)
    assert status.text == "waits: approval for 2m"
    assert [rows.index_of(key) for key in keys(rows)] == [0, 1, 2]


def test_a_gap_or_a_sub_task_rearranges_the_rows() -> None:
    activity = activity_of("t", call("a"))
    rows = rows_of(source_of(activity))
    assert rows.only_grows()
    rows.source = source_of(activity, Activity("c"))
    assert not rows.only_grows()
    arrange(rows)
    activity.add_gap(Gap(NOW, 1.0))
    assert not rows.only_grows()


def test_a_timeline_has_only_rows_with_a_duration_and_the_wait() -> None:
    wait = Wait(WaitKind.APPROVAL, NOW)
    said = {"id": "said", "role": "user", "text": "Pay it"}
    rows = rows_of(source_of(activity_of("t", said, call("a")), wait=wait))
    assert keys(rows) == ["t/said", "t/a", "\nwait"]
    rows.as_timeline = True
    arrange(rows)
    assert keys(rows) == ["t/a", "\nwait"]
    assert not rows.only_grows()


def test_rows_of_a_large_log_are_parsed_only_when_needed() -> None:
    # Private: reading a node from outside parses it.
    activity = Activity("t")
    count = 3 * ROWS_PER_SLICE
    log = [call(f"c{n}", created_at=(NOW + timedelta(seconds=n)).isoformat()) for n in range(count)]
    activity.add_log(Log(lazy_entries(log, ROWS_PER_SLICE)), NOW)
    rows = rows_of(source_of(activity))

    def unread() -> int:
        return sum(isinstance(item, int) for item in activity.nodes._items)

    before = unread()
    assert before > count // 2
    assert rows.entry_rows() == []
    assert rows.key(100) == "t/c100"
    assert unread() == before - 1
    assert rows.index_of("t/c200") == 200


def test_a_search_finds_folded_rows_and_what_hides_them() -> None:
    child = activity_of("c", call("inner", payload={"city": "Oslo"}))
    rows = rows_of(source_of(activity_of("t", delegation("Oslo", "c")), child))
    hits = rows.find(partial(rows.has_text, "oslo", Redactor()))
    assert [(hit.key, hit.hidden_by) for hit in hits] == [("t/Oslo", ()), ("c/inner", ("c",))]
    assert rows.find(partial(rows.has_text, "bergen", Redactor())) == []


def test_repeated_calls_are_counted_until_another_call_comes() -> None:
    same = [call("look", request_id=f"r{n}", id=f"r{n}") for n in range(3)]
    other = call("other")
    rows = rows_of(source_of(activity_of("t", *same, other, call("look", request_id="r9", id="r9"))))
    assert [rows.repeats(index) for index in range(5)] == [1, 2, 3, 1, 1]
    assert rows.repeats(2) == 3
