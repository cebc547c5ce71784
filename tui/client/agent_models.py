"""Pydantic models of an agent's record by an allow-list.

A record may hold keys, tokens, headers and connection strings, in fields that are known and in fields that are not.
These models keep the fields that they name, and nothing else of the object: not in `raw` either. Of what may be a
secret they keep whether it is there; of an address only its host, because paths and queries of MCP servers and
webhooks often are a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AliasChoices, AliasPath, BeforeValidator, ConfigDict, Field, model_validator

from tui.client.endpoints import url_parts
from tui.client.json_values import items_of, object_of, text_of
from tui.client.wire_model import Items, Moment, Nested, Number, WireModel

HIDDEN_PATH = "/…"
"""Stands for the path and the query of an address."""
NOTIFICATION_CHANNELS = ("email", "slack", "webhook")
MAX_PARALLEL_DEPTH = 5
"""How deep nodes that run in parallel are looked for."""
_PROGRAM_NAME = re.compile(r"[\w.+-]{1,60}", re.ASCII)


def plain_text_of(value: object) -> str | None:
    """Return a text or a number as a text; None for all else, so that no object comes along as its JSON."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return text_of(value)


def _plain_texts_of(value: object) -> tuple[str, ...]:
    return tuple(text for text in map(plain_text_of, items_of(value)) if text)


def _true_or_false(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _scalar_of(value: object) -> str | float | bool | None:
    return value if isinstance(value, str | int | float) else None


def origin_of(value: object) -> str | None:
    """Return the scheme, host and port of an address; a mark stands for all that follows."""
    parts = url_parts(value.strip() if isinstance(value, str) else "")
    if not parts.scheme or not parts.hostname:
        return None
    origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if parts.path.strip("/") or parts.query or parts.fragment:
        return f"{origin}{HIDDEN_PATH}"
    return origin


def program_of(value: object) -> str | None:
    """Return the name of a command's program, without its folder and its arguments."""
    words = value.split(maxsplit=1) if isinstance(value, str) else []
    names = (word.rpartition("/")[2] for word in words[:1])
    return next(filter(_PROGRAM_NAME.fullmatch, names), None)


def _is_present(value: object) -> bool:
    return value not in (None, "", False, {}, [])


def _size_of(value: object) -> int:
    if isinstance(value, dict | list):
        return len(value)
    return int(_is_present(value))


def _channels_of(value: object) -> dict[str, int]:
    """Return how many notifications each channel has."""
    channels = object_of(value)
    sizes = {name: _size_of(channels.get(name)) for name in NOTIFICATION_CHANNELS}
    return {name: size for name, size in sizes.items() if size}


PlainText = Annotated[str | None, BeforeValidator(plain_text_of)]
PlainTexts = Annotated[tuple[str, ...], BeforeValidator(_plain_texts_of)]
Choice = Annotated[bool | None, BeforeValidator(_true_or_false)]
"""A setting that is on or off; None where the record does not tell."""
Scalar = Annotated[str | int | float | bool | None, BeforeValidator(_scalar_of)]
Origin = Annotated[str | None, BeforeValidator(origin_of)]
Program = Annotated[str | None, BeforeValidator(program_of)]
IsPresent = Annotated[bool, BeforeValidator(_is_present)]
Size = Annotated[int, BeforeValidator(_size_of)]
Channels = Annotated[dict[str, int], BeforeValidator(_channels_of)]


class AllowListModel(WireModel):
    """A model that keeps the fields it names, and nothing else of the object."""

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="after")
    def _drop_all_else(self) -> AllowListModel:
        self._raw = self.model_dump(mode="json")
        return self


class ApprovalRule(AllowListModel):
    """The rule that a person must approve an item of the graph."""

    enabled: Choice = None
    title: PlainText = None
    description: PlainText = None
    user_ids: PlainTexts = Field((), validation_alias=AliasPath("approvers", "user_ids"))
    group_ids: PlainTexts = Field((), validation_alias=AliasPath("approvers", "group_ids"))
    timeout_seconds: Number = None
    on_deny: PlainText = None
    channels: PlainTexts = ()
    tool_names: PlainTexts = ()
    approve_once_per_run: Choice = None


class McpServer(AllowListModel):
    """The settings of an MCP server."""

    id: PlainText = None
    type: PlainText = None
    name: PlainText = None
    program: Program = Field(None, validation_alias="command")
    origin: Origin = Field(None, validation_alias="url")
    transport: PlainText = None
    auth_type: PlainText = None
    allowed_tools: PlainTexts = ()
    additional_scopes: PlainTexts = ()
    share_user_token_across_other_agents: Choice = None
    use_secrets_manager: Choice = None
    has_api_key: IsPresent = Field(False, validation_alias="api_key")
    has_client_secret: IsPresent = Field(False, validation_alias="client_secret")
    has_auth: IsPresent = Field(False, validation_alias="auth")
    header_count: Size = Field(0, validation_alias="headers")
    variable_count: Size = Field(0, validation_alias="env_vars")


