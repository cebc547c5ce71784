"""Base of the approval screens, with the rules that prevent decisions by accident.

The deciding keys are dead for a moment after their subject has appeared or changed, and work only when pressed alone.
A rejection that was refused is not taken at all: a reason typed after it does nothing. Enter on a reason does not send
it, and a decision can be taken back while it is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.actions import parse
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.domain.action import Outcome, Verb
from tui.screens.base import BaseScreen, HeldActions
from tui.screens.key_rhythm import PAUSE_SECONDS, KeyRhythm, writes_text
from tui.screens.reason_editor import ReasonEditor
from tui.screens.stylesheets import stylesheet
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine

DEAD_KEY_SECONDS = 0.7
"""Seconds for which the deciding keys do nothing after the subject of the decision has appeared or changed."""
IN_A_BURST = "taken back: other keys came with it"
PAUSED = f"not taken: keys do nothing until none was pressed for {PAUSE_SECONDS:.0f} s"
"""The text about keys that are pressed after a rejection was refused."""
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
        Binding("A", "decide('approve')", "approve", id="review.approve"),
        Binding("R", "decide('reject')", "reject", id="review.reject"),
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

    class Closed(Message):
        """An approval screen was closed."""

    class TakeBack(Message):
        """A request to take back held actions."""

        def __init__(self, *action_ids: str) -> None:
            super().__init__()
            self.action_ids = action_ids

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._armed_at = float("inf")
        self._rhythm = KeyRhythm()
        self._pressed_at: float | None = None
        """The time of the key that is being handled; None for a click."""
        self.reason_editor = ReasonEditor()
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

    @property
    def is_deciding(self) -> bool:
        """Whether a decision is under way, or was carried out."""
        raise NotImplementedError

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

    def arm(self) -> None:
        """Arm the deciding keys a moment from now, because the subject of the decision has appeared or changed."""
        self._armed_at = self._clock() + DEAD_KEY_SECONDS

    @property
    def blocked_now(self) -> str:
        """The reason why the deciding keys are blocked now; empty when they decide."""
        if reason := self.blocked:
            return reason
        now = self._clock()
        if now < self._armed_at:
            return "a moment: it has just appeared"
        if self._rhythm.is_paused(now):
            return PAUSED
        return ""

    @property
    def _is_burst(self) -> bool:
        """Whether another key came right after the last decision."""
        return self._rhythm.is_burst

    def on_key(self, event: events.Key) -> None:
        """Note the time of every key: one right before or after a deciding key makes a burst.

        A key that writes text does nothing in a burst, and for a pause after a deciding key was refused.
        """
        now = self._pressed_at = event.time  # when the key was pressed, however late it is handled
        action = self.actions.get(event.key, "")
        is_deciding = action.startswith("decide(")
        may_be_text = (writes_text(event) or is_deciding) and action != "undo" and not self.reason_editor.is_open
        if may_be_text and self._rhythm.is_paused(now):
            self._ignore(event, PAUSED)
            return
        if not is_deciding:
            is_burst = self._check_burst(now)
            self._rhythm.note_key(now)
            if is_burst and may_be_text:
                self._ignore(event, IN_A_BURST)
                return
        super().on_key(event)

    def _ignore(self, event: events.Key, reason: str) -> None:
        """Ignore a key, and show the reason."""
        event.stop()
        event.prevent_default()
        self._rhythm.pause(event.time)
        self.hint(reason)

    def refuse(self, action: str) -> None:
        """Refuse an action by showing the reason."""
        super().refuse(action)
        if action.startswith("decide("):
            self._pause_after(str(parse(action)[2][0]), self._pressed_at or time.monotonic())

    def _pause_after(self, verb: str, now: float) -> None:
        """Let keys that write text do nothing for a pause, if the refused key would have asked for a reason."""
        if verb == "reject":
            self._rhythm.pause(now)

    def _check_burst(self, now: float) -> bool:
        """Check for a burst: take back a decision right before this key, even if it is not known to be held yet."""
        if not self._rhythm.follows_decision(now):
            return False
        if self.take_back():
            self._note = IN_A_BURST
        return True

    def on_paste(self, event: events.Paste) -> None:
        """Disarm the deciding keys for a moment after a paste: pasted text never decides."""
        self.arm()

    def on_mount(self) -> None:
        """Watch the focus of the terminal after mounting: its events reach the app only."""
        self.watch(self.app, "app_focus", self._rearm, init=False)

    def on_unmount(self) -> None:
        """Tell the app that the screen was closed."""
        self.app.post_message(self.Closed())

    @on(events.ScreenResume)
    @on(events.Resize)
    def _rearm(self) -> None:
        if self._armed_at != float("inf"):
            self.arm()

    def action_decide(self, verb: str) -> None:
        """Decide, unless something blocks it; a first rejection asks for the reason."""
        now = self._pressed_at or time.monotonic()
        was_alone = self._rhythm.is_alone(now)
        self._rhythm.note_key(now)
        self._pressed_at = None
        is_burst = self._check_burst(now)
        self._is_refused = bool(self.blocked_now)
        editor = self.reason_editor
        if self._is_refused:
            self._note = ""
            self._pause_after(verb, now)
        elif is_burst or not was_alone:
            self._note = "not done: other keys came with it, press it alone"
            self._rhythm.pause(now)
        elif verb == "reject" and editor.reason is None and self.takes_reason:
            self._note = ""
            editor.open()
        else:
            self._note = ""
            self._rhythm.note_decision(now)
            self._close_reason()
            reason = editor.reason if verb == "reject" else None
            self.decide(verb, reason or None)
        self.draw()

    def action_edit_reason(self) -> None:
        """Edit the reason for a rejection, which then has to be entered again."""
        if self.reason_editor.has_text and self.takes_reason and not self.is_deciding:
            self.reason_editor.open()
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
            self._rhythm.pause(time.monotonic())
        self.reason_editor.drop()

    def draw_reason(self) -> None:
        """Draw the reason as it stands, and end the hint about keys that do nothing."""
        self.reason_editor.draw(is_sent=self.is_deciding)
        if self._hint == PAUSED and not self._rhythm.is_paused(self._clock()):
            self.hint("")

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
