"""Calls that are joined late: a node that the log has told by then takes no other entry of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tui.client.events import Event
from tui.client.log_entries import Log, parse_entry
from tui.domain.activity_log import Activity

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def live(type_: str, seconds: float, **data: Any) -> Event:
    return Event.from_value({"type": type_, "task_id": "t", "time": at(seconds), "data": data})


def logged(number: int, seconds: float) -> dict[str, Any]:
    name = f"L{number}"
    return {"id": name, "tool_call_id": f"t{number}", "tool_name": "x", "payload": {"a": 1}, "created_at": at(seconds)}


def test_a_call_that_was_joined_with_its_log_entry_takes_no_second_one() -> None:
    activity = Activity("t")
    activity.add_event(live("tool_call_result", 1, request_id="r1", tool_name="x", result="ok"), NOON)
    activity.add_log(Log((parse_entry(logged(1, 0)),)), NOON + timedelta(seconds=10))
    request = live("tool_call_request", 2, request_id="r1", tool_call_id="t1", tool_name="x", payload={"a": 1})
    activity.add_event(request, NOON)
    both = Log(tuple(map(parse_entry, (logged(1, 0), logged(2, 3)))))
    activity.add_log(both, NOON + timedelta(seconds=20))
    assert len(activity) == 2
