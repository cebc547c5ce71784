"""What every screen is given: the clock, the masks, where this is, and how the operator wants it."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime

from msgspec import Struct, field

from tui.domain import humanize
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

TIME_FORMATS = ("relative", "local", "utc")


class UIContext(Struct, frozen=True):
    """The same for all screens of one session."""

    now: Callable[[], datetime]
    redactor: Redactor
    place: str
    memory: MutableMapping[str, str] = field(default_factory=dict)
    """What is kept from one session to the next: the theme, how times are shown, the filters used."""
    read_only: str = ""
    """Why nothing can be sent, where nothing can."""
    is_still: bool = False
    """Nothing flashes or glides."""

    def safe(self, text: str, longest: int = 300) -> str:
        """A text of others for one line: secrets masked, controls made visible."""
        return one_line(self.redactor.text(text), longest=longest)

    @property
    def time(self) -> str:
        """How times are shown."""
        return self.memory.get("time", TIME_FORMATS[0])

    def cycle_time_format(self) -> str:
        """Show times in the next way."""
        self.memory["time"] = (
            TIME_FORMATS[(TIME_FORMATS.index(self.time) + 1) % len(TIME_FORMATS)]
            if self.time in TIME_FORMATS
            else TIME_FORMATS[0]
        )
        return self.memory["time"]

    def when(self, moment: datetime | None) -> str:
        """A moment, as times are shown."""
        return humanize.relative_or_clock(moment, self.now(), self.time)

    def steady(self, moment: datetime) -> float:
        """For how many seconds more it is shown so; where the day may be shown, until it may be another one."""
        now = self.now()
        return (
            humanize.seconds_until_change((now - moment).total_seconds())
            if self.time == TIME_FORMATS[0]
            else 60 - now.timestamp() % 60
        )
