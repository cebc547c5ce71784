"""The records of the agents of a local platform, with the fields of both the REST API and the SDK's API.

What a scenario does tells most of its agent: the tools that it calls and the agents that it delegates to are the items
of its graph. MCP servers, limits and the model stand in the scenario's `[agent]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tui.local.data_dir import ORGANIZATION
from tui.local.scenario import Scenario
from tui.local.sqlite_store import Json
from tui.local.workflows import graph_item_of_node, orchestration_nodes

AGENT_DEFAULTS: Json = {
    "status": "ACTIVE",
    "organization_id": ORGANIZATION,
    "type": "manager",
    "framework": "agno",
    "access_scope": "organizational",
    "created_by": None,
    "model_provider": "openai",
    "model_name": "gpt-4.1",
    "llm_reasoning_effort": "medium",
    "llm_api_base": None,
    "deployment_type": "container",
    "using_nemo": False,
    "is_coordinate_mode": False,
    "has_pending_changes": False,
    "environment_id": ORGANIZATION,
    "version": 1,
    "webhook_url": "",
    "knowledge_bases": [],
    "deep_planning": True,
    "enforce_deep_planning": False,
    "can_self_schedule": True,
    "max_self_schedules": 3,
    "is_autonomous": False,
    "discoverable": True,
    "developer_access": True,
    "output_format": "markdown",
    "expected_output": "",
}
"""The fields that all agents of a local platform have in common."""
OWN_FIELDS = (
    "type", "version", "access_scope", "model_provider", "model_name", "llm_reasoning_effort", "deployment_type",
    "expected_output", "output_format", "max_self_schedules", "is_autonomous", "discoverable",
)  # fmt: skip
"""The fields that a scenario's `[agent]` may set instead of the defaults."""
DEFAULT_SOURCES = ("workbench", "sdk")
DEFAULT_LIMITS: Json = {"max_runs_per_day": None, "max_retries": 0, "tool_call_limit": None}


def agent_record(scenario: Scenario, created_at: str) -> Json:
    """Return the record of a scenario's agent."""
    agent = scenario.agent
    own = {name: agent[name] for name in OWN_FIELDS if name in agent}
    instructions = {
        "role": agent.get("role", []),
        "goal": agent.get("goal", []),
        "general": agent.get("general", ""),
    }
    limits = {**DEFAULT_LIMITS, **agent.get("limits", {})}
    return {
        **AGENT_DEFAULTS,
        **own,
        "id": agent["id"],
        "name": agent["name"],
        "icon": agent["icon"],
        "unique_name": agent["id"],
        "description": agent.get("description", ""),
        "instructions": instructions,
        "created_at": created_at,
        "gated_tools": agent.get("gated_tools", []),
        "tools": _tools(scenario),
        "graph": _graph(scenario),
        "source_nodes": [{"id": f"{agent['id']}-{kind}", "type": kind, "targets": []} for kind in _sources(scenario)],
        "orchestration_nodes": orchestration_nodes(scenario.nodes, agent.get("orchestration_nodes", [])),
        "task_level_strategies": _strategies(limits),
        "agno_settings": {
            "session_storage": True,
            "num_history_runs": 50,
            "tool_call_limit": limits["tool_call_limit"],
        },
    }


def _sources(scenario: Scenario) -> Sequence[str]:
    sources: Sequence[str] = scenario.agent.get("sources", DEFAULT_SOURCES)
    return sources


def _strategies(limits: Json) -> Json:
    retries = limits["max_retries"]
    return {
        "retry_strategy": {"enabled": retries > 0, "max_retries": retries},
        "iterative_strategy": {"enabled": False, "max_iterations": 3, "end_condition": None},
        "stop_strategy": {"enabled": False, "stop_on_failure": True, "stop_on_condition": None},
        "max_runs_per_day": limits["max_runs_per_day"],
        "agentic_context_enabled": False,
        "duplication_prevention": None,
    }


def _steps_with(scenario: Scenario, name: str) -> Iterator[Json]:
    """Yield the steps of a scenario that have a key."""
    return (step for step in (*scenario.steps, *scenario.reply) if name in step)


def _tools(scenario: Scenario) -> list[Json]:
    """Return the tools that a scenario calls, each described by the reason of its first call."""
    reasons: dict[str, str] = {}
    for step in _steps_with(scenario, "tool"):
        reasons.setdefault(step["tool"], step.get("why", ""))
    return [_tool(name, reason) for name, reason in reasons.items()]


def _tool(name: str, reason: str) -> Json:
    connector = name.partition(".")[0] if "." in name else None
    return {
        "id": name,
        "name": name,
        "method": "POST",
        "path": f"/tools/{name}",
        "description": reason,
        "parameters": {},
        "connector_id": connector,
        "operation_id": name,
    }


def _graph(scenario: Scenario) -> list[Json]:
    """Return the graph: tools, sub-agents, MCP servers, and the nodes that wait for a person's approval."""
    gates = {node["id"]: node for node in scenario.nodes if "hitl" in node}
    tools = [tool["id"] for tool in _tools(scenario) if tool["id"] not in gates]
    items = [_item(name, name, "tool", sub_type="operation") for name in tools]
    sub_agents = dict.fromkeys(step["delegate"]["agent"] for step in _steps_with(scenario, "delegate"))
    items += [_item(f"agent-{agent_id}", agent_id, "agent") for agent_id in sub_agents]
    items += [_mcp_item(server) for server in scenario.agent.get("mcp_servers", [])]
    items += [graph_item_of_node(node) for node in gates.values()]
    if items:
        items[0]["is_first"] = True
    return items


def _item(item_id: str, target_id: str, kind: str, **more: object) -> Json:
    return {"id": item_id, "item_id": target_id, "name": target_id, "type": kind, "targets": [], "is_first": False,
            "settings": None, **more}  # fmt: skip


def _mcp_item(server: Json) -> Json:
    """Return the item of an MCP server; its id is a key of the tokens that a task may bring for its user."""
    settings = {"type": "remote", "transport": "streamable-http", "headers": {}, "env_vars": {}, **server["settings"]}
    mcp = {**settings, "id": server["registry_id"], "name": server["name"]}
    item = _item(server["id"], server["registry_id"], "mcp", name=server["name"])
    return {**item, "settings": {"mcp_settings": mcp}}
