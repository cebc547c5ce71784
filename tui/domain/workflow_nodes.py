"""The nodes of a workflow as one task has told of them: ran, running or waiting; what is not told is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tui.client.json_values import text_of
from tui.client.task_facts import Status

if TYPE_CHECKING:
    from tui.client.log_entries import ToolCall
    from tui.client.task_rows import AnyTask

WAITING_NODE_TYPES = frozenset({"wait", "self_schedule"})
"""Types of nodes at which a paused task waits, although the record names the node as executed."""
NOT_IN_WORKFLOW = "not in the workflow as it is now"


class WorkflowNodeLike(Protocol):
    """A node of a workflow, of any model that has these fields."""

    @property
    def id(self) -> str | None:
        """The id of the node."""

    @property
    def type(self) -> str | None:
        """The type of the node."""

    @property
    def name(self) -> str | None:
        """The name of the node."""


class NodeState(IntEnum):
    """The state of a node in one task; where several are told, the greatest counts."""

    UNKNOWN = 0
    RAN = 1
    RAN_WITH_ERROR = 2
    BEGAN = 3
    RUNNING = 4
    WAITING = 5

    @property
    def words(self) -> str:
        """The state in words."""
        return _STATE_WORDS[self]


_STATE_WORDS = {
    NodeState.UNKNOWN: "unknown",
    NodeState.RAN: "ran",
    NodeState.RAN_WITH_ERROR: "ran, with an error",
    NodeState.BEGAN: "ran, its end is not told",
    NodeState.RUNNING: "running",
    NodeState.WAITING: "waits",
}


class NodeRow(NamedTuple):
    """A row for a node: its name, and its state, type and id."""

    label: str
    value: str


def node_states(
    task: AnyTask, nodes: Sequence[WorkflowNodeLike], calls: Iterable[ToolCall] = ()
) -> dict[str, NodeState]:
    """Return the states of the nodes that a task's record and its tool calls tell of, by their ids."""
    states: dict[str, NodeState] = {}

    def note(node_id: str | None, state: NodeState) -> None:
        if node_id:
            states[node_id] = max(state, states.get(node_id, NodeState.UNKNOWN))

    for call in calls:
        note(call.graph_node_id, _state_of_call(call, task))
    types = {node.id: node.type for node in nodes}
    is_paused = task.status == Status.PAUSED
    last_id = _last_node_id(task)
    wait_id = task.hitl_request.wait_node_id if task.hitl_request else None
    waits_at_last = is_paused and not wait_id and types.get(last_id) in WAITING_NODE_TYPES
    note(last_id, NodeState.WAITING if waits_at_last else NodeState.RAN)
    if task.hitl_request and task.hitl_request.decided_by:
        note(wait_id, NodeState.RAN)
    elif is_paused:
        note(wait_id, NodeState.WAITING)
    return states


def _last_node_id(task: AnyTask) -> str | None:
    """Return the id of the node that a task has executed last; None for a value that is no id."""
    value = task.raw.get("last_executed_node_id")
    return text_of(value) if isinstance(value, str | int) else None


def _state_of_call(call: ToolCall, task: AnyTask) -> NodeState:
    """Return the state of the node that made a tool call."""
    if call.is_error:
        return NodeState.RAN_WITH_ERROR
    if call.is_finished:
        return NodeState.RAN
    if task.is_final:
        return NodeState.BEGAN
    return NodeState.WAITING if task.status == Status.PAUSED else NodeState.RUNNING


def node_rows(task: AnyTask, nodes: Sequence[WorkflowNodeLike], calls: Iterable[ToolCall] = ()) -> list[NodeRow]:
    """Return a row for each node of a task's workflow; empty for a task that is not of a workflow.

    Nodes that only the task names come last: the workflow may have changed since, or may not be readable.
    """
    states = node_states(task, nodes, calls)
    if not nodes:
        record_ids = {task.node_id, _last_node_id(task)}
        states = {node_id: state for node_id, state in states.items() if node_id in record_ids}
    rows = [_row(node, states.pop(node.id or "", NodeState.UNKNOWN)) for node in nodes]
    note = f"  ·  {NOT_IN_WORKFLOW}" if nodes else ""
    return rows + [NodeRow(node_id, f"{state.words}{note}") for node_id, state in states.items()]


def _row(node: WorkflowNodeLike, state: NodeState) -> NodeRow:
    parts = [state.words, node.type or "", node.id or ""]
    return NodeRow(node.name or node.id or "a node without a name", "  ·  ".join(filter(None, parts)))
