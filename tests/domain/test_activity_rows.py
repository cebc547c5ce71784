"""The rows of a task's activity: filters, folds, search, and what is added when the activity only grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.test_large import entries_of
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task, Wait, WaitKind
from tui.domain.activity_log import Activity, Gap, TreeRow
from tui.domain.activity_rows import ROWS_PER_SLICE, ActivityRows, ActivitySource, StatusRow
from tui.security.redact import Redactor

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def call(name: str, **more: Any) -> dict[str, Any]:
    """A tool call as an entry of a log."""
    return {"id": name, "tool_name": name, "operation_id": name, "request_id": name, "payload": {}, **more}


def thought(name: str) -> dict[str, Any]:
    """What the agent thought, as an entry of a log."""
    return {"id": name, "type": "think", "thought": name}


def delegation(name: str, child: str) -> dict[str, Any]:
    """What started a sub-task, as an entry of a log."""
    return {"id": name, "agent_id": "other", "query": name, "sub_task_id": child}


def activity_of(task_id: str, *entries: dict[str, Any]) -> Activity:
    """The activity of a task with these entries, one a second."""
    activity = Activity(task_id)
    extend(activity, *entries)
    return activity


def extend(activity: Activity, *entries: dict[str, Any]) -> None:
    """Add these entries to the log of an activity."""
    first = len(activity)
    timed = [
        parse_entry({"created_at": (NOW + timedelta(seconds=first + number)).isoformat(), **entry})
        for number, entry in enumerate(entries)
    ]
    activity.add_log(Log(tuple(timed), first=first), NOW)


def source_of(*activities: Activity, status: str = "executing", **more: Any) -> ActivitySource:
    """The source of rows for the first of these, the others being its sub-tasks."""
    root, *below = activities
    children: Mapping[str, tuple[Task, ...]] = {
        root.task_id: tuple(Task.from_value({"id": one.task_id, "parent_task_id": root.task_id}) for one in below),
        **{one.task_id: () for one in below},
    }
    task = Task.from_value({"id": root.task_id, "status": status})
    return ActivitySource(root.task_id, {one.task_id: one for one in activities}, children, {}, task, **more)


def rows_of(source: ActivitySource) -> ActivityRows:
    """Rows that are arranged for this source."""
    rows = ActivityRows(lambda: NOW)
    rows.source = source
    arrange(rows)
    return rows


def arrange(rows: ActivityRows) -> int:
    """Arrange all rows; return in how many slices."""
    return sum(1 for _ in rows.arrange()) + 1


def keys(rows: ActivityRows) -> list[str]:
    """The keys of all rows, in order."""
    return [rows.key(index) for index in range(len(rows))]


def test_every_row_is_found_at_its_place_by_its_key() -> None:
    rows = rows_of(source_of(activity_of("t", call("a"), thought("b")), status="completed"))
    assert keys(rows) == ["t/a", "t/b", "\nend"]
    assert [rows.index_of(key) for key in keys(rows)] == [0, 1, 2]
    assert rows.index_of("t/c") is None


def test_nothing_changes_before_the_last_slice() -> None:
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
def test_a_filter_leaves_the_rows_that_it_is_for(change: Callable[[ActivityRows], None], left: list[str]) -> None:
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


def test_a_gap_stands_where_the_stream_was_away() -> None:
    activity = activity_of("t", call("a"), call("b"))
    activity.add_gap(Gap(NOW + timedelta(seconds=0.5), 3.0, 2))
    rows = rows_of(source_of(activity))
    gap = rows.row(1)
    assert isinstance(gap, StatusRow)
    assert gap.text == "gap 3s, 2 back-filled"
    assert keys(rows)[::2] == ["t/a", "t/b"]


def test_what_comes_below_all_rows_is_appended_above_the_status() -> None:
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
    assert status.text == "waits: approval, for 2m"
    assert [rows.index_of(key) for key in keys(rows)] == [0, 1, 2]


def test_rows_do_not_only_grow_when_a_gap_or_a_sub_task_comes() -> None:
    activity = activity_of("t", call("a"))
    rows = rows_of(source_of(activity))
    assert rows.only_grows()
    rows.source = source_of(activity, Activity("c"))
    assert not rows.only_grows()
    arrange(rows)
    activity.add_gap(Gap(NOW, 1.0))
    assert not rows.only_grows()


def test_a_timeline_has_only_rows_that_take_time_and_the_wait() -> None:
    wait = Wait(WaitKind.APPROVAL, NOW)
    said = {"id": "said", "role": "user", "text": "Pay it"}
    rows = rows_of(source_of(activity_of("t", said, call("a")), wait=wait))
    assert keys(rows) == ["t/said", "t/a", "\nwait"]
    rows.as_timeline = True
    arrange(rows)
    assert keys(rows) == ["t/a", "\nwait"]
    assert not rows.only_grows()


def test_the_rows_of_a_large_log_are_not_read_before_they_are_looked_at() -> None:
    activity = Activity("t")
    count = 3 * ROWS_PER_SLICE
    log = [call(f"c{n}", created_at=(NOW + timedelta(seconds=n)).isoformat()) for n in range(count)]
    activity.add_log(Log(entries_of(log, ROWS_PER_SLICE)), NOW)
    rows = rows_of(source_of(activity))

    def unread() -> int:
        return sum(isinstance(item, int) for item in activity.nodes._items)

    before = unread()
    assert before > count // 2
    assert rows.entry_rows() == []
    assert rows.key(100) == "t/c100"
    assert unread() == before - 1
    assert rows.index_of("t/c200") == 200


def test_a_search_finds_what_is_folded_away_and_names_what_hides_it() -> None:
    child = activity_of("c", call("inner", payload={"city": "Oslo"}))
    rows = rows_of(source_of(activity_of("t", delegation("Oslo", "c")), child))
    hits = rows.search("oslo", Redactor())
    assert [(hit.key, hit.hidden_by) for hit in hits] == [("t/Oslo", ()), ("c/inner", ("c",))]
    assert rows.search("bergen", Redactor()) == []


def test_the_same_call_is_counted_until_another_one_comes() -> None:
    same = [call("look", request_id=f"r{n}", id=f"r{n}") for n in range(3)]
    other = call("other")
    rows = rows_of(source_of(activity_of("t", *same, other, call("look", request_id="r9", id="r9"))))
    assert [rows.repeats(index) for index in range(5)] == [1, 2, 3, 1, 1]
    assert rows.repeats(2) == 3
