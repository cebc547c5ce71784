"""Counts how often an agent repeats the same tool call in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tui.client.json_codec import canonical
from tui.client.log_entries import ToolCall
from tui.domain.tree_rows import TreeRow

MAX_ROWS_LOOKED_BACK = 200
"""Rows above a call that are searched for the same call."""
RowKey = tuple[str, str]
"""The ids of the task and of the entry."""


class KnownFingerprint(NamedTuple):
    """The fingerprint of a call, and the version of the node that it was made of."""

    version: int
    fingerprint: int


class RepeatedCalls:
    """Counts repeated calls: how often a call with the same arguments was made in a row. Rows may be appended."""

    def __init__(self) -> None:
        self._counts: dict[RowKey, int] = {}
        self._fingerprints: dict[RowKey, KnownFingerprint] = {}

    def count(self, row_at: Callable[[int], object], index: int) -> int:
        """Return the count of equal calls in a row that ends with the row at `index`; 0 for a row without a call.

        The count of an equal call above includes all before it, so that the search ends there.
        """
        row = row_at(index)
        fingerprint = self._fingerprint(row)
        if fingerprint is None or not isinstance(row, TreeRow):
            return 0
        count = 1
        first_index = max(index - MAX_ROWS_LOOKED_BACK, -1) + 1
        for index_above in reversed(range(first_index, index)):
            row_above = row_at(index_above)
            if not isinstance(row_above, TreeRow) or row_above.task_id != row.task_id:
                continue
            fingerprint_above = self._fingerprint(row_above)
            if fingerprint_above is None:
                continue
            if fingerprint_above != fingerprint:
                break
            known_count = self._counts.get(_key_of(row_above))
            if known_count:
                count += known_count
                break
            count += 1
        self._counts[_key_of(row)] = count
        return count

    def _fingerprint(self, row: object) -> int | None:
        """Return a fingerprint of the tool call and its arguments; None for a row without a call."""
        if not isinstance(row, TreeRow) or row.node is None or not isinstance(row.node.entry, ToolCall):
            return None
        key = _key_of(row)
        known = self._fingerprints.get(key)
        if known is None or known.version != row.node.version:
            call = row.node.entry
            known = KnownFingerprint(row.node.version, hash(canonical([call.name, call.arguments])))
            self._fingerprints[key] = known
        return known.fingerprint


def _key_of(row: TreeRow) -> RowKey:
    entry_id = row.node.entry.id if row.node else ""
    return row.task_id, entry_id
