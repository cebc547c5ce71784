"""The context of all screens and widgets: the clock, the redactor, the profile and the operator's preferences."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime

from msgspec import Struct, field

from tui.domain import humanize
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

SECONDS_PER_MINUTE = 60
RELATIVE_TIME = "relative"
TIME_FORMATS = (RELATIVE_TIME, "local", "utc")


class UIContext(Struct, frozen=True):
    """The context that all screens of one session share."""

    now: Callable[[], datetime]
    redactor: Redactor
    place: str
    """The name of the platform or of its profile."""
    memory: MutableMapping[str, str] = field(default_factory=dict)
    """What is kept between sessions: the theme, the time format, the filters that were used."""
    read_only: str = ""
    """The reason why no action can be sent; empty if actions can be sent."""
    no_browser: Callable[[], str] = str
    """Returns the reason why no page can be opened in a browser; empty if pages can be opened."""
    is_still: bool = False
    """Show no animations: nothing flashes, nothing scrolls smoothly."""

    def safe(self, text: str, longest: int = 300) -> str:
        """Return a text that is safe to show in one line: secrets masked, control characters made visible."""
        return one_line(self.redactor.text(text), longest=longest)

    @property
    def time_format(self) -> str:
        """The format of times: one of `TIME_FORMATS`, or what the memory holds."""
        return self.memory.get("time", RELATIVE_TIME)

    def cycle_time_format(self) -> str:
        """Switch to the next time format, and return it; after an unknown one, to the first."""
        next_position = 0
        if self.time_format in TIME_FORMATS:
            next_position = (TIME_FORMATS.index(self.time_format) + 1) % len(TIME_FORMATS)
        next_format = TIME_FORMATS[next_position]
        self.memory["time"] = next_format
        return next_format

    def format_time(self, moment: datetime | None) -> str:
        """Format a time in the current time format."""
        return humanize.relative_or_clock(moment, self.now(), self.time_format)

    def seconds_until_change(self, moment: datetime) -> float:
        """Return the seconds until a formatted time may change; a clock may change when the minute ends."""
        now = self.now()
        if self.time_format == RELATIVE_TIME:
            age_seconds = (now - moment).total_seconds()
            return humanize.seconds_until_change(age_seconds)
        return SECONDS_PER_MINUTE - now.timestamp() % SECONDS_PER_MINUTE
