"""The rows of the task list: group headers, task lines, and the line that offers to load more."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Set
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.json_values import EPOCH
from tui.client.task_facts import FINAL_STATUSES, RUNNING_STATUSES, Status, Wait
from tui.client.task_rows import TaskRow
from tui.domain import humanize, wait_words
from tui.domain.state import State

if TYPE_CHECKING:
    from tui.client.log_entries import Entry

MAX_DEPTH = 16
"""Levels of sub-tasks that are shown below a root."""


class Group(StrEnum):
    """A group of the task list. A status that this version does not know is a group of its own."""

    NEEDS_YOU = "Needs you"
    RUNNING = "Running"
    PENDING = "Pending"
    FAILED = "Failed"
    COMPLETED = "Completed"
    STOPPED = "Stopped"


_NEEDS_YOU = str(Group.NEEDS_YOU)
MACHINE_GROUP = "Waits for a machine"
"""The group of tasks that go on by themselves, after those that run."""
_GROUPS: Mapping[str, str] = {
    Status.PAUSED: _NEEDS_YOU,
    Status.EXECUTING: str(Group.RUNNING),
    Status.PENDING: str(Group.PENDING),
    Status.FAILED: str(Group.FAILED),
    Status.ERROR: str(Group.FAILED),
    Status.COMPLETED: str(Group.COMPLETED),
    Status.STOPPED: str(Group.STOPPED),
}
_ORDERED_GROUPS = (
    Group.NEEDS_YOU,
    Group.RUNNING,
    MACHINE_GROUP,
    Group.PENDING,
    Group.FAILED,
    Group.COMPLETED,
    Group.STOPPED,
)
GROUP_ORDER = {str(group): rank for rank, group in enumerate(_ORDERED_GROUPS)}
_GROUPS_READ_WHOLE = frozenset({_NEEDS_YOU, MACHINE_GROUP, str(Group.RUNNING), str(Group.PENDING)})
"""The groups of active tasks: all of them are read, of other groups only the newest."""
_WORST_STATUSES = (Status.FAILED, Status.ERROR, Status.STOPPED, Status.EXECUTING, Status.PENDING, Status.COMPLETED)
"""Known statuses, the worst first."""


class GroupHeader(Struct, frozen=True):
    """The header of a group."""

    group: str
    count: int
    is_open: bool = True

    @property
    def key(self) -> str:
        """The key of the row, which is no task's id."""
        return f"\n{self.group}"


class TaskLine(Struct, frozen=True):
    """A line for a task, at its depth below its root."""

    task: TaskRow
    depth: int = 0
    wait: Wait | None = None
    """The wait of the task; or, if a task below it needs a person and it does not, the wait of that one."""
    path: tuple[TaskRow, ...] = ()
    """The path down to the waiting descendant; empty if the task itself waits."""
    subtask_count: int = 0
    """The number of sub-tasks at any depth."""
    worst_status: str | None = None
    """The worst status of the sub-tasks."""
    is_open: bool = False
    open_entry: Entry | None = None
    """The entry of the log with which the task waits, or the one below it that needs a person."""

    @property
    def waiting_task(self) -> TaskRow:
        """The task that waits: the one at the end of the path, or else the line's own."""
        if self.path:
            return self.path[-1]
        return self.task

    @property
    def key(self) -> str:
        """The key of the row: the task's id."""
        return self.task.id


class MoreLine(Struct, frozen=True):
    """The last line if the platform has more tasks than are loaded."""

    loaded: int
    total: int | None
    """The number of tasks on the platform; None if it does not tell."""

    @property
    def key(self) -> str:
        """The key of the row, which is no task's id."""
        return "\nmore"


ListRow = GroupHeader | TaskLine | MoreLine
RowBelow = tuple[str, int]
"""A row below an unfolded root: the id and the depth of a sub-task."""


def group_of(status: str, wait: Wait | None) -> str:
    """Return the group of a task as plain text."""
    if wait:
        return _NEEDS_YOU if wait.needs_person else MACHINE_GROUP
    return _GROUPS.get(status, status or "unknown")


def is_read_whole(group: str) -> bool:
    """Return whether all tasks of a group are read, however many there are."""
    return group in _GROUPS_READ_WHOLE


def list_root_of(state: State, task_id: str) -> str:
    """Return the root that a task is listed below, or itself; the root of a cycle of tasks is the smallest id in it."""
    path = [task_id]
    while True:
        parent_id = _listed_parent_of(state, path[-1])
        if parent_id is None:
            return path[-1]
        if parent_id in path:
            return min(path[path.index(parent_id) :])
        path.append(parent_id)


