"""The page of an agent: the allowed part of its record in sections, the same on the screen and the command line.

A value is None where the platform does not tell it. The items of lists have only the fields that are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.client.agent_models import (
    AgentGraphItem,
    AgentRecord,
    ApprovalRule,
    Connectivity,
    GraphItemDetails,
    KnowledgeBase,
    McpServer,
    OrchestrationNode,
)
from tui.domain.agent_limits import condition_text, iterations, limits_of, retries, stop_reasons, whole

Section = dict[str, Any]
AGENT_ITEM_TYPES = frozenset({"agent", "custom_agent", "coding_agent"})
"""The types of graph items that are agents."""
MCP_ITEM_TYPE = "mcp"
NOT_TOLD = "not provided"
"""The label of the names of what the platform does not tell."""
HEADINGS = {
    "identity": "Identity",
    "access": "Access",
    "model": "Model",
    "mcp_servers": "MCP servers: an id is a key in the file of --user-tokens",
    "sub_agents": "Sub-agents",
    "tools": "Tools",
    "skills": "Skills",
    "knowledge_bases": "Knowledge bases",
    "limits": "Limits",
    "instructions": "Instructions",
    "nodes": "Nodes of the workflow",
    "graph": "Graph",
    "notifications": "Notifications",
    "masked": "Secrets that are present, never shown",
}
"""The heading of each section, in the order of the page."""
SECTIONS_SHOWN_WHOLE = frozenset({"identity", "access", "model", "limits"})
"""Sections in which also what is not provided is shown."""


def agent_sections(agent: AgentRecord, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the sections of an agent's page; `names` are those of other agents by their ids."""
    servers = [(item, item.settings.mcp) for item in agent.graph if item.settings and item.settings.mcp]
    return {
        "identity": _identity(agent),
        "access": _access(agent),
        "model": _model(agent),
        "mcp_servers": [_mcp_server(item, mcp) for item, mcp in servers],
        "sub_agents": sub_agents(agent, names or {}),
        "tools": [_told(tool.raw) for tool in agent.tools],
        "skills": [_told(skill.raw) for skill in agent.skills],
        "knowledge_bases": [_knowledge_base(base) for base in agent.knowledge_bases],
        "limits": limits_of(agent),
        "instructions": _instructions(agent),
        "nodes": [_node(node) for node in agent.nodes],
        "graph": [_graph_item(item) for item in agent.graph],
        "notifications": _told({"on_success": agent.on_success, "on_error": agent.on_error}),
        "masked": _masked_of_agent(agent),
    }


