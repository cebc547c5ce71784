"""The rows of a task's tree: its entries, with the logs of sub-tasks below the entries that started them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from tui.client.json_values import EPOCH
from tui.client.log_entries import Decision, Delegation, ToolCall
from tui.client.models import PlanStep
from tui.client.task_rows import AnyTask
from tui.domain.activity_log import Activity
from tui.domain.activity_nodes import Node

NO_DECISIONS: Mapping[str, Node] = {}


class TreeRow(NamedTuple):
    """A row of the tree at its depth: a node, a plan step, or a sub-task without a known trigger."""

    depth: int
    task_id: str
    node: Node | None = None
    step: PlanStep | None = None
    child_id: str | None = None
    is_known: bool = False
    """The sub-task is in the tree already, so its log is not repeated here."""


class SearchHit(NamedTuple):
    """A hit of a search: the key of the row, and the sub-tasks that must be unfolded to see it."""

    key: str
    hidden_by: tuple[str, ...]


def is_failed_call(row: TreeRow) -> bool:
    """Return whether a row is a tool call that has failed."""
    return row.node is not None and isinstance(row.node.entry, ToolCall) and row.node.entry.is_error


def match_triggers(activity: Activity, children: Iterable[AnyTask]) -> dict[str, str]:
    """Match triggers with the sub-tasks they started: return the sub-task ids by entry id.

    A trigger starts the sub-task that it names, else the first unmatched one of its agent created after it.
    """
    nodes = activity.nodes
    unmatched = {child.id: child for child in sorted(children, key=lambda task: (_creation_time(task), task.id))}
    if unmatched:
        triggers = list(filter(_is_trigger, nodes.of_kind(Delegation, Decision)))
    else:
        triggers = list(nodes.with_started_task())
    matches: dict[str, str] = {}
    for node in triggers:
        if child_id := node.entry.started_task_id:
            unmatched.pop(child_id, None)
            matches[node.entry.id] = child_id
    for node in reversed(triggers):
        if node.entry.id in matches:
            continue
        agent_id = node.entry.agent_id
        for child in unmatched.values():
            if child.agent_id == agent_id and _creation_time(child) >= node.at:
                matches[node.entry.id] = child.id
                del unmatched[child.id]
                break
    return matches


def _creation_time(task: AnyTask) -> datetime:
    return task.created_at or EPOCH


def _is_trigger(node: Node) -> bool:
    return isinstance(node.entry, Delegation) or bool(node.entry.started_task_id)


def walk_tree(
    activities: Mapping[str, Activity],
    children: Mapping[str, tuple[AnyTask, ...]],
    root: str,
    *,
    by_plan: bool = False,
    decisions: Mapping[str, Node] = NO_DECISIONS,
) -> Iterator[TreeRow]:
    """Walk the tree and yield its rows: each sub-task's log is below its trigger, and only once.

    `decisions` has nodes that are in no log, by the ids of their tasks.
    """

    def rows_of(task_id: str, depth: int) -> Iterator[TreeRow]:
        activity = activities.get(task_id, Activity(task_id))
        return _task_rows(activity, children.get(task_id, ()), depth, by_plan, decisions.get(task_id))

    walked = {root}
    stack = [rows_of(root, 0)]
    while stack:
        row = next(stack[-1], None)
        if row is None:
            stack.pop()
        elif row.child_id is None:
            yield row
        elif row.child_id in walked:
            yield row._replace(is_known=True)
        else:
            yield row
            walked.add(row.child_id)
            stack.append(rows_of(row.child_id, row.depth + 1))


def _task_rows(
    activity: Activity, children: tuple[AnyTask, ...], depth: int, by_plan: bool, decision: Node | None
) -> Iterator[TreeRow]:
    started = match_triggers(activity, children)
    steps = activity.plan.steps if by_plan and activity.plan else ()
    step_ids = {step.id for step in steps}
    for step in (None, *steps):
        step_id, node_depth = None, depth
        if step is not None:
            step_id, node_depth = step.id, depth + 1
            yield TreeRow(depth, activity.task_id, step=step)
        nodes = activity.nodes if step is not None else _with_decision(activity.nodes, decision)
        for node in nodes:
            node_step_id = node.entry.plan_task_id if node.entry.plan_task_id in step_ids else None
            if node_step_id == step_id:
                yield TreeRow(node_depth, activity.task_id, node, child_id=started.get(node.entry.id))
    for child_id in sorted({child.id for child in children} - set(started.values())):
        yield TreeRow(depth, activity.task_id, child_id=child_id)


def _with_decision(nodes: Iterable[Node], decision: Node | None) -> Iterator[Node]:
    """Yield the nodes with a decision at its time; one without a time comes last."""
    for node in nodes:
        if decision is not None and EPOCH < decision.at < node.at:
            yield decision
            decision = None
        yield node
    if decision is not None:
        yield decision
