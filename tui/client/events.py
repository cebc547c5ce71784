"""The events of a live stream, and what each of them says in the terms of the activity log."""

from __future__ import annotations

from functools import cache, cached_property
from types import ModuleType
from typing import Any, Self

from tui.client.json_codec import NotJson, loads
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
from tui.client.models import Plan, Task
from tui.client.wire_model import (
    Field,
    Record,
    as_it_is,
    count_of,
    flag_of,
    identity,
    moment,
    name_of,
    number_of,
    text_of,
)

TASK_EVENTS = frozenset({"task_created", "task_updated", "task_finished"})
CHILD_EVENTS = frozenset({"sub_task_created", "sub_task_updated", "sub_task_finished"})
_OF_TASKS = TASK_EVENTS | CHILD_EVENTS
SILENT = _OF_TASKS | {"connected", "chunk", "plan_updated", "context_status", "turn_started", "turn_finished"}
"""Events that change what is known of a task but are no entries of its log."""
ENDS = frozenset({"task_finished", "turn_finished"})


class ContextStatus(Record):
    """How full the model's context is."""

    percent = Field(number_of)
    estimated_tokens = Field(count_of)
    context_window = Field(count_of)
    compacting = Field(flag_of)


class Event(Record):
    """One event of a task's stream; `type` is the JSON's own, never the frame's."""

    type = Field(lambda value: text_of(value) or "untyped", "type", "event")
    task_id = Field(name_of)
    organization_id = Field(text_of)
    time = Field(moment)
    data = Field(as_it_is)
    frame_id: str = ""
    """The id the stream gave this event, or nothing."""

    @classmethod
    def of_frame(cls, data: str | bytes, frame_id: str = "") -> Self:
        """Read the data of one frame; what is no JSON object is an event all the same, of the type it deserves."""
        if isinstance(data, bytes) and not data.isascii():
            data = data.decode("utf-8", "replace")
        heads = _heads()
        head = heads.event_head(data)
        event = cls(data, head, heads.EVENT) if head else cls.of(_body(data))
        event.frame_id = frame_id
        return event

    @cached_property
    def task(self) -> Task | None:
        """The task as this event tells it: its own, or with a `sub_task_` event, a sub-task's."""
        if self.type in _OF_TASKS and isinstance(self.data, dict) and self.data.get("id"):
            return Task.of(self.data)
        return None

    @cached_property
    def plan(self) -> Plan | None:
        """The plan, when this event tells it."""
        return Plan.of(self.data) if self.type == "plan_updated" and isinstance(self.data, dict) else None

    @cached_property
    def context(self) -> ContextStatus | None:
        """How full the context is, when this event tells it."""
        if self.type == "context_status" and isinstance(self.data, dict):
            return ContextStatus.of(self.data)
        return None

    @cached_property
    def chunk(self) -> str | None:
        """A piece of streamed text."""
        return text_of(self.data) or "" if self.type == "chunk" else None

    @cached_property
    def entry(self) -> Entry | None:
        """What this event adds to the activity log, or None when it adds nothing."""
        if self.type in SILENT:
            return None
        data: dict[str, Any] = self.data if isinstance(self.data, dict) else {"value": self.data}
        told = {"created_at": (self.head or self.raw).get("time"), **data}
        match self.type:
            case "tool_call_request":
                return ToolCall.of({**told, "id": _call_id(data), "started_at": told["created_at"]})
            case "tool_call_result":
                moment = told["created_at"]
                return ToolCall.of({**told, "id": _call_id(data), "finished_at": moment, "returned": True})
            case "think" | "analyze":
                return Reasoning.of({**told, "type": self.type, **_thought(data)})
            case "sub_agent_trigger":
                return Delegation.of(told)
            case "auth_event":
                return SignIn.of(told)
            case "agent_gateway_decision":
                kind = Delegation if data.get("action") == "create_execution" else Decision
                return kind.of(told)
            case "ask_user_questions":
                return Questions.of({**told, "id": identity(data, "id", "decision_id", "entry_id")})
            case "task_compactization":
                return Compaction.of(told)
            case "gateway_steer_applied" if isinstance(data.get("message"), dict):
                steer = data["message"]
                return Message.of({**told, "id": steer.get("id"), "role": "user", "content": steer})
            case _:
                return Other.of({**told, "type": self.type})


@cache
def _heads() -> ModuleType:
    """Not before the first event: it takes its time to import."""
    from tui.client import partial_decode

    return partial_decode


def _body(data: str | bytes) -> dict[str, Any]:
    try:
        body = loads(data)
    except NotJson as error:
        text = data if isinstance(data, str) else data.decode()
        return {"type": "unreadable", "data": {"reason": str(error), "text": text}}
    return body if isinstance(body, dict) else {"type": "untyped", "data": body}


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
