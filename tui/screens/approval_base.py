"""Base of the approval screens, with the rules that prevent decisions by accident.

The deciding keys are dead for a moment after their subject has appeared or changed, and work only when pressed alone;
Enter on a reason does not send it, and a decision can be taken back while it is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.domain.action import Outcome, Verb
from tui.screens.base import BaseScreen, HeldActions
from tui.screens.stylesheets import stylesheet
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine

DEAD_KEY_SECONDS = 0.7
"""Seconds for which the deciding keys do nothing after the subject of the decision has appeared or changed."""
QUIET_SECONDS = 0.3
"""Seconds without another key that a deciding key needs before and after it: no key of a burst decides."""
IN_A_BURST = "taken back: other keys came with it"
UNDECIDED_OUTCOMES = frozenset({Outcome.TAKEN_BACK, Outcome.NOT_SENT, Outcome.CHANGED, Outcome.REFUSED})
"""The outcomes after which a task can still be decided about."""


class ApprovalScreen(BaseScreen[None]):
    """The base of screens with two deciding keys, for approval and rejection.

    A subclass says what blocks a decision, and carries it out.
    """

    CSS_PATH = stylesheet("review")
    LEAVE_BINDING = "review.later"
    HAS_NOTICE_LINE = True
    IS_APPROVAL = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "decide('approve')", "approve", show=False, id="review.approve"),
        Binding("R", "decide('reject')", "reject", show=False, id="review.reject"),
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

    class TakeBack(Message):
        """A request to take back held actions."""

        def __init__(self, *action_ids: str) -> None:
            super().__init__()
            self.action_ids = action_ids

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._armed_at = float("inf")
        self._last_key = 0.0
        self._decided_at = 0.0
        self._pressed_at: float | None = None
        """The time of the key that is being handled; None for a click."""
        self._is_burst = False
        """Whether another key came right after the last decision."""
        self._reason: str | None = None
        """The reason for a rejection; None until one was entered."""
        self._note = ""
        """A message in the status line."""
        self._is_refused = False
        """Whether the last deciding key was refused: the blocking reason is highlighted then."""
        self._held_actions = HeldActions("", {}, is_paused=False)
        self.can_take_back: Callable[[str], bool] = lambda action_id: False
        """Returns whether the action with this id can still be taken back."""
        self.presence = ""
        """A text about other processes in which the same tasks are open for review."""

    # For subclasses

    @property
    def blocked(self) -> str:
        """The reason why a decision is blocked until something changes; empty when it is not."""
        raise NotImplementedError

    def decide(self, verb: str, reason: str | None) -> None:
        """Decide about what is shown, by posting `Decided`."""
        raise NotImplementedError

    @property
    def takes_reason(self) -> bool:
        """Whether a rejection takes a reason."""
        return True

    def take_back(self) -> bool:
        """Take back the held decisions of this screen; return whether there were any."""
        raise NotImplementedError

    def leave(self) -> None:
        """Leave the screen; held decisions stay held."""
        self.dismiss()

    def draw(self) -> None:
        """Draw the current state of the decision."""
        raise NotImplementedError

    def handle_picked(self, name: str) -> None:
        """Handle a click on a picked segment that the base does not know."""

    def focus_content(self) -> None:
        """Move the focus back to the content."""
        self.query_one("#payload").focus()

    # Called by the app

    def update_held(self, held: HeldActions) -> None:
        """Update the held actions, with their countdown."""
        self._held_actions = held
        super().update_held(held)

    def update_presence(self, text: str) -> None:
        """Update the presence of these tasks in other processes; the next drawing shows it."""
        self.presence = text

    # Rules of a decision

    def reason_input(self) -> Input:
        """Return a new input for the reason."""
        placeholder = f"why not? Enter keeps the reason, {key_name(self, 'review.reject')} then rejects"
        return Input(placeholder=placeholder, id="reason", compact=True)

    def arm(self) -> None:
        """Arm the deciding keys a moment from now, because the subject of the decision has appeared or changed."""
        self._armed_at = self._clock() + DEAD_KEY_SECONDS

    @property
    def blocked_now(self) -> str:
        """The reason why the deciding keys are blocked now; empty when they decide."""
        if reason := self.blocked:
            return reason
        if self._clock() < self._armed_at:
            return "a moment: it has just appeared"
        return ""

    def on_key(self, event: events.Key) -> None:
        """Note the time of every key: one right before or after a deciding key makes a burst."""
        self._pressed_at = event.time  # when the key was pressed, however late it is handled
        if not self.actions.get(event.key, "").startswith("decide("):
            self._check_burst(event.time)
            self._last_key = event.time
        super().on_key(event)

    def _check_burst(self, now: float) -> None:
        """Check for a burst: take back a decision right before this key, even if it is not known to be held yet."""
        if now - self._decided_at < QUIET_SECONDS:
            self._is_burst = True
            if self.take_back():
                self._note = IN_A_BURST

    def on_paste(self, event: events.Paste) -> None:
        """Disarm the deciding keys for a moment after a paste: pasted text never decides."""
        self.arm()

    def on_mount(self) -> None:
        """Watch the focus of the terminal after mounting: its events reach the app only."""
        self.watch(self.app, "app_focus", self._rearm, init=False)

    @on(events.ScreenResume)
    @on(events.Resize)
    def _rearm(self) -> None:
        if self._armed_at != float("inf"):
            self.arm()

    def action_decide(self, verb: str) -> None:
        """Decide, unless something blocks it; a first rejection asks for the reason."""
        now, last_key = self._pressed_at or time.monotonic(), self._last_key
        self._last_key = now
        self._pressed_at = None
        self._check_burst(now)
        self._is_refused = bool(self.blocked_now)
        if self._is_refused:
            self._note = ""
        elif now - last_key < QUIET_SECONDS:
            self._note = "not done: other keys came with it, press it alone"
        elif verb == "reject" and self._reason is None and self.takes_reason:
            self._note = ""
            self.query_one("#reason", Input).add_class("-shown").focus()
        else:
            self._note = ""
            self._decided_at = now
            self._is_burst = False
            self._close_reason()
            reason = self._reason if verb == "reject" else None
            self.decide(verb, reason or None)
        self.draw()

    def action_reveal(self) -> None:
        """Reveal masked values for a while; they count as read once they were shown."""
        for pane in self.query(Inspector):
            pane.reveal_all()

    def note_visible_lines(self) -> None:
        """Note which lines of the panes are visible; behind another screen, none is."""
        if self.is_active:
            for pane in self.query(Inspector):
                pane.note_visible_lines(self._clock())

    def not_shown_yet(self, pane: Inspector, name: str, focus_prefix: str = "") -> str:
        """Return a text about the lines of a pane that were not shown yet, with the keys that show them."""
        return pane.not_shown_yet(name, key_name(self, "review.reveal"), focus_prefix)

    async def action_undo(self) -> None:
        """Undo a held decision: the one of this screen, else the one of another task."""
        if not self.take_back():
            await self.run_action("app.take_back")

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
