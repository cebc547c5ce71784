"""The timeline of a task's activity: each row as a span of time on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from tui.client.json_values import EPOCH
from tui.client.log_entries import Confirmation, Questions, Reasoning, SignIn, ToolCall
from tui.client.task_rows import AnyTask
from tui.domain.activity_nodes import Node
from tui.domain.tree_rows import TreeRow

MAX_LONGEST_SPANS = 3
MIN_AXIS_SECONDS = 1e-9
"""The least length of an axis, by which the length of a bar is divided."""
ROUND_UP = 0.999
"""A part of a cell that is added before the rest is cut off, so that a bar ends with the cell in which it ends."""
MAX_WAIT_SHARE = 1 / 4
"""How far waits for a person may extend the axis, as a share of the time without them."""


class SpanKind(StrEnum):
    """The kind of activity in a span of time."""

    TOOL = "tool"
    THOUGHT = "reasoning"
    AGENT = "sub-agent"
    PERSON = "waiting for a human"


class Span(Struct, frozen=True):
    """A span of time from `begin` to `end`."""

    kind: SpanKind
    begin: datetime
    end: datetime
    is_derived: bool = False
    """True if the end was not reported, but derived from the next entry."""
    is_open: bool = False
    """True if the activity continues, so that the end is now."""

    @property
    def seconds(self) -> float:
        """The seconds from begin to end."""
        return max((self.end - self.begin).total_seconds(), 0.0)


def spans(rows: Iterable[TreeRow], tasks: Mapping[str, AnyTask], now: datetime) -> dict[int, Span]:
    """Return the spans of the rows that have one, by row index.

    The rows are read from the last to the first: an entry without an end of its own ends when the next one of its task
    begins, or when the task ends.
    """
    spans_by_index: dict[int, Span] = {}
    indexed_rows = list(enumerate(rows))
    next_entry_times: dict[str, datetime] = {}
    """The time of the next entry of each task, by its id."""
    for index, row in reversed(indexed_rows):
        derived_end = next_entry_times.get(row.task_id) or _end_of(tasks.get(row.task_id))
        span = _span_of(row, tasks, derived_end, now)
        if span is not None and span.begin > EPOCH:
            spans_by_index[index] = span
        if row.node is not None:
            next_entry_times[row.task_id] = row.node.at
    return spans_by_index


def _end_of(task: AnyTask | None) -> datetime | None:
    """Return when a task ended; None if it has not ended, or that is not known."""
    if task is None or not task.is_final:
        return None
    return task.finished_at or task.updated_at


def _span_of(row: TreeRow, tasks: Mapping[str, AnyTask], derived_end: datetime | None, now: datetime) -> Span | None:
    """Return the span of a row; None for an entry that takes no time. `derived_end` is the begin of the next one."""
    if row.child_id is not None:
        return _child_span(row, tasks.get(row.child_id), derived_end, now)
    node = row.node
    if node is None:
        return None
    match node.entry:
        case ToolCall() as call:
            return _call_span(call, node, derived_end, now)
        case Reasoning():
            return _span_until(SpanKind.THOUGHT, node.at, derived_end, now)
        case SignIn() | Questions() | Confirmation() as entry if entry.is_open:
            return _span_until(SpanKind.PERSON, node.at, None, now)
        case SignIn() | Questions() | Confirmation():
            return _span_until(SpanKind.PERSON, node.at, derived_end or node.at, now)
    return None


def _call_span(call: ToolCall, node: Node, derived_end: datetime | None, now: datetime) -> Span:
    """Return the span of a tool call; while the call is held for approval, it is a wait for a person."""
    begin = call.started_at or node.at
    if call.finished_at is not None and call.finished_at >= begin:
        return Span(SpanKind.TOOL, begin, call.finished_at, is_derived=not node.is_timed)
    is_held = call.approval_request_id and not call.is_finished
    kind = SpanKind.PERSON if is_held else SpanKind.TOOL
    return _span_until(kind, begin, derived_end, now)


def _child_span(row: TreeRow, child: AnyTask | None, derived_end: datetime | None, now: datetime) -> Span | None:
    """Return the span of a sub-task: from its record if that is known, else from the entry that started it."""
    begin = row.node.at if row.node else None
    if child is not None:
        begin = child.started_at or child.created_at or begin
        derived_end = None  # its own record tells when it ends
    if begin is None:
        return None
    end = _end_of(child)
    if end is None:
        return _span_until(SpanKind.AGENT, begin, derived_end, now)
    return Span(SpanKind.AGENT, begin, max(end, begin))


def _span_until(kind: SpanKind, begin: datetime, derived_end: datetime | None, now: datetime) -> Span:
    """Return a span until the derived end; without one, an open span until now."""
    if derived_end is None:
        return Span(kind, begin, max(now, begin), is_open=True)
    return Span(kind, begin, max(derived_end, begin), is_derived=True)


def longest_spans(spans: Mapping[int, Span]) -> list[int]:
    """Return the indexes of the longest spans of tools and reasoning, without sub-agents and waits for a person."""
    own_indexes = [index for index, span in spans.items() if span.kind in {SpanKind.TOOL, SpanKind.THOUGHT}]
    longest_first = sorted(own_indexes, key=lambda index: -spans[index].seconds)
    return longest_first[:MAX_LONGEST_SPANS]


def bar_cells(span: Span, axis_begin: datetime, axis_end: datetime, width: int) -> tuple[int, int]:
    """Return the first cell and the end cell of a span's bar on an axis of `width` cells; it has at least one cell."""
    axis_seconds = max((axis_end - axis_begin).total_seconds(), MIN_AXIS_SECONDS)
    cells_to_begin = (span.begin - axis_begin).total_seconds() / axis_seconds * width
    cells_to_end = (span.end - axis_begin).total_seconds() / axis_seconds * width
    first = max(0, min(int(cells_to_begin), width - 1))
    end = min(int(cells_to_end + ROUND_UP), width)
    return first, max(first + 1, end)


def time_axis(spans: Iterable[Span]) -> tuple[datetime, datetime]:
    """Return begin and end of the time axis for all spans.

    Waits for a person extend it by a quarter at most and are cut there, because they would make all other bars tiny.
    """
    all_spans = list(spans)
    work_spans = [span for span in all_spans if span.kind is not SpanKind.PERSON] or all_spans
    begin = min((span.begin for span in all_spans), default=EPOCH)
    work_end = max((span.end for span in work_spans), default=EPOCH)
    last_end = max((span.end for span in all_spans), default=EPOCH)
    if last_end <= work_end:
        return begin, work_end
    latest_end = work_end + (work_end - begin) * MAX_WAIT_SHARE
    return begin, min(last_end, latest_end)


class TimelineScale(Struct, frozen=True):
    """The scale of a timeline: the spans by row index, the time axis, and the indexes of the longest spans."""

    spans: Mapping[int, Span] = field(default_factory=dict)
    axis: tuple[datetime, datetime] = (EPOCH, EPOCH)
    longest: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """The seconds that the axis covers."""
        begin, end = self.axis
        return (end - begin).total_seconds()


def timeline_scale(
    rows: Sequence[TreeRow], tasks: Mapping[str, AnyTask], wait_since: datetime | None, now: datetime
) -> TimelineScale:
    """Return the scale of a timeline with these rows, and with a current wait for a person below them."""
    spans_by_index = spans(rows, tasks, now)
    if wait_since:
        spans_by_index[len(rows)] = Span(SpanKind.PERSON, wait_since, max(now, wait_since), is_open=True)
    return TimelineScale(spans_by_index, time_axis(spans_by_index.values()), tuple(longest_spans(spans_by_index)))
