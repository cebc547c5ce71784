"""What the platform's objects are made of: fields that read any JSON value, and records that never fail."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, PrivateAttr

from tui.api.wirejson import canonical, dumps

_SURROGATE = re.compile("[\ud800-\udfff]")


def text_of(value: object) -> str | None:
    """Any JSON value as text; None stays None, and no half of a surrogate pair survives."""
    match value:
        case None:
            return None
        case str():
            if value.isascii():
                return value
            return _SURROGATE.sub("\ufffd", value) if _SURROGATE.search(value) else value
        case bool() | dict() | list():
            return dumps(value)
        case _:
            return str(value)


def moment(value: object) -> datetime | None:
    """A time told as ISO 8601 or as seconds (or milliseconds) since 1970, in UTC; None when it is neither."""
    try:
        match value:
            case datetime():
                when = value
            case bool():
                return None
            case int() | float():
                when = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
            case str() if value.strip().lstrip("-").replace(".", "", 1).isdigit():
                return moment(float(value))
            case str():
                when = datetime.fromisoformat(value.strip())
            case _:
                return None
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        return when if 1900 < when.year < 9000 else None  # what lies beyond has no clock in some zone
    except (ValueError, OverflowError, OSError):
        return None


def _flag(value: object) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1", "yes"})


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e300 else None


def count_of(value: object) -> int:
    number = _number(value)
    return int(number) if number is not None else 0


def items_of(value: object) -> tuple[Any, ...]:
    match value:
        case None:
            return ()
        case list() | tuple():
            return tuple(value)
        case _:
            return (value,)


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in map(text_of, items_of(value)) if text)


Text = Annotated[str | None, BeforeValidator(text_of)]
Name = Annotated[str, BeforeValidator(lambda value: text_of(value) or "")]
Time = Annotated[datetime | None, BeforeValidator(moment)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[float | None, BeforeValidator(_number)]
Count = Annotated[int, BeforeValidator(count_of)]
Items = Annotated[tuple[Any, ...], BeforeValidator(items_of)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class Record(BaseModel):
    """One JSON object from the platform, read without ever failing and kept whole in `raw`."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())
    _raw: dict[str, Any] = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, data: object) -> Self:
        """Read anything: what is no object becomes one with a single `value`."""
        if isinstance(data, cls):
            return data
        raw = data if isinstance(data, dict) else {"value": data}
        record = cls.model_validate(raw)
        record._raw = raw
        return record

    @property
    def raw(self) -> dict[str, Any]:
        """The object as it came, with every field this version does not know."""
        return self._raw


R = TypeVar("R", bound=Record)


def one(kind: type[R]) -> BeforeValidator:
    """A nested object, or nothing where there is none."""
    return BeforeValidator(lambda value: None if value in (None, "", [], {}) else kind.of(value))


def many(kind: type[R]) -> BeforeValidator:
    return BeforeValidator(lambda value: tuple(kind.of(item) for item in items_of(value)))


def identity(data: dict[str, Any], *names: str) -> str:
    """The first of these fields that holds something, or a name made of the content, which is as stable."""
    for name in names:
        if (found := text_of(data.get(name))) and found.strip():
            return found
    return "?" + hashlib.sha256(canonical(data).encode()).hexdigest()[:12]
