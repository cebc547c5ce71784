"""Times, spans and amounts in as few characters as can be read at a glance."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m"))


def duration(seconds: float) -> str:
    """A length of time in its largest unit: `41s 12m 3h 2d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"


def seconds_until_change(seconds: float) -> float:
    """For how many seconds more this is the right word for how long ago something was, or for how soon it will be."""
    size = next((size for size, _ in _UNITS if abs(seconds) >= size), 1)
    return size - seconds % size


def exact_duration(seconds: float) -> str:
    """A short length of time with a decimal: `0.8s 12.4s 3m04s`."""
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest:02}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}m"


def running_clock(seconds: float) -> str:
    """A running clock: `00:41`, `1:02:09`."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    return f"{minutes:02}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def ago(when: datetime | None, now: datetime) -> str:
    """How long ago: `now`, `3m ago`; what is still to come, `in 3m`."""
    if when is None:
        return ""
    seconds = (now - when).total_seconds()
    if -60 < seconds < 5:
        return "now"
    return f"in {duration(-seconds)}" if seconds < 0 else f"{duration(seconds)} ago"


def timestamp(when: datetime | None, *, utc: bool) -> str:
    """Date and time to the second, in UTC or in the machine's zone."""
    if when is None:
        return ""
    return (
        when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if utc else when.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    )


def relative_or_clock(when: datetime | None, now: datetime, form: str) -> str:
    """A moment as short as it can be told: how long ago, or its clock, with the day where it is another one."""
    if when is None or form == "relative":
        return ago(when, now)
    zone = UTC if form == "utc" else None
    then, today = when.astimezone(zone), now.astimezone(zone)
    mark = "Z" if form == "utc" else ""
    return then.strftime("%H:%M:%S" if then.date() == today.date() else "%m-%d %H:%M") + mark


def short_count(number: float) -> str:
    """A count: `950`, `18.2k`, `3.4M`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"
