"""The timeline of a task's activity: each row as a span of time on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from tui.client.json_values import EPOCH
from tui.client.log_entries import Confirmation, Questions, Reasoning, SignIn, ToolCall
from tui.client.task_rows import AnyTask
from tui.domain.tree_rows import TreeRow


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
    """Return the spans of the rows that have one, by row index."""
    spans_by_index: dict[int, Span] = {}
    indexed_rows = list(enumerate(rows))
    next_entry_times: dict[str, datetime] = {}
    for index, row in reversed(indexed_rows):
        limit = next_entry_times.get(row.task_id) or _end_of(tasks.get(row.task_id))
        span = _span_of(row, tasks, limit, now)
        if span is not None and span.begin > EPOCH:
            spans_by_index[index] = span
        if row.node is not None:
            next_entry_times[row.task_id] = row.node.at
    return spans_by_index


def _end_of(task: AnyTask | None) -> datetime | None:
    if task is None or not task.is_final:
        return None
    return task.finished_at or task.updated_at


def _span_of(row: TreeRow, tasks: Mapping[str, AnyTask], limit: datetime | None, now: datetime) -> Span | None:
    if row.child_id is not None:
        return _child_span(row, tasks.get(row.child_id), limit, now)
    node = row.node
    if node is None:
        return None
    match node.entry:
        case ToolCall() as call:
            begin = call.started_at or node.at
            if call.finished_at is not None and call.finished_at >= begin:
                return Span(SpanKind.TOOL, begin, call.finished_at, is_derived=not node.is_timed)
            if call.approval_request_id and not call.is_finished:
                return _span_until(SpanKind.PERSON, begin, limit, now)
            return _span_until(SpanKind.TOOL, begin, limit, now)
        case Reasoning():
            return _span_until(SpanKind.THOUGHT, node.at, limit, now)
        case SignIn() | Questions() | Confirmation() as entry:
            if entry.is_open:
                return _span_until(SpanKind.PERSON, node.at, None, now)
            return _span_until(SpanKind.PERSON, node.at, limit or node.at, now)
    return None


def _child_span(row: TreeRow, child: AnyTask | None, limit: datetime | None, now: datetime) -> Span | None:
    begin = row.node.at if row.node else None
    end = _end_of(child)
    if child is not None:
        begin = child.started_at or child.created_at or begin
        limit = None
    if begin is None:
        return None
    if end is None:
        return _span_until(SpanKind.AGENT, begin, limit, now)
    return Span(SpanKind.AGENT, begin, max(end, begin))


def _span_until(kind: SpanKind, begin: datetime, limit: datetime | None, now: datetime) -> Span:
    """Return a span until the limit, the time of the next entry; without one, an open span until now."""
    if limit is None:
        return Span(kind, begin, max(now, begin), is_open=True)
    return Span(kind, begin, max(limit, begin), is_derived=True)


def longest_spans(spans: Mapping[int, Span], count: int = 3) -> list[int]:
    """Return the indexes of the longest spans of tools and reasoning, without sub-agents and waits for a person."""
    own = [index for index, span in spans.items() if span.kind in {SpanKind.TOOL, SpanKind.THOUGHT}]
    return sorted(own, key=lambda index: -spans[index].seconds)[:count]


def bar_cells(span: Span, begin: datetime, end: datetime, width: int) -> tuple[int, int]:
    """Return the first cell and the end cell of a span's bar on an axis of `width` cells; it has at least one cell."""
    axis_seconds = max((end - begin).total_seconds(), 1e-9)
    first = int((span.begin - begin).total_seconds() / axis_seconds * width)
    last = int((span.end - begin).total_seconds() / axis_seconds * width + 0.999)
    first = max(0, min(first, width - 1))
    return first, max(first + 1, min(last, width))


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
    return begin, min(last_end, work_end + (work_end - begin) / 4)


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
