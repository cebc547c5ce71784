"""The review of one task: shows who requests what and why, and approves or rejects exactly what was shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.domain import humanize
from tui.domain.action import DECISIONS, Action, Phase
from tui.domain.wait_details import WaitDetails, deadline_of
from tui.screens.approval_base import IN_A_BURST
from tui.screens.base import Segments
from tui.screens.messages import CopyWanted, OpenReviewedTask, OpenUrl, ReadReview, ReplyWanted, ShowNextReview
from tui.screens.reason_editor import reason_key
from tui.screens.review_base import ReviewDecision, is_running
from tui.screens.review_status import (
    StatusNotes,
    button_reason,
    decided_segments,
    is_question,
    running_segments,
    sign_in_url,
    waiting_segments,
)
from tui.screens.review_words import decided_words, end_of_wait, is_another_request, title_segments, wait_segments
from tui.widgets.key_footer import KeyFooter
from tui.widgets.outcome_line import OutcomeLine
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import Change, State


MIN_WIDE_COLUMNS, MIN_TALL_ROWS = 140, 32
"""Columns from which the facts are beside the request, and rows from which the headline and the buttons have room."""


class ReviewScreen(ReviewDecision):
    """The screen for the review of one task."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "say", "reply", id="review.say"),
        Binding("b", "browse", "sign in", id="review.browse"),
        Binding("enter", "open", "open the task", id="review.open", priority=True),
        Binding("n", "next(1)", "next", id="review.next"),
        Binding("N", "next(-1)", "Previous", show=False, id="review.previous"),
        Binding("y", "copy", "Copy", show=False, id="review.copy"),
        Binding("r", "reload", "Read again", show=False, id="review.reload"),
    ]

    AUTO_FOCUS = "#payload"
    SHOWS_WAIT_DETAILS = True
    HAS_NEXT_REVIEW = True

    def __init__(
        self,
        task_id: str,
        ui: UIContext,
        running_action: Action | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(task_id, ui, running_action, clock)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (MIN_WIDE_COLUMNS, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (MIN_TALL_ROWS, "-tall")]
        self._has_widgets = False
        """Whether all widgets are mounted."""
        self._early_updates: list[Callable[[], None]] = []
        """The updates with what was read before all widgets were mounted."""
        self._read_at: datetime | None = None
        self._failure = ""
        """The note about the last read that failed."""
        self._reread_for: datetime | None = None
        """The time of the update for which the task was last read again."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield SegmentLine(id="title")
        yield self._panes
        yield self.reason_editor
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Start drawing after mounting, with what was read before all widgets were there."""
        self._has_widgets = True
        self.set_interval(0.1, self.draw)
        self.draw()
        for update in self._early_updates:
            update()
        self._early_updates.clear()

    # Called by the app

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Update the review of this task with the one that was just read."""
        if task_id != self.task_id:
            return
        if not self._has_widgets:
            self._early_updates.append(partial(self.update_review, task_id, review, state))
            return
        before = self._review
        if self._note == self._failure:
            self._note = ""
        was_decided = self._is_decided
        if was_decided and not self._replaces_shown(review):
            return  # what was decided about stays on the screen
        if not was_decided and (words := end_of_wait(before, review)):
            self._show_end(words, review)
            return
        self._review = review
        self._read_at = self._ui.now()
        is_same_task = before is not None and before.task.id == review.task.id
        if before is None or not is_same_task or before.digest != review.digest:
            self.arm()
            self.reason_editor.revise()
            if is_same_task and review.wait is not None:
                self._note = "it has changed since you opened it: read it again"
        self.load_reason(reason_key([review]))
        if was_decided:
            self._action, self._ended = None, ""
            self._note = "this is a new request"
        self._panes.show_review(review, state, is_new=was_decided or not is_same_task)
        self.refresh_bindings()
        self.draw()

    def _replaces_shown(self, review: ReviewSnapshot) -> bool:
        """Return whether a review is shown in the place of the one whose wait is over."""
        if self._ended:
            return review.wait is not None
        return not review.blocked_now and is_another_request(review, self._review)

    def _show_end(self, words: str, review: ReviewSnapshot) -> None:
        """Show that the wait has ended elsewhere; the review stays as it was shown."""
        assert self._review
        self._ended, self._note = words, ""
        self._panes.show_decided(self._review, decided_words(review.task) or words)
        self._drop_reason()
        self.refresh_bindings()
        self.draw()

    def update_wait_details(self, task_id: str, details: WaitDetails) -> None:
        """Update the details of the wait with those that were just read, unless they are about another request.

        They come after the review, which does not wait for them. Lines that were seen and stay the same still count
        as seen; those that change have to be seen, and the deciding keys are dead for a moment.
        """
        if not self._has_widgets:
            self._early_updates.append(partial(self.update_wait_details, task_id, details))
            return
        if task_id == self.task_id and self._review is not None:
            if self._panes.show_details(self._review, details):
                self.arm()
            self.draw()

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the screen with a new state: request a read if the task was updated after it was read."""
        task, review = state.task(self.task_id), self._review
        if task is None or review is None or task.updated_at == self._reread_for:
            return
        if is_running(self._action) or (self._is_decided and not state.needs_person(self.task_id)):
            return
        if task.updated_at and review.task.updated_at and task.updated_at > review.task.updated_at:
            self._reread_for = task.updated_at
            self.post_message(ReadReview(self.task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of the review failed."""
        if task_id == self.task_id:
            self._note = self._failure = reason
            self.draw()

    def update_action(self, action: Action) -> bool:
        """Show the progress of a decision; return whether it is about this task. Other actions have notices."""
        if action.target != self.task_id or action.verb not in DECISIONS:
            return False
        is_new = self._action is None or self._action.id != action.id
        if action.phase is Phase.HELD and is_new and self._is_burst:
            # Keys that came in a burst were not meant: the action is taken back while it is held.
            self._note = IN_A_BURST
            self.post_message(self.TakeBack(action.id))
        self._action = action
        if action.phase is Phase.DONE:
            if self._note != IN_A_BURST:
                self._note = ""
            if not self._is_decided:
                self.reason_editor.restore(action, self._review)
                self.post_message(ReadReview(self.task_id))  # it was not read again while the decision was under way
            elif self._review is not None and not self._ended:
                self._panes.show_decided(self._review, decided_words(action.task) or action.words)
            self.arm()
            self.refresh_bindings()
        self.draw()
        return True

    # Drawing

    def draw(self) -> None:
        """Draw the titles, the outcome, and the status line; note the visible lines."""
        review = self._review
        last_read = "not yet"
        if self._read_at:
            last_read = humanize.ago(self._read_at, self._ui.now())
        about_wait = []
        if not self._is_decided:
            about_wait = wait_segments(review, deadline_of(review, self._panes.details), self._ui)
        self.query_one("#title", SegmentLine).show(
            title_segments(review, self._ui),
            [*about_wait, StyledText(self.presence, "need"), self.link_segment(f"read {last_read}")],
        )
        self.note_visible_lines()
        if review is not None:
            self._panes.draw_titles(review)
        self.query_one(OutcomeLine).show_outcome(self._ui.redactor.text(self._outcome_words))
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])
        self.query_one(KeyFooter).hide(self._keys_without_use)
        self.reason_editor.draw(is_sent=is_running(self._action) or self._is_decided)

    @property
    def _keys_without_use(self) -> frozenset[str]:
        """The actions whose keys are of no use in the footer now: nothing is held, or a button shows the key."""
        keys = set()
        if self.disabled_reason("undo", ()):
            keys.add("undo")
        if not self._is_decided and is_question(self._review):
            keys.add("say")
        return frozenset(keys)

    def _status_segments(self) -> Segments:
        """Return the status line: the running action, the next steps, or the buttons and what blocks them."""
        action = self._action
        if action is not None and is_running(action):
            retractable = self._is_retractable
            return running_segments(self, action, self._ui, self._held_actions, is_retractable=retractable)
        if self._is_decided:
            return decided_segments(self)
        blocked = self.blocked_now
        if not self._ui.read_only:
            unseen = self._unseen
            blocked = button_reason(self._review, blocked, unseen)
            if blocked and blocked == unseen and self._is_refused:
                blocked = f"not yet: {unseen}"
        notes = StatusNotes(self._note, blocked, self._is_refused)
        return waiting_segments(self, self._review, self._ui, notes)

    # Actions

    def action_open(self) -> None:
        """Open the task in the place of its review."""
        self.post_message(OpenReviewedTask(self.task_id))

    def action_say(self) -> None:
        """Say something to the agent: answer its question, or write to the thread."""
        if self._review is None:
            self._note = "reading what there is to decide …"
            self.draw()
        else:
            self.post_message(ReplyWanted(self._review.task))

    def action_copy(self) -> None:
        """Open the dialog to copy a text of the task, or the address of the approval of a held call."""
        details = self._panes.details
        texts = {"approval": details.approval_url} if details and details.approval_url else {}
        self.post_message(CopyWanted(texts, self.task_id))

    def action_browse(self) -> None:
        """Browse to the sign-in page, once all of the review was shown."""
        url = sign_in_url(self._review)
        self._note = self._unseen
        if problem := self._ui.no_browser():
            self._note = problem
        elif url and not self._note:
            self.post_message(OpenUrl(url))
        self.draw()

    def action_next(self, by: int) -> None:
        """Show the next waiting task."""
        self.post_message(ShowNextReview(self, by))

    def action_reload(self) -> None:
        """Reload the review from the platform."""
        self._note = ""
        if self._ended or (self._action is not None and self._action.phase is Phase.DONE):
            self.show_task(self.task_id)
        self.post_message(ReadReview(self.task_id))

    def handle_picked(self, name: str) -> None:
        """Handle a click on a picked segment: a button that decides nothing, or one shown after the decision."""
        actions = {"answer": self.action_say, "browse": self.action_browse, "copy": self.action_copy}
        actions |= {"open": self.action_open, "next": partial(self.action_next, 1)}
        if name in actions:
            actions[name]()

    def show_task(self, task_id: str, running_action: Action | None = None) -> None:
        """Show another task, with its running action; the screen is empty until the review is read."""
        self.task_id = task_id
        self._review = None
        self._action = running_action
        self._ended = ""
        self._read_at = None
        self._reread_for = None
        self._panes.clear()
        self._armed_at = float("inf")
        self._note = ""
        self._drop_reason()
        self.draw()
