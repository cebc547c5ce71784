"""The page of an agent: what of a record is on it, and that nothing of a secret is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.client.agent_models import AgentRecord
from tui.domain.agent_page import HEADINGS, agent_json, agent_sections, shown_section
from tui.security.redact import is_secret

SECRET = "Zq7SECRETzq7"
HOSTILE_RECORD: dict[str, Any] = {
    "id": "a1",
    "name": "Ledger bot",
    "version": 3,
    "a_field_of_tomorrow": SECRET,
    "description": {"value": SECRET},
    "llm_credentials": {"name": SECRET, "value": SECRET},
    "llm_credentials_key": SECRET,
    "llm_extra_headers": {"X-Team": SECRET},
    "llm_api_base": f"https://user:{SECRET}@models.example.com/{SECRET}?k={SECRET}",
    "webhook_url": f"https://hooks.example.com/{SECRET}",
    "runtime_environment": {"config": [{"contents": SECRET}]},
    "configuration": {"api_key": SECRET},
    "source_nodes": [{"type": "slack", "metadata": {"bot": SECRET}}],
    "notification_settings": {"on_error": {"slack": [{"credentials": {"bot_token": SECRET}}], SECRET: [1]}},
    "instructions": {"general": "Be exact", "dynamic_prompt_code": f"k = '{SECRET}'", "more": SECRET},
    "connectivity_details": {
        "agent_url": f"https://far.example.com/{SECRET}", "curl_command": SECRET, "auth_value": SECRET,
        "custom_headers": {"a": SECRET},
    },
    "output_schema": {"properties": {"a": {"default": SECRET}}},
    "tools": [{"id": "pay", "name": "pay", "path": f"/{SECRET}", "parameters": {"d": SECRET}, "description": [SECRET]}],
    "skills": [{"name": "sums", "contents": SECRET}, SECRET],
    "knowledge_bases": [{"id": "kb1", "rw": True, "uri": SECRET}],
    "graph": [
        {
            "id": "mcp-1", "item_id": "srv-1", "name": "Ledger", "type": "mcp", "extra": SECRET,
            "settings": {
                "schemas": {"input": {"permanentValue": SECRET}},
                "mcp_settings": {
                    "id": "srv-1", "url": f"https://ledger.example.com:8443/s/{SECRET}?key={SECRET}",
                    "api_key": SECRET, "client_secret": SECRET, "client_id": SECRET, "auth": {"a": SECRET},
                    "headers": {"Authorization": SECRET}, "env_vars": {"A": SECRET, "B": SECRET},
                    "auth_type": "oauth2", "sso_token": SECRET, "command": f"TOKEN={SECRET} run",
                },
            },
        },
        {
            "id": "mcp-2", "type": "mcp",
            "settings": {"mcp_settings": {"type": "local", "command": f"/opt/{SECRET}/docs-mcp --key {SECRET}"}},
        },
        {"id": "g3", "item_id": "scout", "type": "agent", "settings": {"a2a_options": {"url": f"wss://x.io/{SECRET}"}}},
    ],
    "orchestration_nodes": [
        {"id": "n1", "type": "code", "definition": {"code": f"key = '{SECRET}'", "settings": {"llm": SECRET}}},
        {"id": "n2", "type": "wait", "definition": {"type": "webhook", "definition": {"url": SECRET, "headers": SECRET}}},
        {"id": "n3", "condition": {"type": "equal", "path": "input.hook_token", "value": SECRET}},
        {"id": "n4", "definition": {"credentials": SECRET, "instructions": {"x": SECRET}}},
    ],
}  # fmt: skip
"""A record with a secret in fields that are known and in fields that are not."""


def test_no_secret_of_a_record_is_on_the_page_or_in_the_model() -> None:
    agent = AgentRecord.from_record(HOSTILE_RECORD)
    assert SECRET not in json.dumps(agent_json(agent))
    assert SECRET not in json.dumps(agent.raw)
    assert SECRET not in str(vars(agent))
    assert SECRET not in str([vars(item.settings) for item in agent.graph])


def test_the_page_says_which_secrets_are_present() -> None:
    masked = agent_sections(AgentRecord.from_record(HOSTILE_RECORD))["masked"]
    assert masked == [
        "model credentials", "1 model header", "webhook address", "sign-in of the remote agent", "curl command",
        "1 header", "key of MCP server Ledger", "client secret of MCP server Ledger",
        "sign-in values of MCP server Ledger", "1 header of MCP server Ledger",
        "2 environment variables of MCP server Ledger",
    ]  # fmt: skip


def test_an_mcp_server_is_shown_with_the_id_that_user_tokens_needs() -> None:
    first, second = agent_sections(AgentRecord.from_record(HOSTILE_RECORD))["mcp_servers"]
    assert (first["id"], first["registry_id"], first["name"]) == ("mcp-1", "srv-1", "Ledger")
    assert (first["server"], first["sign_in"]) == ("https://ledger.example.com:8443/…", "oauth2")
    assert first["accepts_tokens"] is True
    assert (second["server"], second.get("accepts_tokens")) == ("docs-mcp", None)


def _field_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _field_names(item)


def test_no_field_of_the_page_has_a_name_that_would_mask_its_value() -> None:
    names = set(_field_names(agent_json(AgentRecord.from_record(HOSTILE_RECORD))))
    assert {"id", "registry_id", "sign_in", "accepts_tokens"} <= names
    assert [name for name in names if is_secret(name)] == []


def test_the_limits_and_the_nodes_are_told_in_words() -> None:
    node = {
        "id": "pay", "type": "action", "name": "Pay", "next_node_ids": ["end"],
        "condition": {"type": "gt", "path": "input.amount", "value": 500},
        "retry_strategy": {"enabled": True, "max_retries": 2},
        "iterative_strategy": {"enabled": True, "max_iterations": 4, "end_condition": {"type": "contains", "term": "ok"}},
        "stop_strategy": {"enabled": True, "stop_on_failure": True},
        "definition": {"type": "action", "asset_id": "bank"},
    }  # fmt: skip
    strategies = {"max_runs_per_day": 20, "retry_strategy": {"enabled": False, "max_retries": 3}}
    record = {"id": "a", "task_level_strategies": strategies, "agno_settings": {"tool_call_limit": 9}}
    sections = agent_sections(AgentRecord.from_record({**record, "orchestration_nodes": [node]}))
    limits = sections["limits"]
    assert (limits["runs_per_day"], limits["retries"], limits["tool_calls_per_run"]) == (20, None, 9)
    shown = shown_section("limits", limits)
    assert "retries" not in shown
    assert "retries, iterations, stop" in shown["not provided"]
    assert sections["nodes"] == [
        {
            "id": "pay", "name": "Pay", "type": "action", "kind": "action", "next": ["end"],
            "condition": "input.amount gt 500", "asset": "bank", "retries": 2,
            "iterations": "at most 4, until contains ok", "stop": "on failure",
        }
    ]  # fmt: skip


def test_sub_agents_come_from_the_graph_and_from_the_nodes_each_once() -> None:
    nodes = [
        {"id": "n1", "type": "agent", "definition": {"type": "agent", "asset_id": "scout"}},
        {"id": "n2", "type": "node_pointer", "target_agent_id": "reader"},
        {
            "id": "n3",
            "type": "parallel",
            "definition": {"nodes": [{"id": "n4", "type": "agent", "asset_id": "writer"}]},
        },
    ]
    graph = {"items": [{"id": "g1", "item_id": "scout", "type": "agent"}]}
    agent = AgentRecord.from_record({"id": "a", "graph": graph, "orchestration_nodes": nodes})
    found = agent_sections(agent, {"scout": "Scout"})["sub_agents"]
    assert found == [
        {"id": "scout", "name": "Scout", "graph_item": "g1"}, {"id": "reader", "node": "n2"},
        {"id": "writer", "node": "n4"},
    ]  # fmt: skip
    assert [node.id for node in agent.nodes] == ["n1", "n2", "n3", "n4"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from([*AgentRecord.model_fields, *HOSTILE_RECORD])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6))
def test_a_record_of_any_form_has_a_page(record: dict[str, Any]) -> None:
    sections = agent_sections(AgentRecord.from_record(record))
    assert sections.keys() == HEADINGS.keys()
    json.dumps(sections)


@pytest.mark.parametrize("place", ["settings", "mcp_settings"])
def test_parts_of_any_form_have_a_page(place: str) -> None:
    for value in (None, 7, "text", [], [7], {"a": 1}):
        settings_value = value if place == "settings" else {place: value}
        item = {"id": "g", "type": "mcp", "settings": settings_value}
        json.dumps(agent_sections(AgentRecord.from_record({"id": "a", "graph": [item, value]})))


@pytest.mark.parametrize("path", ["headers.x-hook", "input.webhook.url", "$.env[0]", "input.api_key"])
def test_a_value_that_is_compared_with_a_secret_is_masked(path: str) -> None:
    from tui.client.agent_models import NodeCondition
    from tui.domain.agent_limits import condition_text

    condition = NodeCondition.from_value({"path": path, "type": "equals", "value": "hunter2"})
    assert "hunter2" not in condition_text(condition)
