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
from tui.domain.action import Action, Phase, Verb
from tui.domain.wait_details import WaitDetails, deadline_of
from tui.screens.approval_base import IN_A_BURST, UNDECIDED_OUTCOMES, ApprovalScreen
from tui.screens.base import Segments
from tui.screens.messages import CopyWanted, OpenReviewedTask, OpenUrl, ReadReview, ReplyWanted, ShowNextReview
from tui.screens.reason_editor import reason_key
from tui.screens.review_panes import ReviewPanes
from tui.screens.review_status import (
    StatusNotes,
    button_reason,
    decided_segments,
    running_segments,
    sign_in_url,
    waiting_segments,
)
from tui.screens.review_words import is_another_request, signed_in_words, title_segments, wait_segments
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.outcome_line import OutcomeLine
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.domain.state import Change, State
    from tui.screens.base import HeldActions


MIN_WIDE_COLUMNS, MIN_TALL_ROWS = 140, 32
"""Columns from which the facts are beside the request, and rows from which the headline and the buttons have room."""


class ReviewScreen(ApprovalScreen):
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
        super().__init__(clock)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (MIN_WIDE_COLUMNS, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (MIN_TALL_ROWS, "-tall")]
        self.task_id = task_id
        self._ui = ui
        self._panes = ReviewPanes(ui)
        self._review: ReviewSnapshot | None = None
        """The review as it was read last; None until then."""
        self._has_widgets = False
        """Whether all widgets are mounted."""
        self._early_updates: list[Callable[[], None]] = []
        """The updates with what was read before all widgets were mounted."""
        self._action = running_action
        """The last action for the task, with its progress."""
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
        if was_decided and (review.blocked_now or not is_another_request(review, before)):
            return  # what was decided about stays on the screen
        self._review = review
        self._read_at = self._ui.now()
        is_same_task = before is not None and before.task.id == review.task.id
        if before is None or not is_same_task or before.digest != review.digest:
            self.arm()
            self.reason_editor.revise()
            if is_same_task:
                self._note = "it has changed since you opened it: read it again"
        self.load_reason(reason_key([review]))
        if was_decided:
            self._action = None
            self._note = "this is a new request"
        elif before is not None and is_same_task:
            self._note = signed_in_words(before, review) or self._note
        self._panes.show_review(review, state, is_new=was_decided or not is_same_task)
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
        if self._is_decided and not state.needs_person(self.task_id):
            return
        if task.updated_at and review.task.updated_at and task.updated_at > review.task.updated_at:
            self._reread_for = task.updated_at
            if not _is_running(self._action):
                self.post_message(ReadReview(self.task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of the review failed."""
        if task_id == self.task_id:
            self._note = self._failure = reason
            self.draw()

    def update_action(self, action: Action) -> bool:
        """Show the progress of an action; return whether it is for this task."""
        if action.target != self.task_id:
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
                self.reason_editor.restore(action)
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
        outcome = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            outcome = self._ui.redactor.text(self._action.words)
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])
        self.reason_editor.draw(is_sent=_is_running(self._action) or self._is_decided)

    def _status_segments(self) -> Segments:
        """Return the status line: the running action, the next steps, or the buttons and what blocks them."""
        action = self._action
        if action is not None and _is_running(action):
            retractable = self._is_retractable
            return running_segments(self, action, self._ui, self._held_actions, is_retractable=retractable)
        if self._is_decided:
            return decided_segments(self)
        blocked = self.blocked_now
        if not self._ui.read_only:
            blocked = button_reason(self._review, blocked, self._unseen)
        notes = StatusNotes(self._note, blocked, self._is_refused)
        return waiting_segments(self, self._review, self._ui, notes)

    @property
    def open_tasks(self) -> tuple[str]:
        """The id of the task that is open for review."""
        return (self.task_id,)

    @property
    def blocked(self) -> str:
        """The reason why the decision is blocked; empty when it is not."""
        if reason := self._closed_reason:
            return reason
        if self._review is None:
            return "reading what there is to decide …"
        if _is_running(self._action):
            return "a decision is under way"
        return self._unseen

    @property
    def _unseen(self) -> str:
        """The unseen part of the review, with the keys that show it, or why it cannot be shown; empty if none is."""
        facts, payload = self._panes.facts, self._panes.payload
        if reason := payload.not_whole_reason or facts.not_whole_reason:
            return reason
        return self.not_shown_yet(payload, "payload") or self.not_shown_yet(facts, "facts", "tab, ")

    @property
    def _is_decided(self) -> bool:
        """Whether the task was decided about from this screen, whatever the outcome of the decision."""
        action = self._action
        return action is not None and action.phase is Phase.DONE and action.outcome not in UNDECIDED_OUTCOMES

    @property
    def _closed_reason(self) -> str:
        """The reason why the decision is closed for good; empty when it is not."""
        if self._ui.read_only:
            return self._ui.read_only
        if self._is_decided:
            open_key, next_key = key_name(self, "review.open"), key_name(self, "review.next")
            return f"{open_key} opens the task, {next_key} shows the next one that waits"
        if self._review is None:
            return ""
        return self._review.blocked_now or ""

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled: nothing to decide about or to undo, or read-only mode."""
        match action:
            case "decide":
                return self._closed_reason
            case "say":
                return self._ui.read_only
            case "undo":
                has_held = self._is_retractable or self._held
                return "" if has_held else "nothing is held"
        return ""

    @property
    def takes_reason(self) -> bool:
        """Whether a rejection takes a reason; a card, which can only be confirmed or dismissed, takes none."""
        return self._review is None or self._review.request_id is None

    def update_held(self, held: HeldActions) -> None:
        """Update the line of held actions, unless this task's own is held, which the status line shows."""
        if self._is_retractable:
            held = held._replace(text="")
        super().update_held(held)

    @property
    def _is_retractable(self) -> bool:
        """Whether the decision about this task is retractable: held, and not sent yet."""
        return self._action is not None and self.can_take_back(self._action.id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: signing in if the task waits for it, opening once it is decided."""
        if action == "browse" and not sign_in_url(self._review):
            return False
        if action == "open" and not self._is_decided:
            return False
        if action == "decide" and self._closed_reason:
            return False  # `on_key` shows the reason nevertheless
        return super().check_action(action, parameters)

    # Actions

    def decide(self, verb: str, reason: str | None) -> None:
        """Decide about the review as it was shown."""
        assert self._review
        digests = {self.task_id: self._review.digest}
        self.post_message(self.Decided(Verb(verb), digests, reason, draft_key=self.reason_editor.draft_key))

    def take_back(self) -> bool:
        """Take back the held decision; return whether there was one."""
        if self._action is None or not self._is_retractable:
            return False
        self.post_message(self.TakeBack(self._action.id))
        return True

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
            self._note = f"{problem}: {key_name(self, 'review.copy')} copies the address"
        elif url and not self._note:
            self.post_message(OpenUrl(url))
        self.draw()

    def action_next(self, by: int) -> None:
        """Show the next waiting task."""
        self.post_message(ShowNextReview(self, by))

    def action_reload(self) -> None:
        """Reload the review from the platform."""
        self._note = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            self.show_task(self.task_id)
        self.post_message(ReadReview(self.task_id))

    def handle_picked(self, name: str) -> None:
        """Handle a click on a picked segment: a button that decides nothing, or one shown after the decision."""
        match name:
            case "answer":
                self.action_say()
            case "open in a browser":
                self.action_browse()
            case "copy" | "copy the address":
                self.action_copy()
            case "open":
                self.action_open()
            case "next":
                self.action_next(1)

    def show_task(self, task_id: str, running_action: Action | None = None) -> None:
        """Show another task, with its running action; the screen is empty until the review is read."""
        self.task_id = task_id
        self._review = None
        self._action = running_action
        self._read_at = None
        self._reread_for = None
        self._panes.clear()
        self._armed_at = float("inf")
        self._note = ""
        self._drop_reason()
        self.draw()


def _is_running(action: Action | None) -> bool:
    return action is not None and action.phase is not Phase.DONE
