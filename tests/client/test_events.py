"""Events of a stream, and the entries that they add to the log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.events import Event
from tui.client.log_entries import Compaction, Decision, Entry, Message, Other


@given(st.text(max_size=60))
def test_any_text_is_an_event(text: str) -> None:
    assert Event.from_sse(text).type


@pytest.mark.parametrize(
    ("kind", "data", "entry", "label"),
    [
        ("task_compactization", {"type": "context_summarized"}, Compaction, "context summarized"),
        ("task_compactization", "odd", Compaction, "compaction"),
        ("agent_gateway_decision", {"action": "stop_execution"}, Decision, "stop execution"),
        ("gateway_steer_applied", {"message": {"id": "m", "text": "this way"}}, Message, "this way"),
        ("gateway_steer_applied", {"message": "this way"}, Other, "gateway_steer_applied"),
        ("brand_new", [1], Other, "brand_new"),
    ],
)
def test_an_event_has_the_entry_that_it_adds_to_the_log(kind: str, data: Any, entry: type[Entry], label: str) -> None:
    added = Event.from_value({"type": kind, "data": data, "time": "2026-11-21T12:00:00Z"}).entry
    assert added is not None
    assert (type(added), added.label) == (entry, label)
    assert added.created_at == datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_event_of_another_type_has_no_plan_and_no_context() -> None:
    event = Event.from_value({"type": "chunk", "data": {"percent": 5}})
    assert (event.plan, event.context, event.entry) == (None, None, None)
    status = Event.from_value({"type": "context_status", "data": {"percent": 5, "estimated_tokens": "12"}}).context
    assert status
    assert (status.percent, status.estimated_tokens) == (5.0, 12)
