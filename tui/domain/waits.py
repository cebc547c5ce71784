"""The wait of a task: for a person or a machine, from its record, its activity log, and its workflow's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.json_values import items_of, object_of, text_of
from tui.client.task_facts import RUNNING_STATUSES, Wait, WaitKind
from tui.client.task_rows import AnyTask

if TYPE_CHECKING:
    from tui.client.models import Agent, ApprovalRequest

FIELDS_OF_BARE_REQUEST = frozenset({"wait_node_id", "approved_by", "rejected_by"})
"""The fields of a request that ask a person for nothing: the workflow's node, and those who decided."""


class WaitSources(Struct, frozen=True):
    """The sources besides the record that tell for what a task waits: the wait in its log, and its agent."""

    logged: Wait | None = None
    agent: Agent | None = None


def wait_of(task: AnyTask, sources: WaitSources) -> Wait | None:
    """Return the wait of a task: from its record, made exact by its log and by its workflow's node."""
    recorded, logged = task.wait, sources.logged
    if recorded is None:
        is_signing_in = logged is not None and logged.kind is WaitKind.SIGN_IN
        return logged if is_signing_in and task.status in RUNNING_STATUSES else None
    asks_person = logged is not None and logged.is_decided_by_person
    if recorded.kind in {WaitKind.UNKNOWN, WaitKind.SCHEDULE} and asks_person:
        return logged
    machine = _machine_at_node(task, recorded, sources.agent)
    if machine and not asks_person:
        until = recorded.until
        if logged and logged.kind is machine:
            until = logged.until
        return Wait(machine, recorded.since, until)
    if recorded.kind is WaitKind.UNKNOWN and logged:
        return logged
    return recorded


def needs_agent(task: AnyTask) -> bool:
    """Return whether only the record of the agent can tell for what a task waits: it stands at a workflow's node."""
    recorded = task.wait
    return recorded is not None and _may_be_machine(task, recorded) and bool(task.node_id)


def needs_log(task: AnyTask) -> bool:
    """Return whether the log of a task is needed to tell for what it waits."""
    recorded = task.wait
    return recorded is not None and (recorded.kind is not WaitKind.APPROVAL or _may_be_machine(task, recorded))


def _may_be_machine(task: AnyTask, recorded: Wait) -> bool:
    """Return whether a wait may be one for a machine: nothing in the record asks a person for something."""
    request = task.hitl_request
    if recorded.kind is WaitKind.APPROVAL and request:
        return _is_bare(request)
    return recorded.kind is WaitKind.UNKNOWN


def _is_bare(request: ApprovalRequest) -> bool:
    """Return whether a request names nothing but the workflow's node, in no field that is known or unknown."""
    told = (value for name, value in request.raw.items() if name not in FIELDS_OF_BARE_REQUEST)
    return all(value is None or value == "" for value in told)


def _machine_at_node(task: AnyTask, recorded: Wait, agent: Agent | None) -> WaitKind | None:
    """Return the machine that the task's node waits for; None unless the agent's record names such a node."""
    if agent is None or not _may_be_machine(task, recorded):
        return None
    node_id = task.node_id
    if not node_id:
        return None
    for value in items_of(agent.raw.get("orchestration_nodes")):
        node = object_of(value)
        if text_of(node.get("id")) != node_id:
            continue
        if node.get("type") == "self_schedule":
            return WaitKind.SCHEDULE
        if node.get("type") == "wait" and object_of(node.get("definition")).get("type") == "webhook":
            return WaitKind.WEBHOOK
    return None
