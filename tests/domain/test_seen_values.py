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


def test_a_value_that_cannot_be_written_as_it_is_or_is_masked_is_not_offered() -> None:
    redactor = Redactor(["sk-secret-of-mine-123456"])
    values = SeenValues(redactor)
    values.collect(State().after([seen(row("a", status="two\nlines"), row("b", status="sk-secret-of-mine-123456"))]))
    assert list(values.values("status")) == []
