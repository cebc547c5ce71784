"""Rows of tasks, the changes that contain them, and lists that are built from them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tui.client.models import Task
from tui.domain.state import State, TasksSeen
from tui.domain.task_list import ListView, TaskListModel
from tui.domain.task_list_rows import GroupHeader, MoreLine, TaskLine

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
IDS = [f"t{number}" for number in range(8)]


def row(task_id: str, **about: Any) -> dict[str, Any]:
    """Return a row of a list of tasks."""
    return {"id": task_id, "agent_id": "a", "status": "completed", "created_at": NOW.isoformat(), **about}


def seen(*rows: dict[str, Any], later: int = 0) -> TasksSeen:
    """Return the change of a list that was read this many seconds later."""
    at = NOW + timedelta(seconds=later)
    return TasksSeen(tuple(Task.from_value({**one, "updated_at": at.isoformat()}) for one in rows), at)


def built_anew(state: State, view: ListView, like: TaskListModel) -> TaskListModel:
    """Return a list that is built from nothing."""
    listing = TaskListModel(view)
    listing.opened, listing.folded = like.opened, like.folded
    for _ in listing.build(state):
        pass
    return listing


def rows_as_text(listing: TaskListModel) -> list[str]:
    """Return the rows as text: group headers with counts, tasks with their depth and waiting sub-tasks."""
    words = []
    for index in range(len(listing)):
        match listing.row(index):
            case GroupHeader() as head:
                words.append(f"{head.group} {head.count} {head.is_open}")
            case TaskLine() as line:
                where = "".join(f">{task.id}" for task in line.path)
                words.append(f"{'  ' * line.depth}{line.task.id}{where} {line.task.status} {line.subtask_count}")
            case MoreLine() as more:
                words.append(f"{more.loaded} of {more.total}")
    return words
