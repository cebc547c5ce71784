"""Opens the approval screens, reads what they show, and tells other processes which reviews are open."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from textual.css.query import NoMatches
from textual.message import Message

from tui.app.access import AppAccess
from tui.app.action_progress import ActionProgress
from tui.app.waiting_notifier import WaitingNotifier
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, Forbidden, Invalid, NotFound, NotSupported, Unauthorized
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.next_task import neighbour, waits_in_order
from tui.domain.state import TasksSeen
from tui.screens.messages import ReadReview, ReviewsTask, ReviewWanted, ShowNextReview
from tui.services.actions import ActionRunner
from tui.services.list_poller import link_after
from tui.services.review_loader import load_review, load_wait_details
from tui.services.review_presence import ReviewPresence
from tui.services.state_store import StateStore
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot

MAX_PARALLEL_READS = 4
"""Tasks under review that are read at the same time."""
RETRY_SECONDS = 5.0
"""Seconds from a failed read of a review to the next."""
LASTING_ERRORS = (BadAddress, Forbidden, Invalid, NotFound, NotSupported, Unauthorized)
"""Errors that the next read of the same review would meet again."""


class ReviewManager:
    """The manager of the approval screens: opens reviews and reads the tasks under review."""

    def __init__(
        self,
        app: AppAccess,
        client: Client,
        store: StateStore,
        ui: UIContext,
        *,
        runner: ActionRunner,
        progress: ActionProgress,
        notifier: WaitingNotifier,
        presence: ReviewPresence,
        drafts: MutableMapping[str, str],
    ) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._runner = runner
        self._progress = progress
        self._notifier = notifier
        self._presence = presence
        self._drafts = drafts
        self._ui = ui
        self._read_slots = asyncio.Semaphore(MAX_PARALLEL_READS)
        self._details_slots = asyncio.Semaphore(MAX_PARALLEL_READS)
        self._list_status = ListStatus()
        self._first_tries: set[str] = set()
        """The ids of the tasks under review whose read has neither succeeded nor failed yet."""

    def handle(self, event: Message) -> None:
        """Handle a message of a screen by opening or reading a review."""
        match event:
            case ReviewWanted(task_ids=task_ids):
                self.open(*task_ids)
            case ReadReview(task_id=task_id):
                self.read(task_id)
            case ShowNextReview(screen=screen, by=by):
                self._show_next(screen, by)

    def open(self, *task_ids: str) -> None:
        """Open the review of one task, or a bulk review of several."""
        from tui.screens.bulk_review import BulkReviewScreen
        from tui.screens.review import ReviewScreen

        if len(task_ids) == 1:
            review = ReviewScreen(task_ids[0], self._ui, self._progress.running_decision(task_ids[0]))
            review.can_take_back = self._runner.can_take_back
            review.reason_editor.drafts = self._drafts
            review.update_list_status(self._list_status)
            self._app.push_screen(review)
            self.read(task_ids[0])
            self.update_presence()
            return
        tasks = map(self._store.state.task, task_ids)
        bulk_review = BulkReviewScreen([task for task in tasks if task], self._ui)
        bulk_review.can_take_back = self._runner.can_take_back
        bulk_review.reason_editor.drafts = self._drafts
        bulk_review.update_list_status(self._list_status)
        self._app.push_screen(bulk_review)
        self.read(*bulk_review.tasks)

    def _show_next(self, screen: ReviewsTask, by: int) -> None:
        """Show the next waiting task, in the order of the list; where no task waits, read the same one again."""
        next_id = neighbour(waits_in_order(self._store.state, self._notifier.waiting), screen.task_id, by)
        if next_id is not None:
            screen.show_task(next_id, self._progress.running_decision(next_id))
        self.read(screen.task_id)

    def read(self, *task_ids: str) -> None:
        """Read the reviews of these tasks, each in a worker of its own."""
        for task_id in task_ids:
            self._app.run_worker(partial(self._read_review, task_id), group=f"review {task_id}", exclusive=True)

    async def _read_review(self, task_id: str) -> None:
        """Read the review of a task, and show it on the screens that still are about the task.

        A read that fails is repeated while such a screen is open, unless no later one can succeed.
        """
        self._first_tries.add(task_id)
        while True:
            try:
                async with self._read_slots:
                    review = await load_review(self._client, task_id)
                break
            except (ApiError, BadAddress) as error:
                will_repeat = not isinstance(error, LASTING_ERRORS)
                self._tell_failure(task_id, error, will_repeat=will_repeat)
            finally:
                self._first_tries.discard(task_id)
            if not will_repeat:
                return
            await asyncio.sleep(RETRY_SECONDS)
            if not any(task_id in screen.open_tasks for screen in self._app.screens):
                return
        self._store.add(TasksSeen((review.task,), self._ui.now()))
        for screen in self._app.screens:
            with suppress(NoMatches):  # the widgets of this screen are being removed
                screen.update_review(task_id, review, self._store.state)
        if review.subject_id and any(screen.SHOWS_WAIT_DETAILS for screen in self._app.screens):
            read_details = partial(self._read_wait_details, task_id, review)
            self._app.run_worker(read_details, group=f"details {task_id}", exclusive=True)

    async def _read_wait_details(self, task_id: str, review: ReviewSnapshot) -> None:
        """Read the details of a wait after its review, so that a decision never waits for them."""
        async with self._details_slots:
            details = await load_wait_details(self._client, review)
        for screen in self._app.screens:
            with suppress(NoMatches):
                screen.update_wait_details(task_id, details)

    def _tell_failure(self, task_id: str, error: ApiError | BadAddress, *, will_repeat: bool) -> None:
        """Tell the screens that a review could not be read, and whether it will be read again by itself."""
        link = link_after(error)
        words = [] if link is ListLink.REFUSED else [str(link)]
        if will_repeat:
            words.append(f"retried every {RETRY_SECONDS:.0f} s")
        self._tell_reason(task_id, ": ".join(filter(None, (", ".join(words), str(error)))))

    def update_list_status(self, status: ListStatus) -> None:
        """Tell the screens why a read does not come through, while the client repeats its first request.

        Once the link is restored, the open reviews are read again.
        """
        was_troubled = self._list_status.link.is_troubled
        self._list_status = status
        if was_troubled and status.link is ListLink.LIVE:
            open_tasks = {task_id for screen in self._app.screens for task_id in screen.open_tasks}
            self.read(*sorted(open_tasks - self._first_tries))
        if status.reason:
            for task_id in self._first_tries:
                self._tell_reason(task_id, f"{status.link}: {status.reason}")

    def _tell_reason(self, task_id: str, reason: str) -> None:
        for screen in self._app.screens:
            with suppress(NoMatches):
                screen.review_failed(task_id, reason)

    def update_presence(self) -> None:
        """Update the presence locks of the reviews that are open here, and show which other processes have open."""
        screens = [screen for screen in self._app.screens if screen.open_tasks]
        try:
            self._presence.open({task_id for screen in screens for task_id in screen.open_tasks})
            others = self._presence.others() if screens else {}
        except OSError as error:
            for screen in screens:
                screen.update_presence(f"whether it is open elsewhere is not known: {error}  ")
            return
        for screen in screens:
            processes = sorted({process for task_id in screen.open_tasks for process in others.get(task_id, ())})
            text = ""
            if processes:
                text = f"also open in xp-tui {', '.join(processes)}  "
            screen.update_presence(text)

    def close(self) -> None:
        """Close the presence locks: no review is open here any more."""
        self._presence.close()
