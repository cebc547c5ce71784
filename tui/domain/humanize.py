"""Durations, times and counts as short text."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((365 * 86400, "y"), (86400, "d"), (3600, "h"), (60, "m"))
"""The seconds of each unit, the largest first."""
MAX_SECONDS_WITH_DECIMAL = 99.95
"""The duration from which `.1f` would round to 100.0 seconds."""
MAX_NOW_SECONDS_AGO = 5
MAX_NOW_SECONDS_TO_COME = 60
"""Seconds by which a time may lie ahead and still be shown as now: the platform's clock may be ahead of ours."""


def duration(seconds: float) -> str:
    """Return a duration in its largest unit: `41s 12m 3h 2d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(int(seconds), 0)}s"


def countdown(seconds: float) -> str:
    """Return the seconds that are left, and `1 s` until the end: `4 s`."""
    return f"{max(round(seconds), 1)} s"


def seconds_until_change(seconds: float) -> float:
    """Return the seconds until the text of an age changes; negative ages are times to come."""
    unit_seconds = 1
    for size, _ in _UNITS:
        if abs(seconds) >= size:
            unit_seconds = size
            break
    return unit_seconds - seconds % unit_seconds


def exact_duration(seconds: float) -> str:
    """Return an exact duration: a short one with a decimal, others in two units: `0.8s 12.4s 3m04s 2h05m`."""
    if seconds < MAX_SECONDS_WITH_DECIMAL:
        return f"{seconds:.1f}s"
    minutes, remainder = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{remainder:02}s"
    return f"{minutes // 60}h{minutes % 60:02}m"


def running_clock(seconds: float) -> str:
    """Return a running clock: `00:41`, `1:02:09`."""
    minutes, remainder = divmod(max(int(seconds), 0), 60)
    if minutes < 60:
        return f"{minutes:02}:{remainder:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{remainder:02}"


def ago(when: datetime | None, now: datetime) -> str:
    """Return how long ago a moment was: `now`, `3m ago`, or `in 3m` for one to come."""
    if when is None:
        return ""
    seconds = (now - when).total_seconds()
    if -MAX_NOW_SECONDS_TO_COME < seconds < MAX_NOW_SECONDS_AGO:
        return "now"
    if seconds < 0:
        return f"in {duration(-seconds)}"
    return f"{duration(seconds)} ago"


def timestamp(when: datetime | None, *, utc: bool) -> str:
    """Return a timestamp to the second, in UTC or in the local time zone."""
    if when is None:
        return ""
    if utc:
        return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    return when.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def relative_or_clock(when: datetime | None, now: datetime, form: str) -> str:
    """Return a moment relative to now, or as a clock time; a moment of another day with its date.

    `form` is `relative`, `utc`, or any other text for the local time zone.
    """
    if when is None or form == "relative":
        return ago(when, now)
    is_utc = form == "utc"
    zone = UTC if is_utc else None
    zoned_when = when.astimezone(zone)
    is_today = zoned_when.date() == now.astimezone(zone).date()
    pattern = "%H:%M:%S" if is_today else "%m-%d %H:%M"
    if is_utc:
        pattern += "Z"
    return zoned_when.strftime(pattern)


def short_count(number: float) -> str:
    """Return a count in short form: `950`, `18.2k`, `3.4M`."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}"
    return f"{number:.0f}"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: `1 call`, `3 calls`."""
    if count == 1:
        return f"{count} {noun}"
    return f"{count} {noun}s"
