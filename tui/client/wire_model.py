"""What the platform's objects are made of: fields that read any JSON value, and records that never fail.

A field is read when it is looked at first. Of a hundred thousand rows only those are read that somebody sees.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from sys import intern
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, overload

from tui.client.json_codec import NotJson, canonical, dumps, loads

_SURROGATE = re.compile("[\ud800-\udfff]")
SHORT = 40
"""Characters up to which a text may be one that comes again and again."""
MOST = 10_000
"""How many of these are remembered, and how many shapes of objects."""
OWN = frozenset(
    {
        "id", "title", "result", "parent_task_id", "parent_execution",
        "created_at", "updated_at", "started_at", "paused_at", "finished_at",
    }
)  # fmt: skip
"""What is another for each object of a list; of the rest, many have the same."""
_PLAIN = frozenset({str, bool, type(None)})
"""Of these, what is equal is the same."""
_texts: dict[str, str] = {}
_rests: dict[tuple[Any, ...], tuple[Any, ...]] = {}
_shapes: dict[tuple[str, ...], Shape] = {}


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
    return _written_moment(value) if isinstance(value, str) and len(value) <= SHORT else _moment(value)


@lru_cache(4096)
def _written_moment(text: str) -> datetime | None:
    """Many are the same: a task is created, started and changed at one moment."""
    return _moment(text)


def _moment(value: object) -> datetime | None:
    try:
        match value:
            case datetime():
                when = value
            case bool():
                return None
            case int() | float():
                when = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
            case str() if value[4:5] == "-":
                when = datetime.fromisoformat(value.rstrip())
            case str() if value.strip().lstrip("-").replace(".", "", 1).isdigit():
                return _moment(float(value))
            case str():
                when = datetime.fromisoformat(value.strip())
            case _:
                return None
        when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
        return when if 1900 < when.year < 9000 else None  # what lies beyond has no clock in some zone
    except (ValueError, OverflowError, OSError):
        return None


def name_of(value: object) -> str:
    return text_of(value) or ""


def flag_of(value: object) -> bool:
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in {"true", "1", "yes"})


def number_of(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < 1e300 else None


def count_of(value: object) -> int:
    number = number_of(value)
    return int(number) if number is not None else 0


def items_of(value: object) -> tuple[Any, ...]:
    match value:
        case None:
            return ()
        case list() | tuple():
            return tuple(value)
        case _:
            return (value,)


def texts_of(value: object) -> tuple[str, ...]:
    return tuple(text for text in map(text_of, items_of(value)) if text)


def as_it_is(value: Any) -> Any:
    return value


T = TypeVar("T")


class Told(Protocol):
    """An object's fields by name."""

    def get(self, name: str, /) -> Any: ...


class Shape:
    """Objects with the same names in the same order, and where their values are in a row."""

    __slots__ = ("names", "own", "places", "rest")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        own = [at for at, name in enumerate(names) if name in OWN]
        rest = [at for at, name in enumerate(names) if name not in OWN]
        self.own, self.rest = _taken(own), _taken(rest)
        self.places = {names[at]: place for place, at in enumerate(own, 2)}
        """By name; below zero is what the row has in common with others, of which ~0 is the first."""
        self.places |= {names[at]: ~place for place, at in enumerate(rest)}


def _taken(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """What takes the values out that are there."""
    return itemgetter(*places) if len(places) > 1 else lambda values: tuple(values[at] for at in places)


class Row(tuple[Any, ...]):
    """An object of a long list: its shape, what it has in common with others, and its own values."""

    __slots__ = ()

    def __new__(cls, raw: dict[str, Any]) -> Self:
        if len(_texts) > MOST:
            _texts.clear()
        shape, values = shape_of(tuple(raw)), tuple(raw.values())
        rest = shape.rest(values)
        if _PLAIN.issuperset(map(type, rest)):
            rest = _rests.get(rest) or _remembered(rest)
        own = [
            _texts.setdefault(value, value) if isinstance(value, str) and len(value) <= SHORT else value
            for value in shape.own(values)
        ]
        return super().__new__(cls, (shape, rest, *own))

    def get(self, name: str, /) -> Any:
        """A field's value, as an object has it."""
        place = self[0].places.get(name)
        if place is None:
            return None
        return self[place] if place > 0 else self[1][~place]

    def __contains__(self, name: object) -> bool:
        return name in self[0].places

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Row) and super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]

    def whole(self) -> dict[str, Any]:
        """The object as it came."""
        return {name: self.get(name) for name in self[0].names}


