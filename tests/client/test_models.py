"""Tasks, agents and waits, read from any JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.events import Event
from tui.client.json_codec import dumps
from tui.client.log_entries import parse_entry
from tui.client.models import Agent, ApprovalRequest, Task, WaitKind, decider_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=6),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        *Task.model_fields,
        "type",
        "role",
        "content",
        "tool_name",
        "payload",
        "action",
        "deep_planning",
    ]
)


@given(JSON | st.dictionaries(NAMES, JSON, max_size=12))
def test_any_json_is_a_task_an_agent_an_entry_and_an_event(value: Any) -> None:
    task = Task.from_value(value)
    assert task.id
    task.name.encode()
    assert task.wait is None or task.wait.kind
    assert Agent.from_value(value).id is not None
    assert parse_entry(value).id
    event = Event.from_value(value)
    assert event.type
    _ = event.task, event.entry, event.plan, event.context, event.chunk
    whole = value if isinstance(value, dict) else {"value": value}
    assert task.raw is value or dumps(task.raw) == dumps(whole)


@pytest.mark.parametrize(
    ("task", "kind"),
    [
        ({"status": "paused", "hitl_request": {"wait_node_id": "n"}}, WaitKind.APPROVAL),
        ({"status": "paused", "hitl_request": {"content": "x", "approved_by": "Dana"}}, WaitKind.UNKNOWN),
        ({"status": "executing", "hitl_request": {"wait_node_id": "n"}}, None),
        ({"status": "executing", "pending_eca_request": {"connector_name": "Gmail"}}, WaitKind.SIGN_IN),
        ({"status": "paused", "deep_planning": {"question_raised": True}}, WaitKind.QUESTION),
        ({"status": "paused"}, WaitKind.UNKNOWN),
        ({"status": "completed", "hitl_request": {"wait_node_id": "n"}}, None),
    ],
)
def test_a_task_has_the_kind_of_its_wait(task: dict[str, Any], kind: WaitKind | None) -> None:
    wait = Task.from_value({"id": "t", **task}).wait
    assert (wait.kind if wait else None) == kind


@pytest.mark.parametrize(
    "nobody", [False, 0, [], {}, "", " ", "false", "null", "None", "0", {"at": 5}, {"name": ""}, [0]]
)
def test_odd_values_name_no_decider(nobody: Any) -> None:
    assert decider_of(nobody) is None
    assert ApprovalRequest.from_value({"approved_by": nobody, "rejected_by": nobody}).decided_by is None


@pytest.mark.parametrize(
    ("told", "who"),
    [("Dana", "Dana"), (7, "7"), ({"id": "u", "name": "Dana"}, "Dana"), (["Dana", {"email": "k@x"}], "Dana, k@x")],
)
def test_the_decider_is_read_in_each_form(told: Any, who: str) -> None:
    assert decider_of(told) == who
