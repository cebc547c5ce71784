"""The texts of a task that the text fields of a filter are compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct, field

from tui.client.json_values import items_of, object_of, text_of
from tui.client.task_facts import Wait
from tui.client.task_rows import AnyTask

Texts = tuple[str | None, ...]
KIND_FIELDS = ("execution_kind", "conversation_kind")
KIND_FLAGS: Mapping[str, str] = {"is_orchestration": "workflow", "is_background": "background", "is_gateway": "gateway"}
"""The flags of a task that tell its kind, with the word that `kind:` has for each."""


class FilterContext(Struct, frozen=True):
    """The context that a filter needs besides the task: the time, the agents' names, and the wait of a task."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    agents: Mapping[str, str] = field(default_factory=dict)
    wait_of: Callable[[AnyTask], Wait | None] = lambda task: task.wait
    """Returns the wait of a task; where more is known than its own record, from all of it."""
    asked_internal_status: str | None = None
    """The internal status that the platform was asked for; a row that does not tell its own one has it."""


def _agent_texts(task: AnyTask, context: FilterContext) -> Texts:
    return task.agent_id, context.agents.get(task.agent_id)


def _user_texts(task: AnyTask, context: FilterContext) -> Texts:
    if not (task.input and task.input.user):
        return (task.user_id,)
    return task.user_id, task.input.user.id, task.input.user.email


def _internal_texts(task: AnyTask, context: FilterContext) -> Texts:
    return (text_of(task.raw.get("internal_status", context.asked_internal_status)),)


def _triggering_texts(task: AnyTask, context: FilterContext) -> Texts:
    agent_id = text_of(task.raw.get("triggering_agent_id"))
    return agent_id, context.agents.get(agent_id or "")


def _node_texts(task: AnyTask, context: FilterContext) -> Texts:
    """Return the ids of the node that ran last, and of the one that waits."""
    raw = task.raw
    waiting_node = object_of(raw.get("hitl_request")).get("wait_node_id")
    return text_of(raw.get("last_executed_node_id")), text_of(waiting_node)


def _tool_texts(task: AnyTask, context: FilterContext) -> Texts:
    """Return the names of the tools that the task has used."""
    names: list[str | None] = []
    for tool in items_of(task.raw.get("used_tools")):
        name = tool.get("name") if isinstance(tool, dict) else tool
        names.append(text_of(name))
    return tuple(names)


def _kind_texts(task: AnyTask, context: FilterContext) -> Texts:
    """Return the kinds of the task, and the kind of its wait."""
    raw = task.raw
    kinds = [text_of(raw.get(name)) for name in KIND_FIELDS]
    kinds += [kind for name, kind in KIND_FLAGS.items() if raw.get(name) is True]
    if wait := context.wait_of(task):
        kinds.append(str(wait.kind))
    return tuple(kinds)


TEXT_READERS: Mapping[str, Callable[[AnyTask, FilterContext], Texts]] = {
    "status": lambda task, context: (task.status,),
    "agent": _agent_texts,
    "user": _user_texts,
    "source": lambda task, context: (task.source,),
    "parent": lambda task, context: (task.parent_id,),
    "id": lambda task, context: (task.id, task.id[:8]),
    "title": lambda task, context: (task.title,),
    "result": lambda task, context: (task.result,),
    "internal": _internal_texts,
    "node": _node_texts,
    "version": lambda task, context: (text_of(task.raw.get("agent_version")),),
    "tool": _tool_texts,
    "kind": _kind_texts,
    "triggering": _triggering_texts,
    "": lambda task, context: (task.title, task.id, *_agent_texts(task, context), task.result, task.status),
}
"""The function of each text field that reads the texts of a task; that of bare words has the empty name."""


def task_texts(task: AnyTask, field_name: str, context: FilterContext) -> list[str]:
    """Return the texts of a task that a field is compared with."""
    return [text for text in TEXT_READERS[field_name](task, context) if text]
