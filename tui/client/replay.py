"""Recognition of replays: events without ids that a server sends again after a reconnect.

The rule is in the docstring of `tui.client.event_stream`.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from enum import Enum

from tui.client.events import Event
from tui.client.sse import MAX_EVENT_BYTES

MIN_REPLAY_EVENTS = 8
"""The shortest replay of events without ids, unless one is distinctive: it has a time and is not a chunk of text."""
MAX_WITHHELD_BYTES = MAX_EVENT_BYTES
EVENT_OVERHEAD_BYTES = 1000
"""Memory that a withheld event takes beside its content."""
HASH_BYTES = 8


class Verdict(Enum):
    """The verdict on the received events."""

    REPLAY = "replay"
    NO_REPLAY = "no replay"
    OPEN = "open"
    """More events are needed."""


class Replay:
    """A possible replay: the first events of a connection, while they equal a sequence of the emitted events."""

    def __init__(self, emitted_hashes: Iterable[int]) -> None:
        """Begin a comparison with the emitted events: hashes are joined to bytes, which are searched quickly."""
        self._emitted = array("q", emitted_hashes).tobytes()
        self._received = bytearray()
        """The hashes of the received events, joined."""
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

    def compare(self, content: bytes, event: Event) -> Verdict:
        """Compare the next event with the emitted ones; return the verdict on all received events."""
        event_hash = hash(content)
        hash_bytes = event_hash.to_bytes(HASH_BYTES, sys.byteorder, signed=True)
        self.withheld.append((event_hash, event))
        next_offset = self._offset + len(self._received)
        self._received += hash_bytes
        continues_match = self._emitted[next_offset : next_offset + HASH_BYTES] == hash_bytes
        if not continues_match and not self._find_next_match():
            return Verdict.NO_REPLAY
        is_distinctive = event.type != "chunk" and event.time is not None
        self._evidence += MIN_REPLAY_EVENTS if is_distinctive else 1
        if self._emitted.endswith(self._received):
            return self._decide_at_end()
        self.size += len(content) + EVENT_OVERHEAD_BYTES
        is_too_much = self.size > MAX_WITHHELD_BYTES
        if is_too_much and not self.is_long_enough:
            return Verdict.NO_REPLAY
        if is_too_much or is_distinctive:  # the events so far are a replay, whatever follows
            self.withheld.clear()
            self.size = 0
            self.overlap = 0
        return Verdict.OPEN

    def _find_next_match(self) -> bool:
        """Find the next offset, on a hash boundary, at which the received hashes match; return whether there is one."""
        self._offset = self._emitted.find(self._received, self._offset)
        while self._offset % HASH_BYTES and self._offset >= 0:
            self._offset = self._emitted.find(self._received, self._offset + 1)
        return self._offset >= 0

    def _decide_at_end(self) -> Verdict:
        """Decide about a sequence that ends with the last emitted event."""
        evidence = self._evidence
        self._evidence = 0
        self.overlap = len(self.withheld)
        occurs_once = self._offset + len(self._received) == len(self._emitted)
        if occurs_once:
            return Verdict.REPLAY if evidence >= MIN_REPLAY_EVENTS else Verdict.NO_REPLAY
        # The sequence also occurs earlier: text that repeats itself is not evidence of a replay.
        received_count = len(self._received) // HASH_BYTES
        if received_count >= MIN_REPLAY_EVENTS:
            return Verdict.NO_REPLAY
        return Verdict.OPEN
