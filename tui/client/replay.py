"""Events that a server sends again after a reconnect: Replay tells them from new ones where they have no ids.

The rule is in the docstring of `tui.client.event_stream`.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from tui.client.events import Event
from tui.client.sse import MAX_EVENT_BYTES

MIN_REPLAY_EVENTS = 8
"""How many events without ids a replay has at the least, unless one of them is unmistakable."""
MAX_WITHHELD_BYTES = MAX_EVENT_BYTES
EVENT_BYTES = 1000
"""What an event that is withheld takes beside its content."""
HASH_BYTES = 8


class Replay:
    """What a new connection has brought, as long as it equals a stretch of the events that were told before."""

    def __init__(self, told: Iterable[int]) -> None:
        self._told = array("q", told).tobytes()
        self._stretch = bytearray()
        """The hashes of what was brought."""
        self._place = 0
        """The first byte of what was told at which that stretch occurs."""
        self._evidence = 0
        """How many events speak for a replay of this length rather than for the longest shorter one."""
        self.size = 0
        self.withheld: list[tuple[int, Event]] = []
        """Each event with its hash."""
        self.overlap = 0
        """How many events at the beginning were the last ones told: they may be a replay, if a short one."""

    @property
    def is_long_enough(self) -> bool:
        """Whether the stretch is long enough for a replay, and occurs only once in what was told."""
        return self._evidence >= MIN_REPLAY_EVENTS and self._told.find(self._stretch, self._place + 1) < 0

    def take(self, content: bytes, event: Event) -> bool | None:
        """Compare the next event; whether all that came is a replay, or None as long as that is open."""
        key = hash(content)
        digest = key.to_bytes(HASH_BYTES, sys.byteorder, signed=True)
        self.withheld.append((key, event))
        end = self._place + len(self._stretch)
        self._stretch += digest
        if self._told[end : end + HASH_BYTES] != digest and not self._find_next():
            return False
        is_unmistakable = event.type != "chunk" and event.time is not None
        self._evidence += MIN_REPLAY_EVENTS if is_unmistakable else 1
        if self._told.endswith(self._stretch):
            return self._reach_end()
        self.size += len(content) + EVENT_BYTES
        is_too_much = self.size > MAX_WITHHELD_BYTES
        if is_too_much and not self.is_long_enough:
            return False
        if is_too_much or is_unmistakable:  # this much is a replay, whatever follows
            self.withheld.clear()
            self.size = self.overlap = 0
        return None

    def _find_next(self) -> bool:
        """Find the next place at which the stretch occurs."""
        self._place = self._told.find(self._stretch, self._place)
        while self._place % HASH_BYTES and self._place >= 0:
            self._place = self._told.find(self._stretch, self._place + 1)
        return self._place >= 0

    def _reach_end(self) -> bool | None:
        """Judge a stretch that ends where what was told ends."""
        count = len(self._stretch) // HASH_BYTES
        evidence, self._evidence = self._evidence, 0
        self.overlap = len(self.withheld)
        if self._place + len(self._stretch) == len(self._told):
            return evidence >= MIN_REPLAY_EVENTS
        return False if count >= MIN_REPLAY_EVENTS else None  # text that repeats itself shows no replay
