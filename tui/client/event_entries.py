"""Conversion of stream events to activity log entries."""

from __future__ import annotations

from typing import Any

from tui.client.json_values import identity
from tui.client.log_entries import (
    Compaction,
    Decision,
    Delegation,
    Entry,
    Message,
    Other,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)


def entry_of_event(kind: str, content: Any, time: Any) -> Entry:
    """Return the log entry for an event of this type; `time` is the event's own, not parsed yet."""
    data: dict[str, Any] = content if isinstance(content, dict) else {"value": content}
    fields = {"created_at": time, **data}
    created_at = fields["created_at"]  # the time in the data, if there is one
    match kind:
        case "tool_call_request":
            return ToolCall.from_value({**fields, "id": _call_id(data), "started_at": created_at})
        case "tool_call_result":
            return ToolCall.from_value({**fields, "id": _call_id(data), "finished_at": created_at, "returned": True})
        case "think" | "analyze":
            return Reasoning.from_value({**fields, "type": kind, **_reasoning_fields(data)})
        case "sub_agent_trigger":
            return Delegation.from_value(fields)
        case "auth_event":
            return SignIn.from_value(fields)
        case "agent_gateway_decision" if data.get("action") == "create_execution":
            return Delegation.from_value(fields)
        case "agent_gateway_decision":
            return Decision.from_value(fields)
        case "ask_user_questions":
            return Questions.from_value({**fields, "id": identity(data, "id", "decision_id", "entry_id")})
        case "inline_card":
            return Other.from_value({**fields, "id": identity(data, "id", "request_id", "card_id"), "type": kind})
        case "task_compactization":
            return Compaction.from_value(fields)
        case "gateway_steer_applied" if isinstance(data.get("message"), dict):
            instruction = data["message"]
            return Message.from_value({**fields, "id": instruction.get("id"), "role": "user", "content": instruction})
        case _:
            return Other.from_value({**fields, "type": kind})


def _call_id(data: dict[str, Any]) -> str:
    return identity(data, "request_id", "tool_call_id", "id")


def _reasoning_fields(data: dict[str, Any]) -> dict[str, Any]:
    """Return a reasoning step's fields: from the tool call that the SDK sends, or the plain text of the REST docs."""
    match data:
        case {"value": str() as thought}:
            return {"thought": thought}
        case {"payload": {"input": dict() as step}} | {"payload": {"payload": {"input": dict() as step}}}:
            return {**step, "id": _call_id(data)}
        case {"payload": dict() as step}:
            return {**step, "id": _call_id(data)}
        case _:
            return {}
