"""The review of one task: shows who requests what and why, and approves or rejects exactly what was shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from tui.client.task_facts import WaitKind
from tui.domain import humanize
from tui.domain.action import Action, Phase, Verb
from tui.domain.review import differences
from tui.domain.wait_details import WaitDetails, deadline_of
from tui.screens.approval_base import IN_A_BURST, UNDECIDED_OUTCOMES, ApprovalScreen
from tui.screens.base import Segments
from tui.screens.messages import CopyWanted, OpenReviewedTask, OpenUrl, ReadReview, ReplyWanted, ShowNextReview
from tui.screens.review_facts import headline, request_parts, review_facts
from tui.screens.review_words import (
    CONTENT_HEADING,
    action_segments,
    button_segments,
    hold_bar,
    is_another_request,
    payload_title,
    title_segments,
    wait_segments,
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
    SHOWS_WAIT_DETAILS = True
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-narrow"), (140, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [(0, "-short"), (32, "-tall")]

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
        self._first_review: ReviewSnapshot | None = None
        """The review of this request as it was shown first."""
        self._has_widgets = False
        """Whether all widgets are mounted."""
        self._early_updates: list[Callable[[], None]] = []
        """The updates with what was read before all widgets were mounted."""
        self._details: WaitDetails | None = None
        """The details of the wait; None until they were read."""
        self._state: State | None = None
        """The state when the review was read last."""
        self._action = running_action
        """The last action for the task, with its progress."""
        self._masked_count = 0
        self._holds_own_secret = False
        self._read_at: datetime | None = None
        self._reread_for: datetime | None = None
        """The time of the update for which the task was last read again."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield SegmentLine(id="title")
        with Container(id="body"):
            with Vertical(id="request"):
                yield SegmentLine(id="headline")
                yield SegmentLine(id="payload-title")
                yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
            yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="facts")
        yield self.reason_input()
        yield SegmentLine(id="held")
        yield OutcomeLine()
        yield SegmentLine(id="status")
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
        was_decided = self._is_decided
        if was_decided and (review.blocked_now or not is_another_request(review, before)):
            return  # what was decided about stays on the screen
        self._review = review
        self._state = state
        self._read_at = self._ui.now()
        is_same_task = before is not None and before.task.id == review.task.id
        if before is None or not is_same_task or before.digest != review.digest:
            self.arm()
            self._drop_reason()
            if is_same_task:
                self._note = "it has changed since you opened it: read it again"
        if was_decided:
            self._action = None
            self._note = "this is a new request"
        if was_decided or self._first_review is None or not is_same_task:
            self._first_review = review
        if self._details is not None and self._details.subject_id != review.subject_id:
            self._details = None
        self._show_review(review, differences(self._first_review, review))
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
        review, known = self._review, self._details
        if task_id != self.task_id or review is None or review.subject_id != details.subject_id:
            return
        if details.has_problem and known is not None and not known.has_problem:
            return  # what is known is better than that it could not be read again
        facts = self._fact_parts(review, details)
        if facts != self._fact_parts(review, known):
            self.arm()
        self._details = details
        self.query_one("#facts", Inspector).show(facts, keeps_seen=True)
        self._count_masked()
        self.draw()

    def _fact_parts(self, review: ReviewSnapshot, details: WaitDetails | None) -> list[Part]:
        assert self._state is not None
        is_reading = details is None and bool(review.subject_id)
        return review_facts(review, self._state, self._ui, details, is_reading=is_reading)

    def _show_review(self, review: ReviewSnapshot, changes: Sequence[str]) -> None:
        """Show the facts and the request of a review, and the changes since it was shown first."""
        self.query_one("#facts", Inspector).show(self._fact_parts(review, self._details))
        parts = request_parts(review)
        if changes:
            parts[0] = parts[0]._replace(heading=CONTENT_HEADING)
            parts.insert(0, Part("what has changed since you opened it", "\n".join(changes)))
        self.query_one("#payload", Inspector).show(parts)
        self.query_one("#body").set_class(review.tool_approval_id is not None, "-elsewhere")
        self._count_masked()

    def _count_masked(self) -> None:
        """Count what is masked in both panes."""
        panes = list(self.query(Inspector))
        self._masked_count = sum(pane.masked_count for pane in panes)
        self._holds_own_secret = any(pane.holds_own_secret for pane in panes)

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the screen with a new state: request a read if the task was updated after it was read."""
        task, review = state.task(self.task_id), self._review
        if task is None or review is None or task.updated_at == self._reread_for:
            return
        if self._is_decided and state.wait(self.task_id) is None:
            return
        if task.updated_at and review.task.updated_at and task.updated_at > review.task.updated_at:
            self._reread_for = task.updated_at
            if not _is_running(self._action):
                self.post_message(ReadReview(self.task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show the reason why the read of the review failed."""
        if task_id == self.task_id:
            self._note = reason
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
            about_wait = wait_segments(review, deadline_of(review, self._details), self._ui)
        self.query_one("#title", SegmentLine).show(
            title_segments(review, self._ui),
            [*about_wait, StyledText(self.presence, "need"), StyledText(f"read {last_read} ", "faint")],
        )
        self.note_visible_lines()
        if review is not None:
            self._draw_request(review)
        outcome = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            outcome = self._ui.redactor.text(self._action.words)
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status_segments(), [])

    def _draw_request(self, review: ReviewSnapshot) -> None:
        """Draw the headline and the title of the payload."""
        self.query_one("#headline", SegmentLine).show(
            [(StyledText(f" {headline(review, self._ui)}", "strong"), "")], []
        )
        payload = self.query_one("#payload", Inspector)
        title = payload_title(self, payload, self._masked_count, holds_own_secret=self._holds_own_secret)
        self.query_one("#payload-title", SegmentLine).show(title, [])

    def _status_segments(self) -> Segments:
        """Return the status line: the running action, the next steps, or the buttons and the reason that blocks them."""
        if self._action is not None and _is_running(self._action):
            return self._action_segments(self._action)
        if self._is_decided:
            return [
                (StyledText(f" {key_name(self, 'review.open')} opens the task ", "strong"), "open"),
                (StyledText(f" {key_name(self, 'review.next')} the next that waits ", "strong"), "next"),
            ]
        blocked = self._button_reason
        segments = button_segments(self, self._review, blocked, is_decidable=self._is_decidable)
        if self._note:
            segments.append((StyledText(f" {self._ui.safe(self._note)} ", "need"), ""))
        if blocked:
            style = "need" if self._is_refused else "faint"
            segments.append((StyledText(f" {self._ui.safe(blocked)} ", style), ""))
        elif self._reason is not None:
            segments.append((StyledText(f" reason: {self._ui.safe(self._reason, 80)} ", "faint"), ""))
        if self._review is not None and self._review.tool_approval_id:
            segments.append((StyledText(f" {key_name(self, 'review.copy')} copies its address ", "strong"), "copy"))
        return segments

    def _action_segments(self, action: Action) -> Segments:
        """Return the segments about the running action, with the bar that empties while it is held."""
        bar = ""
        if not self._ui.is_still:
            seconds_left = self._held_actions.seconds_left.get(action.id, action.hold)
            bar = hold_bar(seconds_left, action.hold)
        return action_segments(
            self,
            action,
            self._ui,
            self._held_actions.time_left(action),
            bar=bar,
            is_retractable=self._is_retractable,
        )

    @property
    def _is_decidable(self) -> bool:
        """Whether the request is one to approve or reject here."""
        return self._review is not None and not self._review.blocked_now

    @property
    def _button_reason(self) -> str:
        """The reason why the buttons do nothing now; empty when they work."""
        review = self._review
        if review is None or review.wait is None or self._is_decidable or self._ui.read_only:
            return self.blocked_now
        if review.wait.kind is WaitKind.QUESTION and not review.tool_approval_id:
            return ""
        if _sign_in_url(review):
            return self._unseen
        return self.blocked_now

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
        self.post_message(self.Decided(Verb(verb), {self.task_id: self._review.digest}, reason))

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
        texts = {}
        if self._details is not None and self._details.approval_url:
            texts["approval"] = self._details.approval_url
        self.post_message(CopyWanted(texts, self.task_id))

    def action_browse(self) -> None:
        """Browse to the sign-in page, once all of the review was shown."""
        url = _sign_in_url(self._review)
        self._note = self._unseen
        if url and not self._note:
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
        self._review = self._first_review = None
        self._details = None
        self._action = running_action
        self._read_at = None
        self._reread_for = None
        self._masked_count = 0
        self._holds_own_secret = False
        for pane in self.query(Inspector):
            pane.show([])
        for line_id in ("#headline", "#payload-title"):
            self.query_one(line_id, SegmentLine).show([], [])
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
