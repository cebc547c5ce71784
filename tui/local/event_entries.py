"""Entries of the activity log, built from the events of a run."""

from __future__ import annotations

from typing import Any

from tui.local.sqlite_store import Json

KINDS_WITH_REQUEST_ID = frozenset({"tool_call_request", "tool_call_result", "think", "analyze"})
"""Kinds of events whose entry has the id of their request."""


def object_of(value: Any) -> Json:
    """Return the value if it is an object, else an empty object: a worker may send any JSON."""
    return value if isinstance(value, dict) else {}


def tool_call(data: Json, entry_id: str, now: str) -> Json:
    """Return the entry of a tool call, built from its request."""
    return {
        "created_at": now,
        "id": entry_id,
        "tool_name": data.get("tool_name") or data.get("operation_id") or "tool",
        "payload": data.get("payload"),
        "is_error": False,
        "reasoning": data.get("reasoning"),
        "plan_task_id": data.get("plan_task_id"),
    }


def finished_call(call: Json | None, data: Json, entry_id: str, now: str) -> Json:
    """Return the entry of a finished tool call; `call` is None if its request was never received."""
    call_without_request = {
        "created_at": now,
        "id": entry_id,
        "tool_name": data.get("tool_name") or "tool",
        "payload": data.get("payload"),
    }
    result: Json = {name: data[name] for name in ("result", "is_error", "approval_request_id") if name in data}
    return {**(call or call_without_request), "finished_at": now, **result}


def reasoning(kind: str, data: Any, entry_id: str, now: str) -> Json:
    """Return the entry of a reasoning step."""
    fields = object_of(data)
    payload = object_of(fields.get("payload"))
    step = object_of(payload.get("input")) or payload
    thought = step.get("thought")
    if not thought:
        thought = data if isinstance(data, str) else None
    return {
        "title": "",
        "confidence": 0.0,
        **step,
        "thought": thought,
        "created_at": now,
        "type": kind,
        "id": entry_id,
        "plan_task_id": fields.get("plan_task_id"),
    }
