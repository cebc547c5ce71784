"""Base of the screens on which something is decided, with the rules that prevent decisions by accident.

A deciding key is dead for a moment after the subject of the decision has appeared or changed, and works only when it is
pressed alone; a decision can be taken back while it is held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import ClassVar

from textual import events, on
from textual.message import Message

from tui.domain.list_status import ListLink, ListStatus
from tui.screens.base import BaseScreen, HeldActions
from tui.screens.key_rhythm import PAUSE_SECONDS, KeyRhythm, writes_text
from tui.widgets.inspector import Inspector
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledText

DEAD_KEY_SECONDS = 0.7
"""Seconds for which the deciding keys do nothing after the subject of the decision has appeared or changed."""
IN_A_BURST = "taken back: other keys came with it"
PAUSED = f"not taken: keys do nothing until none was pressed for {PAUSE_SECONDS:.0f} s"
"""The text about keys that are pressed after a burst, or after a rejection was refused."""


class DecisionScreen(BaseScreen[None]):
    """The base of screens with deciding keys: bindings whose action is `decide`."""

    HAS_NOTICE_LINE = True
    IS_APPROVAL = True
    UNDO_BINDING: ClassVar[str] = "review.undo"
    """The id of the binding that takes back the held decision of this screen."""
    REVEAL_BINDING: ClassVar[str] = "review.reveal"
    """The id of the binding that reveals what is masked."""

    class Closed(Message):
        """A decision screen was closed; it has shown these notices, each cut as its line shows it."""

        def __init__(self, seen_notices: Collection[str] = ()) -> None:
            super().__init__()
            self.seen_notices = seen_notices

    class TakeBack(Message):
        """A request to take back held actions."""

        def __init__(self, *action_ids: str) -> None:
            super().__init__()
            self.action_ids = action_ids

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._armed_at = float("inf")
        self.rhythm = KeyRhythm()
        self._pressed_at: float | None = None
        """The time of the key that is being handled; None for a click."""
        self._note = ""
        """A message in the status line."""
        self._is_refused = False
        """Whether the last deciding key was refused: the blocking reason is highlighted then."""
        self._held_actions = HeldActions("", {}, is_paused=False)
        self.can_take_back: Callable[[str], bool] = lambda action_id: False
        """Returns whether the action with this id can still be taken back."""
        self.presence = ""
        self._link = ListLink.CONNECTING
        """A text about other processes in which the same tasks are open for review."""

    # For subclasses

    @property
    def blocked(self) -> str:
        """The reason why a decision is blocked until something changes; empty when it is not."""
        raise NotImplementedError

    @property
    def is_writing(self) -> bool:
        """Whether the keys write a text on this screen."""
        return False

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

    def update_list_status(self, status: ListStatus) -> None:
        """Update the link to the platform; the next drawing shows it while it is troubled."""
        self._link = status.link

    def link_segment(self, words: str = "") -> StyledText:
        """Return the segment at the right of the title: these words, after the link while it is troubled."""
        if self._link.is_troubled:
            return StyledText(f"{', '.join(filter(None, (self._link, words)))} ", "need")
        return StyledText(f"{words} " if words else "", "faint")

    # Rules of a decision

    def arm(self) -> None:
        """Arm the deciding keys a moment from now, because the subject of the decision has appeared or changed."""
        self._armed_at = self._clock() + DEAD_KEY_SECONDS

    @property
    def blocked_now(self) -> str:
        """The reason why the deciding keys are blocked now; empty when they decide."""
        return self.blocked or self.dead_keys_reason

    @property
    def dead_keys_reason(self) -> str:
        """The reason why the deciding keys do nothing for a moment; empty when they work."""
        now = self._clock()
        if now < self._armed_at:
            return "a moment: it has just appeared"
        if self.rhythm.is_paused(now):
            return PAUSED
        return ""

    @property
    def _is_burst(self) -> bool:
        """Whether another key came right after the last decision."""
        return self.rhythm.is_burst

    def on_key(self, event: events.Key) -> None:
        """Note the time of every key: one right before or after a deciding key makes a burst.

        A key that writes text does nothing in a burst, and for a pause after a rejection was refused.
        """
        now = self._pressed_at = event.time  # when the key was pressed, however late it is handled
        action = self.actions.get(event.key, "")
        is_deciding = action.startswith("decide(")
        may_be_text = (writes_text(event) or is_deciding) and action != "undo" and not self.is_writing
        if may_be_text and self.rhythm.is_paused(now):
            self._ignore(event, PAUSED)
            return
        if not is_deciding:
            is_burst = self.note_other_key(now)
            if is_burst and may_be_text:
                self._ignore(event, IN_A_BURST)
                return
        super().on_key(event)

    def _ignore(self, event: events.Key, reason: str) -> None:
        """Ignore a key, and show the reason for as long as the pause lasts."""
        event.stop()
        event.prevent_default()
        self.rhythm.pause(event.time)
        self.hint(reason)
        self.set_timer(PAUSE_SECONDS, self._end_hint)

    def _end_hint(self) -> None:
        if self._hint in {PAUSED, IN_A_BURST} and not self.rhythm.is_paused(self._clock()):
            self.hint("")

    def note_other_key(self, pressed_at: float) -> bool:
        """Note the time of a key that does not decide, or of a typed text; return whether it makes a burst."""
        is_burst = self._check_burst(pressed_at)
        self.rhythm.note_key(pressed_at)
        return is_burst

    def _check_burst(self, now: float) -> bool:
        """Check for a burst: take back a decision right before this key, even if it is not known to be held yet."""
        if not self.rhythm.follows_decision(now):
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
        self.note_drawn_notice()
        self.app.post_message(self.Closed(self.seen_notices))

    @on(events.ScreenResume)
    @on(events.Resize)
    def _rearm(self) -> None:
        if self._armed_at != float("inf"):
            self.arm()

    def takes_deciding_key(self, blocked: str) -> bool:
        """Return whether the deciding key that was just pressed, or the click, may act; else say why not.

        `blocked` is the reason why it is blocked until something changes; empty when it is not.
        """
        now = self._pressed_at or time.monotonic()
        was_alone = self.rhythm.is_alone(now)
        self.rhythm.note_key(now)
        is_burst = self._check_burst(now)
        self._note = ""
        self._is_refused = bool(blocked or self.dead_keys_reason)
        if self._is_refused:
            return False
        if is_burst or not was_alone:
            self._note = "not done: other keys came with it, press it alone"
            self.rhythm.pause(now)
            return False
        return True

    def note_decision(self) -> None:
        """Note that the deciding key that was just pressed has decided: another key right after it takes it back."""
        self.rhythm.note_decision(self._pressed_at or time.monotonic())

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
