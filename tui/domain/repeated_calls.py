"""How often an agent makes the same call one time after the other."""

from __future__ import annotations

from collections.abc import Callable

from tui.client.json_codec import canonical
from tui.client.log_entries import ToolCall
from tui.domain.activity_log import TreeRow

MAX_ROWS_LOOKED_BACK = 200
"""Rows above a call that are searched for the same call."""


class RepeatedCalls:
    """Counts how many times in a row a call with the same arguments was made, among rows that may grow in number."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}
        self._calls: dict[tuple[str, str], tuple[int, int]] = {}
        """Of each call that was looked at the version of its node, and a number for its name and arguments."""

    def count(self, row_at: Callable[[int], object], index: int) -> int:
        """Return how many times in a row the call at this place was made, up to it; 0 where there is no call."""
        row = row_at(index)
        call = self._call(row)
        if call is None or not isinstance(row, TreeRow):
            return 0
        count = 1
        for place in range(index - 1, max(index - MAX_ROWS_LOOKED_BACK, -1), -1):
            other = row_at(place)
            if not isinstance(other, TreeRow) or other.task_id != row.task_id:
                continue
            before = self._call(other)
            if before is None:
                continue
            if before != call:
                break
            if known := self._counts.get(_name(other)):
                count += known
                break
            count += 1
        self._counts[_name(row)] = count
        return count

    def _call(self, row: object) -> int | None:
        """Return a number that stands for the call and its arguments."""
        if not isinstance(row, TreeRow) or row.node is None or not isinstance(row.node.entry, ToolCall):
            return None
        call, version = row.node.entry, row.node.version
        known = self._calls.get(_name(row))
        if known is None or known[0] != version:
            known = self._calls[_name(row)] = (version, hash(canonical([call.name, call.arguments])))
        return known[1]


def _name(row: TreeRow) -> tuple[str, str]:
    return row.task_id, row.node.entry.id if row.node else ""
