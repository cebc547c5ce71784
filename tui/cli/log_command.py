"""The verb log: prints a task's activity log, as a list or as a tree with the logs of its sub-agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tui.cli.context import Session, iso_time
from tui.cli.exit_codes import OK
from tui.cli.output import AMBER, COOL, FAINT, RED, Cell, Output
from tui.cli.show_command import find_task
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError
from tui.client.json_codec import dumps
from tui.client.log_entries import Confirmation, Delegation, Entry, Log, Message, Questions, Reasoning, SignIn, ToolCall
from tui.client.models import Task
from tui.client.task_rows import TaskQuery
from tui.domain import humanize
from tui.domain.activity_log import Activity
from tui.domain.entry_format import entry_code
from tui.domain.tree_rows import TreeRow, walk_tree

MAX_SUBTASK_DEPTH = 8
"""How many levels of sub-tasks are read."""
MAX_SUBTASK_LOGS = 200
"""How many logs are read in all."""
CLOCK_CHARS = 8
CELLS_BEFORE_HEADING = 19
"""Cells before the heading of a plan step or of a sub-task without an entry."""


async def log(session: Session) -> int:
    """Print a task's activity log; with --tree, also the logs of its sub-tasks."""
    out = session.out
    task = await find_task(session, session.arguments.task)
    task_log = await session.client.log(task)
    activities = {task.id: _activity(task.id, task_log, session.client.now)}
    children: dict[str, tuple[Task, ...]] = {}
    if session.arguments.tree:
        await _SubtaskReader(session, activities, children).read_all(task)
    rows = list(walk_tree(activities, children, task.id))
    match out.format:
        case "table":
            for row in rows:
                tree_line(out, row)
        case "json":
            items = [row_json(row) for row in rows]
            out.json({"kind": "log", "task_id": task.id, "partial": task_log.is_partial, "items": items})
        case _:
            for row in rows:
                out.json(row_json(row))
    missing_words = ""
    if task_log.is_partial:
        missing_words = ", messages only: the controller, which has the whole log, is not set"
    out.note(f"{len(task_log.entries)} entries{missing_words}")
    return OK


def _activity(task_id: str, task_log: Log, at: datetime) -> Activity:
    activity = Activity(task_id)
    activity.add_log(task_log, at)
    return activity


class _SubtaskReader:
    """Reads sub-tasks and their logs into `activities` and `children`, level by level, and each task once."""

    def __init__(
        self, session: Session, activities: dict[str, Activity], children: dict[str, tuple[Task, ...]]
    ) -> None:
        self._session = session
        self._activities = activities
        self._children = children
        self._semaphore = asyncio.Semaphore(MAX_PARALLEL_REQUESTS)

    async def read_all(self, root: Task) -> None:
        """Read all sub-tasks of a task, as far as the limits allow."""
        known_ids = {root.id}
        level = [root]
        for _ in range(MAX_SUBTASK_DEPTH):
            children_of_level = await asyncio.gather(*map(self._read_children, level))
            for task, children in zip(level, children_of_level, strict=True):
                self._children[task.id] = children
            new_tasks = [child for children in children_of_level for child in children if child.id not in known_ids]
            logs_left = MAX_SUBTASK_LOGS - len(known_ids)
            level = new_tasks[:logs_left]
            known_ids.update(child.id for child in level)
            if not level:
                return

    async def _read_children(self, task: Task) -> tuple[Task, ...]:
        """Read the sub-tasks that a task's record, the list and its log name, each once, in this order."""
        child_ids = list(task.sub_executions)
        async with self._semaphore:
            async for page in self._session.client.tasks(TaskQuery(parent_task_id=task.id)):
                child_ids += [item.id for item in page.items]
        for node in self._activities[task.id].nodes:
            started_id = node.entry.started_task_id
            if started_id:
                child_ids.append(started_id)
        different_ids = dict.fromkeys(child_ids)
        children = await asyncio.gather(*map(self._read_with_log, different_ids))
        return tuple([child for child in children if child])

    async def _read_with_log(self, task_id: str) -> Task | None:
        """Read a task and its log; print a note and return None when that fails."""
        client = self._session.client
        async with self._semaphore:
            try:
                task = await client.task(task_id)
                if task_id not in self._activities:
                    self._activities[task_id] = _activity(task_id, await client.log(task), client.now)
            except ApiError as error:
                self._session.out.note(f"the sub-task {task_id} could not be read: {error.message}")
                return None
        return task


