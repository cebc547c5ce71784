"""The scheduler of the task list: it applies changes at once, and builds another list in slices in the background."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

from tui.client.task_facts import Wait
from tui.domain.state import State
from tui.domain.task_list import ListView, TaskListModel
from tui.widgets.slices import MAX_BLOCKING_SECONDS, run_slice, run_sliced


class BackgroundWork(Protocol):
    """Background work that can be cancelled."""

    def cancel(self) -> object:
        """Cancel the work."""


class ListOwner(Protocol):
    """The owner of the list, which chooses its view, shows it, and runs work in the background."""

    def current_view(self, state: State) -> ListView:
        """Return the current view: which tasks are listed, and in which order."""

    def show_listing(self, listing: TaskListModel, change: Callable[[], object], *, is_other: bool = False) -> None:
        """Call `change`, then show the listing; `is_other` means that all rows may be other ones than before."""

    def run_in_background(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> BackgroundWork:
        """Run work in the background."""


class ListScheduler:
    """Collects changes of the state, and schedules updates and rebuilds of the listing.

    A rebuild that takes long goes on in the background; until it is done, the old listing is shown and kept up to
    date.
    """

    def __init__(self, owner: ListOwner) -> None:
        self._owner = owner
        self.listing = TaskListModel()
        self.state = State()
        self._changed: set[str] = set()
        """Ids of the tasks that have changed since the last update."""
        self._changed_since_build: set[str] = set()
        """Ids of the tasks that have changed since the last rebuild was started."""
        self._waits: dict[str, Wait | None] = {}
        """The last known wait of each task whose log is known."""
        self._build: BackgroundWork | None = None
        self._is_closed = False
        self.needs_rebuild = False
        """Whether names of agents have changed, which may be in any row."""

    @property
    def has_changes(self) -> bool:
        """Whether there are changes to update the listing with."""
        return bool(self._changed)

    def collect(self, state: State) -> None:
        """Collect the changes of a new state."""
        self.state = state
        tasks = state.touched.tasks
        tasks_with_log = state.touched.logs | (tasks & self._waits.keys())
        tasks_with_new_wait = {task_id for task_id in tasks_with_log if self._update_wait(task_id)}
        self._changed |= tasks | tasks_with_new_wait
        if state.touched.agents:
            self.needs_rebuild = True

    def _update_wait(self, task_id: str) -> bool:
        """Update the known wait of a task, and return whether it is new: a longer log changes a row only then."""
        old_wait = self._waits.get(task_id)
        new_wait = self.state.wait(task_id)
        self._waits[task_id] = new_wait
        return new_wait != old_wait

    def catch_up(self) -> None:
        """Catch up with all collected changes."""
        if self.needs_rebuild:
            self.rebuild()
        else:
            self.update()

    def update(self) -> None:
        """Update the listing with the collected changes."""
        self._update(self._view_for(self.listing))

    def _view_for(self, listing: TaskListModel) -> ListView:
        """Return the view to update a listing with.

        While a rebuild is running or due, it is the listing's own view, because its rows are in that order.
        """
        if self._build is not None or self.needs_rebuild:
            return listing.view
        return self._owner.current_view(self.state)

    def _update(self, view: ListView) -> None:
        """Update the listing with the collected changes, for this view."""
        changed = self._changed
        self._changed = set()
        self._changed_since_build |= changed
        self._show_with_changes(view, changed)

    def _show_with_changes(self, view: ListView, changed: set[str], *, is_other: bool = False) -> None:
        """Let the owner apply changes to the listing and show it, in one step: it keeps the cursor on its task."""
        listing = self.listing

        def apply_changes() -> None:
            listing.view = view
            listing.apply(self.state, changed)

        self._owner.show_listing(listing, apply_changes, is_other=is_other)

    def rebuild(self, *, is_other: bool = False) -> None:
        """Rebuild the listing: at once if it takes no longer than a frame, else in the background."""
        if self._changed:
            self._update(self.listing.view)
        self.needs_rebuild = False
        self._changed_since_build = set()
        new_listing = self.listing.refiltered(self._owner.current_view(self.state))
        slices = new_listing.build(self.state)
        if self._build is not None:
            self._build.cancel()
            self._build = None
        is_built = run_slice(slices, MAX_BLOCKING_SECONDS)
        if is_built:
            self._replace_listing(new_listing, is_other)
        else:
            work = partial(self._build_in_slices, new_listing, slices, is_other)
            self._build = self._owner.run_in_background(work, "arrange")

    async def _build_in_slices(self, new_listing: TaskListModel, slices: Iterator[None], is_other: bool) -> None:
        """Build the new listing in slices, and replace the old one with it; if this is cancelled, the old one stays."""
        unused_listing = new_listing
        try:
            await run_sliced(slices)
            unused_listing = self.listing
            self._build = None
            self._replace_listing(new_listing, is_other)
        finally:
            if not self._is_closed:  # in slices, because freeing it all at once would delay a key
                self._owner.run_in_background(partial(run_sliced, unused_listing.release()), "release")

    def _replace_listing(self, new_listing: TaskListModel, is_other: bool) -> None:
        """Replace the listing with a new one, and apply what has changed since its build was started."""
        self.listing = new_listing
        self._show_with_changes(self._view_for(new_listing), self._changed_since_build, is_other=is_other)

    def toggle(self, key: str, is_open: bool) -> None:
        """Toggle the sub-tasks of a task, or the tasks of a group."""
        listing = self.listing
        self._changed_since_build.add(key)
        self._owner.show_listing(listing, lambda: listing.toggle(key, is_open))

    def toggle_all(self, is_open: bool) -> None:
        """Unfold all groups, and show all sub-tasks or none."""
        self.listing.folded.clear()
        self.listing.opened.clear()
        if is_open:
            self.listing.opened.update(self.state.children)
        self.rebuild()

    def close(self) -> None:
        """Close the scheduler: it starts no more work."""
        self._is_closed = True
