"""The commands that go to the next task that waits for a person, and to the next that has failed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import cast

from tui.app.access import AppAccess
from tui.app.review_manager import ReviewManager
from tui.domain.next_task import failed_rows, neighbour, waiting_rows, waits_in_order
from tui.domain.task_list_rows import list_root_of
from tui.screens.messages import ReviewsTask, ShowNextReview
from tui.services.state_store import StateStore

NO_OTHER = "no other task that is loaded {}"


class NextCommands:
    """Goes to the next task: in the list with the cursor, in a review to a review, elsewhere by opening the task."""

    def __init__(
        self, app: AppAccess, store: StateStore, waiting: Callable[[], Collection[str]], reviews: ReviewManager
    ) -> None:
        self._app = app
        self._store = store
        self._waiting = waiting
        """Returns the ids of the waiting tasks."""
        self._reviews = reviews

    def go_to(self, kind: str, by: int) -> None:
        """Go to the next task of a kind: one that waits, or one that has failed."""
        if kind == "wait":
            self._go_to_wait(by)
        else:
            self._go_to(failed_rows(self._store.state), by, "has failed")

    def _go_to_wait(self, by: int) -> None:
        """Go to the next task that waits, or to the previous one."""
        top, waiting = self._app.screens[-1], self._waiting()
        if top.HAS_NEXT_REVIEW:
            self._reviews.handle(ShowNextReview(cast(ReviewsTask, top), by))
        elif top.IS_APPROVAL and len(top.open_tasks) == 1:
            self._go_to_review(next(iter(top.open_tasks)), waits_in_order(self._store.state, waiting), by)
        else:
            self._go_to(waiting_rows(self._store.state, waiting), by, "waits")

    def _go_to_review(self, open_id: str, waits: Sequence[str], by: int) -> None:
        """Go from the form for an answer to the review of the next task that waits."""
        next_id = neighbour(waits, open_id, by)
        if next_id is None or next_id == open_id:
            self._app.screens[-1].hint(NO_OTHER.format("waits"))
        else:
            while self._app.screens[-1].IS_APPROVAL:
                self._app.pop_screen()
            self._reviews.open(next_id)

    def _go_to(self, rows: Sequence[str], by: int, state: str) -> None:
        top = self._app.screens[-1]
        if top.IS_APPROVAL and len(top.open_tasks) != 1:
            top.hint("several tasks are open here: leave them first")
        elif not rows:
            top.hint(f"no task that is loaded {state}")
        elif not top.move_to_row(rows, by):
            open_id = next(iter(top.open_tasks), top.followed_task)
            current = list_root_of(self._store.state, open_id)
            next_id = neighbour(rows, current, by)
            if next_id is None or next_id == current:
                top.hint(NO_OTHER.format(state))
            else:
                self._app.pop_screen()
                self._app.open_task(next_id)
