"""Reads one JSON value as a text, a time, a number or a list, whatever form it came in; nothing here raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tui.client.json_codec import canonical, dumps

EPOCH = datetime.min.replace(tzinfo=UTC)
"""Stands for a time that is not known: before every other."""
MAX_CACHED_CHARACTERS = 40
"""Longer texts are not remembered as times."""
MIN_MILLISECONDS = 1e11
"""A number from here on counts milliseconds since 1970, a smaller one seconds."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(value: object) -> str | None:
    """Read any JSON value as text; None stays None, and half a surrogate pair is replaced."""
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
    """Read any JSON value as text; None is the empty one."""
    return text_of(value) or ""


def parse_time(value: object) -> datetime | None:
    """Read a time in ISO 8601 or in seconds (or milliseconds) since 1970 as UTC; None when it is neither."""
    if isinstance(value, str) and len(value) <= MAX_CACHED_CHARACTERS:
        return _cached_moment(value)
    return _moment(value)


@lru_cache(4096)
def _cached_moment(text: str) -> datetime | None:
    """Read a time; a task is often created, started and changed at the same one."""
    return _moment(text)


def _moment(value: object) -> datetime | None:
    try:
        match value:
            case datetime():
                when = value
            case bool():
                return None
            case int() | float():
                seconds = value / 1000 if abs(value) > MIN_MILLISECONDS else value
                when = datetime.fromtimestamp(seconds, UTC)
            case str() if value[4:5] == "-":
                when = datetime.fromisoformat(value.rstrip())
            case str() if value.strip().lstrip("-").replace(".", "", 1).isdigit():
                return _moment(float(value))
            case str():
                when = datetime.fromisoformat(value.strip())
            case _:
                return None
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        return when if 1900 < when.year < 9000 else None  # other years do not exist in every time zone
    except (ValueError, OverflowError, OSError):
        return None


def flag_of(value: object) -> bool:
    """Read a value as yes or no; what is neither is no."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1", "yes"})


def number_of(value: object) -> float | None:
    """Read a number, or the text of one."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e300 else None


def count_of(value: object) -> int:
    """Read a whole number; what is none counts as 0."""
    number = number_of(value)
    return int(number) if number is not None else 0


def items_of(value: object) -> tuple[Any, ...]:
    """Read a list; a single value is a list of one, None an empty one."""
    match value:
        case None:
            return ()
        case list() | tuple():
            return tuple(value)
        case _:
            return (value,)


def texts_of(value: object) -> tuple[str, ...]:
    """Read a list of texts, without the empty ones."""
    return tuple(text for text in map(text_of, items_of(value)) if text)


NAMES_OF_NOBODY = frozenset({"", "false", "0", "null", "none", "undefined", "no", "nobody"})
"""What a platform may write for nobody."""


def decider_of(value: object) -> str | None:
    """Who decided, from a name, an object with one, or a list of these; what is false, zero or empty is nobody."""
    match value:
        case str():
            return None if value.strip().lower() in NAMES_OF_NOBODY else text_of(value)
        case dict():
            names = ("display_name", "name", "email", "id")
            return next(filter(None, (decider_of(value.get(name)) for name in names)), None)
        case list():
            return ", ".join(filter(None, map(decider_of, value))) or None
        case True:
            return "somebody"
        case _:
            return text_of(value) if value else None


def identity(data: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that is not blank, or an id made of the content, which is as stable."""
    for name in names:
        if (found := text_of(data.get(name))) and found.strip():
            return found
    import hashlib

    return "?" + hashlib.sha256(canonical(data).encode()).hexdigest()[:12]
