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


class SplitLog(Struct):
    """A log that is split into its entries: the JSON of each, and the id of its thread."""

    messages: list[Raw]
    id: str | None = None


_decode_log: Callable[[bytes | bytearray], SplitLog] = msgspec.json.Decoder(SplitLog).decode
_decode_list: Callable[[bytes | bytearray], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_is_list = re.compile(rb"\s*\[").match
decode_partial: Callable[[Raw], PartialEntry] = msgspec.json.Decoder(PartialEntry).decode


def split_log(content: bytes | bytearray) -> SplitLog | None:
    """Split a log, an object or a bare list of entries; return None if it must be parsed as a whole."""
    try:
        if _is_list(content):
            return SplitLog(_decode_list(content))
        return _decode_log(content)
    except MSGSPEC_ERRORS:
        return None


def names_child(partial: PartialEntry, kind: type[Entry]) -> bool:
    """Return whether an entry of this kind names the child task that it started."""
    child_ids = [partial.created_execution_id]
    if kind is Delegation:
        child_ids += [partial.sub_task_id, partial.child_task_id]
    first_id = next((child_id for child_id in child_ids if child_id is not None), None)  # as the entry itself reads it
    return bool(first_id)


def entry_class_of_partial(partial: PartialEntry) -> type[Entry]:
    """Return the class of a partial entry, by the rules of `entry_class_of` in the same order."""
    kind = partial.type
    action = partial.action
    if partial.role is not None and partial.content is not UNSET:
        return Message
    if kind in REASONING:
        return Reasoning
    if kind in SIGN_INS:
        return SignIn
    if action == "create_execution":
        return Delegation
    if action in DECISIONS:
        return Decision
    if partial.tool_name is not None:
        return ToolCall
    if _first_byte(partial.questions) == b"[":
        return Questions
    if _is_confirmation(partial):
        return Confirmation
    if action is None and partial.agent_id is not None and _has_query(partial):
        return Delegation
    return Other


def _is_confirmation(partial: PartialEntry) -> bool:
    """Return whether an entry is a request for confirmation: its type, or else its action, says so."""
    if partial.request_id is None:
        return False
    type_or_action = partial.type
    if type_or_action is None:
        type_or_action = partial.action
    return "confirm" in (type_or_action or "")


def _has_query(partial: PartialEntry) -> bool:
    return partial.query is not UNSET or _first_byte(partial.reasoning) == b"{"


def _first_byte(raw: Raw | UnsetType) -> bytes:
    return bytes(memoryview(raw)[:1]) if isinstance(raw, Raw) else b""
