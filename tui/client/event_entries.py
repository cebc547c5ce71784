"""What the events of a live stream add to the activity log."""

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
    """Return the entry that an event of this type adds; `time` is the event's own, as it is written."""
    data: dict[str, Any] = content if isinstance(content, dict) else {"value": content}
    told = {"created_at": time, **data}
    match kind:
        case "tool_call_request":
            return ToolCall.from_value({**told, "id": _call_id(data), "started_at": told["created_at"]})
        case "tool_call_result":
            return ToolCall.from_value(
                {**told, "id": _call_id(data), "finished_at": told["created_at"], "returned": True}
            )
        case "think" | "analyze":
            return Reasoning.from_value({**told, "type": kind, **_thought(data)})
        case "sub_agent_trigger":
            return Delegation.from_value(told)
        case "auth_event":
            return SignIn.from_value(told)
        case "agent_gateway_decision":
            is_creation = data.get("action") == "create_execution"
            return Delegation.from_value(told) if is_creation else Decision.from_value(told)
        case "ask_user_questions":
            return Questions.from_value({**told, "id": identity(data, "id", "decision_id", "entry_id")})
        case "task_compactization":
            return Compaction.from_value(told)
        case "gateway_steer_applied" if isinstance(data.get("message"), dict):
            steer = data["message"]
            return Message.from_value({**told, "id": steer.get("id"), "role": "user", "content": steer})
        case _:
            return Other.from_value({**told, "type": kind})


def _call_id(data: dict[str, Any]) -> str:
    return identity(data, "request_id", "tool_call_id", "id")


def _thought(data: dict[str, Any]) -> dict[str, Any]:
    """A reasoning step's fields, from the tool call the SDK sends or the plain text the REST pages show."""
    match data:
        case {"value": str() as words}:
            return {"thought": words}
        case {"payload": {"input": dict() as inner}} | {"payload": {"payload": {"input": dict() as inner}}}:
            return {**inner, "id": _call_id(data)}
        case {"payload": dict() as inner}:
            return {**inner, "id": _call_id(data)}
        case _:
            return {}
