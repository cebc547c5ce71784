"""StateStore: what it collects, how many changes a step applies, when, and what it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from tui.client.event_stream import Link, LinkState
from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.domain.state import Change, LinkSeen, LogSeen, State, TasksSeen
from tui.services.state_store import MAX_CHANGES_PER_STEP, MAX_ENTRIES_PER_CHANGE, STEP_SECONDS, StateStore

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def tasks(*ids: str) -> TasksSeen:
    return TasksSeen(tuple(Task.from_value({"id": task_id, "status": "executing"}) for task_id in ids), NOW)


def link(task_id: str) -> LinkSeen:
    return LinkSeen(task_id, Link(LinkState.LIVE), NOW)


class PublishingStore:
    """A store, with what it published and when."""

    def __init__(self, store: StateStore) -> None:
        self.steps: list[tuple[State, list[Change]]] = []
        self.times: list[float] = []
        self._is_new = asyncio.Event()
        store.subscribe(self._note)

    def _note(self, state: State, changes: Sequence[Change]) -> None:
        self.steps.append((state, list(changes)))
        self.times.append(asyncio.get_running_loop().time())
        self._is_new.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._is_new.clear()
                await self._is_new.wait()


async def test_one_step_applies_all_that_was_collected() -> None:
    store = StateStore()
    published = PublishingStore(store)
    changes: list[Change] = [tasks("a"), tasks("b"), link("a")]
    for change in changes:
        store.add(change)
    assert store.has_pending
    assert not published.steps
    await published.until(lambda: bool(published.steps))
    ((state, applied),) = published.steps
    assert applied == changes
    assert state is store.state
    assert sorted(state.tasks) == ["a", "b"]
    assert not store.has_pending


async def test_two_steps_are_a_thirtieth_of_a_second_apart() -> None:
    store = StateStore()
    published = PublishingStore(store)
    store.step()
    store.add(link("a"))
    await published.until(lambda: len(published.steps) == 2)
    first, second = published.times
    assert second - first >= 0.9 * STEP_SECONDS


async def test_an_event_is_applied_at_once_and_a_page_of_tasks_waits_for_the_next() -> None:
    delays: list[float] = []
    loop = asyncio.get_running_loop()
    for change in (link("a"), tasks("a")):
        store = StateStore()
        published = PublishingStore(store)
        began = loop.time()
        store.add(change)
        await published.until(lambda published=published: bool(published.steps))  # type: ignore[misc]
        delays.append(published.times[0] - began)
    assert delays[0] < delays[1]
    assert delays[1] >= 0.9 * STEP_SECONDS


async def test_a_step_applies_a_limited_number_and_the_rest_follows() -> None:
    store = StateStore()
    published = PublishingStore(store)
    half = MAX_CHANGES_PER_STEP // 2
    pages = [tasks(*(f"{page}-{number}" for number in range(half))) for page in range(5)]
    for page in pages:
        store.add(page)
    store.step()
    assert published.steps[0][1] == pages[:2]
    assert store.has_pending
    await published.until(lambda: not store.has_pending)
    assert [changes for _, changes in published.steps] == [pages[:2], pages[2:4], pages[4:]]
    assert len(store.state.tasks) == 5 * half


async def test_a_change_that_is_larger_than_a_step_is_applied_by_itself() -> None:
    store = StateStore()
    published = PublishingStore(store)
    large = tasks(*map(str, range(2 * MAX_CHANGES_PER_STEP)))
    store.add(large)
    store.add(tasks("a"))
    store.step()
    assert published.steps[0][1] == [large]
    await published.until(lambda: "a" in store.state.tasks)


async def test_a_long_log_is_added_in_parts() -> None:
    store = StateStore()
    published = PublishingStore(store)
    count = 2 * MAX_ENTRIES_PER_CHANGE + 1
    log = Log(tuple(parse_entry({"id": f"e{number}", "type": "message"}) for number in range(count)))
    store.add_log("a", log, NOW)
    await published.until(lambda: not store.has_pending)
    parts = [change for _, changes in published.steps for change in changes]
    assert all(isinstance(part, LogSeen) and len(part.log.entries) <= MAX_ENTRIES_PER_CHANGE for part in parts)
    activity = store.state.activity("a")
    assert activity is not None
    assert len(activity) == count


async def test_what_is_added_while_a_step_is_published_is_not_lost() -> None:
    store = StateStore()
    published = PublishingStore(store)

    def add_one_more(state: State, changes: Sequence[Change]) -> None:
        if "b" not in state.tasks:
            store.add(tasks("b"))

    store.subscribe(add_one_more)
    store.add(tasks("a"))
    await published.until(lambda: "b" in store.state.tasks)


async def test_a_due_step_is_run_by_the_given_function() -> None:
    waiting: list[Callable[[], None]] = []
    is_due = asyncio.Event()

    def run_later(step: Callable[[], None]) -> None:
        waiting.append(step)
        is_due.set()

    store = StateStore(run_later)
    store.add(link("a"))
    async with asyncio.timeout(10):
        await is_due.wait()
    assert not store.state.links
    (step,) = waiting
    step()
    assert store.state.links


async def test_a_closed_store_runs_no_step() -> None:
    ran: list[Callable[[], None]] = []
    store = StateStore(ran.append)
    store.add(link("a"))
    store.close()
    is_later = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * STEP_SECONDS, is_later.set)
    await is_later.wait()
    assert ran == []


async def test_subscribers_are_called_in_their_order() -> None:
    store, called = StateStore(), list[str]()
    for name in ("first", "second"):
        store.subscribe(lambda state, changes, name=name: called.append(name))  # type: ignore[misc]
    store.step()
    assert called == ["first", "second"]


def test_a_change_needs_a_running_loop() -> None:
    with pytest.raises(RuntimeError):
        StateStore().add(link("a"))
