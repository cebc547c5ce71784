"""The board as a list: tasks in groups, who needs a person first, sub-tasks under their parents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tui.activity import EPOCH
from tui.api.models import FINAL, RUNNING, Status, Task, Wait
from tui.board import Board


class Group(StrEnum):
    """What tasks are told apart by; a status that this version does not know is a group by itself."""

    NEEDS_YOU = "Needs you"
    RUNNING = "Running"
    PENDING = "Pending"
    FAILED = "Failed"
    COMPLETED = "Completed"
    STOPPED = "Stopped"


_GROUPS: Mapping[str, Group] = {
    Status.PAUSED: Group.NEEDS_YOU,
    Status.EXECUTING: Group.RUNNING,
    Status.PENDING: Group.PENDING,
    Status.FAILED: Group.FAILED,
    Status.ERROR: Group.FAILED,
    Status.COMPLETED: Group.COMPLETED,
    Status.STOPPED: Group.STOPPED,
}
_ORDER = {str(group): place for place, group in enumerate(Group)}
_WORST = (Status.FAILED, Status.ERROR, Status.STOPPED, Status.EXECUTING, Status.PENDING, Status.COMPLETED)


@dataclass(frozen=True, slots=True)
class Head:
    """The title of a group."""

    group: str
    count: int
    is_open: bool = True

    @property
    def key(self) -> str:
        """A name that no task has."""
        return f"\n{self.group}"


@dataclass(frozen=True, slots=True)
class Line:
    """A task in the list, at its depth under its root."""

    task: Task
    depth: int = 0
    wait: Wait | None = None
    """Why it, or the first that waits below it, needs a person."""
    path: tuple[Task, ...] = ()
    """The way down to the descendant that waits, where it is not the task itself."""
    below: int = 0
    """How many sub-tasks it has, however deep."""
    worst: str | None = None
    """The worst that became of these."""
    is_open: bool = False

    @property
    def key(self) -> str:
        """The task's id."""
        return self.task.id


@dataclass(frozen=True, slots=True)
class More:
    """The last line where the platform has more than is loaded."""

    loaded: int
    total: int

    @property
    def key(self) -> str:
        """A name that no task has."""
        return "\nmore"


Row = Head | Line | More


