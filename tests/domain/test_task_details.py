"""The details of a task: any record is shown whole but for its secrets, which are counted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.task_details import ATTRIBUTES, Detail, Form, TaskDetails, details_of, shown_value
from tui.domain.tool_use import ToolUse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [attribute.path.partition(".")[0] for attributes in ATTRIBUTES.values() for attribute in attributes]
RECORDS = st.dictionaries(st.sampled_from([*PATHS, "unknown", "user_tokens"]), JSON, max_size=8)


def values_of(details: TaskDetails) -> dict[str, Any]:
    return {detail.name: detail.value for group in details.groups for detail in group.details}


@given(RECORDS)
def test_any_record_has_details_and_each_can_be_written(record: dict[str, Any]) -> None:
    details = details_of(record)
    for group in details.groups:
        for detail in group.details:
            shown_value(detail, datetime.isoformat)
    assert details.as_json()["secrets"].keys() == details.secrets.keys()


def test_secrets_are_counted_and_their_values_are_left_out() -> None:
    record = {
        "user_tokens": {"mail": "s3cret-1", "drive": {"token": "s3cret-2"}, "none": ""},
        "user_oidc_token": "s3cret-3",
        "payload_extension": {"sso_fetch_key": "s3cret-4", "region": "eu"},
        "mcp_servers": [{"name": "mail", "headers": {"a": "s3cret-5", "b": "s3cret-6"}, "auth_type": "oauth2"}],
        "unknown": {"deep": [{"api_key": "s3cret-7"}]},
    }
    details = details_of(record)
    assert details.secrets == {
        "user_tokens": 2,
        "user_oidc_token": 1,
        "payload_extension.sso_fetch_key": 1,
        "mcp_servers.headers": 2,
        "unknown.deep.api_key": 1,
    }
    assert details.secret_lines[0] == "user_tokens: 2, masked"
    assert "s3cret" not in str(details.as_json())
    values = values_of(details)
    assert values["payload_extension"] == {"region": "eu"}
    assert values["mcp_servers"] == [{"name": "mail", "sign_in": "oauth2"}]


def test_tokens_of_an_unusual_form_are_secret_too() -> None:
    assert details_of({"user_tokens": [True]}).secrets == {"user_tokens": 1}


def test_an_attribute_of_either_surface_is_shown_once_and_another_value_is_not_lost() -> None:
    values = values_of(details_of({"parent_task_id": "p", "source": "api", "source_node_type": "slack"}))
    assert (values["parent_execution"], values["source"], values["source_node_type"]) == ("p", "api", "slack")


def test_what_is_unknown_or_of_an_unusual_form_is_shown_under_more() -> None:
    details = details_of({"input": "a text", "newest": {"a": 1}, "tokens": {"inner": 3}})
    assert details.groups[-1].name == "more"
    assert values_of(details) == {"input": "a text", "newest": {"a": 1}, "tokens.inner": 3}


def test_plan_queue_time_and_tool_calls_are_derived() -> None:
    record = {
        "created_at": "2026-11-20T10:00:00Z",
        "started_at": "2026-11-20T10:00:07Z",
        "deep_planning": {"tasks": [{"id": "1", "title": "Look", "completed": True}, {"id": "2", "title": "Pay"}]},
    }
    details = details_of(record, {"pay": ToolUse(3, 1)})
    shown = {
        detail.name: shown_value(detail, datetime.isoformat) for group in details.groups for detail in group.details
    }
    assert shown["queue_seconds"] == "7.0s"
    assert shown["plan_can_finish"] is False
    assert shown["deep_planning.tasks"] == ["✓ 1 Look", "· 2 Pay"]
    assert shown["tool_calls"] == ["3× pay, 1 failed"]
    assert "result" in details.not_set


def test_a_time_that_cannot_be_read_is_shown_as_it_is() -> None:
    assert shown_value(Detail("created_at", "created", "soon", Form.TIME), datetime.isoformat) == "soon"


def test_secrets_in_addresses_arguments_and_names_with_dots_are_counted_and_not_told() -> None:
    server = {
        "name": "a",
        "url": "https://mcp.x.y/s/SECRETPATH/mcp",
        "command": "npx x --token hunter2",
        "args": ["hunter2"],
    }
    extension = {"config": {"contents": "hunter2"}, "Webhook": {"URL": "https://hooks.x/SECRETPATH"}}
    told = details_of({"mcp_servers": [server], "payload_extension": extension, "api_key.prod": "hunter2"}, {})
    text = repr(told.groups)
    assert "hunter2" not in text
    assert "SECRETPATH" not in text
    assert "https://mcp.x.y" in text
    assert told.secrets["mcp_servers.args"] == 1


def test_a_field_without_a_name_is_no_other_attribute() -> None:
    (group,) = details_of({"": "odd"}).groups
    assert [detail.name for detail in group.details] == [""]
