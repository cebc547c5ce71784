"""Pydantic models of what an agent's definition says about waits: workflow nodes, approval options, tool approvals."""

from __future__ import annotations

from typing import Any

from tui.client.json_values import items_of, object_of, text_of
from tui.client.wire_model import Flag, Items, Moment, Name, Nested, Number, Text, Texts, WireModel

_NODE_LISTS = ("items", "nodes")
"""The fields that may hold the nodes, where the platform wraps the list in an object."""


class Approvers(WireModel):
    """The people and the groups that may approve."""

    user_ids: Texts = ()
    group_ids: Texts = ()


class HitlOptions(WireModel):
    """The options of an approval by a person (human in the loop, HITL)."""

    enabled: Flag = False
    title: Text = None
    description: Text = None
    approvers: Nested[Approvers] = None
    timeout_seconds: Number = None
    on_deny: Text = None
    tool_names: Texts = ()


class GraphItemSettings(WireModel):
    """The settings of an item of an agent's graph."""

    hitl_options: Nested[HitlOptions] = None


class GraphItem(WireModel):
    """An item of an agent's graph: a tool, a server of tools, or a node that waits for a person."""

    id: Text = None
    item_id: Text = None
    name: Text = None
    type: Text = None
    settings: Nested[GraphItemSettings] = None

    @property
    def hitl_options(self) -> HitlOptions | None:
        """The options of the approval that the item needs."""
        return self.settings.hitl_options if self.settings else None

    def has_name(self, *names: str | None) -> bool:
        """Return whether the item is known by one of these names, or gates a tool of such a name."""
        own_names = {self.id, self.item_id, self.name}
        if self.hitl_options:
            own_names.update(self.hitl_options.tool_names)
        return any(name in own_names for name in names if name)


class WorkflowNode(WireModel):
    """A node of a workflow."""

    id: Name = ""
    type: Text = None
    name: Text = None
    description: Text = None
    definition: Any = None

    @property
    def text(self) -> str | None:
        """The text of the node: its description, or else the body or the subject of its notification."""
        definition = object_of(self.definition)
        notification = object_of(definition.get("definition"))
        texts = [self.description, *(text_of(notification.get(name)) for name in ("body", "subject"))]
        return next(filter(None, texts), None)


class AgentDefinition(WireModel):
    """The parts of an agent's record that define its workflow and its approvals."""

    id: Name = ""
    nodes: Items[WorkflowNode] = ()
    graph_items: Items[GraphItem] = ()

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> AgentDefinition:
        """Return the definition in an agent's record, whose graph is a list, or an object that holds it."""
        graph = record.get("graph")
        if isinstance(graph, dict):
            graph = graph.get("items")
        return cls.from_value(
            {
                "id": record.get("id"),
                "nodes": record.get("orchestration_nodes"),
                "graph_items": graph,
            }
        )


class ToolApproval(WireModel):
    """The state of the approval that a held tool call waits for."""

    settled: Any = None
    approved: Any = None
    status: Text = None
    tool_name: Text = None
    decided_by_name: Text = None
    decision_note: Text = None
    created_at: Moment = None
    expires_at: Moment = None


def workflow_nodes_of(body: object) -> tuple[WorkflowNode, ...] | None:
    """Return the nodes in an answer, which is a list or an object with one; None if there is no list in it."""
    nodes = body
    for name in _NODE_LISTS:
        if isinstance(body, dict) and isinstance(body.get(name), list):
            nodes = body[name]
    if not isinstance(nodes, list):
        return None
    return tuple(WorkflowNode.from_value(node) for node in items_of(nodes))
