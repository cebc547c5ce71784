"""The verb log: what happened in a task, as a list or as a tree with its sub-agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tui.cli.context import Session, iso_time
from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.cli.show_command import find_task
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError
from tui.client.json_codec import dumps
from tui.client.log_entries import Confirmation, Delegation, Entry, Log, Message, Questions, Reasoning, SignIn, ToolCall
from tui.client.models import Task
from tui.client.task_rows import TaskQuery
from tui.domain import humanize
from tui.domain.activity_log import Activity, TreeRow, walk_tree

MAX_SUBTASK_DEPTH = 8
"""Levels of sub-agents whose logs are read."""
MAX_SUBTASK_LOGS = 200
"""Sub-tasks whose logs are read."""


async def log(session: Session) -> int:
    """Show a task's activity log."""
    arguments, out = session.arguments, session.out
    task = await find_task(session, arguments.task)
    told = await session.client.log(task)
    activities = {task.id: _activity(task.id, told, session.client.now)}
    children: dict[str, tuple[Task, ...]] = {}
    if arguments.tree:
        await _read_children(session, task, activities, children)
    rows = list(walk_tree(activities, children, task.id))
    if out.format == "table":
        for row in rows:
            tree_line(out, row)
    else:
        items = [row_json(row) for row in rows]
        if out.format == "json":
            out.json({"kind": "log", "task_id": task.id, "partial": told.is_partial, "items": items})
        else:
            for item in items:
                out.json(item)
    partial = ", messages only: the controller, which has the whole log, is not set" if told.is_partial else ""
    out.note(f"{len(told.entries)} entries{partial}")
    return 0


def _activity(task_id: str, told: Log, at: datetime) -> Activity:
    activity = Activity(task_id)
    activity.read(told, at)
    return activity


async def _read_children(
    session: Session, root: Task, activities: dict[str, Activity], children: dict[str, tuple[Task, ...]]
) -> None:
    """Read the logs of all sub-tasks, level by level, each task once."""
    gate = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)
    seen = {root.id}

    async def under(task: Task) -> tuple[Task, ...]:
        ids = dict.fromkeys(task.sub_executions)
        async with gate:
            async for page in session.client.tasks(TaskQuery(parent_task_id=task.id)):
                ids.update(dict.fromkeys(item.id for item in page.items))
        for node in activities[task.id].nodes:
            if child := node.entry.started_task_id:
                ids[child] = None
        return tuple([one for one in await asyncio.gather(*map(read, ids)) if one])

    async def read(task_id: str) -> Task | None:
        async with gate:
            try:
                task = await session.client.task(task_id)
                if task_id not in activities:
                    activities[task_id] = _activity(task_id, await session.client.log(task), session.client.now)
            except ApiError as error:
                session.out.note(f"the sub-task {task_id} could not be read: {error.message}")
                return None
        return task

    level = [root]
    for _ in range(MAX_SUBTASK_DEPTH):
        found = await asyncio.gather(*map(under, level))
        children.update((task.id, below) for task, below in zip(level, found, strict=True))
        level = [child for below in found for child in below if child.id not in seen][: MAX_SUBTASK_LOGS - len(seen)]
        seen.update(child.id for child in level)
        if not level:
            return


def tree_line(out: Output, row: TreeRow) -> None:
    """One line of the tree."""
    indent = "  " * row.depth
    if row.node is None:
        name = row.step.title if row.step else f"task {row.child_id}"
        out.line(f"{'':19}{indent}SUB", out.safe(name), *_elsewhere(row))
        return
    node = row.node
    when = node.at.astimezone(None) if out.time != "utc" else node.at
    clock = when.strftime("%H:%M:%S") if when.year > 1 else " " * 8
    out.line(
        Cell(clock, FAINT),
        indent + _WORDS.get(node.entry.kind, "···"),
        *describe_entry(out, node.entry, node.seconds),
        *_elsewhere(row),
    )


def _elsewhere(row: TreeRow) -> tuple[Cell, ...]:
    return (Cell("shown elsewhere", FAINT),) if row.is_known else ()


_WORDS = {
    "message": "MSG",
    "tool": "TOL",
    "reasoning": "RSN",
    "sub-agent": "SUB",
    "sign-in": "AUT",
    "decision": "DEC",
    "question": "ASK",
    "confirmation": "ASK",
    "compaction": "CPT",
}


def describe_entry(out: Output, entry: Entry, seconds: float | None = None) -> list[Cell | str]:
    """What an entry says in one line, made safe."""
    match entry:
        case Message():
            who = (entry.user.name if entry.user else "") or entry.role
            return [Cell(out.safe(who), COOL if entry.role == "user" else ""), out.safe(entry.text)]
        case ToolCall():
            return [*_call(out, entry, seconds), Cell(out.safe(_short(out, entry.arguments)), FAINT)]
        case Reasoning():
            confidence = f"{entry.confidence:.2f}" if entry.confidence is not None else ""
            return [Cell(entry.type, FAINT), out.safe(entry.label), Cell(confidence, FAINT)]
        case Delegation():
            return [out.safe(entry.agent_id or ""), out.safe(entry.label)]
        case SignIn() | Questions() | Confirmation():
            return [Cell(out.safe(entry.label), AMBER if entry.is_open else "")]
        case _:
            return [out.safe(entry.label), Cell(out.safe(_short(out, _rest(entry))), FAINT)]


def _call(out: Output, entry: ToolCall, seconds: float | None) -> list[Cell | str]:
    name = Cell(out.safe(entry.name), RED if entry.is_error else "")
    if entry.approval_request_id:
        return [name, Cell("waits for approval", AMBER)]
    if not entry.is_finished:
        return [name, Cell("no result yet", COOL)]
    took = humanize.exact_duration(seconds) if seconds is not None else ""
    return [name, *([took] if took else []), Cell("✗ failed", RED) if entry.is_error else "✓"]


def _short(out: Output, value: object) -> str:
    return dumps(out.redactor.json(value)) if value not in (None, {}, "") else ""


def _rest(entry: Entry) -> Mapping[str, Any]:
    return {name: value for name, value in entry.raw.items() if name not in {"id", "created_at", "type", "action"}}


def row_json(row: TreeRow) -> dict[str, Any]:
    """A line of the tree in the documented shape."""
    told: dict[str, Any] = {"kind": "entry", "task_id": row.task_id, "depth": row.depth}
    if row.node is not None:
        told |= entry_json(row.node.entry) | {"seconds": row.node.seconds}
    if row.child_id:
        told["child_id"] = row.child_id
    return told


def entry_json(entry: Entry) -> dict[str, Any]:
    """An entry in the documented shape; `data` is the platform's own object."""
    return {
        "type": entry.kind,
        "id": entry.id,
        "time": iso_time(entry.created_at),
        "label": entry.label,
        "data": entry.raw,
    }
