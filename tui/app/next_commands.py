"""The commands that go to the next task that waits for a person, and to the next that has failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from tui.app.access import AppAccess
from tui.domain.next_task import failed_rows, neighbour, waiting_rows
from tui.domain.task_list_rows import list_root_of
from tui.services.state_store import StateStore


class NextCommands:
    """Goes to the next task: in the list with the cursor, in a review to a review, elsewhere by opening the task."""

    def __init__(self, app: AppAccess, store: StateStore, waiting: Callable[[], Collection[str]]) -> None:
        self._app = app
        self._store = store
        self._waiting = waiting
        """Returns the ids of the waiting tasks."""

    def go_to_wait(self, by: int) -> None:
        """Go to the next task that waits, or to the previous one."""
        if not self._app.screens[-1].show_next_review(by):
            self._go_to(waiting_rows(self._store.state, self._waiting()), by, "waits")

    def go_to_failure(self) -> None:
        """Go to the next task that has failed."""
        self._go_to(failed_rows(self._store.state), 1, "has failed")

    def _go_to(self, rows: Sequence[str], by: int, state: str) -> None:
        top = self._app.screens[-1]
        if len(top.open_tasks) > 1:
            top.hint("several tasks are open here: leave them first")
        elif not rows:
            top.hint(f"no task that is loaded {state}")
        elif not top.move_to_row(rows, by):
            open_id = next(iter(top.open_tasks), top.followed_task)
            current = list_root_of(self._store.state, open_id)
            next_id = neighbour(rows, current, by)
            if next_id is None or next_id == current:
                top.hint(f"no other task that is loaded {state}")
            else:
                self._app.replace_by_task(next_id)
