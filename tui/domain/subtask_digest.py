"""A digest of a sub-task and all tasks below it: the worst state, the tool calls and the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from tui.client.log_entries import ToolCall
from tui.client.task_facts import FAILED_STATUSES, FINAL_STATUSES, Status
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Activity
from tui.domain.waits import WaitSources, wait_of

WORST_STATUSES = (
    Status.FAILED,
    Status.ERROR,
    Status.PAUSED,
    Status.STOPPED,
    Status.EXECUTING,
    Status.PENDING,
    Status.COMPLETED,
)
"""Known statuses, the worst first."""


class SubtaskDigest(Struct, frozen=True):
    """A digest of a sub-task and the tasks below it."""

    status: str
    """The worst status; empty if no record is known."""
    needs_person: bool = False
    """Whether one of the tasks waits for a person."""
    calls: int | None = None
    """The number of tool calls in the logs that are known; None if none is."""
    failed_calls: int = 0
    are_calls_complete: bool = True
    """Whether the logs of all these tasks are known, and none of the tasks goes on."""
    seconds: float | None = None
    """The time that the sub-task took, or has taken so far."""

    @property
    def has_failed(self) -> bool:
        """Whether one of the tasks has failed."""
        return self.status in FAILED_STATUSES

    @property
    def call_words(self) -> str:
        """The tool calls in words; a plus tells that there may be more: `3+ calls, 1 failed`."""
        if self.calls is None:
            return ""
        words = f"{self.calls}+ calls"
        if self.are_calls_complete:
            words = humanize.counted(self.calls, "call")
        if self.failed_calls:
            words = f"{words}, {self.failed_calls} failed"
        return words

    @property
    def time_words(self) -> str:
        """The time in words; empty if it is not known."""
        if self.seconds is None:
            return ""
        return humanize.exact_duration(self.seconds)


def subtask_digest(
    task_id: str,
    tasks: Mapping[str, AnyTask],
    children: Mapping[str, tuple[AnyTask, ...]],
    activities: Mapping[str, Activity],
    now: datetime,
) -> SubtaskDigest:
    """Return the digest of a sub-task, made of all that is known of it and of the tasks below it."""
    ids = list(_ids_below(task_id, children))
    known_tasks = [task for task in map(tasks.get, ids) if task is not None]
    logs = [activity for activity in map(activities.get, ids) if activity is not None]
    calls, failed_calls = None, 0
    if logs:
        counts = [activity.nodes.count_kinds() for activity in logs]
        calls = sum(kinds[ToolCall] for kinds, _ in counts)
        failed_calls = sum(failed for _, failed in counts)
    is_over = len(known_tasks) == len(ids) and all(task.status in FINAL_STATUSES for task in known_tasks)
    return SubtaskDigest(
        worst_status([task.status for task in known_tasks]),
        any(_needs_person(task, activities.get(task.id)) for task in known_tasks),
        calls,
        failed_calls,
        is_over and len(logs) == len(ids),
        _seconds_of(tasks.get(task_id), now),
    )


def worst_status(statuses: list[str]) -> str:
    """Return the worst of these statuses: a known one, else the first; empty if there is none."""
    return next((str(status) for status in WORST_STATUSES if status in statuses), next(iter(statuses), ""))


def _ids_below(task_id: str, children: Mapping[str, tuple[AnyTask, ...]]) -> Iterator[str]:
    """Yield the ids of a task and of all tasks below it, each once."""
    seen = {task_id}
    remaining = [task_id]
    while remaining:
        current = remaining.pop()
        yield current
        below = [child.id for child in children.get(current, ()) if child.id not in seen]
        seen.update(below)
        remaining += below


def _needs_person(task: AnyTask, activity: Activity | None) -> bool:
    if task.is_final:
        return False
    sources = WaitSources()
    if activity is not None:
        sources = WaitSources(activity.wait)
    wait = wait_of(task, sources)
    return wait is not None and wait.needs_person


def _seconds_of(task: AnyTask | None, now: datetime) -> float | None:
    """Return for how long a task ran, or has run so far; None if its begin or its end is not told."""
    if task is None:
        return None
    begin, end = task.started_at or task.created_at, task.finished_at or task.updated_at
    if not task.is_final:
        end = now
    if begin is None or end is None:
        return None
    return max((end - begin).total_seconds(), 0.0)
