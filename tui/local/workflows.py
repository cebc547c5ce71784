"""Workflows: the nodes that a scenario defines, as the records of agents and the routes of workflows give them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tui.local.clock import format_time
from tui.local.sqlite_store import Json

NODE_FIELDS = ("id", "type", "name", "next_node_ids", "asset_id", "connection_id", "operation_id", "target_agent_id")
"""Fields of a node that the routes of workflows give; the agent's record has more."""


def agent_definition(nodes: Sequence[Json], whole_nodes: Sequence[Json] = ()) -> Json:
    """Return what the record of an agent says about the nodes of its workflow and their approvals.

    Whole nodes have the form of the record already.
    """
    return {
        "orchestration_nodes": [*(_orchestration_node(node) for node in nodes if node["type"] != "tool"), *whole_nodes],
        "graph": [_graph_item(node) for node in nodes if "hitl" in node],
    }


def _orchestration_node(node: Json) -> Json:
    notification = {"subject": node.get("name"), "body": node.get("body")}
    return {
        "id": node["id"],
        "type": node["type"],
        "name": node.get("name"),
        "description": node.get("description"),
        "next_node_ids": node.get("next_node_ids", []),
        "definition": {"type": "hitl", "definition": notification},
    }


def _graph_item(node: Json) -> Json:
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
        if tool in (item.get("id"), item.get("item_id")):
            seconds: Any = item["settings"]["hitl_options"].get("timeout_seconds")
            return float(seconds) if seconds else None
    return None


def expiry_of(created_at: datetime, seconds: float | None) -> str | None:
    """Return the time at which an approval expires, as the API writes it; None if it does not."""
    if seconds is None:
        return None
    return format_time(created_at + timedelta(seconds=seconds))
