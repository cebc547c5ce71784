"""Workflows: the nodes that a scenario defines, as the records of agents and the routes of workflows give them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tui.local.clock import format_time
from tui.local.event_entries import object_of
from tui.local.sqlite_store import Json

NODE_FIELDS = ("id", "type", "name", "next_node_ids", "asset_id", "connection_id", "operation_id", "target_agent_id")
"""Fields of a node that the routes of workflows give; the agent's record has more."""


def orchestration_nodes(nodes: Sequence[Json], whole_nodes: Sequence[Json] = ()) -> list[Json]:
    """Return the nodes of a workflow as the record of its agent has them; whole nodes have that form already."""
    return [*(_orchestration_node(node) for node in nodes if node["type"] != "tool"), *whole_nodes]


def _orchestration_node(node: Json) -> Json:
    approvers = node.get("hitl", {}).get("approvers", {}).get("user_ids", [])
    addresses = [f"{user_id}@example.com" for user_id in approvers]
    notification = {"to": addresses, "subject": node.get("name"), "body": node.get("body")}
    return {
        "id": node["id"],
        "type": node["type"],
        "name": node.get("name"),
        "description": node.get("description"),
        "next_node_ids": node.get("next_node_ids", []),
        "definition": {"type": "hitl", "definition": notification},
    }


def graph_item_of_node(node: Json) -> Json:
    """Return the item of an agent's graph for a node or a tool that waits for approval."""
    kind = "tool" if node["type"] == "tool" else "human_in_the_loop"
    options = {"enabled": True, "title": node.get("name"), **node["hitl"]}
    return {"id": node["id"], "item_id": node["id"], "name": node.get("name"), "type": kind,
            "targets": node.get("next_node_ids", []), "settings": {"hitl_options": options}}  # fmt: skip


def workflow_row(agent: Json) -> Json:
    """Return a workflow as a row of a list."""
    return {name: agent[name] for name in ("id", "name", "description", "status", "organization_id", "created_at")}


def workflow_nodes(agent: Json) -> list[Json]:
    """Return the nodes of the workflow of an agent."""
    return [{name: node.get(name) for name in NODE_FIELDS} for node in agent.get("orchestration_nodes", ())]


def approval_timeout(agent: Json, tool: str) -> float | None:
    """Return the seconds after which the approval of a tool call expires; None if it does not."""
    for item in agent.get("graph", ()):
        options = object_of(object_of(item.get("settings")).get("hitl_options"))
        if options and tool in (item.get("id"), item.get("item_id")):
            seconds: Any = options.get("timeout_seconds")
            return float(seconds) if seconds else None
    return None


def expiry_of(created_at: datetime, seconds: float | None) -> str | None:
    """Return the time at which an approval expires, as the API writes it; None if it does not."""
    if seconds is None:
        return None
    return format_time(created_at + timedelta(seconds=seconds))
