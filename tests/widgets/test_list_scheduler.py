"""ListScheduler: changes are shown at once, another list is built in slices, and neither loses a change."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from tests.domain.task_list_builders import IDS, NOW, built_anew, row, rows_as_text, seen
from tui.client.models import Agent, Task
from tui.domain.state import AgentsSeen, State, TasksSeen
from tui.domain.task_list import TASKS_PER_SLICE, ListView, TaskListModel
from tui.widgets import list_scheduler
from tui.widgets.list_scheduler import ListScheduler

MANY = 5 * TASKS_PER_SLICE


class Owner:
    """An owner of the scheduler that records the lists it shows."""

    def __init__(self) -> None:
        self.view = ListView(now=NOW)
        self.shown: list[TaskListModel] = []
        self.others = 0
        self.tasks: dict[str, list[asyncio.Task[None]]] = {}

    def current_view(self, state: State) -> ListView:
        return self.view

    def show_listing(self, listing: TaskListModel, change: Callable[[], object], *, is_other: bool = False) -> None:
        change()
        self.shown.append(listing)
        self.others += is_other

    def run_in_background(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work())
        self.tasks.setdefault(group, []).append(task)
        return task

    async def finish(self) -> None:
        """Wait until all background work is done."""
        for group in ("arrange", "release"):
            await asyncio.gather(*self.tasks.get(group, ()), return_exceptions=True)


@pytest.fixture
def in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every build run in slices."""
    monkeypatch.setattr(list_scheduler, "MAX_BLOCKING_SECONDS", 0.0)


def state_of(count: int) -> State:
    """Return a state with this many tasks."""
    return State().after([TasksSeen(tuple(Task.from_value(row(f"m{number}")) for number in range(count)), NOW)])


def scheduled(state: State) -> tuple[Owner, ListScheduler]:
    """Return a scheduler that has shown this state."""
    owner = Owner()
    scheduler = ListScheduler(owner)
    scheduler.collect(state)
    scheduler.update()
    return owner, scheduler


def test_only_collected_changes_are_applied_to_the_list() -> None:
    owner, scheduler = scheduled(State().after([seen(row("a"))]))
    assert not scheduler.has_changes
    scheduler.collect(scheduler.state.after([seen(row("b"), later=1)]))
    assert scheduler.has_changes
    assert scheduler.listing.index_of("b") is None
    scheduler.catch_up()
    assert scheduler.listing.index_of("b") is not None
    assert owner.shown == [scheduler.listing] * 2


def test_a_short_build_replaces_the_list_at_once() -> None:
    owner, scheduler = scheduled(State().after([seen(row("a", title="two"), row("b", title="one"))]))
    before, owner.view = scheduler.listing, ListView(column="title", now=NOW)
    scheduler.rebuild(is_other=True)
    assert scheduler.listing is not before
    assert rows_as_text(scheduler.listing) == ["b completed 0", "a completed 0"]
    assert (owner.others, owner.tasks) == (1, {})


def test_other_names_of_agents_need_a_rebuild() -> None:
    _, scheduler = scheduled(State().after([seen(row("a"))]))
    scheduler.collect(scheduler.state.after([AgentsSeen((Agent.from_value({"id": "a", "name": "Ann"}),), NOW)]))
    assert scheduler.needs_rebuild
    before = scheduler.listing
    scheduler.catch_up()
    assert not scheduler.needs_rebuild
    assert scheduler.listing is not before


async def test_during_a_long_build_the_old_list_is_shown_and_updated(in_slices: None) -> None:
    # Private: the memory of a list that is not shown any more is not visible from outside.
    owner, scheduler = scheduled(state_of(MANY))
    before, owner.view = scheduler.listing, ListView(column="title", now=NOW)
    scheduler.rebuild()
    assert scheduler.listing is before
    scheduler.collect(scheduler.state.after([seen(row("late"), row("m7", status="failed"), later=1)]))
    scheduler.update()
    assert before.index_of("late") is not None
    await owner.finish()
    assert scheduler.listing is owner.shown[-1] is not before
    assert rows_as_text(scheduler.listing) == rows_as_text(built_anew(scheduler.state, owner.view, scheduler.listing))
    assert scheduler.listing.counts["Failed"] == 1
    assert not before._keys  # what nobody shows any more is freed


