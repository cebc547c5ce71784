"""TaskListModel: applying changes step by step equals building the list again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.domain.task_list_builders import IDS, NOW, built_anew, row, rows_as_text, seen
from tui.client.events import Event
from tui.client.models import Agent
from tui.domain.filters import parse_filter
from tui.domain.list_status import MAX_COUNTED_TASKS, ListStatus, counted_total
from tui.domain.state import AgentsSeen, Change, EventSeen, State, TaskGone
from tui.domain.task_list import TASKS_PER_SLICE, ListView, TaskListModel

COLUMNS = [None, "status", "title", "agent", "wait", "plan", "tokens", "updated"]


def mention(teller: str, task_id: str, status: str) -> EventSeen:
    """Return an event of a task that mentions another one as its sub-task."""
    rows_as_text = {"type": "sub_task_updated", "task_id": teller, "data": {"id": task_id, "status": status}}
    return EventSeen(teller, Event.from_value(rows_as_text), NOW)


def change_of(one: Any, later: int) -> Change:
    """Return a change of a row, a vanished task or a change, this many seconds later."""
    if isinstance(one, EventSeen):
        return replace(one, at=NOW + timedelta(seconds=later))
    if isinstance(one, str):
        return TaskGone(one, NOW + timedelta(seconds=later), "gone")
    return seen(one, later=later)


SIX = ListStatus(read_at=NOW, total=6)
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
                process=st.sampled_from([None, {"wake": "2027-01-01T00:00:00Z"}]),
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
def test_applying_changes_step_by_step_equals_a_rebuild(
    changes: list[list[Any]],
    column: str | None,
    reverse: bool,
    words: str,
    only: str | None,
    opened: set[str],
    folded: set[str],
) -> None:
    view = ListView(parse_filter(words).predicate() if words else None, only, column, reverse, {}, NOW, SIX)
    listing, state = TaskListModel(view), State()
    listing.opened, listing.folded = opened, folded
    for later, some in enumerate(changes):
        state = state.after([change_of(one, later) for one in some])
        listing.apply(state, state.touched.tasks)
        whole = built_anew(state, view, listing)
        assert rows_as_text(listing) == rows_as_text(whole)
        assert +listing.counts == +whole.counts
        assert (listing.matched, listing.loaded) == (whole.matched, whole.loaded)
        keys = [listing.key(index) for index in range(len(listing))]
        assert [listing.index_of(key) for key in keys] == list(range(len(keys)))
        assert len(set(keys)) == len(keys)
    other = listing.refiltered(ListView(None, None, column, reverse, {}, NOW, SIX))
    for _ in other.build(state):
        pass
    assert rows_as_text(other) == rows_as_text(built_anew(state, other.view, listing))


@pytest.mark.parametrize("reverse", [False, True])
def test_an_unfolded_task_has_its_sub_tasks_below_it_in_every_order(reverse: bool) -> None:
    state = State().after(
        [seen(row("a", title="a"), row("b", title="b"), *(row(f"b{n}", parent_task_id="b") for n in range(3)))]
    )
    listing = built_anew(state, ListView(column="title", reverse=reverse), TaskListModel())
    listing.toggle("b", True)
    opened = ["b completed 3", "  b0 completed 0", "  b1 completed 0", "  b2 completed 0"]
    assert rows_as_text(listing) == ([*opened, "a completed 0"] if reverse else ["a completed 0", *opened])
    listing.toggle("b", False)
    assert len(listing) == 2


def test_a_waiting_sub_task_lifts_its_root_and_is_counted_once() -> None:
    state = State().after([seen(row("a"), row("b", parent_task_id="a"), row("c"))])
    listing = built_anew(state, ListView(), TaskListModel())
    state = state.after([seen(row("b", parent_task_id="a", status="paused"), later=9)])
    listing.apply(state, state.touched.tasks)
    assert rows_as_text(listing) == ["Needs you 1 True", "a>b completed 1", "Completed 1 True", "c completed 0"]
    assert listing.counts["Needs you"] == 1


def test_a_hundred_thousand_tasks_are_built_in_slices() -> None:
    state = State().after([seen(*(row(f"t{number}") for number in range(3000)))])
    listing = TaskListModel()
    sizes = [listing.matched for _ in listing.build(state)]
    assert sorted(set(sizes)) == [*range(TASKS_PER_SLICE, 3001, TASKS_PER_SLICE)]
    assert len(listing) == 3001


HOOK = {"id": "hook", "type": "wait", "definition": {"type": "webhook"}}


def test_tasks_that_wait_for_a_machine_are_a_group_of_their_own_outside_needs_you() -> None:
    workflow = Agent.from_value({"id": "a", "orchestration_nodes": [HOOK]})
    machine = row("m", status="paused", last_executed_node_id="hook")
    state = State().after(
        [AgentsSeen((workflow,), NOW), seen(machine, row("p", status="paused"), row("r", status="executing"))]
    )
    listing = built_anew(state, ListView(), TaskListModel())
    assert rows_as_text(listing) == [
        "Needs you 1 True", "p paused 0", "Running 1 True", "r executing 0", "Waits for a machine 1 True", "m paused 0",
    ]  # fmt: skip
    assert (listing.counts["Needs you"], listing.counts["Waits for a machine"]) == (1, 1)


def test_a_sub_task_that_needs_a_person_lifts_a_task_that_waits_for_a_machine() -> None:
    workflow = Agent.from_value({"id": "a", "orchestration_nodes": [HOOK]})
    machine = row("m", status="paused", last_executed_node_id="hook")
    child = row("c", status="paused", parent_task_id="m")
    state = State().after([AgentsSeen((workflow,), NOW), seen(machine, child)])
    assert rows_as_text(built_anew(state, ListView(), TaskListModel())) == ["Needs you 1 True", "m>c paused 1"]


@pytest.mark.parametrize(
    ("status", "is_partial", "more"),
    [
        (ListStatus(), False, None),
        (ListStatus(read_at=NOW, total=2), False, None),
        (ListStatus(read_at=NOW, total=9), True, "2 of 9"),
        (ListStatus(read_at=NOW), True, "2 of None"),
    ],
)
def test_only_groups_of_which_more_may_exist_are_marked(status: ListStatus, is_partial: bool, more: str | None) -> None:
    state = State().after([seen(row("f", status="failed"), row("r", status="executing"))])
    listing = built_anew(state, ListView(status=status), TaskListModel())
    assert [listing.may_have_more(group) for group in ("Running", "Needs you", "Failed", "odd")] == [
        False, False, is_partial, is_partial,
    ]  # fmt: skip
    assert rows_as_text(listing)[-1] == (more or "f failed 0")


def test_a_total_at_which_the_platform_stops_counting_is_no_whole() -> None:
    status = ListStatus(read_at=NOW, total=MAX_COUNTED_TASKS)
    assert not status.has_all(MAX_COUNTED_TASKS)
    assert not status.has_more(MAX_COUNTED_TASKS)
    assert [counted_total(total) for total in (999, 1000, 3341)] == ["999", "1,000+", "3,341"]
