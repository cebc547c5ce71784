"""Activities with one entry a second, and the sources of rows that are made of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tui.client.log_entries import Log, parse_entry
from tui.client.models import Task
from tui.domain.activity_log import Activity
from tui.domain.activity_rows import ActivitySource

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def call(name: str, **more: Any) -> dict[str, Any]:
    """Return a tool call as an entry of a log."""
    return {"id": name, "tool_name": name, "operation_id": name, "request_id": name, "payload": {}, **more}


def thought(name: str) -> dict[str, Any]:
    """Return a thought as an entry of a log."""
    return {"id": name, "type": "think", "thought": name}


def delegation(name: str, child: str) -> dict[str, Any]:
    """Return the trigger of a sub-task as an entry of a log."""
    return {"id": name, "agent_id": "other", "query": name, "sub_task_id": child}


def activity_of(task_id: str, *entries: dict[str, Any]) -> Activity:
    """Return the activity of a task with these entries, one a second."""
    activity = Activity(task_id)
    extend(activity, *entries)
    return activity


def extend(activity: Activity, *entries: dict[str, Any]) -> None:
    """Add these entries to the log of an activity."""
    first = len(activity)
    timed = [
        parse_entry({"created_at": (NOW + timedelta(seconds=first + number)).isoformat(), **entry})
        for number, entry in enumerate(entries)
    ]
    activity.add_log(Log(tuple(timed), first=first), NOW)


def source_of(*activities: Activity, status: str = "executing", **more: Any) -> ActivitySource:
    """Return the source of rows for the first activity, with the others as its sub-tasks."""
    root, *below = activities
    children: Mapping[str, tuple[Task, ...]] = {
        root.task_id: tuple(Task.from_value({"id": one.task_id, "parent_task_id": root.task_id}) for one in below),
        **{one.task_id: () for one in below},
    }
    task = Task.from_value({"id": root.task_id, "status": status})
    return ActivitySource(root.task_id, {one.task_id: one for one in activities}, children, {}, task, **more)
