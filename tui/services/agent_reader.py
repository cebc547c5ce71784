"""Reads the page of an agent: the allowed part of its record, and the nodes of its workflow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.client.endpoints import BadAddress, Operation
from tui.client.errors import ApiError
from tui.client.json_values import items_of
from tui.client.responses import find_record
from tui.client.task_rows import AnyTask
from tui.domain.workflow_nodes import NodeRow, node_rows

if TYPE_CHECKING:
    from tui.client.agent_models import AgentRecord, OrchestrationNode
    from tui.client.log_entries import ToolCall

WORKFLOW_TYPE = "orchestration"
"""The type of an agent that is a workflow."""


async def read_agent_record(client: Client, agent_id: str) -> AgentRecord:
    """Read an agent's record; raise UnexpectedAnswer for that of another agent.

    A workflow whose record has no nodes is read with those of the workflow's own route, where there is one.
    """
    from tui.client.agent_models import AgentRecord

    record = find_record(await client.read(Operation.AGENT_DEFINITION, agent=agent_id), "agent", agent_id)
    nodes: object = None
    if record.get("type") == WORKFLOW_TYPE and not items_of(record.get("orchestration_nodes")):
        nodes = await _read_nodes(client, agent_id)
    return AgentRecord.from_record(record, nodes)


async def read_node_rows(client: Client, task: AnyTask, calls: Iterable[ToolCall] = ()) -> list[NodeRow]:
    """Return a row for each node of a task's workflow; the agent is read only if the task names a node."""
    if not node_rows(task, ()):
        return []
    told = list(calls)
    nodes: Sequence[OrchestrationNode] = ()
    with suppress(ApiError, BadAddress):
        nodes = (await read_agent_record(client, task.agent_id)).nodes
    return node_rows(task, nodes, told)


async def _read_nodes(client: Client, agent_id: str) -> object:
    """Read the nodes of a workflow; None if they cannot be read, so that the rest of the page is shown."""
    from tui.client.workflow_reads import read_workflow_nodes

    try:
        nodes = await read_workflow_nodes(client, agent_id)
    except (ApiError, BadAddress):
        return None
    return [node.raw for node in nodes]
