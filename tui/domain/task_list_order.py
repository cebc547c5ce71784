"""The order of the task list: the sort keys of its rows, and merging of sorted keys in slices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Mapping
from datetime import datetime
from sys import intern
from typing import Final

from tui.client.json_values import EPOCH
from tui.client.task_facts import RUNNING_STATUSES, Wait
from tui.client.task_rows import TaskRow
from tui.domain.state import State
from tui.domain.task_list_rows import GROUP_ORDER, TaskLine, duration_seconds, group_of, task_line

KEYS_PER_SLICE = 1000
"""Keys that are merged before the event loop runs again."""
SortKey = tuple[str, object, str, int, str]
"""The sort key of a row: the group's rank, the sort value, the root's id, the number of the row below it, the group.

It is a plain tuple of text and numbers because the garbage collector stops tracking such tuples.
"""
KEY_RANK: Final = 0
KEY_ROOT: Final = 2
KEY_NUMBER: Final = 3
KEY_GROUP: Final = 4
"""Indexes in a sort key."""


def sort_key(state: State, task: TaskRow, column: str | None, agent_names: Mapping[str, str], now: datetime) -> SortKey:
    """Return the sort key of a root: by group, or by a column."""
    has_children = task.id in state.children
    wait = state.wait(task.id)
    if column is not None:
        line = TaskLine(task, wait=wait)
        if has_children:
            line = task_line(state, task, ())
        return "", _column_value(line, column, agent_names, now), task.id, 0, group_of(task.status, line.wait)
    if has_children and not state.needs_person(task.id):
        wait = next((state.wait(task_id) for task_id in state.waiting_below(task.id)), wait)
    group = group_of(task.status, wait)
    return intern(f"{GROUP_ORDER.get(group, 9)}{group}"), _group_value(task, wait), task.id, 0, group


def _group_value(task: TaskRow, wait: Wait | None) -> float:
    """Return the sort value of a task in its group: the longest wait, or the next to end, else the latest change."""
    if wait:
        return (wait.until or wait.since or EPOCH).timestamp()
    if task.status in RUNNING_STATUSES:
        return -(task.created_at or EPOCH).timestamp()
    return -(task.changed_at or EPOCH).timestamp()


def _column_value(line: TaskLine, column: str, agent_names: Mapping[str, str], now: datetime) -> object:
    """Return the sort value of a line in a column."""
    task = line.task
    match column:
        case "status":
            return GROUP_ORDER.get(group_of(task.status, line.wait), 99), task.status
        case "title":
            return task.name.casefold()
        case "agent":
            return agent_names.get(task.agent_id, task.agent_id).casefold()
        case "wait":
            return duration_seconds(line, now) or -1.0
        case "plan":
            return _plan_progress(task)
        case "tokens":
            return task.tokens.total if task.tokens else -1
        case _:
            return (task.changed_at or EPOCH).timestamp()


def _plan_progress(task: TaskRow) -> float:
    if not task.plan or not task.plan.steps:
        return -1.0
    return task.plan.done / len(task.plan.steps)


def merge_sorted(keys: list[SortKey], other: list[SortKey]) -> Generator[None, None, list[SortKey]]:
    """Merge two sorted lists of keys in slices; return the merged list."""
    shorter, longer = sorted((keys, other), key=len)
    merged: list[SortKey] = []
    begin = shorter_begin = 0
    while begin < len(longer) and shorter_begin < len(shorter):
        end = min(begin + KEYS_PER_SLICE, len(longer))
        shorter_end = bisect_right(shorter, longer[end - 1], shorter_begin)
        merged += sorted(longer[begin:end] + shorter[shorter_begin:shorter_end])
        begin, shorter_begin = end, shorter_end
        yield
    return merged + longer[begin:] + shorter[shorter_begin:]
