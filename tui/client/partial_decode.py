"""Partial decoding of a large activity log: only the fields of its entries that give kind, time and keys."""

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
    """The part of an entry that gives its kind, its time and its keys."""

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


class _LogEnvelope(Struct):
    messages: list[Raw]
    id: str | None = None


_decode_log: Callable[[bytes | bytearray], _LogEnvelope] = msgspec.json.Decoder(_LogEnvelope).decode
_decode_list: Callable[[bytes | bytearray], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_is_list = re.compile(rb"\s*\[").match
decode_partial: Callable[[Raw], PartialEntry] = msgspec.json.Decoder(PartialEntry).decode


def split_log(content: bytes | bytearray) -> tuple[str | None, list[Raw]] | None:
    """Split a log into its thread's id and the JSON of each entry; return None if it must be parsed as a whole."""
    try:
        if _is_list(content):
            return None, _decode_list(content)
        log = _decode_log(content)
    except MSGSPEC_ERRORS:
        return None
    return log.id, log.messages


def names_child(head: PartialEntry, kind: type[Entry]) -> bool:
    """Return whether an entry of this kind names the child task that it started."""
    names = [head.created_execution_id]
    if kind is Delegation:
        names += [head.sub_task_id, head.child_task_id]
    return bool(next((name for name in names if name is not None), None))


def entry_class_of_partial(head: PartialEntry) -> type[Entry]:
    """Return the class of a partial entry, by the rules of `entry_class_of` in the same order."""
    kind = head.type
    action = head.action
    if head.role is not None and head.content is not UNSET:
        return Message
    if kind in REASONING:
        return Reasoning
    if kind in SIGN_INS:
        return SignIn
    if action == "create_execution":
        return Delegation
    if action in DECISIONS:
        return Decision
    if head.tool_name is not None:
        return ToolCall
    if _first_byte(head.questions) == b"[":
        return Questions
    if _is_confirmation(head):
        return Confirmation
    if action is None and head.agent_id is not None and _has_query(head):
        return Delegation
    return Other


def _is_confirmation(head: PartialEntry) -> bool:
    if head.request_id is None:
        return False
    name = head.type
    if name is None:
        name = head.action
    return "confirm" in (name or "")


def _has_query(head: PartialEntry) -> bool:
    return head.query is not UNSET or _first_byte(head.reasoning) == b"{"


def _first_byte(raw: Raw | UnsetType) -> bytes:
    return bytes(memoryview(raw)[:1]) if isinstance(raw, Raw) else b""