class GraphItemDetails(AllowListModel):
    """The settings of an item of the graph."""

    instructions: PlainText = None
    description: PlainText = None
    approval: Nested[ApprovalRule] = Field(None, validation_alias="hitl_options")
    mcp: Nested[McpServer] = Field(None, validation_alias="mcp_settings")
    remote_agent: Origin = Field(None, validation_alias=AliasPath("a2a_options", "url"))
    coding_agent: PlainText = Field(None, validation_alias=AliasPath("coding_agent_settings", "type"))
    enabled_skills: PlainTexts = Field((), validation_alias=AliasPath("skills_settings", "enabled_skills"))
    has_input_schema: IsPresent = Field(False, validation_alias=AliasPath("schemas", "input"))
    has_output_schema: IsPresent = Field(False, validation_alias=AliasPath("schemas", "output"))


class AgentGraphItem(AllowListModel):
    """An item of an agent's graph: a tool, an MCP server, a sub-agent, a source of tasks, or a wait for a person."""

    id: PlainText = None
    item_id: PlainText = None
    name: PlainText = None
    type: PlainText = None
    sub_type: PlainText = None
    targets: PlainTexts = ()
    is_first: Choice = None
    settings: Nested[GraphItemDetails] = None


class AgentTool(AllowListModel):
    """A tool of an agent."""

    id: PlainText = None
    name: PlainText = None
    method: PlainText = None
    description: PlainText = None
    connector_id: PlainText = None
    operation_id: PlainText = None
    is_local: Choice = None


class Skill(AllowListModel):
    """A skill that an agent has enabled."""

    name: PlainText = None
    version: PlainText = None
    description: PlainText = None


class KnowledgeBase(AllowListModel):
    """A knowledge base of an agent, and whether the agent may write to it."""

    id: PlainText = None
    name: PlainText = None
    rw: Choice = None


class SourceNode(AllowListModel):
    """A source from which an agent gets tasks."""

    id: PlainText = None
    type: PlainText = None


class NodeCondition(AllowListModel):
    """The condition under which a node of a workflow runs, or a repetition ends.

    The value to compare with may be a secret, as that of a webhook; it is not in `raw`, and masked where it is shown.
    """

    type: PlainText = None
    path: PlainText = None
    group_id: PlainText = None
    term: PlainText = Field(None, exclude=True)
    value: Scalar = Field(None, exclude=True)


class Strategy(AllowListModel):
    """A strategy of a node or of an agent's tasks: to try again, to repeat, or to stop."""

    enabled: Choice = None
    max_retries: Number = None
    max_iterations: Number = None
    stop_on_failure: Choice = None
    end_condition: Nested[NodeCondition] = Field(
        None, validation_alias=AliasChoices("end_condition", "stop_on_condition")
    )


class OrchestrationNode(AllowListModel):
    """A node of a workflow, as the agent's record or the workflow's own route tells it."""

    id: PlainText = None
    type: PlainText = None
    name: PlainText = None
    description: PlainText = None
    next_node_ids: PlainTexts = ()
    condition: Nested[NodeCondition] = None
    retry: Nested[Strategy] = Field(None, validation_alias="retry_strategy")
    iteration: Nested[Strategy] = Field(None, validation_alias="iterative_strategy")
    stop: Nested[Strategy] = Field(None, validation_alias="stop_strategy")
    input_type: PlainText = None
    return_this: Choice = None
    definition_type: PlainText = Field(None, validation_alias=AliasPath("definition", "type"))
    asset_id: PlainText = Field(None, validation_alias=AliasChoices("asset_id", AliasPath("definition", "asset_id")))
    connection_id: PlainText = None
    operation_id: PlainText = None
    target_agent_id: PlainText = None
    source_node_id: PlainText = Field(None, validation_alias=AliasPath("definition", "source_node_id"))
    target_node_id: PlainText = Field(None, validation_alias=AliasPath("definition", "target_node_id"))
    when: PlainText = Field(None, validation_alias=AliasPath("definition", "when"))
    max_reschedules: Number = Field(None, validation_alias=AliasPath("definition", "max_reschedules"))
    has_code: IsPresent = Field(False, validation_alias=AliasPath("definition", "code"))


class DuplicationPrevention(AllowListModel):
    """The prevention of tasks that are started twice by the same event."""

    enabled: Choice = None
    ttl_minutes: Number = None


class TaskStrategies(AllowListModel):
    """The strategies and limits of an agent's tasks."""

    retry: Nested[Strategy] = Field(None, validation_alias="retry_strategy")
    iteration: Nested[Strategy] = Field(None, validation_alias="iterative_strategy")
    stop: Nested[Strategy] = Field(None, validation_alias="stop_strategy")
    max_runs_per_day: Number = None
    agentic_context_enabled: Choice = None
    duplication_prevention: Nested[DuplicationPrevention] = None


