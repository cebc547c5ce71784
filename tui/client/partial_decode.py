"""The heads of the entries of a large activity log: what tells their kinds apart; the rest is read when looked at."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

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
from tui.client.task_rows import MSGSPEC_ERRORS


class PartialEntry(Struct, gc=False):
    """What an entry is, when it was and its names."""

    id: str | None = None
    created_at: str | None = None
    agent_id: str | None = None
    role: str | None = None
    type: str | None = None
    action: str | None = None
    tool_name: str | None = None
    request_id: str | None = None
    tool_call_id: str | None = None
    is_error: bool | None = None
    created_execution_id: str | None = None
    sub_task_id: str | None = None
    child_task_id: str | None = None
    content: Raw | UnsetType = UNSET
    questions: Raw | UnsetType = UNSET
    query: Raw | UnsetType = UNSET
    reasoning: Raw | UnsetType = UNSET


class _Messages(Struct):
    messages: list[Raw]
    id: str | None = None


_split: Callable[[bytes | bytearray], _Messages] = msgspec.json.Decoder(_Messages).decode
_parts_of: Callable[[bytes | bytearray], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_is_list = re.compile(rb"\s*\[").match
decode_partial: Callable[[Raw], PartialEntry] = msgspec.json.Decoder(PartialEntry).decode


def split_log(content: bytes | bytearray) -> tuple[str | None, list[Raw]] | None:
    """Return the id of a log's thread and its entries, each as it was written; None where it has to be read whole."""
    try:
        if _is_list(content):
            return None, _parts_of(content)
        log = _split(content)
    except MSGSPEC_ERRORS:
        return None
    return log.id, log.messages


def names_child(head: PartialEntry, kind: type[Entry]) -> bool:
    """Whether an entry of this kind names the sub-task that it started."""
    names = [head.created_execution_id]
    if kind is Delegation:
        names += [head.sub_task_id, head.child_task_id]
    return bool(next((name for name in names if name is not None), None))


def entry_class_of_partial(head: PartialEntry) -> type[Entry]:
    """What kind of entry it is, in the order of `kind_of`."""
    name, action = head.type, head.action
    if head.role is not None and head.content is not UNSET:
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
    is_query = head.query is not UNSET or _begins(head.reasoning) == b"{"
    return Delegation if action is None and head.agent_id is not None and is_query else Other


def _begins(raw: Raw | UnsetType) -> bytes:
    return bytes(memoryview(raw)[:1]) if isinstance(raw, Raw) else b""
