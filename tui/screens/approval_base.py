"""Base of the approval screens: two deciding keys, and the reason for a rejection.

The reason can be written before all lines were seen; only sending it needs that. A rejection that was refused is not
taken at all: a reason typed after it does nothing. Enter on a reason does not send it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.domain.action import Outcome, Verb
from tui.screens.decision_screen import DEAD_KEY_SECONDS, IN_A_BURST, DecisionScreen
from tui.screens.reason_editor import ReasonEditor
from tui.screens.stylesheets import stylesheet
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine

__all__ = ["DEAD_KEY_SECONDS", "IN_A_BURST", "UNDECIDED_OUTCOMES", "ApprovalScreen"]

UNDECIDED_OUTCOMES = frozenset({Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED, Outcome.REFUSED})
"""The outcomes after which a task can still be decided about."""


class ApprovalScreen(DecisionScreen):
    """The base of screens with two deciding keys, for approval and rejection.

    A subclass says what blocks a decision, and carries it out.
    """

    CSS_PATH = stylesheet("review")
    LEAVE_BINDING = "review.later"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "decide('approve')", "approve", show=False, id="review.approve"),
        Binding("R", "decide('reject')", "reject", show=False, id="review.reject"),
        Binding("u", "undo", "undo", id="review.undo"),
        Binding("backspace", "edit_reason", "Edit the reason of a rejection", show=False, id="review.edit_reason"),
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="review.reveal"),
        Binding("escape,d,q", "leave", "later", id="review.later"),
    ]

    class Decided(Message):
        """The operator has decided about what was shown: the digest of each task says what that was."""

        def __init__(self, verb: Verb, digests: Mapping[str, str], comment: str | None, *, draft_key: str = "") -> None:
            super().__init__()
            self.verb = verb
            self.digests = digests
            self.comment = comment
            self.draft_key = draft_key
            """The key of the draft of the comment, which is kept until the decision is confirmed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.reason_editor = ReasonEditor()

    # For subclasses

    def decide(self, verb: str, reason: str | None) -> None:
        """Decide about what is shown, by posting `Decided`."""
        raise NotImplementedError

    @property
    def blocked_from_writing(self) -> str:
        """The reason why not even the reason for a rejection can be written; empty when it can."""
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

    def action_decide(self, verb: str) -> None:
        """Decide, unless something blocks it; a first rejection asks for the reason."""
        editor = self.reason_editor
        opens_reason = verb == "reject" and editor.reason is None and self.takes_reason
        blocked = self.blocked_from_writing if opens_reason else self.blocked
        if not self.takes_deciding_key(blocked):
            if opens_reason:
                self.rhythm.pause(self._pressed_at or time.monotonic())
        elif opens_reason:
            editor.open()
        else:
            self.note_decision()
            self._close_reason()
            reason = editor.reason if verb == "reject" else None
            self.decide(verb, reason or None)
        self.draw()

    def refuse(self, action: str) -> None:
        """Refuse an action by showing the reason."""
        super().refuse(action)
        if action == "decide('reject')":
            self.rhythm.pause(self._pressed_at or time.monotonic())

    # The reason

    @property
    def is_writing(self) -> bool:
        """Whether a reason is being written."""
        return self.reason_editor.is_open

    def action_edit_reason(self) -> None:
        """Edit the reason for a rejection, which then has to be entered again."""
        if self.reason_editor.is_unsent and self.takes_reason:
            self.reason_editor.open()
            self.draw()

    def _close_reason(self) -> bool:
        """Close the input of the reason, which would receive the key that takes back; return whether it was open."""
        if not self.reason_editor.close():
            return False
        self.focus_content()
        return True

    def load_reason(self, draft_key: str) -> None:
        """Load the reason that was written about the same requests before."""
        if draft_key != self.reason_editor.draft_key:
            self._drop_reason()
            self.reason_editor.load(draft_key)

    def _drop_reason(self) -> None:
        """Drop the reason, which is for one decision only; the draft is kept, and keys still typed of it do nothing."""
        if self._close_reason():
            self.rhythm.pause(time.monotonic())
        self.reason_editor.drop()

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
            case "reason":
                self.action_edit_reason()
            case name:
                self.handle_picked(name)

    @on(ReasonEditor.Entered)
    def _reason_entered(self) -> None:
        self.focus_content()
        self._note = ""
        if not self.reason_editor.reason:
            self._note = f"without a reason; {key_name(self, 'review.reject')} rejects all the same"
        self.arm()
        self.draw()

    @on(ReasonEditor.Unsaved)
    def _show_unsaved(self, event: ReasonEditor.Unsaved) -> None:
        self._note = f"this reason is not kept when you leave: {event.error}"
        self.draw()
