"""What makes a decision deliberate: dead keys, a key pressed alone, a reason that Enter does not send, time to undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tui.domain.action import Verb
from tui.screens.base import BaseScreen, HeldActions
from tui.screens.stylesheets import stylesheet
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name
from tui.widgets.segment_line import SegmentLine

DEAD_KEY_SECONDS = 0.7
"""Seconds for which the two keys do nothing after what they decide about has appeared or changed."""
QUIET_SECONDS = 0.3
"""Seconds without any other key before and after a deciding one: in a burst of keys none decides."""
IN_A_BURST = "taken back: other keys came with it"


class ApprovalScreen(BaseScreen[None]):
    """A screen with two keys that decide. Whoever inherits says what hinders them, and carries them out."""

    CSS_PATH = stylesheet("review")
    LEFT_BY = "review.later"
    HAS_NOTICE_LINE = True
    IS_APPROVAL = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "decide('approve')", "approve", id="review.approve"),
        Binding("R", "decide('reject')", "reject", id="review.reject"),
        Binding("u", "undo", "undo", id="review.undo"),
        Binding("M", "reveal", "Show what is masked for 10 s", show=False, id="review.reveal"),
        Binding("escape,d,q", "leave", "later", id="review.later"),
    ]

    class Decided(Message):
        """The operator has decided about exactly what was shown: each task by the digest of it."""

        def __init__(self, verb: Verb, digests: Mapping[str, str], comment: str | None) -> None:
            super().__init__()
            self.verb = verb
            self.digests = digests
            self.comment = comment

    class TakeBack(Message):
        """What is held is not wanted any more."""

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
        """When the key came that is being handled; a click has none."""
        self._is_burst = False
        self._reason: str | None = None
        self._note = ""
        self._is_refused = False
        """Whether a deciding key was pressed in vain; the reason stands out then for as long as it holds."""
        self._holds = HeldActions("", {}, is_paused=False)
        self.can_take_back: Callable[[str], bool] = lambda action_id: False
        """Tells whether a decision can still be taken back, by its id."""
        self.elsewhere = ""
        """That it is open for a decision elsewhere on this machine too, in words."""

    # What an heir tells and does

    @property
    def blocked(self) -> str:
        """Why there is nothing to decide now; empty when there is."""
        raise NotImplementedError

    def decide(self, verb: str, reason: str | None) -> None:
        """Carry it out."""
        raise NotImplementedError

    @property
    def takes_reason(self) -> bool:
        """Whether a rejection can say why."""
        return True

    def take_back(self) -> bool:
        """Take back what is held; whether anything was."""
        raise NotImplementedError

    def leave(self) -> None:
        """Go away; what is held stays held."""
        self.dismiss()

    def draw(self) -> None:
        """Show how it is now."""
        raise NotImplementedError

    def update_held(self, held: HeldActions) -> None:
        """Take which actions are held, and for how long."""
        self._holds = held
        super().update_held(held)

    def update_presence(self, words: str) -> None:
        """Take where else these tasks are open; it is shown when the screen is drawn next."""
        self.elsewhere = words

    # The rules

    def reason_input(self) -> Input:
        """Where a reason is written."""
        words = f"why not? Enter keeps the reason, {key_name(self, 'review.reject')} then rejects"
        return Input(placeholder=words, id="reason", compact=True)

    def arm(self) -> None:
        """What is decided about has just appeared, or changed: the keys are dead for a moment."""
        self._armed_at = self._clock() + DEAD_KEY_SECONDS

    @property
    def blocked_now(self) -> str:
        """Why the two keys do nothing now; empty when they decide."""
        return self.blocked or ("a moment: it has just appeared" if self._clock() < self._armed_at else "")

    def on_key(self, event: events.Key) -> None:
        """Every key counts: one that comes right before or after a deciding one makes it a burst."""
        self._pressed_at = event.time  # when it came, however late it is handled
        if not self.actions.get(event.key, "").startswith("decide("):
            self._burst(event.time)
            self._last_key = event.time
        super().on_key(event)

    def _burst(self, now: float) -> None:
        """A key that comes right behind a deciding one takes it back, even before it is known to be held."""
        if now - self._decided_at < QUIET_SECONDS:
            self._is_burst = True
            if self.take_back():
                self._note = IN_A_BURST

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text never decides."""
        self.arm()

    def on_mount(self) -> None:
        """Watch the focus of the terminal: of its events only the app is told."""
        self.watch(self.app, "app_focus", self._seen_again, init=False)

    @on(events.ScreenResume)
    @on(events.Resize)
    def _seen_again(self) -> None:
        if self._armed_at != float("inf"):
            self.arm()

    def action_decide(self, verb: str) -> None:
        """Decide, when everything about it is as it must be."""
        now, before = self._pressed_at or time.monotonic(), self._last_key
        self._last_key, self._pressed_at = now, None
        self._burst(now)
        self._is_refused = bool(self.blocked_now)
        if self._is_refused:
            self._note = ""
        elif now - before < QUIET_SECONDS:
            self._note = "not done: other keys came with it, press it alone"
        elif verb == "reject" and self._reason is None and self.takes_reason:
            self._note = ""
            self.query_one("#reason", Input).add_class("-shown").focus()
        else:
            self._note = ""
            self._decided_at, self._is_burst = now, False
            self._close_reason()
            self.decide(verb, self._reason or None if verb == "reject" else None)
        self.draw()

    def action_reveal(self) -> None:
        """Show what is masked because it may be a secret, for a while; to have seen it once is enough."""
        for pane in self.query(Inspector):
            pane.reveal_all()

    def look_at_panes(self) -> None:
        """Note what of the panes is in sight; behind another screen nothing is."""
        if self.is_active:
            for pane in self.query(Inspector):
                pane.note_visible_lines(self._clock())

    def not_shown_yet(self, pane: Inspector, name: str, before: str = "") -> str:
        """Return what of a pane was not shown yet and the keys that show it, in words; empty when all was."""
        return pane.not_shown_yet(name, key_name(self, "review.reveal"), before)

    async def action_undo(self) -> None:
        """Take a held decision back: the one shown here, or the one of another task."""
        if not self.take_back():
            await self.run_action("app.take_back")

    def _close_reason(self) -> bool:
        """Hide the input of the reason, which would take the key that takes back; return whether it was shown."""
        reason = self.query_one("#reason", Input)
        if not reason.has_class("-shown"):
            return False
        reason.remove_class("-shown")
        self.focus_content()
        return True

    def _drop_reason(self) -> None:
        """A reason is for one decision only."""
        self._reason = None
        self._close_reason()
        self.query_one("#reason", Input).value = ""

    def action_leave(self) -> None:
        """Back by one step: from the reason to the review, then away. A held decision stays held."""
        if not self._close_reason():
            self.leave()

    @on(SegmentLine.Picked)
    def _picked(self, event: SegmentLine.Picked) -> None:
        match event.name:
            case "approve" | "reject":
                self._pressed_at = None  # a click came now, whenever the last key did
                self.action_decide(event.name)
            case "undo":
                self.take_back()
            case "back":
                self.leave()
            case name:
                self.picked(name)

    def picked(self, name: str) -> None:
        """Something else was clicked."""

    def focus_content(self) -> None:
        """Give the focus back to what is decided about."""
        self.query_one("#payload").focus()

    @on(Input.Submitted, "#reason")
    def _reasoned(self, event: Input.Submitted) -> None:
        self._reason = event.value.strip()
        self._close_reason()
        key = key_name(self, "review.reject")
        self._note = "" if self._reason else f"without a reason; {key} rejects all the same"
        self.arm()
        self.draw()
