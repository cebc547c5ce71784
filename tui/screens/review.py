"""The decision: who asks for what and why, whole; two keys that cannot be hit by accident, and time to take it back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.domain import humanize
from tui.domain.action import Action, Outcome, Phase, Verb
from tui.domain.review import differences
from tui.screens.approval_base import IN_A_BURST, ApprovalScreen
from tui.screens.messages import OpenReviewedTask, OpenUrl, ReadReview, ReplyWanted, ShowNextReview, TaskCommand
from tui.screens.review_facts import NOT_PROVIDED, review_facts
from tui.screens.review_words import hint_for_wait, is_another_request, payload_title
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

PHASE_WORDS = {Phase.CHECKING: "reading it again", Phase.SENDING: "sending", Phase.SETTLING: "waiting for the task"}
UNDECIDED_OUTCOMES = frozenset({Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED, Outcome.REFUSED})
"""Outcomes after which there is still something to decide."""


class ReviewScreen(ApprovalScreen):
    """One decision."""

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

    def __init__(
        self,
        task_id: str,
        ui: UIContext,
        begun: Action | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(clock)
        self.task_id = task_id
        self._ui = ui
        self._shown: ReviewSnapshot | None = None
        self._action = begun
        """What was decided, and how far it is."""
        self._masked = 0
        self._holds_own_secret = False
        self._reopens = False
        self._read_at: datetime | None = None
        self._asked_at: datetime | None = None
        """The change for which the task was read again last."""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield SegmentLine(id="title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="facts")
        yield SegmentLine(id="payload-title")
        yield Inspector(self._ui.redactor, can_fold=False, is_whole=True, id="payload")
        yield self.reason_input()
        yield SegmentLine(id="held")
        yield OutcomeLine()
        yield SegmentLine(id="status")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Begin at the payload."""
        self.set_interval(0.1, self.draw)
        self.draw()

    # What the app tells

    def update_review(self, task_id: str, review: ReviewSnapshot, state: State) -> None:
        """Show what there is to decide about, as it was read just now."""
        if task_id != self.task_id:
            return
        seen = review
        if self._is_decided and (seen.blocked_now or not is_another_request(seen, self._shown)):
            return  # what was decided about stays as it was
        self._reopens = self._is_decided
        before, self._shown = self._shown, seen
        self._read_at = self._ui.now()
        if before is None or before.digest != seen.digest or before.task.id != seen.task.id:
            self.arm()
            self._drop_reason()
            if before is not None and before.task.id == seen.task.id:
                self._note = "it has changed since you opened it: read it again"
        facts = self.query_one("#facts", Inspector)
        facts.show(review_facts(seen, state, self._ui))
        held = seen.held if seen.held is not None else NOT_PROVIDED
        changed = differences(before, seen) if before is not None and before.task.id == seen.task.id else ()
        if self._reopens:
            self._action, changed, self._note = None, (), "this is a new request"
        parts = [Part("what has changed since you opened it", "\n".join(changed)), Part("what exactly", held)]
        payload = self.query_one("#payload", Inspector)
        payload.show(parts if changed else parts[1:])
        self._masked = facts.masked_count + payload.masked_count
        self._holds_own_secret = facts.holds_own_secret or payload.holds_own_secret
        self.refresh_bindings()
        self.draw()

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Ask for the task to be read again where it has changed since it was read."""
        task, seen = state.task(self.task_id), self._shown
        if task is None or seen is None or task.updated_at == self._asked_at:
            return
        if self._is_decided and state.wait(self.task_id) is None:
            return
        if task.updated_at and seen.task.updated_at and task.updated_at > seen.task.updated_at:
            self._asked_at = task.updated_at
            if self._action is None or self._action.phase is Phase.DONE:
                self.post_message(ReadReview(self.task_id))

    def review_failed(self, task_id: str, reason: str) -> None:
        """Show why the task could not be read."""
        if task_id == self.task_id:
            self._note = reason
            self.draw()

    def update_action(self, action: Action) -> bool:
        """Show how far the decision is."""
        if action.target != self.task_id:
            return False
        is_new = self._action is None or self._action.id != action.id
        if action.phase is Phase.HELD and is_new and self._is_burst:
            self._note = IN_A_BURST
            self.post_message(self.TakeBack(action.id))
        self._action = action
        if action.phase is Phase.DONE:
            self._note = self._note if self._note == IN_A_BURST else ""
            self.arm()
            self.refresh_bindings()
        self.draw()
        return True

    # Showing

    def draw(self) -> None:
        seen = self._shown
        left = [(StyledText(" xp-tui › ", "faint"), "back"), (StyledText("Review  ", "need"), "")]
        if seen:
            name = self._ui.safe(seen.task.name, 60)
            left.append((StyledText(f"{name}  ", "strong"), ""))
            if seen.wait and seen.wait.since and not self._is_decided:
                waited = humanize.duration((self._ui.now() - seen.wait.since).total_seconds())
                left.append((StyledText(f"‖ {seen.wait.kind} {waited}  ", "need"), ""))
        read = humanize.ago(self._read_at, self._ui.now()) if self._read_at else "not yet"
        self.query_one("#title", SegmentLine).show(
            left, [StyledText(self.elsewhere, "need"), StyledText(f"read {read} ", "faint")]
        )
        payload = self.query_one("#payload", Inspector)
        self.look_at_panes()
        title = payload_title(self, payload, self._masked, holds_own_secret=self._holds_own_secret)
        self.query_one("#payload-title", SegmentLine).show([(title, "")], [])
        is_over = self._action is not None and self._action.phase is Phase.DONE
        outcome = self._ui.redactor.text(self._action.words) if self._action and is_over else ""
        self.query_one(OutcomeLine).show_outcome(outcome)
        self.query_one("#status", SegmentLine).show(self._status(), [])

    def _status(self) -> list[tuple[StyledText, str]]:
        action = self._action
        if action is not None and action.phase is not Phase.DONE:
            words = f": {PHASE_WORDS.get(action.phase, action.phase)} …"
            if action.phase is Phase.HELD:
                words = f" {self._holds.time_left(action)}"
            told = [(StyledText(f" {action.verb}{words} ", "need"), "")]
            if self._is_retractable:
                told.append((StyledText(f" {key_name(self, 'review.undo')} takes it back ", "strong"), "undo"))
            return told
        found: list[tuple[StyledText, str]] = []
        if self._is_decided and action is not None:
            told = [(StyledText(f" {key_name(self, 'review.open')} opens the task ", "strong"), "open")]
            following = f" {key_name(self, 'review.next')} the next that waits "
            return [*told, (StyledText(following, "strong"), "next")]
        if self._note:
            found.append((StyledText(f" {self._ui.safe(self._note)} ", "need"), ""))
        why = self.blocked_now
        if why:
            words = f" {self._ui.safe(why)}{hint_for_wait(self, self._shown)} "
            found.append((StyledText(words, "need" if self._is_refused else "faint"), ""))
        else:
            found.append((StyledText(f"  {key_name(self, 'review.approve')} approve ", "strong"), "approve"))
            found.append((StyledText(f" {key_name(self, 'review.reject')} reject ", "strong"), "reject"))
            if self._reason is not None:
                found.append((StyledText(f" reason: {self._ui.safe(self._reason, 80)} ", "faint"), ""))
        return found

    @property
    def open_tasks(self) -> tuple[str]:
        """The one."""
        return (self.task_id,)

    @property
    def blocked(self) -> str:
        """Why there is nothing to decide now; empty when there is."""
        if why := self._settled:
            return why
        if self._shown is None:
            return "reading what there is to decide …"
        if self._action is not None and self._action.phase is not Phase.DONE:
            return "a decision is under way"
        return self._unseen

    @property
    def _unseen(self) -> str:
        """What was not shown yet and the keys that show it, or why it cannot be; empty when all was."""
        facts, payload = self.query_one("#facts", Inspector), self.query_one("#payload", Inspector)
        if why := payload.not_whole_reason or facts.not_whole_reason:
            return why
        unread = self.not_shown_yet(payload, "payload")
        return unread or self.not_shown_yet(facts, "facts", "shift+tab, ")

    @property
    def _is_decided(self) -> bool:
        """Whether a decision was carried out from here, however it ended."""
        action = self._action
        return action is not None and action.phase is Phase.DONE and action.outcome not in UNDECIDED_OUTCOMES

    @property
    def _settled(self) -> str:
        """Why there will be nothing to decide, however long one waits."""
        seen = self._shown
        if self._ui.read_only:
            return self._ui.read_only
        if self._is_decided:
            task, following = key_name(self, "review.open"), key_name(self, "review.next")
            return f"{task} opens the task, {following} shows the next one that waits"
        return (seen.blocked_now or "") if seen else ""

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """The keys that decide are grey where there is nothing to decide."""
        match action:
            case "decide":
                return self._settled
            case "say":
                return self._ui.read_only
            case "undo":
                return "" if self._is_retractable or self._held else "nothing is held"
        return ""

    @property
    def takes_reason(self) -> bool:
        """A card is confirmed or dismissed, and no more."""
        return self._shown is None or self._shown.request_id is None

    def update_held(self, held: HeldActions) -> None:
        """Show what is held of another task; of this one the line below tells."""
        super().update_held(held._replace(words="") if self._is_retractable else held)

    @property
    def _is_retractable(self) -> bool:
        """Whether what was decided here can still be taken back."""
        return self._action is not None and self.can_take_back(self._action.id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A sign-in is offered only where one is wanted, and the task once all is decided."""
        if (action == "browse" and not _sign_in_url(self._shown)) or (action == "open" and not self._is_decided):
            return False
        if action == "decide" and self._settled:
            return False  # the key tells why all the same
        return super().check_action(action, parameters)

    def action_open(self) -> None:
        """See how the agent goes on."""
        self.post_message(OpenReviewedTask(self.task_id))

    # Doing

    def decide(self, verb: str, reason: str | None) -> None:
        """Wish it, for exactly what was shown."""
        assert self._shown
        self.post_message(self.Decided(Verb(verb), {self.task_id: self._shown.digest}, reason))

    def take_back(self) -> bool:
        """Take the held decision back."""
        if self._action is None or not self._is_retractable:
            return False
        self.post_message(self.TakeBack(self._action.id))
        return True

    def action_say(self) -> None:
        """Answer what is asked, or message the thread."""
        if self._shown is None:
            self._note = "reading what there is to decide …"
            self.draw()
        else:
            self.post_message(ReplyWanted(self._shown.task))

    def action_copy(self) -> None:
        """What to copy."""
        self.post_message(TaskCommand("copy", self.task_id))

    def action_browse(self) -> None:
        """Open the address of the sign-in, once all of it was shown."""
        url = _sign_in_url(self._shown)
        self._note = self._unseen
        if url and not self._note:
            self.post_message(OpenUrl(url))
        self.draw()

    def action_next(self, by: int) -> None:
        """The next one that waits."""
        self.post_message(ShowNextReview(self, by))

    def action_reload(self) -> None:
        """Read it again."""
        self._note = ""
        if self._action is not None and self._action.phase is Phase.DONE:
            self.forget(self.task_id)
        self.post_message(ReadReview(self.task_id))

    def picked(self, name: str) -> None:
        """What is offered once all is decided was clicked."""
        match name:
            case "open":
                self.action_open()
            case "next":
                self.action_next(1)

    def forget(self, task_id: str, begun: Action | None = None) -> None:
        """Another task is to be shown, for which something may be held still; until it is read, nothing is."""
        self.task_id, self._shown, self._action = task_id, None, begun
        self._read_at, self._asked_at, self._masked = None, None, 0
        for facts in self.query(Inspector):
            facts.show([])
        self._armed_at, self._note = float("inf"), ""
        self._drop_reason()
        self.draw()


def _sign_in_url(review: ReviewSnapshot | None) -> str | None:
    """Return where to sign in, when that is what the task waits for."""
    request = review.task.pending_eca_request if review else None
    return request.auth_url if request else None