def agent_json(agent: AgentRecord, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return an agent as JSON in the documented shape."""
    return {"kind": "agent", "id": agent.id, "name": agent.name, **agent_sections(agent, names)}


def shown_section(name: str, section: Any) -> Any:
    """Return a section as it is shown to a person: missing values are told where that matters, else left out."""
    if not isinstance(section, dict):
        return section
    if name not in SECTIONS_SHOWN_WHOLE:
        return _told(section)
    told = {label: value for label, value in section.items() if value not in (None, [], {})}
    missing = [label.replace("_", " ") for label in section if label not in told]
    if missing:
        told[NOT_TOLD] = ", ".join(missing)
    return told


def sub_agents(agent: AgentRecord, names: Mapping[str, str]) -> list[Section]:
    """Return the sub-agents of an agent: those of its graph, and those of the nodes of its workflow."""
    found: dict[str, Section] = {}
    for item in agent.graph:
        if item.type in AGENT_ITEM_TYPES and item.item_id:
            details = item.settings or GraphItemDetails()
            found[item.item_id] = _told(
                {
                    "id": item.item_id,
                    "name": names.get(item.item_id) or item.name,
                    "graph_item": item.id,
                    "elsewhere": details.remote_agent,
                    "instructions": details.instructions,
                }
            )
    for node in agent.nodes:
        target = node.target_agent_id
        if not target and "agent" in {node.type, node.definition_type}:
            target = node.asset_id
        if target:
            found.setdefault(target, _told({"id": target, "name": names.get(target), "node": node.id}))
    return list(found.values())


def _knowledge_base(base: KnowledgeBase) -> Section:
    access = "read"
    if base.rw:
        access = "read and write"
    return _told({"id": base.id, "name": base.name, "access": access})


def _told(fields: Mapping[str, Any]) -> Section:
    """Return the fields that are told: not those that are missing, empty or a plain no."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], (), {}, False)}


def _identity(agent: AgentRecord) -> Section:
    created_at = agent.created_at.isoformat().replace("+00:00", "Z") if agent.created_at else None
    elsewhere = agent.connectivity or Connectivity()
    return {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "type": agent.type,
        "status": agent.status,
        "version": agent.version,
        "unpublished_changes": agent.has_pending_changes,
        "staged_before_publish": agent.should_stage_before_publish,
        "organization": agent.organization_id,
        "environment": agent.environment_id,
        "runtime_environment": agent.runtime_environment_id,
        "framework": agent.framework,
        "deployment": agent.deployment_type,
        "elsewhere": elsewhere.agent_origin,
        "unique_name": agent.unique_name,
        "template": agent.origin_template,
        "created_at": created_at,
        "created_by": agent.created_by,
    }


def _access(agent: AgentRecord) -> Section:
    sources = [node.type for node in agent.source_nodes if node.type]
    return {
        "scope": agent.access_scope,
        "discoverable": agent.discoverable,
        "developer_access": agent.developer_access,
        "autonomous": agent.is_autonomous,
        "omni": agent.is_omni,
        "gateway": agent.use_agent_gateway,
        "started_from": list(dict.fromkeys(sources)),
        "oidc_sign_in": agent.use_oidc_pre_auth,
        "oidc_audiences": list(agent.pre_auth_audiences),
        "workspace_tools": agent.workspace_tools_enabled,
        "dynamic_tools": agent.use_dynamic_tools,
        "live_surfaces_shared": agent.live_surface_sharing_enabled,
    }


def _model(agent: AgentRecord) -> Section:
    return {
        "provider": agent.model_provider,
        "name": agent.model_name,
        "reasoning_effort": agent.llm_reasoning_effort,
        "api_host": agent.llm_origin,
        "plans": agent.deep_planning,
        "plan_enforced": agent.enforce_deep_planning,
        "context_managed": agent.with_auto_context_management,
    }


def _instructions(agent: AgentRecord) -> Section:
    instructions = agent.instructions
    output = {
        "expected_output": agent.expected_output,
        "output_format": agent.output_format,
        "output_schema": _presence(agent.has_output_schema),
        "voice": agent.voice_id,
    }
    if instructions is None:
        return output
    prompt = None
    if instructions.has_dynamic_prompt_code or instructions.dynamic_prompt_enabled:
        state = ("off", "on")[bool(instructions.dynamic_prompt_enabled)]
        prompt = f"code, {state}, {instructions.dynamic_prompt_position or 'after'} the instructions"
    return {
        "general": instructions.general,
        "role": list(instructions.role),
        "goal": list(instructions.goal),
        "dynamic_prompt": prompt,
        **output,
    }


def _mcp_server(item: AgentGraphItem, mcp: McpServer) -> Section:
    is_remote = mcp.origin is not None and mcp.type != "local"
    return {
        "id": item.id,
        **_told(
            {
                "name": mcp.name or item.name,
                "registry_id": mcp.id,
                "item_id": item.item_id,
                "server": mcp.origin or mcp.program,
                "type": mcp.type,
                "transport": mcp.transport,
                "sign_in": mcp.auth_type,
                "accepts_tokens": is_remote and item.id is not None,
                "tokens_shared_across_agents": mcp.share_user_token_across_other_agents,
                "scopes": list(mcp.additional_scopes),
                "tools": list(mcp.allowed_tools),
                "approval": _approval((item.settings or GraphItemDetails()).approval),
                "masked": _masked_of_server(mcp),
            }
        ),
    }


def _approval(rule: ApprovalRule | None) -> Section | None:
    if rule is None or rule.enabled is False:
        return None
    return _told({**rule.raw, "timeout_seconds": whole(rule.timeout_seconds), "enabled": rule.enabled})


def _graph_item(item: AgentGraphItem) -> Section:
    details = item.settings
    fields: Section = {
        "id": item.id,
        "item_id": item.item_id,
        "name": item.name,
        "type": item.type,
        "sub_type": item.sub_type,
        "first": item.is_first,
        "targets": list(item.targets),
    }
    if details:
        schemas = {"input": details.has_input_schema, "output": details.has_output_schema}
        fields |= {
            "description": details.description,
            "instructions": details.instructions,
            "approval": _approval(details.approval),
            "server": details.mcp.origin or details.mcp.program if details.mcp else None,
            "skills": list(details.enabled_skills),
            "coding_agent": details.coding_agent,
            "schemas": [name for name, is_there in schemas.items() if is_there],
        }
    return _told(fields)


def _node(node: OrchestrationNode) -> Section:
    return _told(
        {
            "id": node.id,
            "name": node.name,
            "type": node.type,
            "kind": node.definition_type,
            "description": node.description,
            "next": list(node.next_node_ids),
            "condition": condition_text(node.condition) if node.condition else None,
            "asset": node.asset_id,
            "agent": node.target_agent_id,
            "connection": node.connection_id,
            "operation": node.operation_id,
            "same_as_node": node.source_node_id,
            "when": node.when,
            "goes_on_at": node.target_node_id,
            "reschedules_at_most": whole(node.max_reschedules),
            "retries": retries(node.retry),
            "iterations": iterations(node.iteration),
            "stop": stop_reasons(node.stop),
            "input": node.input_type,
            "returns_its_result": node.return_this,
            "code": _presence(node.has_code),
        }
    )


def _masked_of_agent(agent: AgentRecord) -> list[str]:
    elsewhere = agent.connectivity or Connectivity()
    present = [
        (agent.has_llm_credentials, "model credentials"),
        (agent.llm_header_count, _count(agent.llm_header_count, "model header")),
        (agent.has_webhook_url, "webhook address"),
        (elsewhere.has_auth_value, "sign-in of the remote agent"),
        (elsewhere.has_curl_command, "curl command"),
        (elsewhere.header_count, _count(elsewhere.header_count, "header")),
    ]
    servers = [(item, item.settings.mcp) for item in agent.graph if item.settings and item.settings.mcp]
    of_servers = [
        f"{part} of MCP server {mcp.name or item.name or mcp.id or ''}".strip()
        for item, mcp in servers
        for part in _masked_of_server(mcp)
    ]
    return [*_present(present), *of_servers]


def _masked_of_server(mcp: McpServer) -> list[str]:
    return _present(
        [
            (mcp.has_api_key, "key"),
            (mcp.has_client_secret, "client secret"),
            (mcp.has_auth, "sign-in values"),
            (mcp.header_count, _count(mcp.header_count, "header")),
            (mcp.variable_count, _count(mcp.variable_count, "environment variable")),
        ]
    )


def _present(parts: Sequence[tuple[object, str]]) -> list[str]:
    return [words for is_there, words in parts if is_there]


def _presence(is_present: bool) -> str | None:
    if is_present:
        return "present"
    return None


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
