"""Keeps the task list in step with the state: changes at once, another filter or order in slices beside keys."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

from tui.client.task_facts import Wait
from tui.domain.state import State
from tui.domain.task_list import ListView, TaskListModel
from tui.widgets.slices import MAX_BLOCKING_SECONDS, run_slice, run_sliced


class BackgroundWork(Protocol):
    """Work that was started and can be cancelled."""

    def cancel(self) -> object:
        """Cancel the work."""


class ListOwner(Protocol):
    """What the scheduler asks for: which list is wanted, a place to show it, and a way to work in the background."""

    def current_view(self, state: State) -> ListView:
        """Return which tasks are wanted, and in which order."""

    def show_listing(self, listing: TaskListModel, change: Callable[[], object], *, is_other: bool = False) -> None:
        """Show a listing once `change` was called; of another one the rows may be others altogether."""

    def run_in_background(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> BackgroundWork:
        """Start this work."""


class ListScheduler:
    """Collects what has changed, and brings it into the listing that is shown, or builds another listing.

    A build that takes long goes on in the background; until it is done, the listing before stays shown and up to date.
    """

    def __init__(self, owner: ListOwner) -> None:
        self._owner = owner
        self.listing = TaskListModel()
        self.state = State()
        self._changed: set[str] = set()
        """Ids of tasks that have changed since the listing was updated."""
        self._changed_since_build: set[str] = set()
        """Ids of tasks that have changed since the build of another listing was begun."""
        self._waits: dict[str, Wait | None] = {}
        """Why those tasks wait whose logs are known."""
        self._build: BackgroundWork | None = None
        self._is_closed = False
        self.needs_rebuild = False
        """Whether agents have other names now: they may be in any row."""

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to update."""
        return bool(self._changed)

    def collect(self, state: State) -> None:
        """Take the new state, and note which tasks it has changed."""
        self.state = state
        tasks, logs = state.touched.tasks, state.touched.logs
        self._changed |= tasks | set(filter(self._waits_otherwise, logs | (tasks & self._waits.keys())))
        self.needs_rebuild = self.needs_rebuild or bool(state.touched.agents)

    def _waits_otherwise(self, task_id: str) -> bool:
        """Return whether a task waits otherwise than before: only then its row changes when its log grows."""
        before, self._waits[task_id] = self._waits.get(task_id), self.state.wait(task_id)
        return self._waits[task_id] != before

    def catch_up(self) -> None:
        """Bring the listing up to date with everything that was collected."""
        if self.needs_rebuild:
            self.rebuild()
        else:
            self.update()

    def update(self) -> None:
        """Bring the changes into the listing that is shown."""
        self._update(self._view_of(self.listing))

    def _view_of(self, listing: TaskListModel) -> ListView:
        """Return the view to update a listing by: its own while another is built, for its rows are in that order."""
        if self._build is not None or self.needs_rebuild:
            return listing.view
        return self._owner.current_view(self.state)

    def _update(self, view: ListView) -> None:
        listing, changed = self.listing, self._changed
        self._changed = set()
        self._changed_since_build |= changed

        def change() -> None:
            listing.view = view
            listing.apply(self.state, changed)

        self._owner.show_listing(listing, change)

    def rebuild(self, *, is_other: bool = False) -> None:
        """Build another listing: at once while it takes no longer than a frame, else in the background."""
        if self._changed:
            self._update(self.listing.view)
        self.needs_rebuild, self._changed_since_build = False, set()
        listing = self.listing.refiltered(self._owner.current_view(self.state))
        slices = listing.build(self.state)
        if self._build is not None:
            self._build.cancel()
            self._build = None
        if run_slice(slices, MAX_BLOCKING_SECONDS):
            self._replace(listing, is_other)
        else:
            work = partial(self._build_in_slices, listing, slices, is_other)
            self._build = self._owner.run_in_background(work, "arrange")

    async def _build_in_slices(self, listing: TaskListModel, slices: Iterator[None], is_other: bool) -> None:
        unused = listing
        try:
            await run_sliced(slices)
            unused, self._build = self.listing, None
            self._replace(listing, is_other)
        finally:
            if not self._is_closed:  # to free it all at once would hold up a key
                self._owner.run_in_background(partial(run_sliced, unused.release()), "release")

    def _replace(self, listing: TaskListModel, is_other: bool) -> None:
        """Show the listing that was built, with what has changed meanwhile."""
        self.listing = listing
        view, changed = self._view_of(listing), self._changed_since_build

        def change() -> None:
            listing.view = view
            listing.apply(self.state, changed)

        self._owner.show_listing(listing, change, is_other=is_other)

    def toggle(self, key: str, is_open: bool) -> None:
        """Show the sub-tasks of a task or the tasks of a group, or hide them."""
        listing = self.listing
        self._changed_since_build.add(key)
        self._owner.show_listing(listing, lambda: listing.toggle(key, is_open))

    def toggle_all(self, is_open: bool) -> None:
        """Show all groups, and all sub-tasks or none."""
        self.listing.folded.clear()
        self.listing.opened.clear()
        if is_open:
            self.listing.opened.update(self.state.children)
        self.rebuild()

    def close(self) -> None:
        """Start no more work: nothing is shown any more."""
        self._is_closed = True