def tree_line(out: Output, row: TreeRow) -> None:
    """Print one line of the tree."""
    indent = "  " * row.depth
    hints = [Cell("shown elsewhere", FAINT)] if row.is_known else []
    node = row.node
    if node is None:
        name = row.step.title if row.step else f"task {row.child_id}"
        out.line(f"{' ' * CELLS_BEFORE_HEADING}{indent}SUB", out.safe(name), *hints)
        return
    at = node.at
    if out.time != "utc":
        at = at.astimezone(None)
    clock = " " * CLOCK_CHARS
    if at.year > 1:  # the year 1 stands for a time that is not known
        clock = at.strftime("%H:%M:%S")
    code = indent + entry_code(node.entry)
    out.line(Cell(clock, FAINT), code, *describe_entry(out, node.entry, node.seconds), *hints)


def describe_entry(out: Output, entry: Entry, seconds: float | None = None) -> list[Cell | str]:
    """Return cells that describe an entry in one line, safe to print."""
    match entry:
        case Message():
            author = entry.role
            if entry.user and entry.user.name:
                author = entry.user.name
            return [Cell(out.safe(author), COOL if entry.role == "user" else ""), out.safe(entry.text)]
        case ToolCall():
            return [*_call_cells(out, entry, seconds), Cell(out.safe(_compact_json(out, entry.arguments)), FAINT)]
        case Reasoning():
            confidence = ""
            if entry.confidence is not None:
                confidence = f"{entry.confidence:.2f}"
            return [Cell(entry.type, FAINT), out.safe(entry.label), Cell(confidence, FAINT)]
        case Delegation():
            return [out.safe(entry.agent_id or ""), out.safe(entry.label)]
        case SignIn() | Questions() | Confirmation():
            return [Cell(out.safe(entry.label), AMBER if entry.is_open else "")]
        case _:
            return [out.safe(entry.label), Cell(out.safe(_compact_json(out, _other_fields(entry))), FAINT)]


def _call_cells(out: Output, call: ToolCall, seconds: float | None) -> list[Cell | str]:
    """Return cells with the name of a tool call, its duration if that is known, and its outcome."""
    name = Cell(out.safe(call.name), RED if call.is_error else "")
    if call.approval_request_id:
        return [name, Cell("waits for approval", AMBER)]
    if not call.is_finished:
        return [name, Cell("no result yet", COOL)]
    cells: list[Cell | str] = [name]
    if seconds is not None:
        cells.append(humanize.exact_duration(seconds))
    cells.append(Cell("✗ failed", RED) if call.is_error else "✓")
    return cells


def _compact_json(out: Output, value: object) -> str:
    """Return a value as JSON in one line, with its secrets redacted; no value as an empty text."""
    if value in (None, {}, ""):
        return ""
    return dumps(out.redactor.json(value))


def _other_fields(entry: Entry) -> Mapping[str, Any]:
    return {name: value for name, value in entry.raw.items() if name not in {"id", "created_at", "type", "action"}}


def row_json(row: TreeRow) -> dict[str, Any]:
    """Return a row of the tree as JSON in the documented shape."""
    fields: dict[str, Any] = {"kind": "entry", "task_id": row.task_id, "depth": row.depth}
    if row.node is not None:
        fields |= entry_json(row.node.entry) | {"seconds": row.node.seconds}
    if row.child_id:
        fields["child_id"] = row.child_id
    return fields


def entry_json(entry: Entry) -> dict[str, Any]:
    """Return an entry as JSON in the documented shape; `data` is the object that the platform sent."""
    return {
        "type": entry.kind,
        "id": entry.id,
        "time": iso_time(entry.created_at),
        "label": entry.label,
        "data": entry.raw,
    }
