"""Pages of a long list that is only passed on: their rows stay objects, decoded the quickest way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tui.client.json_codec import finite


class _Sheet(msgspec.Struct, gc=False):
    items: list[dict[str, Any]]
    total: Any = None
    total_pages: Any = None


_sheet: Callable[[bytes | bytearray], _Sheet] = msgspec.json.Decoder(_Sheet, float_hook=finite).decode


def sheet(content: bytes | bytearray) -> dict[str, Any] | None:
    """A page as it is decoded; None where it is not of the usual form and has to be read in the usual way."""
    try:
        told = _sheet(content)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    return {"items": told.items, "total": told.total, "total_pages": told.total_pages}
