"""Pages of a long list whose rows are kept as they were written: a value is read when it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tui.api.record import Row, places_of
from tui.api.wirejson import loads


class Written(Row):
    """A row, each value as the platform has written it."""

    __slots__ = ()
    _values: tuple[bytes, ...]

    def __init__(self, item: dict[str, msgspec.Raw]) -> None:
        self._places = places_of(tuple(item))
        self._values = tuple(map(bytes, item.values()))

    def get(self, name: str, /) -> Any:
        """A field's value, as an object has it."""
        place = self._places.get(name)
        return None if place is None else loads(self._values[place])

    def whole(self) -> dict[str, Any]:
        """The object as it came."""
        return dict(zip(self._places, map(loads, self._values), strict=True))

    @property
    def names(self) -> tuple[str, ...]:
        """What it says something of."""
        return tuple(self._places)

    @property
    def written(self) -> tuple[bytes, ...]:
        """What it says of each."""
        return self._values


class _Sheet(msgspec.Struct, gc=False):
    items: list[dict[str, msgspec.Raw]]
    total: Any = None
    total_pages: Any = None


_sheet: Callable[[bytes | bytearray], _Sheet] = msgspec.json.Decoder(_Sheet).decode


def sheet(content: bytes | bytearray) -> dict[str, Any] | None:
    """A page as it is decoded, but for its rows; None where it is not of the usual form and has to be read whole."""
    try:
        told = _sheet(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return {"items": [Written(item) for item in told.items], "total": told.total, "total_pages": told.total_pages}
