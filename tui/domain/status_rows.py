"""The rows of a task's tree that are no entries: gaps in the stream, and the status of the task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from tui.client.json_values import EPOCH
from tui.domain import humanize
from tui.domain.activity_log import Gap
from tui.domain.tree_rows import TreeRow


class StatusRow(Struct, frozen=True):
    """A row about the status of the task, not an entry: a gap in the stream, streaming text, a wait, or the end."""

    name: str
    code: str
    text: str
    style: str = ""
    at: datetime = EPOCH


def with_gaps(rows: Iterable[TreeRow], gaps: Iterable[Gap]) -> Iterator[TreeRow | StatusRow]:
    """Yield the rows with a status row at the position of each gap of the stream."""
    gap_rows = deque(_gap_row(gap) for gap in sorted(gaps, key=lambda gap: gap.at))
    for row in rows:
        while gap_rows and row.depth == 0 and row.node and row.node.at >= gap_rows[0].at:
            yield gap_rows.popleft()
        yield row
    yield from gap_rows


def _gap_row(gap: Gap) -> StatusRow:
    filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
    return StatusRow(f"gap {gap.at}", "───", f"gap {humanize.duration(gap.seconds)}, {filled}", "faint", gap.at)