@dataclass(frozen=True, slots=True)
class Listing:
    """All rows, and what of the whole they are."""

    rows: tuple[Row, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    matched: int = 0
    loaded: int = 0


def group_of(status: str, wait: Wait | None) -> str:
    """The group a task belongs to."""
    return Group.NEEDS_YOU if wait else _GROUPS.get(status, status or "unknown")


def arrange(
    board: Board,
    matches: Callable[[Task], bool],
    *,
    only: str | None = None,
    opened: frozenset[str] = frozenset(),
    folded: frozenset[str] = frozenset(),
    column: str | None = None,
    reverse: bool = False,
    names: Mapping[str, str] | None = None,
    now: datetime | None = None,
    total: int | None = None,
) -> Listing:
    """The list for a board: what matches, in groups, of which some are folded, or sorted by one column."""
    counts: Counter[str] = Counter()
    lines: list[Line] = []
    matched = 0
    for known in board.tasks.values():
        task = known.task
        counts[Group.NEEDS_YOU] += board.wait(task.id) is not None and not board.is_gone(task.id)
        if board.is_gone(task.id) or not _is_root(board, task):
            continue
        tree = tuple(_tree(board, task))
        line = _line(board, task, tree, opened)
        if line.wait is None:
            counts[group_of(task.status, None)] += 1
        hits = sum(map(matches, tree))
        if hits and only in {None, group_of(task.status, line.wait)}:
            matched += hits
            lines.append(line)
    rows: list[Row] = []
    if column is not None:
        lines.sort(key=lambda line: _value(line, column, names or {}, now or EPOCH), reverse=reverse)
        rows = list(_with_children(board, lines, opened))
    else:
        groups: dict[str, list[Line]] = {}
        for line in lines:
            groups.setdefault(group_of(line.task.status, line.wait), []).append(line)
        for group in sorted(groups, key=lambda name: (_ORDER.get(name, len(_ORDER)), name)):
            found = sorted(groups[group], key=_in_group)
            rows.append(Head(group, len(found), group not in folded))
            if group not in folded:
                rows.extend(_with_children(board, found, opened))
    if total is not None and total > len(board.tasks):
        rows.append(More(len(board.tasks), total))
    return Listing(tuple(rows), counts, matched, len(board.tasks))


def _is_root(board: Board, task: Task) -> bool:
    """Whether a task stands in the list by itself: nothing is known above it, or what is above it goes round to it."""
    seen, above = {task.id}, task
    while above.parent_id and (parent := board.task(above.parent_id)) and not board.is_gone(parent.id):
        if parent.id in seen:
            return task.id == min(seen)
        seen.add(parent.id)
        above = parent
    return above is task


def _tree(board: Board, root: Task) -> Iterator[Task]:
    """A task and all below it, each once."""
    seen, left = {root.id}, [root]
    while left:
        task = left.pop()
        yield task
        children = [child for child in board.children_of(task.id) if child.id not in seen]
        seen.update(child.id for child in children)
        left += children


def _line(board: Board, task: Task, tree: tuple[Task, ...], opened: frozenset[str], depth: int = 0) -> Line:
    wait = board.wait(task.id)
    path: tuple[Task, ...] = ()
    if wait is None and len(tree) > 1:
        waiting = next(board.waiting_below(task.id), None)
        if waiting is not None:
            wait, path = board.wait(waiting), _path(board, waiting, task.id)
    statuses = {child.status for child in tree[1:]}
    worst = next((status for status in _WORST if status in statuses), next(iter(statuses), None))
    return Line(task, depth, wait, path, len(tree) - 1, worst, task.id in opened)


def _path(board: Board, task_id: str, root: str) -> tuple[Task, ...]:
    """The tasks from below a root down to a descendant."""
    found: list[Task] = []
    seen: set[str] = set()
    while task_id != root and task_id not in seen and (task := board.task(task_id)):
        seen.add(task_id)
        found.append(task)
        task_id = task.parent_id or root
    return tuple(reversed(found))


def _with_children(board: Board, lines: list[Line], opened: frozenset[str]) -> Iterator[Line]:
    """The lines, and under each that is open its sub-tasks."""
    for line in lines:
        yield line
        if line.is_open:
            children = sorted(board.children_of(line.task.id), key=lambda task: (task.created_at or EPOCH, task.id))
            below = [
                _line(board, child, tuple(_tree(board, child)), opened, line.depth + 1)
                for child in children
                if child.id != line.task.id
            ]
            if line.depth < 16:
                yield from _with_children(board, below, opened)


def _in_group(line: Line) -> tuple[float, str]:
    """Who has waited longest comes first; of the others, what changed last."""
    if line.wait:
        return (line.wait.since or EPOCH).timestamp(), line.task.id
    if line.task.status in RUNNING:
        return -(line.task.created_at or EPOCH).timestamp(), line.task.id
    return -(line.task.changed_at or EPOCH).timestamp(), line.task.id


def _value(line: Line, column: str, names: Mapping[str, str], now: datetime) -> tuple[object, str]:
    """What a line is sorted by; ties by id, so that rows do not dance."""
    task = line.task
    values: dict[str, object] = {
        "status": (_ORDER.get(group_of(task.status, line.wait), 99), task.status),
        "title": task.name.casefold(),
        "agent": names.get(task.agent_id, task.agent_id).casefold(),
        "wait": lasted(line, now) or -1.0,
        "plan": (task.plan.done / len(task.plan.steps)) if task.plan and task.plan.steps else -1.0,
        "tokens": task.tokens.total if task.tokens else -1,
        "updated": (task.changed_at or EPOCH).timestamp(),
    }
    return values[column], task.id


def lasted(line: Line, now: datetime) -> float | None:
    """Seconds that a task has waited or run, or took."""
    task = line.task
    if line.wait:
        return max((now - line.wait.since).total_seconds(), 0.0) if line.wait.since else None
    begun = task.started_at or task.created_at
    if begun is None or task.status not in FINAL | RUNNING:
        return None
    end = (task.finished_at or task.updated_at) if task.is_final else now
    return max((end - begun).total_seconds(), 0.0) if end else None