class Instructions(AllowListModel):
    """The instructions of an agent."""

    role: PlainTexts = ()
    goal: PlainTexts = ()
    general: PlainText = None
    dynamic_prompt_enabled: Choice = None
    dynamic_prompt_position: PlainText = None
    has_dynamic_prompt_code: IsPresent = Field(False, validation_alias="dynamic_prompt_code")

    @classmethod
    def fields_of_value(cls, value: object) -> dict[str, Any]:
        """Return the fields for instructions that are a text and no object."""
        return {"general": value}


class FrameworkSettings(AllowListModel):
    """The settings of the framework that runs an agent."""

    tool_call_limit: Number = None
    max_tool_calls_from_history: Number = None
    num_history_runs: Number = None
    session_storage: Choice = None
    session_summaries: Choice = None
    learning: Choice = None
    coordinate_mode: Choice = None
    reasoning_tools_enabled: Choice = None
    pii_detection_enabled: Choice = None
    pii_detection_mask: Choice = None
    prompt_injection_detection_enabled: Choice = None
    openai_moderation_enabled: Choice = None


class Connectivity(AllowListModel):
    """The connection to an agent that runs elsewhere."""

    agent_origin: Origin = Field(None, validation_alias=AliasChoices("agent_url", "invoke_url"))
    auth_type: PlainText = None
    has_auth_value: IsPresent = Field(False, validation_alias="auth_value")
    has_curl_command: IsPresent = Field(False, validation_alias="curl_command")
    header_count: Size = Field(0, validation_alias="custom_headers")


class AgentRecord(AllowListModel):
    """The record of an agent, without anything that may be a secret."""

    id: PlainText = None
    name: PlainText = None
    unique_name: PlainText = None
    description: PlainText = None
    type: PlainText = None
    status: PlainText = None
    version: PlainText = None
    organization_id: PlainText = None
    environment_id: PlainText = None
    runtime_environment_id: PlainText = None
    origin_template: PlainText = None
    created_at: Moment = None
    created_by: PlainText = None
    framework: PlainText = None
    deployment_type: PlainText = None
    has_pending_changes: Choice = None
    should_stage_before_publish: Choice = None
    # access
    access_scope: PlainText = None
    discoverable: Choice = None
    developer_access: Choice = None
    is_omni: Choice = None
    is_autonomous: Choice = None
    use_agent_gateway: Choice = None
    use_oidc_pre_auth: Choice = None
    pre_auth_audiences: PlainTexts = ()
    source_nodes: Items[SourceNode] = ()
    workspace_tools_enabled: Choice = None
    live_surface_sharing_enabled: Choice = None
    use_dynamic_tools: Choice = None
    # model
    model_provider: PlainText = None
    model_name: PlainText = None
    llm_reasoning_effort: PlainText = None
    llm_origin: Origin = Field(None, validation_alias="llm_api_base")
    deep_planning: Choice = None
    enforce_deep_planning: Choice = None
    with_auto_context_management: Choice = None
    # instructions and output
    instructions: Nested[Instructions] = None
    expected_output: PlainText = None
    output_format: PlainText = None
    voice_id: PlainText = None
    has_output_schema: IsPresent = Field(False, validation_alias="output_schema")
    # limits
    can_self_schedule: Choice = None
    max_self_schedules: Number = None
    strategies: Nested[TaskStrategies] = Field(None, validation_alias="task_level_strategies")
    framework_settings: Nested[FrameworkSettings] = Field(None, validation_alias="agno_settings")
    # parts
    tools: Items[AgentTool] = ()
    skills: Items[Skill] = ()
    knowledge_bases: Items[KnowledgeBase] = ()
    graph: Items[AgentGraphItem] = ()
    nodes: Items[OrchestrationNode] = Field((), validation_alias="orchestration_nodes")
    on_success: Channels = Field({}, validation_alias=AliasPath("notification_settings", "on_success"))
    on_error: Channels = Field({}, validation_alias=AliasPath("notification_settings", "on_error"))
    connectivity: Nested[Connectivity] = Field(None, validation_alias="connectivity_details")
    # secrets: only that they are there
    has_llm_credentials: IsPresent = Field(False, validation_alias="llm_credentials")
    has_webhook_url: IsPresent = Field(False, validation_alias="webhook_url")
    llm_header_count: Size = Field(0, validation_alias="llm_extra_headers")

    @classmethod
    def from_record(cls, record: dict[str, Any], nodes: object = None) -> AgentRecord:
        """Return the allowed part of an agent's record; `nodes` are those of its workflow where it has none itself."""
        graph = record.get("graph")
        if isinstance(graph, dict):
            graph = graph.get("items")
        nodes = list(_with_parallel_nodes(record.get("orchestration_nodes") or nodes))
        return cls.from_value({**record, "graph": graph, "orchestration_nodes": nodes})


def _with_parallel_nodes(nodes: object, depth: int = 0) -> Iterator[object]:
    """Yield the nodes of a workflow, each followed by those that it runs in parallel."""
    for node in items_of(nodes):
        yield node
        definition = object_of(object_of(node).get("definition"))
        if depth < MAX_PARALLEL_DEPTH:
            yield from _with_parallel_nodes(definition.get("nodes"), depth + 1)
