"""The platform's own clock: it can start at any time and be frozen, so that a run can be repeated exactly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class PlatformClock:
    """The clock of the platform; while a scenario step is played it is frozen at the time the step was due."""

    def __init__(self, start: datetime | None = None) -> None:
        self.start = start or datetime.now(UTC)
        self._started_at = time.monotonic()
        self._frozen_at: datetime | None = None

    @property
    def now(self) -> datetime:
        """The time now: the frozen time if there is one."""
        return self._frozen_at or self.real_now

    @property
    def real_now(self) -> datetime:
        """The real time now, even if the clock is frozen."""
        return self.start + timedelta(seconds=time.monotonic() - self._started_at)

    def freeze_at(self, moment: datetime | None) -> None:
        """Freeze the clock at a moment; None lets it run again."""
        self._frozen_at = moment


def format_time(moment: datetime) -> str:
    """Format a time as the platform's API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
