"""Events and the entries of a large activity log by their heads: all else in them is read when it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from tui.client.json_codec import loads
from tui.client.log_entries import (
    DECISIONS,
    REASONING,
    SIGN_INS,
    Confirmation,
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


class Head(msgspec.Struct, gc=False):
    """What a line of the tree is drawn from, and what tells the kinds apart."""

    id: str | None = None
    created_at: str | None = None
    agent_id: str | None = None
    plan_task_id: str | None = None
    role: str | None = None
    type: str | None = None
    action: str | None = None
    tool_name: str | None = None
    request_id: str | None = None
    tool_call_id: str | None = None
    approval_request_id: str | None = None
    is_error: bool | None = None
    created_execution_id: str | None = None
    sub_task_id: str | None = None
    child_task_id: str | None = None
    content: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    questions: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    query: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    reasoning: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    def get(self, name: str) -> Any:
        """A field's value, as an object has it."""
        return getattr(self, name)


class _Messages(msgspec.Struct):
    messages: list[msgspec.Raw]
    id: str | None = None


TOLD = frozenset(Head.__struct_fields__) - {"content", "questions", "query", "reasoning"}
"""The fields that a head tells whole."""
UNUSUAL = (msgspec.MsgspecError, RecursionError, ValueError)
"""What is raised by an object that has to be read whole, if it can be read at all."""
_split: Callable[[bytes | bytearray], _Messages] = msgspec.json.Decoder(_Messages).decode
_parts_of: Callable[[bytes | bytearray], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_is_list = re.compile(rb"\s*\[").match
head_of: Callable[[msgspec.Raw], Head] = msgspec.json.Decoder(Head).decode


def split(content: bytes | bytearray) -> tuple[str | None, list[msgspec.Raw]] | None:
    """Return the id of a log's thread and its entries, each as it was written; None where it has to be read whole."""
    try:
        if _is_list(content):
            return None, _parts_of(content)
        log = _split(content)
    except UNUSUAL:
        return None
    return log.id, log.messages


def entry_at(raw: msgspec.Raw) -> Entry | None:
    """The entry by its head; None where it is not of the usual form and has to be read whole."""
    try:
        head = head_of(raw)
    except UNUSUAL:
        return None
    if not (head.id or head.request_id or head.tool_call_id or "").strip():
        return None  # its name is made of its content
    return entry_of_head(raw, head, kind_of_head(head))


def names_child(head: Head, kind: type[Entry]) -> bool:
    """Whether it names the sub-task that it started."""
    return bool(getattr(kind(None, head, TOLD), "child_id", None))


def entry_of_head(raw: msgspec.Raw, head: Head, kind: type[Entry]) -> Entry:
    """The entry that this is the head of."""
    return kind(raw, head, TOLD)


def kind_of_head(head: Head) -> type[Entry]:
    """What kind of entry it is, in the order of `kind_of`."""
    name, action = head.type, head.action
    if head.role is not None and head.content is not msgspec.UNSET:
        return Message
    if name in REASONING:
        return Reasoning
    if name in SIGN_INS:
        return SignIn
    if action == "create_execution":
        return Delegation
    if action in DECISIONS:
        return Decision
    if head.tool_name is not None:
        return ToolCall
    if _begins(head.questions) == b"[":
        return Questions
    if head.request_id is not None and "confirm" in ((action or "") if name is None else name):
        return Confirmation
    is_query = head.query is not msgspec.UNSET or _begins(head.reasoning) == b"{"
    return Delegation if action is None and head.agent_id is not None and is_query else Other


class EventHead(msgspec.Struct, gc=False):
    """What every event says of itself; what happened is kept as it was written."""

    type: Any = None
    event: Any = None
    task_id: Any = None
    organization_id: Any = None
    time: Any = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET

    def get(self, name: str) -> Any:
        """A field's value, as an object has it."""
        if name != "data":
            return getattr(self, name)
        return None if self.data is msgspec.UNSET else loads(bytes(self.data))


EVENT = frozenset(EventHead.__struct_fields__)
_event: Callable[[str | bytes], EventHead] = msgspec.json.Decoder(EventHead).decode


def event_head(text: str | bytes) -> EventHead | None:
    """The head of an event; None where it is not of the usual form and has to be read whole."""
    try:
        return _event(text)
    except UNUSUAL:
        return None


def _begins(raw: msgspec.Raw | msgspec.UnsetType) -> bytes:
    return bytes(memoryview(raw)[:1]) if isinstance(raw, msgspec.Raw) else b""
