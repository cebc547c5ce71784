"""Loads the review of a task: everything that a person must see before deciding.

The models of workflows are imported when they are read, so that the first frame does not wait for pydantic.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.client.endpoints import BadAddress, Operation
from tui.client.errors import ApiError, NotFound, NotSupported
from tui.domain.review import ReviewSnapshot, review_of
from tui.domain.wait_details import WaitDetails, find_node, find_options

if TYPE_CHECKING:
    from tui.client.workflow_models import AgentDefinition, HitlOptions, WorkflowNode

READ_ERRORS = (ApiError, BadAddress)
NOT_PROVIDED_ERRORS = (NotFound, NotSupported)
"""Errors that mean that the platform does not provide it: the agent is no workflow, or a surface is not configured."""


async def load_review(client: Client, task_id: str) -> ReviewSnapshot:
    """Load a task's record and then its log, and return the review of both."""
    task = await client.task(task_id)
    log = await client.log(task)
    return review_of(task, log)


async def load_wait_details(client: Client, review: ReviewSnapshot) -> WaitDetails:
    """Load the details of a wait that the review lacks; what cannot be read is said in them, and nothing is raised."""
    if approval_id := review.tool_approval_id:
        return await _load_tool_approval(client, review, approval_id)
    if not review.subject_id:
        return WaitDetails()
    from tui.client.workflow_reads import read_agent_definition, read_workflow_nodes

    node_id, agent_id = review.subject_id, review.task.agent_id
    node: WorkflowNode | None = None
    options: HitlOptions | None = None
    problem = ""
    try:
        definition = await read_agent_definition(client, agent_id)
        node, options = find_node(definition, node_id), find_options(definition, node_id)
    except NOT_PROVIDED_ERRORS:
        pass
    except READ_ERRORS as error:
        problem = str(error)
    if node is None or not node.name:
        try:
            node = _merged_node(node, await read_workflow_nodes(client, agent_id), node_id)
        except NOT_PROVIDED_ERRORS:
            pass
        except READ_ERRORS as error:
            problem = problem or str(error)
    return WaitDetails(node_id, node, options, problem)


def _merged_node(node: WorkflowNode | None, nodes: Sequence[WorkflowNode], node_id: str) -> WorkflowNode | None:
    """Return the node with this id among the workflow's, merged with what the agent's record says about it."""
    from tui.client.workflow_models import WorkflowNode

    found = next((item for item in nodes if item.id == node_id), None)
    if found is None or node is None:
        return found or node
    known = {name: value for name, value in node.raw.items() if value is not None}
    return WorkflowNode.from_value({**found.raw, **known})


async def _load_tool_approval(client: Client, review: ReviewSnapshot, approval_id: str) -> WaitDetails:
    """Load the state of a tool approval, and the options of the tool that is held."""
    from tui.client.workflow_reads import read_agent_definition, read_tool_approval

    agent_id = review.task.agent_id
    url = approval_problem = problem = ""
    approval = None
    try:
        url = client.url_of(Operation.TOOL_APPROVAL, agent=agent_id, request=approval_id)
        approval = await read_tool_approval(client, agent_id, approval_id)
    except READ_ERRORS as error:
        approval_problem = str(error)
    definition: AgentDefinition | None = None
    try:
        definition = await read_agent_definition(client, agent_id)
    except NOT_PROVIDED_ERRORS:
        pass
    except READ_ERRORS as error:
        problem = str(error)
    options = None
    if definition is not None:
        tool_name = approval.tool_name if approval else None
        options = find_options(definition, tool_name, *review.tool_names)
    return WaitDetails(
        approval_id,
        options=options,
        node_problem=problem,
        approval=approval,
        approval_problem=approval_problem,
        approval_url=url,
    )
