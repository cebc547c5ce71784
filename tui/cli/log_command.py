"""The verb log: prints a task's activity log, as a list or as a tree with the logs of its sub-agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tui.cli.context import Session
from tui.cli.entry_lines import EntryPrinter, entry_json
from tui.cli.exit_codes import OK
from tui.cli.output import FAINT, Cell, Output
from tui.cli.show_command import find_task
from tui.client.client import MAX_PARALLEL_REQUESTS
from tui.client.errors import ApiError
from tui.client.log_entries import Log, Message, Questions, ToolCall
from tui.client.models import Task
from tui.client.task_rows import TaskQuery
from tui.domain.activity_log import Activity
from tui.domain.activity_nodes import Node
from tui.domain.answer_messages import answer_messages
from tui.domain.entry_format import entry_code
from tui.domain.recorded_decision import recorded_decision, settlement
from tui.domain.tree_rows import TreeRow, walk_tree

MAX_SUBTASK_DEPTH = 8
"""How many levels of sub-tasks are read."""
MAX_SUBTASK_LOGS = 200
"""How many logs are read in all."""
CLOCK_CHARS = 8
CODE_CHARS = 3
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
    rows = list(walk_tree(activities, children, task.id, decisions=_decisions(task, children)))
    answers: dict[str, Questions] = {}
    for activity in activities.values():
        answers |= answer_messages(node.entry for node in activity.nodes)
    printer = _RowPrinter(out, answers)
    match out.format:
        case "table":
            for row in rows:
                printer.print(row)
        case "json":
            items = [row_json(row, answers) for row in rows]
            out.json({"kind": "log", "task_id": task.id, "partial": task_log.is_partial, "items": items})
        case _:
            for row in rows:
                out.json(row_json(row, answers))
    words = [f"{len(task_log.entries)} entries"]
    if task_log.is_partial:
        words.append("messages only: the controller, which has the whole log, is not set")
    if printer.entries.cut_words:
        words.append(printer.entries.cut_words)
    out.note(", ".join(words))
    return OK


def _decisions(task: Task, children: Mapping[str, tuple[Task, ...]]) -> dict[str, Node]:
    """Return the decisions in the records of a task and its sub-tasks, by task id."""
    tasks = [task, *(child for siblings in children.values() for child in siblings)]
    decisions = {each.id: recorded_decision(each) for each in tasks}
    return {task_id: node for task_id, node in decisions.items() if node is not None}


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


class _RowPrinter:
    """Prints the rows of the tree; a call, a question and a card have a second line for their end."""

    def __init__(self, out: Output, answers: Mapping[str, Questions]) -> None:
        self._out = out
        self._answers = answers
        """The answered questions by the ids of the messages that repeat their answers."""
        self._answered_ids = {questions.id for questions in answers.values()}
        self.entries = EntryPrinter(out)

    def print(self, row: TreeRow) -> None:
        """Print a row: a heading without an entry, or the lines of its entry."""
        out = self._out
        indent = "  " * row.depth
        hints = [Cell("shown elsewhere", FAINT)] if row.is_known else []
        node = row.node
        if node is None:
            name = row.step.title if row.step else f"task {row.child_id}"
            out.line(f"{' ' * CELLS_BEFORE_HEADING}{indent}SUB", out.safe(name), *hints)
            return
        entry = node.entry
        questions = self._answers.get(entry.id)
        if isinstance(entry, Message) and questions is not None:
            out.line(self._clock(node.at), f"{indent}DEC", *self.entries.answer(entry, questions))
            return
        out.line(self._clock(node.at), indent + entry_code(entry), *self.entries.describe(entry), *hints)
        end = self.entries.describe_end(entry, node.seconds)
        if end and entry.id not in self._answered_ids:
            _, ended_at = settlement(entry)
            if isinstance(entry, ToolCall):
                ended_at = entry.finished_at
            out.line(self._clock(ended_at), f"{indent}{' ' * CODE_CHARS}", *end)

    def _clock(self, at: datetime | None) -> Cell:
        """Return the cell of a time of day; blank for one that is not known, for which the year 1 may stand."""
        if at is None or at.year <= 1:
            return Cell(" " * CLOCK_CHARS)
        if self._out.time != "utc":
            at = at.astimezone(None)
        return Cell(at.strftime("%H:%M:%S"), FAINT)


def row_json(row: TreeRow, answers: Mapping[str, Questions]) -> dict[str, Any]:
    """Return a row of the tree as JSON in the documented shape."""
    fields: dict[str, Any] = {"kind": "entry", "task_id": row.task_id, "depth": row.depth}
    if row.node is not None:
        fields |= entry_json(row.node.entry) | {"seconds": row.node.seconds}
        if row.node.entry.id in answers:
            fields["answer_to"] = answers[row.node.entry.id].id
    if row.child_id:
        fields["child_id"] = row.child_id
    return fields
