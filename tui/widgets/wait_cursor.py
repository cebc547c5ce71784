"""The cursor of the task list among the tasks that wait: it goes to the next one, and leaves one that was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.domain.next_task import following, neighbour, waiting_rows
from tui.domain.task_list_rows import Group, list_root_of
from tui.widgets.task_list_pane import TaskListPane


class WaitCursor:
    """Moves the cursor of a task list between tasks; never by itself while the list is looked at."""

    def __init__(self, pane: TaskListPane) -> None:
        self._pane = pane
        self.is_deciding: Callable[[str], bool] = lambda task_id: False
        """Returns whether a decision about a task is under way."""
        self._covered_waits: Sequence[str] = ()
        """The rows that waited when another screen covered the list."""
        self._covered_row = ""
        """The row under the cursor at that time."""

    def move_to_next(self, task_ids: Sequence[str], by: int) -> int:
        """Move the cursor to the next of these tasks that is shown; return how many are hidden."""
        pane = self._pane
        for group in {Group.NEEDS_YOU, Group.FAILED} & pane.listing.folded:
            pane.scheduler.toggle(f"\n{group}", True)
        shown = self._shown(task_ids)
        self._move_to(neighbour(shown, self._row_id, by))
        return len(task_ids) - len(shown)

    def note_covered(self) -> None:
        """Note the wait under the cursor when another screen covers the list: the cursor may have to leave it."""
        self._covered_waits = waiting_rows(self._pane.scheduler.state, self._pane.listing.waiting)
        self._covered_row = self._row_id

    def leave_decided_row(self) -> None:
        """Move the cursor to the next wait, if the one that it was on when the list was covered is decided or over."""
        before, row = self._covered_waits, self._covered_row
        self._covered_row = ""
        if row not in before:
            return
        waiting = [task_id for task_id in self._pane.listing.waiting if not self.is_deciding(task_id)]
        rows = self._shown(waiting_rows(self._pane.scheduler.state, waiting))
        if row not in rows:
            self._move_to(following(before, row, rows))

    def _move_to(self, task_id: str | None) -> None:
        index = self._pane.tasks.index_of(task_id)
        if index is not None:
            self._pane.tasks.move_to(index)

    def _shown(self, task_ids: Sequence[str]) -> list[str]:
        """Return those of these tasks that the list shows."""
        return [task_id for task_id in task_ids if self._pane.tasks.index_of(task_id) is not None]

    @property
    def _row_id(self) -> str:
        """The id of the task under the cursor, or of the task that it is listed below; empty on another row."""
        line = self._pane.tasks.line
        return list_root_of(self._pane.scheduler.state, line.task.id) if line else ""
