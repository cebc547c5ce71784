"""Base of the review of one task: the state of its decision, what blocks it, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.domain.action import Action, Phase, Verb
from tui.screens.approval_base import UNDECIDED_OUTCOMES, ApprovalScreen
from tui.screens.review_panes import ReviewPanes
from tui.screens.review_status import sign_in_url
from tui.widgets.keys import key_name
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.domain.review import ReviewSnapshot
    from tui.screens.base import HeldActions


class ReviewDecision(ApprovalScreen):
    """The base of the review screen: the request that is shown, and the decision about it."""

    def __init__(
        self, task_id: str, ui: UIContext, running_action: Action | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(clock)
        self.task_id = task_id
        self._ui = ui
        self._panes = ReviewPanes(ui)
        self._review: ReviewSnapshot | None = None
        """The review as it was read last; None until then."""
        self._action = running_action
        """The last action for the task, with its progress."""
        self._ended = ""
        """How the wait has ended elsewhere, in words; empty while it lasts."""

    @property
    def _outcome_words(self) -> str:
        """The outcome of the last action here, or how the wait ended elsewhere; empty while there is neither."""
        action = self._action
        if action is None or action.phase is not Phase.DONE:
            return self._ended
        if action.outcome not in UNDECIDED_OUTCOMES or not self._ended:
            return action.words
        return f"{action.words}; {self._ended}"

    @property
    def open_tasks(self) -> tuple[str]:
        """The id of the task that is open for review."""
        return (self.task_id,)

    @property
    def blocked(self) -> str:
        """The reason why the decision is blocked; empty when it is not."""
        return self.blocked_from_writing or self._unseen

    @property
    def blocked_from_writing(self) -> str:
        """The reason why not even the reason for a rejection can be written; empty when it can."""
        if reason := self._closed_reason:
            return reason
        if self._review is None:
            return "reading what there is to decide …"
        if is_running(self._action):
            return "a decision is under way"
        return ""

    @property
    def _unseen(self) -> str:
        """The unseen part of the review, with the keys that show it, or why it cannot be shown; empty if none is."""
        facts, payload = self._panes.facts, self._panes.payload
        if reason := payload.not_whole_reason or facts.not_whole_reason:
            return reason
        return self.not_shown_yet(payload, "payload") or self.not_shown_yet(facts, "facts", "tab, ")

    @property
    def _is_decided(self) -> bool:
        """Whether it was decided from this screen, whatever the outcome, or the wait has ended elsewhere."""
        if self._ended:
            return True
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
        if action == "browse" and (self._is_decided or not sign_in_url(self._review)):
            return False
        if action == "open" and not self._is_decided:
            return False
        if action == "decide" and self._closed_reason:
            return False  # `on_key` shows the reason nevertheless
        return super().check_action(action, parameters)

    # Deciding

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


def is_running(action: Action | None) -> bool:
    """Return whether an action is not done yet."""
    return action is not None and action.phase is not Phase.DONE