def _listed_parent_of(state: State, task_id: str) -> str | None:
    task = state.task(task_id)
    if task is None or not task.parent_id or not state.task(task.parent_id) or state.is_gone(task.parent_id):
        return None
    return task.parent_id


def task_and_descendants(state: State, root: TaskRow) -> Iterator[TaskRow]:
    """Yield a task and its descendants, each once."""
    visited = {root.id}
    remaining = [root]
    while remaining:
        task = remaining.pop()
        yield task
        children = [child for child in state.children_of(task.id) if child.id not in visited]
        visited.update(child.id for child in children)
        remaining += children


def affected_tasks(state: State, touched: Iterable[str], roots_of: Mapping[str, Set[str]]) -> set[str]:
    """Return the tasks affected by a step: those it touched, their roots before and after it, and their descendants."""
    affected: set[str] = set()
    for task_id in touched:
        task = state.task(task_id)
        if task is None:
            continue
        affected.add(task_id)
        affected |= roots_of.get(task_id, frozenset())
        affected.add(list_root_of(state, task_id))
        for parent_id in state.parents.get(task_id, frozenset()):  # it may have become a sub-task of this parent
            affected |= {parent_id, list_root_of(state, parent_id), *roots_of.get(parent_id, ())}
        if task_id in state.children:
            affected.update(child.id for child in task_and_descendants(state, task))
    return affected


def rows_below(state: State, root: TaskRow, opened: Container[str]) -> Iterator[RowBelow]:
    """Yield the rows below an unfolded root, each task once."""
    yielded = {root.id}

    def rows(parent: TaskRow, depth: int) -> Iterator[RowBelow]:
        children = state.children_of(parent.id)
        for child in sorted(children, key=lambda task: (task.created_at or EPOCH, task.id)):
            if child.id in yielded or list_root_of(state, child.id) != root.id:
                continue  # it is listed elsewhere
            yielded.add(child.id)
            yield child.id, depth
            if child.id in opened and depth < MAX_DEPTH:
                yield from rows(child, depth + 1)

    return rows(root, 1)


def task_line(state: State, task: TaskRow, opened: Container[str], depth: int = 0) -> TaskLine:
    """Return the line for a task."""
    wait = state.wait(task.id)
    if task.id not in state.children:
        return TaskLine(task, depth, wait, is_open=task.id in opened, open_entry=_open_entry(state, task.id, wait))
    tree = tuple(task_and_descendants(state, task))
    path: tuple[TaskRow, ...] = ()
    waiting_id: str | None = None
    if len(tree) > 1 and not state.needs_person(task.id):
        waiting_id = next(state.waiting_below(task.id), None)
        if waiting_id is not None:
            wait, path = state.wait(waiting_id), _path_to(state, waiting_id, task.id)
    statuses = {child.status for child in tree[1:]}
    worst_status = next((status for status in _WORST_STATUSES if status in statuses), next(iter(statuses), None))
    entry = _open_entry(state, waiting_id or task.id, wait)
    return TaskLine(task, depth, wait, path, len(tree) - 1, worst_status, task.id in opened, entry)


def _open_entry(state: State, task_id: str, wait: Wait | None) -> Entry | None:
    """Return the entry of the log with which a task waits; None if it does not wait, or the log is not known."""
    activity = state.activity(task_id)
    if wait is None or activity is None:
        return None
    return activity.open_entry


def _path_to(state: State, task_id: str, root: str) -> tuple[TaskRow, ...]:
    """Return the path from below a root down to a descendant."""
    path: list[TaskRow] = []
    visited: set[str] = set()
    while task_id != root and task_id not in visited:
        task = state.task(task_id)
        if task is None:
            break
        visited.add(task_id)
        path.append(task)
        task_id = task.parent_id or root
    return tuple(reversed(path))


def duration_seconds(line: TaskLine, now: datetime) -> float | None:
    """Return the seconds that a task has waited or run, or that it took."""
    if line.wait:
        return _seconds_between(line.wait.since, now)
    task = line.task
    if task.status not in FINAL_STATUSES | RUNNING_STATUSES:
        return None
    end = (task.finished_at or task.updated_at) if task.is_final else now
    return _seconds_between(task.started_at or task.created_at, end)


def clock_text(line: TaskLine, seconds: float | None, now: datetime) -> str:
    """Return, as text, how long a task has waited or run, until when it waits, or how long it took."""
    if line.wait:
        return wait_words.time_of(line.wait, now)
    if seconds is None:
        return ""
    if line.task.is_final:
        return humanize.duration(seconds)
    return humanize.running_clock(seconds)


def _seconds_between(begin: datetime | None, end: datetime | None) -> float | None:
    if begin is None or end is None:
        return None
    return max((end - begin).total_seconds(), 0.0)
