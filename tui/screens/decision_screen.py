"""Base of the screens on which something is decided, with the rules that prevent decisions by accident.

A deciding key is dead for a moment after the subject of the decision has appeared or changed, and works only when it is
pressed alone; a decision can be taken back while it is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.message import Message

from tui.screens.base import BaseScreen, HeldActions
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name

DEAD_KEY_SECONDS = 0.7
"""Seconds for which the deciding keys do nothing after the subject of the decision has appeared or changed."""
QUIET_SECONDS = 0.3
"""Seconds without another key that a deciding key needs before and after it: no key of a burst decides."""
IN_A_BURST = "taken back: other keys came with it"


class DecisionScreen(BaseScreen[None]):
    """The base of screens with deciding keys: bindings whose action is `decide`."""

    HAS_NOTICE_LINE = True
    IS_APPROVAL = True
    UNDO_BINDING: ClassVar[str] = "review.undo"
    """The id of the binding that takes back the held decision of this screen."""
    REVEAL_BINDING: ClassVar[str] = "review.reveal"
    """The id of the binding that reveals what is masked."""

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

    def take_back(self) -> bool:
        """Take back the held decisions of this screen; return whether there were any."""
        raise NotImplementedError

    def leave(self) -> None:
        """Leave the screen; held decisions stay held."""
        self.dismiss()

    def draw(self) -> None:
        """Draw the current state of the decision."""
        raise NotImplementedError

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
        if self._clock() < self._armed_at:
            return "a moment: it has just appeared"
        return ""

    def on_key(self, event: events.Key) -> None:
        """Note the time of every key: one right before or after a deciding key makes a burst."""
        self._pressed_at = event.time  # when the key was pressed, however late it is handled
        if not self.actions.get(event.key, "").startswith("decide("):
            self.note_other_key(event.time)
        super().on_key(event)

    def note_other_key(self, pressed_at: float) -> None:
        """Note the time of a key that does not decide, or of a typed text."""
        self._check_burst(pressed_at)
        self._last_key = pressed_at

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

    def takes_deciding_key(self) -> bool:
        """Return whether the deciding key that was just pressed, or the click, may decide; else say why not."""
        now, last_key = self._pressed_at or time.monotonic(), self._last_key
        self._last_key = now
        self._pressed_at = None
        self._check_burst(now)
        self._note = ""
        self._is_refused = bool(self.blocked_now)
        if self._is_refused:
            return False
        if now - last_key < QUIET_SECONDS:
            self._note = "not done: other keys came with it, press it alone"
            return False
        return True

    def note_decision(self) -> None:
        """Note that the deciding key that was just pressed has decided: another key right after it takes it back."""
        self._decided_at = self._last_key
        self._is_burst = False

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
        return pane.not_shown_yet(name, key_name(self, self.REVEAL_BINDING), focus_prefix)

    async def action_undo(self) -> None:
        """Undo a held decision: the one of this screen, else the one of another task."""
        if not self.take_back():
            await self.run_action("app.take_back")
