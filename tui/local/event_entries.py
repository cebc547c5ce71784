"""The entries of an activity log that are made of the events of a run."""

from __future__ import annotations

from typing import Any

from tui.local.sqlite_store import Json

KINDS_WITH_REQUEST_ID = frozenset({"tool_call_request", "tool_call_result", "think", "analyze"})
"""The events whose entry is named by the id of their request."""


def object_of(value: Any) -> Json:
    """The value where it is an object, else an empty one: workers tell what they like."""
    return value if isinstance(value, dict) else {}


def tool_call(facts: Json, entry_id: str, now: str) -> Json:
    """The entry of a tool call, made of its request."""
    return {
        "created_at": now,
        "id": entry_id,
        "tool_name": facts.get("tool_name") or facts.get("operation_id") or "tool",
        "payload": facts.get("payload"),
        "is_error": False,
        "reasoning": facts.get("reasoning"),
        "plan_task_id": facts.get("plan_task_id"),
    }


def finished_call(call: Json | None, facts: Json, entry_id: str, now: str) -> Json:
    """The entry of a tool call with its result; the call is None where its request was never told."""
    unasked = {
        "created_at": now,
        "id": entry_id,
        "tool_name": facts.get("tool_name") or "tool",
        "payload": facts.get("payload"),
    }
    result: Json = {name: facts[name] for name in ("result", "is_error", "approval_request_id") if name in facts}
    return {**(call or unasked), "finished_at": now, **result}


def reasoning(kind: str, data: Any, entry_id: str, now: str) -> Json:
    """The entry of a step of reasoning."""
    facts = object_of(data)
    payload = object_of(facts.get("payload"))
    inner = object_of(payload.get("input")) or payload
    thought = inner.get("thought") or (data if isinstance(data, str) else None)
    return {
        "title": "",
        "confidence": 0.0,
        **inner,
        "thought": thought,
        "created_at": now,
        "type": kind,
        "id": entry_id,
        "plan_task_id": facts.get("plan_task_id"),
    }
