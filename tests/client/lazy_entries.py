"""Lazy entries, split from a large log as the client does it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from msgspec import Raw

from tui.client.lazy_log import LazyEntries


def lazy_entries(told: Sequence[dict[str, Any]], size: int = 3) -> LazyEntries:
    """Return lazy entries, added in parts as the client does."""
    made = LazyEntries()
    for begin in range(0, len(told), size):
        made.extend([Raw(json.dumps(one).encode()) for one in told[begin : begin + size]])
    return made
