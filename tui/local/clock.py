"""The platform's own clock: it begins where it is told, so that a run can be repeated to the byte."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class PlatformClock:
    """Time here; while a beat is played it stands still at the moment the beat was due."""

    def __init__(self, start: datetime | None = None) -> None:
        self.start = start or datetime.now(UTC)
        self._begun = time.monotonic()
        self._at: datetime | None = None

    @property
    def now(self) -> datetime:
        """This moment."""
        return self._at or self.running

    @property
    def running(self) -> datetime:
        """This moment, whatever is being played."""
        return self.start + timedelta(seconds=time.monotonic() - self._begun)

    def stand_at(self, moment: datetime | None) -> None:
        """Stand still at a moment, or run again."""
        self._at = moment


def format_time(moment: datetime) -> str:
    """A moment as the platform writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
