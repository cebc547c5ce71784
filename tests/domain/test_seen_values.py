"""SeenValues: the values that completion offers."""

from __future__ import annotations

from tests.domain.task_list_builders import NOW, row, seen
from tui.client.models import Agent
from tui.domain.seen_values import SeenValues
from tui.domain.state import AgentsSeen, State
from tui.security.redact import Redactor


def test_values_are_collected_from_every_step_of_the_state() -> None:
    values = SeenValues(Redactor())
    state = State().after([seen(row("a", status="odd", source="api"))])
    values.collect(state)
    values.collect(state.after([seen(row("b", status="failed"))]))
    assert sorted(values.values("status")) == ["failed", "odd"]
    assert list(values.values("source")) == ["api"]
    assert list(values.values("title")) == []


def test_agents_are_completed_by_name_and_errors_by_true_and_false() -> None:
    values = SeenValues(Redactor())
    values.collect(State().after([AgentsSeen((Agent.from_value({"id": "a", "name": "Ann"}),), NOW)]))
    assert list(values.values("agent")) == ["Ann"]
    assert list(values.values("err")) == ["true", "false"]


def test_what_only_the_json_tells_is_completed_too() -> None:
    values = SeenValues(Redactor())
    tasks = [
        row("a", internal_status="with legal", agent_version=3, used_tools=["mail.send", {"name": "pay"}, None]),
        row("b", execution_kind="resident", is_orchestration=True, last_executed_node_id="n1"),
        row("c", status="paused", hitl_request={"wait_node_id": "n2"}),
    ]
    values.collect(State().after([seen(*tasks)]))
    offered = {field: sorted(values.values(field)) for field in ("internal", "node", "version", "tool", "kind")}
    assert offered == {
        "internal": ["with legal"], "node": ["n1", "n2"], "version": ["3"], "tool": ["mail.send", "pay"],
        "kind": ["approval", "resident", "workflow"],
    }  # fmt: skip


def test_a_value_that_cannot_be_written_as_it_is_or_is_masked_is_not_offered() -> None:
    redactor = Redactor(["sk-secret-of-mine-123456"])
    values = SeenValues(redactor)
    values.collect(State().after([seen(row("a", status="two\nlines"), row("b", status="sk-secret-of-mine-123456"))]))
    assert list(values.values("status")) == []
