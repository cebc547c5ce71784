"""Data that is valid by the vendor's schemas is read whole and as its kind."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import cases
from tui.client.events import Event
from tui.client.json_codec import dumps, loads
from tui.client.log_entries import parse_entry
from tui.client.models import Agent, Task
from tui.client.task_rows import page_of

SDK = cases("sdk-schemas")["schemas"]
REST = cases("openapi-2026-01")
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12)
RELAXED = settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
KINDS = {
    "Message": "message",
    "ToolCall": "tool",
    "Reasoning": "reasoning",
    "SubAgentTrigger": "sub-agent",
    "Auth": "sign-in",
    "GatewayCreateExecution": "sub-agent",
    "GatewayAskExecution": "decision",
    "GatewayStopExecution": "decision",
    "GatewayContinueExecution": "decision",
    "GatewayGetExecutionsResult": "decision",
}


def valid(schema: Any, root: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    """Generate values that are valid by a JSON Schema of the vendor."""
    match schema:
        case {"$ref": str(path)}:
            place = root
            for part in path.removeprefix("#/").split("/"):
                place = place[part]
            return st.deferred(lambda: valid(place, root, depth + 1))
        case {"anyOf": list(choices)} | {"oneOf": list(choices)}:
            return st.one_of([valid(choice, root, depth) for choice in (choices if depth < 4 else choices[-1:])])
        case {"allOf": [only]}:
            return valid(only, root, depth)
        case {"const": value}:
            return st.just(value)
        case {"enum": list(values)}:
            return st.sampled_from(values)
        case {"type": "object", "properties": dict(fields)}:
            must = {*schema.get("required", ()), *(name for name, item in fields.items() if "const" in item)}
            told = {name: valid(item, root, depth + 1) for name, item in fields.items()}
            needed = {name: told.pop(name) for name in sorted(must)}
            return st.fixed_dictionaries(needed, optional=told)
        case {"type": "object"}:
            return st.dictionaries(st.text(max_size=8), SCALARS, max_size=3)
        case {"type": "array"}:
            return st.lists(valid(schema.get("items", {}), root, depth + 1), max_size=3)
        case {"type": "string", "format": "date-time"}:
            return st.datetimes(timezones=st.just(UTC)).map(lambda when: when.isoformat().replace("+00:00", "Z"))
        case {"type": "string"}:
            return st.text(max_size=20)
        case {"type": "integer"}:
            return st.integers(-(2**53), 2**53)
        case {"type": "number"}:
            return st.floats(allow_nan=False, allow_infinity=False)
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case _:
            return SCALARS


@cache
def rest(name: str) -> st.SearchStrategy[Any]:
    """Generate values of a schema of the public API."""
    return valid(REST["components"]["schemas"][name], REST)


@cache
def sdk(name: str) -> st.SearchStrategy[Any]:
    """Generate values of a model of the SDK."""
    return valid(SDK[name], SDK[name])


@pytest.mark.parametrize("source", ["rest row", "rest record", "sdk row", "sdk record"])
@RELAXED
@given(data=st.data())
def test_a_valid_task_keeps_its_values(source: str, data: st.DataObject) -> None:
    told = data.draw(
        {
            "rest row": rest("TasksListItem"),
            "rest record": rest("AgentExecution"),
            "sdk row": sdk("TasksListItem"),
            "sdk record": sdk("Task"),
        }[source]
    )
    task = Task.from_value(loads(dumps(told)))
    assert task.id == told["id"] or not told["id"].strip()
    assert (task.agent_id, task.organization_id) == (told["agent_id"], told["organization_id"])
    assert task.status == (told.get("status") or "")
    assert (task.parent_id or None) == (told.get("parent_task_id") or told.get("parent_execution") or None)
    assert task.raw == told
    assert task.is_full == ("record" in source)
    assert bool(task.plan) == bool(told.get("deep_planning"))
    assert len(task.sub_executions) == len([item for item in told.get("sub_executions") or [] if item])


@pytest.mark.parametrize("source", ["rest", "sdk"])
@RELAXED
@given(data=st.data())
def test_a_valid_agent_keeps_its_values(source: str, data: st.DataObject) -> None:
    told = data.draw(rest("MinimalAIAgent") if source == "rest" else sdk("AgentsListItem"))
    agent = Agent.from_value(loads(dumps(told)))
    assert (agent.name, agent.organization_id) == (told["name"], told["organization_id"])
    assert agent.id == told.get("id") or not (told.get("id") or "").strip()
    assert agent.raw == told


@RELAXED
@given(rest("PaginatedResponse_TasksListItem_"))
def test_a_valid_page_keeps_every_row(told: Any) -> None:
    page = page_of(loads(dumps(told)), Task.from_value, 1)
    assert [task.raw for task in page.items] == told["items"]


@pytest.mark.parametrize("name", KINDS)
@RELAXED
@given(data=st.data())
def test_a_valid_entry_has_its_kind(name: str, data: st.DataObject) -> None:
    told = data.draw(sdk(f"AgentActivityThread{name}"))
    entry = parse_entry(loads(dumps(told)))
    assert entry.kind == KINDS[name]
    assert entry.id == told["id"] or not told["id"].strip()
    assert entry.raw == told


@RELAXED
@given(sdk("TaskUpdateEvent"))
def test_a_valid_event_keeps_its_type_and_data(told: Any) -> None:
    event = Event.from_sse(dumps(told), "7")
    assert event.type == told["type"]
    assert event.raw == told
    _ = event.entry, event.task, event.plan, event.context, event.chunk


@RELAXED
@given(sdk("ToolCallRequest"), sdk("ToolCallResult"))
def test_a_valid_request_is_matched_with_its_result(request: Any, result: Any) -> None:
    request["request_id"] = result["request_id"] = "r1"
    entries = [
        Event.from_value({"type": f"tool_call_{name}", "data": told}).entry
        for name, told in (("request", request), ("result", result))
    ]
    first, second = (set(entry.keys) for entry in entries if entry)
    assert first & second
