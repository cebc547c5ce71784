"""What stands in the list of tasks: headings, and lines about a task and all that is below it."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from tui.client.task_facts import FINAL_STATUSES, RUNNING_STATUSES, Status, Wait
from tui.client.task_rows import TaskRow
from tui.domain.state import State


class Group(StrEnum):
    """What tasks are told apart by; a status that this version does not know is a group by itself."""

    NEEDS_YOU = "Needs you"
    RUNNING = "Running"
    PENDING = "Pending"
    FAILED = "Failed"
    COMPLETED = "Completed"
    STOPPED = "Stopped"


_NEEDS_YOU = str(Group.NEEDS_YOU)
_GROUPS: Mapping[str, str] = {
    Status.PAUSED: _NEEDS_YOU,
    Status.EXECUTING: str(Group.RUNNING),
    Status.PENDING: str(Group.PENDING),
    Status.FAILED: str(Group.FAILED),
    Status.ERROR: str(Group.FAILED),
    Status.COMPLETED: str(Group.COMPLETED),
    Status.STOPPED: str(Group.STOPPED),
}
GROUP_ORDER = {str(group): place for place, group in enumerate(Group)}
_WORST = (Status.FAILED, Status.ERROR, Status.STOPPED, Status.EXECUTING, Status.PENDING, Status.COMPLETED)


class GroupHeader(Struct, frozen=True):
    """The title of a group."""

    group: str
    count: int
    is_open: bool = True

    @property
    def key(self) -> str:
        """A name that no task has."""
        return f"\n{self.group}"


class TaskLine(Struct, frozen=True):
    """A task in the list, at its depth under its root."""

    task: TaskRow
    depth: int = 0
    wait: Wait | None = None
    """Why it, or the first that waits below it, needs a person."""
    path: tuple[TaskRow, ...] = ()
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


class MoreLine(Struct, frozen=True):
    """The last line where the platform has more than is loaded."""

    loaded: int
    total: int

    @property
    def key(self) -> str:
        """A name that no task has."""
        return "\nmore"


ListRow = GroupHeader | TaskLine | MoreLine


def group_of(status: str, wait: Wait | None) -> str:
    """The group a task belongs to, as plain text."""
    return _NEEDS_YOU if wait else _GROUPS.get(status, status or "unknown")


def list_root_of(state: State, task_id: str) -> str:
    """The task under which another one stands in the list, or itself; one of a circle stands for the whole."""
    way = [task_id]
    while (
        (task := state.task(way[-1])) and (above := task.parent_id) and state.task(above) and not state.is_gone(above)
    ):
        if above in way:
            return min(way[way.index(above) :])
        way.append(above)
    return way[-1]


def task_and_descendants(state: State, root: TaskRow) -> Iterator[TaskRow]:
    """A task and all below it, each once."""
    seen, left = {root.id}, [root]
    while left:
        task = left.pop()
        yield task
        children = [child for child in state.children_of(task.id) if child.id not in seen]
        seen.update(child.id for child in children)
        left += children


def task_line(state: State, task: TaskRow, opened: Container[str], depth: int = 0) -> TaskLine:
    """The line about a task."""
    wait = state.wait(task.id)
    if task.id not in state.children:
        return TaskLine(task, depth, wait, is_open=task.id in opened)
    tree = tuple(task_and_descendants(state, task))
    path: tuple[TaskRow, ...] = ()
    if wait is None and len(tree) > 1:
        waiting = next(state.waiting_below(task.id), None)
        if waiting is not None:
            wait, path = state.wait(waiting), _path(state, waiting, task.id)
    statuses = {child.status for child in tree[1:]}
    worst = next((status for status in _WORST if status in statuses), next(iter(statuses), None))
    return TaskLine(task, depth, wait, path, len(tree) - 1, worst, task.id in opened)


def _path(state: State, task_id: str, root: str) -> tuple[TaskRow, ...]:
    """The tasks from below a root down to a descendant."""
    found: list[TaskRow] = []
    seen: set[str] = set()
    while task_id != root and task_id not in seen and (task := state.task(task_id)):
        seen.add(task_id)
        found.append(task)
        task_id = task.parent_id or root
    return tuple(reversed(found))


def duration_seconds(line: TaskLine, now: datetime) -> float | None:
    """Seconds that a task has waited or run, or took."""
    task = line.task
    if line.wait:
        return max((now - line.wait.since).total_seconds(), 0.0) if line.wait.since else None
    begun = task.started_at or task.created_at
    if begun is None or task.status not in FINAL_STATUSES | RUNNING_STATUSES:
        return None
    end = (task.finished_at or task.updated_at) if task.is_final else now
    return max((end - begun).total_seconds(), 0.0) if end else None
