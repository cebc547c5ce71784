"""The notices of this session: which are shown, and which were missed because a review was open."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

MAX_NOTICES = 200
"""The latest notices that are kept."""


class Notice(NamedTuple):
    """A notice to the operator, and when it came."""

    at: datetime
    text: str


class NoticeLog:
    """The latest notices to the operator, and how long each is shown."""

    def __init__(self, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._clock = clock
        self._kept: deque[Notice] = deque(maxlen=MAX_NOTICES)
        self._shown_until: dict[str, float] = {}
        """The time until which each notice is shown, by its text."""
        self._came_in_review: dict[str, float] = {}
        """The notices that came while a review was open, with the time until which each is shown."""

    @property
    def latest(self) -> Sequence[Notice]:
        """The latest notices, the newest last."""
        return tuple(self._kept)

    def add(self, text: str, seconds: float, *, is_reviewing: bool) -> bool:
        """Add a notice that is shown for some seconds; return whether it is new, and not shown already."""
        now = self._clock()
        if self._shown_until.get(text, now) > now:
            return False
        self._shown_until = {other: until for other, until in self._shown_until.items() if until > now}
        self._shown_until[text] = now + seconds
        self._kept.append(Notice(self._now(), text))
        if is_reviewing:
            self._came_in_review[text] = now + seconds
        return True

    def note_seen(self, is_seen: Callable[[str], bool]) -> None:
        """Note which notices the screen of the review has shown: they were not missed."""
        self._came_in_review = {text: until for text, until in self._came_in_review.items() if not is_seen(text)}

    def take_missed(self) -> int:
        """Return how many notices came and went while a review was open, and count them as reported."""
        now = self._clock()
        missed = sum(until <= now for until in self._came_in_review.values())
        self._came_in_review.clear()
        return missed
