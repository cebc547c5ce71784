"""Recognition of replays: events without ids that a server sends again after a reconnect.

The rule is in the docstring of `tui.client.event_stream`.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from tui.client.events import Event
from tui.client.sse import MAX_EVENT_BYTES

MIN_REPLAY_EVENTS = 8
"""The shortest replay of events without ids, unless one is distinctive: it has a time and is not a chunk of text."""
MAX_WITHHELD_BYTES = MAX_EVENT_BYTES
EVENT_OVERHEAD_BYTES = 1000
"""Memory that a withheld event takes beside its content."""
HASH_BYTES = 8


class Replay:
    """A possible replay: the first events of a connection, while they equal a sequence of the emitted events."""

    def __init__(self, emitted_hashes: Iterable[int]) -> None:
        self._emitted = array("q", emitted_hashes).tobytes()
        self._received = bytearray()
        """The hashes of the received events."""
        self._offset = 0
        """The offset in `_emitted` at which the received hashes occur."""
        self._evidence = 0
        """The number of events that speak for a replay of this length rather than for the longest shorter one."""
        self.size = 0
        """The memory in bytes that the withheld events take."""
        self.withheld: list[tuple[int, Event]] = []
        """Each withheld event with its hash."""
        self.overlap = 0
        """How many of the first withheld events equal the last emitted ones: these may be a replay, if a short one."""

    @property
    def is_long_enough(self) -> bool:
        """Whether the received sequence is long enough for a replay and occurs only once among the emitted events."""
        return self._evidence >= MIN_REPLAY_EVENTS and self._emitted.find(self._received, self._offset + 1) < 0

    def compare(self, content: bytes, event: Event) -> bool | None:
        """Compare the next event; return whether all received events are a replay, or None while that is open."""
        key = hash(content)
        digest = key.to_bytes(HASH_BYTES, sys.byteorder, signed=True)
        self.withheld.append((key, event))
        end = self._offset + len(self._received)
        self._received += digest
        if self._emitted[end : end + HASH_BYTES] != digest and not self._find_next_match():
            return False
        is_distinctive = event.type != "chunk" and event.time is not None
        self._evidence += MIN_REPLAY_EVENTS if is_distinctive else 1
        if self._emitted.endswith(self._received):
            return self._decide_at_end()
        self.size += len(content) + EVENT_OVERHEAD_BYTES
        is_too_much = self.size > MAX_WITHHELD_BYTES
        if is_too_much and not self.is_long_enough:
            return False
        if is_too_much or is_distinctive:  # the events so far are a replay, whatever follows
            self.withheld.clear()
            self.size = 0
            self.overlap = 0
        return None

    def _find_next_match(self) -> bool:
        """Find the next offset, on a hash boundary, at which the received hashes match; return whether there is one."""
        self._offset = self._emitted.find(self._received, self._offset)
        while self._offset % HASH_BYTES and self._offset >= 0:
            self._offset = self._emitted.find(self._received, self._offset + 1)
        return self._offset >= 0

    def _decide_at_end(self) -> bool | None:
        """Decide about a sequence that ends with the last emitted event."""
        evidence = self._evidence
        self._evidence = 0
        self.overlap = len(self.withheld)
        if self._offset + len(self._received) == len(self._emitted):
            return evidence >= MIN_REPLAY_EVENTS
        # The sequence also occurs earlier: text that repeats itself is not evidence of a replay.
        received_count = len(self._received) // HASH_BYTES
        if received_count >= MIN_REPLAY_EVENTS:
            return False
        return None
