"""Reads of what an agent's definition says about waits: workflow nodes, approval options, and tool approvals."""

from __future__ import annotations

from tui.client.client import Client
from tui.client.endpoints import Operation
from tui.client.errors import UnexpectedAnswer
from tui.client.json_values import object_of
from tui.client.responses import find_record
from tui.client.workflow_models import AgentDefinition, ToolApproval, WorkflowNode, workflow_nodes_of


async def read_agent_definition(client: Client, agent_id: str) -> AgentDefinition:
    """Read the workflow and the approvals that an agent's record defines; only the controller's is known to."""
    body = await client.read(Operation.AGENT_DEFINITION, agent=agent_id)
    return AgentDefinition.from_record(find_record(body, "agent", agent_id))


async def read_workflow_nodes(client: Client, workflow_id: str) -> tuple[WorkflowNode, ...]:
    """Read the nodes of a workflow, which is an agent as well."""
    body = await client.read(Operation.WORKFLOW_NODES, workflow=workflow_id)
    nodes = workflow_nodes_of(body)
    if nodes is None:
        raise UnexpectedAnswer("the platform's answer is no list of nodes", body=body)
    return nodes


async def read_tool_approval(client: Client, agent_id: str, request_id: str) -> ToolApproval:
    """Read the state of a tool call's approval; raise UnexpectedAnswer if it has no state, or is another's."""
    body = await client.read(Operation.TOOL_APPROVAL, agent=agent_id, request=request_id)
    approval = object_of(body)
    if not isinstance(approval.get("settled"), bool):
        raise UnexpectedAnswer("the platform's answer is no state of an approval", body=body)
    for name in ("request_id", "id"):
        if approval.get(name) not in (None, request_id):
            raise UnexpectedAnswer("the platform answered with another approval", body=body)
    return ToolApproval.from_value(approval)
