"""Builders of events, entries and activities at given seconds after NOW."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from tui.client.events import Event
from tui.client.log_entries import Entry, Log, parse_entry
from tui.domain.activity_log import Activity

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def event(kind: str, seconds: float | None, data: Any) -> Event:
    when = {} if seconds is None else {"time": at(seconds).isoformat()}
    return Event.from_value({"type": kind, "task_id": "t", **when, "data": data})


def chunk(seconds: float, text: str) -> Event:
    return event("chunk", seconds, text)


def thought(seconds: float, **more: Any) -> Event:
    return event("think", seconds, {"id": f"think{seconds}", "thought": "hm", **more})


def call_request(name: str, seconds: float | None, **more: Any) -> Event:
    return event(
        "tool_call_request", seconds, {"request_id": name, "tool_name": "pay", "payload": {"to": name}, **more}
    )


def call_result(name: str, seconds: float | None, **more: Any) -> Event:
    return event("tool_call_result", seconds, {"request_id": name, "tool_name": "pay", "result": "paid", **more})


def entry(name: str, seconds: float | None, **told: Any) -> Entry:
    return parse_entry({"id": name, "created_at": None if seconds is None else at(seconds).isoformat(), **told})


def call_entry(name: str, seconds: float, **told: Any) -> Entry:
    return entry(name, seconds, **{"tool_name": "pay", "payload": {"to": name}, **told})


def message_entry(name: str, seconds: float, role: str = "agent") -> Entry:
    return entry(name, seconds, role=role, content={"text": name})


def activity(*told: Event | Entry | Iterable[Entry], asked: float = 100) -> Activity:
    """Return an activity that got these events, and logs that were requested later and later."""
    made = Activity("t")
    for number, one in enumerate(told):
        if isinstance(one, Event):
            made.add_event(one, at(asked))
        else:
            made.add_log(Log((one,) if isinstance(one, Entry) else tuple(one)), at(asked + number))
    return made


def event_of_call(request: str, *, result: bool, at: int) -> Event:
    kind = "tool_call_result" if result else "tool_call_request"
    data = {"request_id": request, "operation_id": "op", "tool_name": "search", "payload": {"q": request}}
    if result:
        data |= {"result": "found", "is_error": False}  # type: ignore[dict-item]
    return Event.from_value(
        {"type": kind, "task_id": "t", "time": (NOW + timedelta(seconds=at)).isoformat(), "data": data}
    )


def logged_call(request: str, at: int) -> Entry:
    return parse_entry({"id": request, "created_at": (NOW + timedelta(seconds=at)).isoformat(), "tool_name": "search",
                     "payload": {"q": request}, "result": "found", "is_error": False})  # fmt: skip


def activity_of_log(*entries: dict[str, Any]) -> Activity:
    """Return an activity with these entries, one second apart by default."""
    activity = Activity("t")
    told = [
        parse_entry({"id": f"e{number}", "created_at": (NOW + timedelta(seconds=number)).isoformat(), **entry})
        for number, entry in enumerate(entries)
    ]
    activity.add_log(Log(tuple(told)), NOW)
    return activity


def call_of_log(name: str, **more: Any) -> dict[str, Any]:
    return {"tool_name": name, "operation_id": name, "request_id": name, "payload": {}, **more}


def node_ids(made: Activity) -> list[str]:
    return [node.entry.id for node in made.nodes]