async def test_a_change_during_a_build_by_another_column_keeps_the_order_that_is_shown(in_slices: None) -> None:
    owner, scheduler = scheduled(state_of(0))
    owner.view = ListView(column="status", now=NOW)
    scheduler.collect(state_of(MANY))
    scheduler.rebuild()
    await owner.finish()
    before, by_status, owner.view = scheduler.listing, owner.view, ListView(column="title", now=NOW)
    scheduler.rebuild()
    scheduler.collect(scheduler.state.after([seen(row("late", status="failed"), later=1)]))
    scheduler.update()
    assert rows_as_text(before) == rows_as_text(built_anew(scheduler.state, by_status, before))
    await owner.finish()
    assert rows_as_text(scheduler.listing) == rows_as_text(built_anew(scheduler.state, owner.view, before))


async def test_changes_during_a_build_use_the_new_filter(in_slices: None) -> None:
    owner, scheduler = scheduled(state_of(MANY))
    owner.view = ListView(lambda task: task.id == "m1", now=NOW)
    scheduler.rebuild()
    scheduler.collect(scheduler.state.after([seen(row("m2", status="failed"), later=1)]))
    scheduler.update()
    owner.view = ListView(lambda task: task.id in {"m1", "m2"}, now=NOW)  # a filter looks at the time, and at who waits
    await owner.finish()
    assert scheduler.listing.matched == 2


async def test_a_build_is_cancelled_by_the_next_one(in_slices: None) -> None:
    owner, scheduler = scheduled(state_of(MANY))
    owner.view = ListView(column="title", now=NOW)
    scheduler.rebuild()
    owner.view = ListView(column="status", now=NOW)
    scheduler.rebuild()
    await owner.finish()
    assert [task.cancelled() for task in owner.tasks["arrange"]] == [True, False]
    assert scheduler.listing.view.column == "status"
    assert not any(listing.view.column == "title" for listing in owner.shown)


async def test_a_fold_during_a_long_build_holds_in_the_list_that_is_built(in_slices: None) -> None:
    family = [seen(row("parent"), row("child", parent_task_id="parent"))]
    owner, scheduler = scheduled(state_of(MANY).after(family))
    scheduler.rebuild()
    scheduler.toggle("parent", True)
    await owner.finish()
    assert "  child completed 0" in rows_as_text(scheduler.listing)
    scheduler.toggle_all(False)
    await owner.finish()
    assert "  child completed 0" not in rows_as_text(scheduler.listing)
    scheduler.toggle_all(True)
    await owner.finish()
    assert "  child completed 0" in rows_as_text(scheduler.listing)


async def test_a_closed_scheduler_starts_no_more_work(in_slices: None) -> None:
    owner, scheduler = scheduled(state_of(MANY))
    scheduler.rebuild()
    scheduler.close()
    owner.tasks["arrange"][0].cancel()
    await owner.finish()
    assert "release" not in owner.tasks


async def test_changes_in_any_order_give_the_same_list_as_a_rebuild(in_slices: None) -> None:
    dice = random.Random(19)
    owner, scheduler = scheduled(state_of(MANY))
    for later in range(60):
        match dice.randrange(4):
            case 0:
                owner.view = ListView(
                    column=dice.choice([None, "title", "status"]), reverse=dice.random() < 0.5, now=NOW
                )
                scheduler.rebuild()
            case 1:
                scheduler.toggle(dice.choice(IDS), dice.random() < 0.5)
            case 2:
                await asyncio.sleep(0)
            case _:
                parent = dice.choice([None, None, *IDS])
                change = row(dice.choice(IDS), status=dice.choice(["failed", "executing"]), parent_task_id=parent)
                scheduler.collect(scheduler.state.after([seen(change, later=later)]))
                scheduler.update()
    await owner.finish()
    assert rows_as_text(scheduler.listing) == rows_as_text(
        built_anew(scheduler.state, scheduler.listing.view, scheduler.listing)
    )
    assert scheduler.listing.view == owner.view


def test_a_change_that_was_only_collected_is_in_the_next_build() -> None:
    owner, scheduler = scheduled(State().after([seen(row("a", status="executing"), row("b"))]))
    scheduler.collect(scheduler.state.after([seen(row("a", status="failed"), later=1)]))
    scheduler.rebuild()
    assert rows_as_text(scheduler.listing) == rows_as_text(built_anew(scheduler.state, owner.view, scheduler.listing))
    assert "Failed 1 True" in rows_as_text(scheduler.listing)
