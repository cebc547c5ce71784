"""The wait of a task: what the record, the log and the workflow's nodes tell together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.models import Agent, Task
from tui.client.task_facts import Need, Wait, WaitKind
from tui.client.task_rows import TaskRow
from tui.domain.state import AgentsSeen, State, TasksSeen
from tui.domain.waits import WaitSources, needs_agent, needs_log, wait_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
NODES = [
    {"id": "hook", "type": "wait", "definition": {"type": "webhook"}},
    {"id": "person", "type": "wait", "definition": {"type": "hitl"}},
    {"id": "clock", "type": "self_schedule"},
    {"id": "hook", "type": "agent"},
    "no node",
    {"id": 7, "type": ["wait"]},
]
WORKFLOW = Agent.from_value({"id": "w", "orchestration_nodes": NODES})
PAUSED: dict[str, Any] = {"id": "t", "agent_id": "w", "status": "paused", "paused_at": NOW.isoformat()}


def kind_of(logged: Wait | None = None, agent: Agent | None = WORKFLOW, **fields: Any) -> WaitKind | None:
    """Return the kind of the wait of a paused task, the same for a row and a record."""
    sources = WaitSources(logged, agent)
    waits = [wait_of(task, sources) for task in (TaskRow.from_value(PAUSED | fields), Task.from_value(PAUSED | fields))]
    assert waits[0] == waits[1]
    return waits[0].kind if waits[0] else None


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"last_executed_node_id": "hook"}, WaitKind.WEBHOOK),
        ({"last_executed_node_id": "clock"}, WaitKind.SCHEDULE),
        ({"last_executed_node_id": "person"}, WaitKind.UNKNOWN),
        ({"last_executed_node_id": "nowhere"}, WaitKind.UNKNOWN),
        ({"last_executed_node_id": 7}, WaitKind.UNKNOWN),
        ({"hitl_request": {"wait_node_id": "hook"}}, WaitKind.WEBHOOK),
        ({"hitl_request": {"wait_node_id": "person"}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "title": "Pay?"}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "content": "{}"}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "message": "Pay 1M?"}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "content": 0}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "content": False}}, WaitKind.APPROVAL),
        ({"hitl_request": {"wait_node_id": "hook", "content": {}}}, WaitKind.APPROVAL),
        (
            {"hitl_request": {"wait_node_id": "hook", "title": "", "content": None, "approved_by": None}},
            WaitKind.WEBHOOK,
        ),
        ({"process": {"state": "asleep", "wake": LATER.isoformat()}}, WaitKind.SCHEDULE),
        ({"process": {"wake": {"run_at": LATER.isoformat()}}}, WaitKind.SCHEDULE),
        ({"process": {"wake": "tomorrow, perhaps"}}, WaitKind.UNKNOWN),
        ({"process": {"wake": True}}, WaitKind.UNKNOWN),
        ({"process": {"wake": (NOW - timedelta(hours=1)).isoformat()}}, WaitKind.UNKNOWN),
        ({"process": "asleep"}, WaitKind.UNKNOWN),
        ({"status": "executing", "last_executed_node_id": "hook"}, None),
        ({"status": "completed", "last_executed_node_id": "hook"}, None),
    ],
)
def test_the_record_and_its_workflow_tell_for_what_a_task_waits(fields: dict[str, Any], kind: WaitKind | None) -> None:
    assert kind_of(**fields) is kind


@pytest.mark.parametrize("kind", [kind for kind in WaitKind if Wait(kind, NOW).is_decided_by_person])
def test_a_machine_never_hides_what_is_asked_of_a_person(kind: WaitKind) -> None:
    logged = Wait(kind, NOW)
    for fields in ({"last_executed_node_id": "hook"}, {"process": {"wake": LATER.isoformat()}}):
        assert kind_of(logged, **fields) is kind
    assert kind_of(logged, hitl_request={"wait_node_id": "hook"}) is WaitKind.APPROVAL


def test_a_wait_of_unknown_kind_in_the_log_hides_no_machine() -> None:
    logged = Wait(WaitKind.UNKNOWN, NOW)
    assert kind_of(logged, last_executed_node_id="hook") is WaitKind.WEBHOOK
    assert kind_of(logged, process={"wake": LATER.isoformat()}) is WaitKind.SCHEDULE
    assert kind_of(agent=None, last_executed_node_id="hook") is WaitKind.UNKNOWN


def test_the_time_of_a_schedule_comes_from_the_log_or_the_process() -> None:
    node = Task.from_value({**PAUSED, "last_executed_node_id": "clock"})
    logged = Wait(WaitKind.SCHEDULE, NOW, LATER)
    assert wait_of(node, WaitSources(logged, WORKFLOW)) == Wait(WaitKind.SCHEDULE, NOW, LATER)
    assert wait_of(node, WaitSources(None, WORKFLOW)) == Wait(WaitKind.SCHEDULE, NOW, None)
    asleep = Task.from_value({**PAUSED, "process": {"wake": LATER.isoformat()}})
    assert wait_of(asleep, WaitSources()) == Wait(WaitKind.SCHEDULE, NOW, LATER)


def test_more_is_read_only_where_the_record_does_not_tell() -> None:
    told = Task.from_value({**PAUSED, "hitl_request": {"title": "Pay?"}})
    bare = Task.from_value({**PAUSED, "hitl_request": {"wait_node_id": "hook"}})
    silent = Task.from_value(PAUSED)
    assert [(needs_agent(task), needs_log(task)) for task in (told, bare, silent)] == [
        (False, False),
        (True, True),
        (False, True),
    ]


def test_a_task_that_waits_for_a_machine_needs_no_person() -> None:
    child = {**PAUSED, "id": "child", "parent_task_id": "t"}
    rows = [TaskRow.from_value({**PAUSED, "last_executed_node_id": "hook"}), TaskRow.from_value(child)]
    state = State().after([AgentsSeen((WORKFLOW,), NOW), TasksSeen(tuple(rows), NOW)])
    wait = state.wait("t")
    assert wait
    assert (wait.kind, wait.kind.need) == (WaitKind.WEBHOOK, Need.MACHINE)
    assert not state.needs_person("t")
    assert list(state.waiting_below("t")) == ["child"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "wake", "run_at"]), inner)
    ),
    max_leaves=6,
)


@given(JSON, JSON, JSON, JSON)
def test_any_json_has_a_wait_or_none(process: Any, request: Any, node: Any, nodes: Any) -> None:
    fields = {"process": process, "hitl_request": request, "last_executed_node_id": node}
    agent = Agent.from_value({"id": "w", "orchestration_nodes": nodes})
    kind_of(agent=agent, **fields)
    kind_of(agent=agent, status=node, **fields)
