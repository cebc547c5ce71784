"""Base of the approval screens: two deciding keys, and the reason for a rejection.

Enter on a reason does not send it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.domain.action import Outcome, Verb
from tui.screens.decision_screen import DEAD_KEY_SECONDS, IN_A_BURST, QUIET_SECONDS, DecisionScreen
from tui.screens.stylesheets import stylesheet
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine

__all__ = ["DEAD_KEY_SECONDS", "IN_A_BURST", "QUIET_SECONDS", "UNDECIDED_OUTCOMES", "ApprovalScreen"]

UNDECIDED_OUTCOMES = frozenset({Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED, Outcome.REFUSED})
"""The outcomes after which a task can still be decided about."""


class ApprovalScreen(DecisionScreen):
    """The base of screens with two deciding keys, for approval and rejection.

    A subclass says what blocks a decision, and carries it out.
    """

    CSS_PATH = stylesheet("review")
    LEAVE_BINDING = "review.later"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "decide('approve')", "approve", id="review.approve"),
        Binding("R", "decide('reject')", "reject", id="review.reject"),
        Binding("u", "undo", "undo", id="review.undo"),
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="review.reveal"),
        Binding("escape,d,q", "leave", "later", id="review.later"),
    ]

    class Decided(Message):
        """The operator has decided about what was shown: the digest of each task says what that was."""

        def __init__(self, verb: Verb, digests: Mapping[str, str], comment: str | None) -> None:
            super().__init__()
            self.verb = verb
            self.digests = digests
            self.comment = comment

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._reason: str | None = None
        """The reason for a rejection; None until one was entered."""

    # For subclasses

    def decide(self, verb: str, reason: str | None) -> None:
        """Decide about what is shown, by posting `Decided`."""
        raise NotImplementedError

    @property
    def takes_reason(self) -> bool:
        """Whether a rejection takes a reason."""
        return True

    def handle_picked(self, name: str) -> None:
        """Handle a click on a picked segment that the base does not know."""

    def focus_content(self) -> None:
        """Move the focus back to the content."""
        self.query_one("#payload").focus()

    # Deciding

    def reason_input(self) -> Input:
        """Return a new input for the reason."""
        placeholder = f"why not? Enter keeps the reason, {key_name(self, 'review.reject')} then rejects"
        return Input(placeholder=placeholder, id="reason", compact=True)

    def action_decide(self, verb: str) -> None:
        """Decide, unless something blocks it; a first rejection asks for the reason."""
        if self.takes_deciding_key():
            if verb == "reject" and self._reason is None and self.takes_reason:
                self.query_one("#reason", Input).add_class("-shown").focus()
            else:
                self.note_decision()
                self._close_reason()
                reason = self._reason if verb == "reject" else None
                self.decide(verb, reason or None)
        self.draw()

    def _close_reason(self) -> bool:
        """Close the input of the reason, which would receive the key that takes back; return whether it was open."""
        reason = self.query_one("#reason", Input)
        if not reason.has_class("-shown"):
            return False
        reason.remove_class("-shown")
        self.focus_content()
        return True

    def _drop_reason(self) -> None:
        """Drop the reason: it is for one decision only."""
        self._reason = None
        self._close_reason()
        self.query_one("#reason", Input).value = ""

    def action_leave(self) -> None:
        """Leave the input of the reason, or the screen; a held decision stays held."""
        if not self._close_reason():
            self.leave()

    @on(SegmentLine.Picked)
    def _handle_segment(self, event: SegmentLine.Picked) -> None:
        match event.name:
            case "approve" | "reject":
                self._pressed_at = None  # of the last key; the click is now
                self.action_decide(event.name)
            case "undo":
                self.take_back()
            case "back":
                self.leave()
            case name:
                self.handle_picked(name)

    @on(Input.Submitted, "#reason")
    def _keep_reason(self, event: Input.Submitted) -> None:
        self._reason = event.value.strip()
        self._close_reason()
        self._note = ""
        if not self._reason:
            self._note = f"without a reason; {key_name(self, 'review.reject')} rejects all the same"
        self.arm()
        self.draw()
