"""The list of tasks goes on from step to step, and is at each what it would be if it were arranged anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tui.client.events import Event
from tui.client.models import Task
from tui.domain.filters import parse_filter
from tui.domain.state import Change, EventSeen, State, TaskGone, TasksSeen
from tui.domain.task_list import TASKS_PER_SLICE, ListView, TaskListModel
from tui.domain.task_list_rows import GroupHeader, MoreLine, TaskLine

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IDS = [f"t{number}" for number in range(8)]
COLUMNS = [None, "status", "title", "agent", "wait", "plan", "tokens", "updated"]


def row(task_id: str, **about: Any) -> dict[str, Any]:
    """A task as a list tells it."""
    return {"id": task_id, "agent_id": "a", "status": "completed", "created_at": NOW.isoformat(), **about}


def seen(*rows: dict[str, Any], later: int = 0) -> TasksSeen:
    """That a list was read, so many seconds later."""
    at = NOW + timedelta(seconds=later)
    return TasksSeen(tuple(Task.from_value({**one, "updated_at": at.isoformat()}) for one in rows), at)


def mention(teller: str, task_id: str, status: str) -> EventSeen:
    """That the stream of a task told of another one as its sub-task."""
    told = {"type": "sub_task_updated", "task_id": teller, "data": {"id": task_id, "status": status}}
    return EventSeen(teller, Event.from_value(told), NOW)


def change_of(one: Any, later: int) -> Change:
    """A row that was seen, a task that is gone, or a change as it is, so many seconds later."""
    if isinstance(one, EventSeen):
        return replace(one, at=NOW + timedelta(seconds=later))
    if isinstance(one, str):
        return TaskGone(one, NOW + timedelta(seconds=later), "gone")
    return seen(one, later=later)


def anew(state: State, view: ListView, like: TaskListModel) -> TaskListModel:
    """All of it, arranged from nothing."""
    listing = TaskListModel(view)
    listing.opened, listing.folded = like.opened, like.folded
    for _ in listing.build(state):
        pass
    return listing


def told(listing: TaskListModel) -> list[str]:
    """The rows as text: headings with their number, tasks with their depth, what waits below."""
    words = []
    for index in range(len(listing)):
        match listing.row(index):
            case GroupHeader() as head:
                words.append(f"{head.group} {head.count} {head.is_open}")
            case TaskLine() as line:
                where = "".join(f">{task.id}" for task in line.path)
                words.append(f"{'  ' * line.depth}{line.task.id}{where} {line.task.status} {line.subtask_count}")
            case MoreLine() as more:
                words.append(f"{more.loaded} of {more.total}")
    return words


steps = st.lists(
    st.lists(
        st.one_of(
            st.builds(
                row,
                st.sampled_from(IDS),
                status=st.sampled_from(["pending", "executing", "paused", "failed", "completed", "odd"]),
                parent_task_id=st.sampled_from([None, None, None, *IDS]),
                title=st.sampled_from([None, "one", "two"]),
                tokens=st.sampled_from([None, {"total_tokens": 5}, {"total_tokens": 7}]),
            ),
            st.builds(mention, st.sampled_from(IDS), st.sampled_from(IDS), st.sampled_from(["executing", "completed"])),
            st.builds(lambda one: {"id": one, "status": "executing"}, st.sampled_from(IDS)),
            st.sampled_from(IDS),
        ),
        min_size=1,
        max_size=5,
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(
    steps,
    st.sampled_from(COLUMNS),
    st.booleans(),
    st.sampled_from(["", "status:failed", "two", "-title:one"]),
    st.sampled_from([None, "Running", "Needs you", "Completed"]),
    st.sets(st.sampled_from(IDS)),
    st.sets(st.sampled_from(["Running", "Completed"])),
)
def test_step_by_step_is_the_same_as_anew(
    changes: list[list[Any]],
    column: str | None,
    reverse: bool,
    words: str,
    only: str | None,
    opened: set[str],
    folded: set[str],
) -> None:
    view = ListView(parse_filter(words).predicate() if words else None, only, column, reverse, {}, NOW, 6)
    listing, state = TaskListModel(view), State()
    listing.opened, listing.folded = opened, folded
    for later, some in enumerate(changes):
        state = state.after([change_of(one, later) for one in some])
        listing.apply(state, state.touched.tasks)
        whole = anew(state, view, listing)
        assert told(listing) == told(whole)
        assert +listing.counts == +whole.counts
        assert (listing.matched, listing.loaded) == (whole.matched, whole.loaded)
        keys = [listing.key(index) for index in range(len(listing))]
        assert [listing.index_of(key) for key in keys] == list(range(len(keys)))
        assert len(set(keys)) == len(keys)
    other = listing.refiltered(ListView(None, None, column, reverse, {}, NOW, 6))
    for _ in other.build(state):
        pass
    assert told(other) == told(anew(state, other.view, listing))


@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_opened_shows_its_sub_tasks_below_it_whichever_way_it_is_sorted(reverse: bool) -> None:
    state = State().after(
        [seen(row("a", title="a"), row("b", title="b"), *(row(f"b{n}", parent_task_id="b") for n in range(3)))]
    )
    listing = anew(state, ListView(column="title", reverse=reverse), TaskListModel())
    listing.toggle("b", True)
    opened = ["b completed 3", "  b0 completed 0", "  b1 completed 0", "  b2 completed 0"]
    assert told(listing) == ([*opened, "a completed 0"] if reverse else ["a completed 0", *opened])
    listing.toggle("b", False)
    assert len(listing) == 2


def test_who_waits_below_lifts_its_root_and_is_counted_once() -> None:
    state = State().after([seen(row("a"), row("b", parent_task_id="a"), row("c"))])
    listing = anew(state, ListView(), TaskListModel())
    state = state.after([seen(row("b", parent_task_id="a", status="paused"), later=9)])
    listing.apply(state, state.touched.tasks)
    assert told(listing) == ["Needs you 1 True", "a>b completed 1", "Completed 1 True", "c completed 0"]
    assert listing.counts["Needs you"] == 1


def test_a_hundred_thousand_are_taken_in_some_at_a_time() -> None:
    state = State().after([seen(*(row(f"t{number}") for number in range(3000)))])
    listing = TaskListModel()
    sizes = [listing.matched for _ in listing.build(state)]
    assert sorted(set(sizes)) == [*range(TASKS_PER_SLICE, 3001, TASKS_PER_SLICE)]
    assert len(listing) == 3001
