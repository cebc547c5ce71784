"""The next task that waits, and the next that has failed, in the order of the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.task_list_builders import NOW, built_anew, row, seen
from tui.domain.next_task import failed_rows, following, neighbour, waiting_rows, waits_in_order
from tui.domain.state import State
from tui.domain.task_list import ListView, TaskListModel
from tui.domain.task_list_rows import GroupHeader, TaskLine

IDS = st.lists(st.sampled_from("abcdefg"), unique=True)


def waits(task_id: str, minutes: int | None = None, **about: Any) -> dict[str, Any]:
    """Return a row of a task that waits since some minutes."""
    paused_at = {} if minutes is None else {"paused_at": (NOW - timedelta(minutes=minutes)).isoformat()}
    return row(task_id, status="paused", hitl_request={"wait_node_id": "w"}, **paused_at, **about)


def rows_in_list(state: State, group: str) -> list[str]:
    """Return the ids of the rows of a group as the list shows them."""
    listing = built_anew(state, ListView(), TaskListModel())
    ids: list[str] = []
    is_in_group = False
    for index in range(len(listing)):
        match listing.row(index):
            case GroupHeader(group=name):
                is_in_group = name == group
            case TaskLine(task=task) if is_in_group:
                ids.append(task.id)
    return ids


STATE = State().after(
    [
        seen(
            waits("new", 1), waits("old", 30), waits("unknown"), row("root", status="executing"),
            waits("child", 10, parent_task_id="root"), waits("other child", 5, parent_task_id="root"),
            row("done"), row("f1", status="failed"), row("f2", status="error"),
            row("f3", status="failed", parent_task_id="root"),
        )
    ]
)  # fmt: skip
WAITING = frozenset({"new", "old", "unknown", "child", "other child"})


def test_rows_come_in_the_order_of_the_list() -> None:
    assert waiting_rows(STATE, WAITING) == rows_in_list(STATE, "Needs you")
    assert set(waiting_rows(STATE, WAITING)) == {"new", "old", "unknown", "root"}
    assert failed_rows(STATE) == rows_in_list(STATE, "Failed")
    assert set(failed_rows(STATE)) == {"f1", "f2"}


def test_the_waits_below_one_row_come_together() -> None:
    ordered = waits_in_order(STATE, WAITING)
    assert set(ordered) == WAITING
    place = ordered.index("child")
    assert ordered[place + 1] == "other child"
    assert [one for one in ordered if "child" not in one] == [
        one for one in rows_in_list(STATE, "Needs you") if one != "root"
    ]


def test_waits_that_are_not_known_any_more_come_last() -> None:
    assert waits_in_order(State(), {"b", "a"}) == ["a", "b"]


@pytest.mark.parametrize(
    ("current", "by", "expected"),
    [("a", 1, "b"), ("c", 1, "a"), ("a", -1, "c"), ("x", 1, "a"), ("x", -1, "c"), ("", 1, "a")],
)
def test_the_neighbour_goes_round_and_round(current: str, by: int, expected: str) -> None:
    assert neighbour(tuple("abc"), current, by) == expected
    assert neighbour((), current, by) is None


@pytest.mark.parametrize(
    ("before", "current", "now", "expected"),
    [
        ("abc", "b", "ac", "c"),
        ("abc", "b", "a", "a"),
        ("abc", "c", "ab", "a"),
        ("abc", "b", "abcd", "c"),
        ("abc", "b", "xa", "a"),
        ("abc", "b", "xy", "x"),
        ("abc", "z", "c", "c"),
        ("abc", "b", "b", None),
        ("abc", "b", "", None),
    ],
)
def test_the_following_task_is_the_one_that_came_next_before(
    before: str, current: str, now: str, expected: str | None
) -> None:
    assert following(before, current, now) == expected


@given(IDS, st.sampled_from("abcdefg"), IDS)
def test_the_following_task_is_another_one_that_is_there_now(
    before: Sequence[str], current: str, now: Sequence[str]
) -> None:
    found = following(before, current, now)
    if found is None:
        assert set(now) <= {current}
    else:
        assert found in now
        assert found != current
