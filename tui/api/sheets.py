"""Pages of a long list whose rows are kept as they were written: a value is read when it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Self

import msgspec

from tui.api.record import Row, shape_of
from tui.api.wirejson import loads

_is_simple = re.compile(rb'"[ !#-\[\]-~]*"').fullmatch
"""Tells a text without an escape."""


def value_of(written: bytes) -> Any:
    """A value, as it is decoded."""
    return written[1:-1].decode() if _is_simple(written) else loads(written)


class Written(Row):
    """A row, each value as the platform has written it."""

    __slots__ = ()

    def __new__(cls, item: dict[str, msgspec.Raw]) -> Self:
        return tuple.__new__(cls, (shape_of(tuple(item)), tuple(map(bytes, item.values()))))

    def get(self, name: str, /) -> Any:
        """A field's value, as an object has it."""
        return value_of(self.written[self.names.index(name)]) if name in self.names else None

    @property
    def names(self) -> tuple[str, ...]:
        """What it says something of."""
        names: tuple[str, ...] = self[0].names
        return names

    @property
    def written(self) -> tuple[bytes, ...]:
        """What it says of each."""
        written: tuple[bytes, ...] = self[1]
        return written


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
