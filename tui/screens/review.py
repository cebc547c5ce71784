"""The review of one task: shows who requests what and why, and approves or rejects exactly what was shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.domain import humanize
from tui.domain.action import Action, Phase, Verb
from tui.domain.review import differences
from tui.screens.approval_base import IN_A_BURST, UNDECIDED_OUTCOMES, ApprovalScreen
from tui.screens.base import Segments
from tui.screens.messages import OpenReviewedTask, OpenUrl, ReadReview, ReplyWanted, ShowNextReview, TaskCommand
from tui.screens.reason_editor import reason_key
from tui.screens.review_facts import NOT_PROVIDED, review_facts
from tui.screens.review_words import (
    action_segments,
    hint_for_wait,
    is_another_request,
    payload_title,
    signed_in_words,
    title_segments,
)
from tui.widgets.document_layout import Part
from tui.widgets.inspector import Inspector
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
        self.task_id = task_id
        self._ui = ui
        self._review: ReviewSnapshot | None = None
        """The review as it was read last; None until then."""
        self._action = running_action
        """The last action for the task, with its progress."""
        self._masked_count = 0
        self._holds_own_secret = False
        self._read_at: datetime | None = None
        self._failure = ""
        """The note about the last read that failed."""
        self._reread_for: datetime | None = None
        """The time of the update for which the task was last read again."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield SegmentLine(id="title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="facts")
        yield SegmentLine(id="payload-title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
        yield self.reason_editor
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Start drawing after mounting."""
        self.set_interval(0.1, self.draw)
        self.draw()

    # Called by the app

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Update the review of this task with the one that was just read."""
        if task_id != self.task_id:
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
        changes: Sequence[str] = ()
        if was_decided:
            self._action = None
            self._note = "this is a new request"
        elif before is not None and is_same_task:
            changes = differences(before, review)
            self._note = signed_in_words(before, review) or self._note
        self._show_review(review, state, changes)
        self.refresh_bindings()
        self.draw()

    def _show_review(self, review: ReviewSnapshot, state: State, changes: Sequence[str]) -> None:
        """Show the facts and the payload of a review, and the changes since it was read before."""
        facts, payload = self.query_one("#facts", Inspector), self.query_one("#payload", Inspector)
        facts.show(review_facts(review, state, self._ui))
        parts = [Part("what exactly", NOT_PROVIDED if review.held is None else review.held)]
        if changes:
            parts.insert(0, Part("what has changed since you opened it", "\n".join(changes)))
        payload.show(parts)
        self._masked_count = facts.masked_count + payload.masked_count
        self._holds_own_secret = facts.holds_own_secret or payload.holds_own_secret

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
        last_read = "not yet"
        if self._read_at:
            last_read = humanize.ago(self._read_at, self._ui.now())
        self.query_one("#title", SegmentLine).show(
            title_segments(self._review, self._ui, is_decided=self._is_decided),
            [StyledText(self.presence, "need"), StyledText(f"read {last_read} ", "faint")],
        )
        self.note_visible_lines()
        payload = self.query_one("#payload", Inspector)
        title = payload_title(self, payload, self._masked_count, holds_own_secret=self._holds_own_secret)
        self.query_one("#payload-title", SegmentLine).show([(title, "")], [])
        outcome = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            outcome = self._ui.redactor.text(self._action.words)
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])
        self.reason_editor.draw(is_sent=_is_running(self._action) or self._is_decided)

    def _status_segments(self) -> Segments:
        """Return the status line: the running action, the next steps, or the note and the deciding keys."""
        if self._action is not None and _is_running(self._action):
            time_left = self._held_actions.time_left(self._action)
            return action_segments(self, self._action, self._ui, time_left, is_retractable=self._is_retractable)
        if self._is_decided:
            return [
                (StyledText(f" {key_name(self, 'review.open')} opens the task ", "strong"), "open"),
                (StyledText(f" {key_name(self, 'review.next')} the next that waits ", "strong"), "next"),
            ]
        segments: Segments = []
        if self._note:
            segments.append((StyledText(f" {self._ui.safe(self._note)} ", "need"), ""))
        if blocked := self.blocked_now:
            text = f" {self._ui.safe(blocked)}{hint_for_wait(self, self._review, self._ui)} "
            segments.append((StyledText(text, "need" if self._is_refused else "faint"), ""))
            return segments
        segments.append((StyledText(f"  {key_name(self, 'review.approve')} approve ", "strong"), "approve"))
        segments.append((StyledText(f" {key_name(self, 'review.reject')} reject ", "strong"), "reject"))
        return segments

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
        facts, payload = self.query_one("#facts", Inspector), self.query_one("#payload", Inspector)
        if reason := payload.not_whole_reason or facts.not_whole_reason:
            return reason
        return self.not_shown_yet(payload, "payload") or self.not_shown_yet(facts, "facts", "shift+tab, ")

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
        if action == "browse" and not _sign_in_url(self._review):
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
        """Open the dialog to copy a text of the task."""
        self.post_message(TaskCommand("copy", self.task_id))

    def action_browse(self) -> None:
        """Browse to the sign-in page, once all of the review was shown."""
        url = _sign_in_url(self._review)
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
        """Handle a click on a picked segment: one of those shown after the decision."""
        match name:
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
        self._masked_count = 0
        self._holds_own_secret = False
        for pane in self.query(Inspector):
            pane.show([])
        self._armed_at = float("inf")
        self._note = ""
        self._drop_reason()
        self.draw()


def _is_running(action: Action | None) -> bool:
    return action is not None and action.phase is not Phase.DONE


def _sign_in_url(review: ReviewSnapshot | None) -> str | None:
    """Return the URL of the sign-in, if the task waits for one."""
    if review is None or review.task.pending_eca_request is None:
        return None
    return review.task.pending_eca_request.auth_url
