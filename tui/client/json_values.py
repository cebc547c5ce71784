"""Conversions of one JSON value of any form to a text, a time, a number or a list; none of them raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tui.client.json_codec import canonical, dumps

EPOCH = datetime.min.replace(tzinfo=UTC)
"""Stands for an unknown time: earlier than every other time."""
MAX_CACHED_TIMES = 4096
MAX_CACHED_CHARACTERS = 40
"""Longest text that is cached as a time."""
MIN_MILLISECONDS = 1e11
"""A larger number is a time in milliseconds since 1970, a smaller one in seconds."""
FIRST_YEAR = 1901
LAST_YEAR = 8999
"""Times in other years do not exist in every time zone, and count as unknown."""
MAX_NUMBER = 1e300
"""Larger numbers are ignored."""
HASH_CHARS = 12
"""Hexadecimal digits of the hash of an object without an id: enough to tell the objects of one log apart."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(value: object) -> str | None:
    """Return any JSON value as text, None as None; replace lone surrogates."""
    match value:
        case None:
            return None
        case str():
            return value if value.isascii() else _SURROGATE.sub("\ufffd", value)
        case bool() | dict() | list():
            return dumps(value)
        case _:
            return str(value)


def text_or_empty(value: object) -> str:
    """Return any JSON value as text, None as an empty text."""
    return text_of(value) or ""


def parse_time(value: object) -> datetime | None:
    """Parse a time, in ISO 8601 or in seconds or milliseconds since 1970, as UTC; None if it is neither."""
    if isinstance(value, str) and len(value) <= MAX_CACHED_CHARACTERS:
        return _parse_time_cached(value)
    return _parse_time(value)


def _parse_time(value: object) -> datetime | None:
    """Parse a time as `parse_time` does; one without a time zone is in UTC."""
    try:
        time = _read_time(value)
        if time is None:
            return None
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        return None
    return time


# Worth a cache: a task is often created, started and changed at the same time.
_parse_time_cached = lru_cache(MAX_CACHED_TIMES)(_parse_time)


def _read_time(value: object) -> datetime | None:
    """Read a time of any year and time zone; return None, or raise ValueError, for a value that is no time."""
    match value:
        case datetime():
            return value
        case bool():
            return None
        case int() | float():
            seconds = value / 1000 if abs(value) > MIN_MILLISECONDS else value
            return datetime.fromtimestamp(seconds, UTC)
        case str() if value[4:5] == "-":  # the usual form, recognised by the hyphen after the year
            return datetime.fromisoformat(value.rstrip())
        case str() if value.strip().lstrip("-").replace(".", "", 1).isdigit():
            return _read_time(float(value))
        case str():
            return datetime.fromisoformat(value.strip())
        case _:
            return None


def flag_of(value: object) -> bool:
    """Return a value as a flag; a value that is not a boolean counts as false."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1", "yes"})


def number_of(value: object) -> float | None:
    """Return a number, also from its text; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if abs(number) < MAX_NUMBER:
        return number
    return None  # also for NaN


def count_of(value: object) -> int:
    """Return a count as a whole number; a value that is not a number counts as 0."""
    number = number_of(value)
    if number is None:
        return 0
    return int(number)


def items_of(value: object) -> tuple[Any, ...]:
    """Return the items of a list; any other value is a list of one item, None an empty list."""
    match value:
        case None:
            return ()
        case list() | tuple():
            return tuple(value)
        case _:
            return (value,)


def object_of(value: object) -> dict[str, Any]:
    """Return a JSON object; any other value counts as an empty object."""
    return value if isinstance(value, dict) else {}


def texts_of(value: object) -> tuple[str, ...]:
    """Return the items of a list as texts, without empty ones."""
    return tuple(text for text in map(text_of, items_of(value)) if text)


NO_DECIDER_NAMES = frozenset({"", "false", "0", "null", "none", "undefined", "no", "nobody"})
"""Texts that a platform may write where there is no decider."""


def decider_of(value: object) -> str | None:
    """Return the name of the decider, from a name, an object that has one, or a list; None if there is no decider."""
    match value:
        case str() if value.strip().lower() in NO_DECIDER_NAMES:
            return None
        case str():
            return text_of(value)
        case dict():
            candidates = (decider_of(value.get(field)) for field in ("display_name", "name", "email", "id"))
            return next(filter(None, candidates), None)
        case list():
            return ", ".join(filter(None, map(decider_of, value))) or None
        case True:  # decided, without a name
            return "somebody"
        case _ if value:
            return text_of(value)
        case _:
            return None


def identity(data: Mapping[str, Any], *names: str) -> str:
    """Return an object's identity: the first of these fields that is not blank, or a hash of the whole object."""
    for name in names:
        text = text_of(data.get(name))
        if text and text.strip():
            return text
    import hashlib  # slow to import, and rarely needed

    return "?" + hashlib.sha256(canonical(data).encode()).hexdigest()[:HASH_CHARS]
