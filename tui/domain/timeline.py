"""How long things took: each row of a task's activity as a stretch of time on one axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from tui.client.json_values import EPOCH
from tui.client.log_entries import Confirmation, Questions, Reasoning, SignIn, ToolCall
from tui.client.task_rows import AnyTask
from tui.domain.activity_log import TreeRow


class SpanKind(StrEnum):
    """What a stretch of time went to."""

    TOOL = "tool"
    THOUGHT = "reasoning"
    AGENT = "sub-agent"
    PERSON = "waiting for a human"


class Span(Struct, frozen=True):
    """From when to when something went on; an end that was not told, but follows from what came next, is derived."""

    kind: SpanKind
    begin: datetime
    end: datetime
    is_derived: bool = False
    is_open: bool = False
    """It goes on still; its end is now."""

    @property
    def seconds(self) -> float:
        """How long it took so far."""
        return max((self.end - self.begin).total_seconds(), 0.0)


def spans(rows: Iterable[TreeRow], tasks: Mapping[str, AnyTask], now: datetime) -> dict[int, Span]:
    """The span of each row that has one, by the row's place."""
    found: dict[int, Span] = {}
    placed = list(enumerate(rows))
    following: dict[str, datetime] = {}
    """The time of the next thing in each task, seen from the end."""
    for place, row in reversed(placed):
        task = tasks.get(row.task_id)
        is_over = task is not None and task.is_final
        limit = following.get(row.task_id) or ((task.finished_at or task.updated_at) if task and is_over else None)
        span = _span(row, tasks, limit, now)
        if span is not None and span.begin > EPOCH:
            found[place] = span
        if row.node is not None:
            following[row.task_id] = row.node.at
    return found


def _span(row: TreeRow, tasks: Mapping[str, AnyTask], limit: datetime | None, now: datetime) -> Span | None:
    if row.child_id is not None:
        return _of_child(row, tasks.get(row.child_id), limit, now)
    node = row.node
    if node is None:
        return None
    match node.entry:
        case ToolCall() as call:
            begin = call.started_at or node.at
            if call.finished_at is not None and call.finished_at >= begin:
                return Span(SpanKind.TOOL, begin, call.finished_at, is_derived=not node.is_timed)
            kind = SpanKind.PERSON if call.approval_request_id and not call.is_finished else SpanKind.TOOL
            return _until(kind, begin, limit, now)
        case Reasoning():
            return _until(SpanKind.THOUGHT, node.at, limit, now)
        case SignIn() | Questions() | Confirmation() as asked:
            return _until(SpanKind.PERSON, node.at, None if asked.is_open else limit or node.at, now)
    return None


def _of_child(row: TreeRow, child: AnyTask | None, limit: datetime | None, now: datetime) -> Span | None:
    at = row.node.at if row.node else None
    begin = (child.started_at or child.created_at if child else None) or at
    if begin is None:
        return None
    if child is not None and child.is_final and (end := child.finished_at or child.updated_at):
        return Span(SpanKind.AGENT, begin, max(end, begin))
    return _until(SpanKind.AGENT, begin, limit if child is None else None, now)


def _until(kind: SpanKind, begin: datetime, limit: datetime | None, now: datetime) -> Span:
    """Until what came next; where nothing has come, until now."""
    if limit is None:
        return Span(kind, begin, max(now, begin), is_open=True)
    return Span(kind, begin, max(limit, begin), is_derived=True)


def longest_spans(spans: Mapping[int, Span], count: int = 3) -> list[int]:
    """The places of the longest, sub-agents' own time and waits for a human aside."""
    own = [place for place, span in spans.items() if span.kind in {SpanKind.TOOL, SpanKind.THOUGHT}]
    return sorted(own, key=lambda place: -spans[place].seconds)[:count]


def bar_cells(span: Span, begin: datetime, end: datetime, width: int) -> tuple[int, int]:
    """From which cell to which a span is drawn on an axis of so many cells; it has one cell at least."""
    whole = max((end - begin).total_seconds(), 1e-9)
    first = int((span.begin - begin).total_seconds() / whole * width)
    last = int((span.end - begin).total_seconds() / whole * width + 0.999)
    first = max(0, min(first, width - 1))
    return first, max(first + 1, min(last, width))


def time_axis(spans: Iterable[Span]) -> tuple[datetime, datetime]:
    """From the first beginning to the last end; a wait for a human may reach beyond, or all else were too small."""
    told = list(spans)
    work = [span for span in told if span.kind is not SpanKind.PERSON] or told
    begin, end = min((span.begin for span in told), default=EPOCH), max((span.end for span in work), default=EPOCH)
    last = max((span.end for span in told), default=EPOCH)
    return begin, min(last, end + (end - begin) / 4) if last > end else end


class TimelineScale(Struct, frozen=True):
    """The spans of all rows by their places, the axis that they are drawn on, and the places of the longest."""

    spans: Mapping[int, Span] = field(default_factory=dict)
    axis: tuple[datetime, datetime] = (EPOCH, EPOCH)
    longest: tuple[int, ...] = ()

    @property
    def seconds(self) -> float:
        """How much time the axis covers."""
        begin, end = self.axis
        return (end - begin).total_seconds()


def timeline_scale(
    rows: Sequence[TreeRow], tasks: Mapping[str, AnyTask], wait_since: datetime | None, now: datetime
) -> TimelineScale:
    """Return the scale for these rows; a wait for a person that goes on stands below them all."""
    found = spans(rows, tasks, now)
    if wait_since:
        found[len(rows)] = Span(SpanKind.PERSON, wait_since, max(now, wait_since), is_open=True)
    return TimelineScale(found, time_axis(found.values()), tuple(longest_spans(found)))
