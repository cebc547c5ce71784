"""The rhythm of the keys on an approval screen: which key was pressed alone, and which may be text typed into nothing.

A deciding key decides only alone: no other key comes within `QUIET_SECONDS` before or after it. After a burst, and
after a rejection that was refused, the keys may be the text of a reason for which no input has opened: until none of
them has come for `PAUSE_SECONDS`, keys that write text do nothing. The key that takes back always works.
"""

from __future__ import annotations

from textual import events

QUIET_SECONDS = 0.3
"""Seconds without another key that a deciding key needs before and after it: no key of a burst decides."""
PAUSE_SECONDS = 1.0
"""Seconds without a key that end the time in which keys that write text do nothing."""
EDITING_KEYS = frozenset({"enter", "tab", "shift+tab", "backspace", "delete"})
"""Keys that are pressed while a text is written, besides the characters of the text."""


class KeyRhythm:
    """The rhythm of the keys, by the times at which they were pressed."""

    def __init__(self) -> None:
        self._last_key_at = float("-inf")
        self._decided_at = float("-inf")
        self._paused_until = float("-inf")
        self.is_burst = False
        """Whether another key came right after the last decision."""

    def is_paused(self, now: float) -> bool:
        """Return whether keys that write text do nothing now."""
        return now < self._paused_until

    def pause(self, now: float) -> None:
        """Begin the pause; a further key during the pause extends it."""
        self._paused_until = max(self._paused_until, now + PAUSE_SECONDS)

    def end_pause(self) -> None:
        """End the pause: the next key works again."""
        self._paused_until = float("-inf")

    def is_alone(self, now: float) -> bool:
        """Return whether no key came right before a key that is pressed now."""
        return now - self._last_key_at >= QUIET_SECONDS

    def follows_decision(self, now: float) -> bool:
        """Return whether a key that is pressed now comes right after a decision, which it makes a burst."""
        if now - self._decided_at >= QUIET_SECONDS:
            return False
        self.is_burst = True
        return True

    def note_key(self, now: float) -> None:
        """Note the time of a key."""
        self._last_key_at = now

    def note_decision(self, now: float) -> None:
        """Note the time of a decision."""
        self._decided_at = now
        self.is_burst = False


class TextRun:
    """Keys that came in quick succession and may be one text, with the choices that were picked by them."""

    def __init__(self) -> None:
        self._last_key_at = float("-inf")
        self._choices_before: dict[int, int | None] = {}
        """The choice of each question before a key of this run picked another one."""

    def note_key(self, now: float) -> None:
        """Note the time of a key; after a pause it begins another run."""
        if now - self._last_key_at >= PAUSE_SECONDS:
            self.end()
        self._last_key_at = max(self._last_key_at, now)

    def note_pick(self, question: int, choice_before: int | None) -> None:
        """Note the choice that a question had before the last key picked another one."""
        self._choices_before.setdefault(question, choice_before)

    def end(self) -> dict[int, int | None]:
        """End the run; return the choice before it of each question for which a key of it has picked one."""
        choices, self._choices_before = self._choices_before, {}
        return choices


def writes_text(event: events.Key) -> bool:
    """Return whether a key is one that is pressed to write a text."""
    return event.is_printable or event.key in EDITING_KEYS