def shape_of(names: tuple[str, ...]) -> Shape:
    """The one shape of all objects with these names."""
    if (shape := _shapes.get(names)) is None:
        if len(_shapes) > MOST:
            _shapes.clear()
        shape = _shapes[names] = Shape(names)
    return shape


def _remembered(rest: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a row has in common with others, for those that come."""
    if len(_rests) > MOST:
        _rests.clear()
    kept = _rests[rest] = tuple(intern(value) if isinstance(value, str) else value for value in rest)
    return kept


class Field(Generic[T]):
    """A field of a record: how to read it, and the names it goes by, its own if none is given."""

    def __init__(self, read: Callable[[Any], T], *names: str) -> None:
        self._read = read
        self._nothing = read(None)
        self.names = names

    def __set_name__(self, owner: type[Record], name: str) -> None:
        self._name = name
        self._is_often = name in owner.OFTEN
        self.names = self.names or (name,)

    @overload
    def __get__(self, record: None, owner: type) -> Self: ...

    @overload
    def __get__(self, record: Record, owner: type) -> T: ...

    def __get__(self, record: Record | None, owner: type) -> Self | T:
        if record is None:
            return self
        if isinstance(row := record.made_of, Row):
            value = self.of(row)
            if not self._is_often:
                return value
        else:
            head = record.head
            value = self.of(record.raw if head is None or not record.told.issuperset(self.names) else head)
        setattr(record, self._name, value)  # found there from now on
        return value

    def of(self, raw: Told) -> T:
        """What an object says of this field, by the first of its names that holds something."""
        for name in self.names:
            if (found := raw.get(name)) is not None:
                return self._read(found)
        return self._nothing


class Identity(Field[str]):
    """The id of a record: the first of these fields that holds something, or a name made of the content."""

    def __init__(self, *names: str) -> None:
        super().__init__(name_of, *names)

    def of(self, raw: Told) -> str:
        """The id."""
        return identity(raw, *self.names)


class Record:
    """One JSON object from the platform, kept whole: read, or as it was written with some fields beside it."""

    __slots__ = ("__dict__",)  # and no room for weak references
    OFTEN: ClassVar[tuple[str, ...]] = ("head", "told")
    """What is kept with every object, however many there are: of a row, no other field is."""
    head: Told | None = None
    told: frozenset[str] = frozenset()
    """The fields that the head tells, so that nothing else has to be read for them."""

    def __init__(self, raw: Any, head: Told | None = None, told: frozenset[str] = frozenset()) -> None:
        self.made_of = raw
        """What it was made of: an object, a row of a list, or what was written."""
        if head is not None:
            self.head, self.told = head, told

    def __init_subclass__(cls) -> None:
        """Python keeps the names of attributes once for all objects of a class, where the first has had them all."""
        first = cls.__new__(cls)
        for name in ("made_of", *cls.OFTEN):
            setattr(first, name, None)

    @property
    def raw(self) -> dict[str, Any]:
        """The object as it came, with every field this version does not know."""
        if isinstance(self.made_of, dict):
            return self.made_of
        if isinstance(self.made_of, Row):
            return self.made_of.whole()
        written = self.made_of if isinstance(self.made_of, str) else bytes(self.made_of).decode("utf-8", "replace")
        try:
            return dict(loads(written))
        except NotJson:
            return {"value": written}

    def says_as(self, other: Record) -> bool:
        """Whether the other says the same, word by word."""
        return bool(self.made_of == other.made_of) or self.raw == other.raw

    @classmethod
    def of(cls, data: object) -> Self:
        """Read anything: what is no object becomes one with a single `value`."""
        if isinstance(data, cls):
            return data
        return cls(data if isinstance(data, dict) else {"value": data})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and type(other) is type(self) and self.says_as(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.raw)})"


R = TypeVar("R", bound=Record)


def one(kind: type[R]) -> Callable[[object], R | None]:
    """A nested object, or nothing where there is none."""
    return lambda value: kind.of(value) if value else None


def many(kind: type[R]) -> Callable[[object], tuple[R, ...]]:
    return lambda value: tuple(kind.of(item) for item in items_of(value))


def identity(data: Told, *names: str) -> str:
    """The first of these fields that holds something, or a name made of the content, which is as stable."""
    for name in names:
        if (found := text_of(data.get(name))) and found.strip():
            return found
    import hashlib

    whole = data.whole() if isinstance(data, Row) else data
    return "?" + hashlib.sha256(canonical(whole).encode()).hexdigest()[:12]
