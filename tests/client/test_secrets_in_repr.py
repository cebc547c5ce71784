"""The reprs of models and events, as a traceback shows them, contain no values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rich.pretty import pretty_repr

from tui.client.events import Event
from tui.client.log_entries import parse_entry
from tui.client.models import Agent, Plan, Task
from tui.client.task_rows import TaskRow

SECRET = "a secret of the platform"
TOLD = {"id": "t1", "tool_name": SECRET, "title": SECRET, "name": SECRET, "data": {"x": SECRET}, "tasks": [SECRET]}


@pytest.mark.parametrize(
    "thing",
    [
        Task.from_value(TOLD),
        Agent.from_value(TOLD),
        Plan.from_value(TOLD),
        parse_entry(TOLD),
        TaskRow.from_value(TOLD),
        TaskRow.from_json(json.dumps(TOLD).encode()),
        Event.from_value({**TOLD, "type": "think"}),
        Event.from_sse(json.dumps({**TOLD, "type": "think"})),
        Event.from_sse(json.dumps({**TOLD, "type": "think"})).entry,
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_a_repr_contains_no_values(thing: Any) -> None:
    assert type(thing).__name__ in repr(thing)
    for text in (repr(thing), str(thing), f"{thing}", f"{[thing]}", pretty_repr(thing)):
        assert SECRET not in text
