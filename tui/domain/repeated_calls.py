"""Counts how often an agent repeats the same tool call in a row."""

from __future__ import annotations

from collections.abc import Callable

from tui.client.json_codec import canonical
from tui.client.log_entries import ToolCall
from tui.domain.tree_rows import TreeRow

MAX_ROWS_LOOKED_BACK = 200
"""Rows above a call that are searched for the same call."""


class RepeatedCalls:
    """Counts repeated calls: how often a call with the same arguments was made in a row. Rows may be appended."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._fingerprints: dict[tuple[str, str], tuple[int, int]] = {}
        """By row: the version of the node, and the fingerprint of its call."""

    def count(self, row_at: Callable[[int], object], index: int) -> int:
        """Return the count of equal calls in a row that ends with the row at `index`; 0 for a row without a call."""
        row = row_at(index)
        fingerprint = self._fingerprint(row)
        if fingerprint is None or not isinstance(row, TreeRow):
            return 0
        count = 1
        for above in range(index - 1, max(index - MAX_ROWS_LOOKED_BACK, -1), -1):
            other = row_at(above)
            if not isinstance(other, TreeRow) or other.task_id != row.task_id:
                continue
            other_fingerprint = self._fingerprint(other)
            if other_fingerprint is None:
                continue
            if other_fingerprint != fingerprint:
                break
            if known_count := self._counts.get(_key_of(other)):
                count += known_count
                break
            count += 1
        self._counts[_key_of(row)] = count
        return count

    def _fingerprint(self, row: object) -> int | None:
        """Return a fingerprint of the tool call and its arguments; None for a row without a call."""
        if not isinstance(row, TreeRow) or row.node is None or not isinstance(row.node.entry, ToolCall):
            return None
        call, version = row.node.entry, row.node.version
        known = self._fingerprints.get(_key_of(row))
        if known is None or known[0] != version:
            known = self._fingerprints[_key_of(row)] = (version, hash(canonical([call.name, call.arguments])))
        return known[1]


def _key_of(row: TreeRow) -> tuple[str, str]:
    entry_id = row.node.entry.id if row.node else ""
    return row.task_id, entry_id
