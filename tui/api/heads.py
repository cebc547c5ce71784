"""Events and the entries of a large activity log by their heads: all else in them is read when it is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tui.api.entries import Entry, kind_of
from tui.api.wirejson import loads


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


PARTLY = ("content", "questions", "query", "reasoning")
TOLD = frozenset(Head.__struct_fields__) - set(PARTLY)
"""The fields that a head tells whole."""
_split: Callable[[bytes], _Messages] = msgspec.json.Decoder(_Messages).decode
_list: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_head: Callable[[msgspec.Raw], Head] = msgspec.json.Decoder(Head).decode
_kinds: dict[tuple[object, ...], type[Entry]] = {}


def split(content: bytes) -> list[msgspec.Raw] | None:
    """The entries of a log, each as it was written; None where it has to be read as a whole."""
    try:
        return _list(content) if content.lstrip()[:1] == b"[" else _split(content).messages
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def entry_at(raw: msgspec.Raw) -> Entry | None:
    """The entry by its head; None where it is not of the usual form and has to be read whole."""
    try:
        head = _head(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None
    marks = (
        head.role is None,
        head.content is msgspec.UNSET,
        head.type,
        head.action,
        head.tool_name is None,
        _begins(head.questions),
        head.request_id is None,
        head.agent_id is None,
        head.query is msgspec.UNSET,
        _begins(head.reasoning),
    )
    kind = _kinds.get(marks)
    if kind is None:
        if len(_kinds) > 1000:
            _kinds.clear()
        kind = _kinds[marks] = kind_of(_outline(head))
    if not (head.id or head.request_id or head.tool_call_id or "").strip():
        return None  # its name is made of its content
    return kind(raw, head, TOLD)


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
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


def _begins(raw: msgspec.Raw | msgspec.UnsetType) -> bytes:
    return bytes(memoryview(raw)[:1]) if isinstance(raw, msgspec.Raw) else b""


def _outline(head: Head) -> dict[str, Any]:
    """As much of an object as tells which kind it is."""
    outline = {name: value for name in TOLD if (value := head.get(name)) is not None}
    stand_ins: dict[bytes, Any] = {b"{": {}, b"[": []}
    for name in PARTLY:
        if begin := _begins(head.get(name)):
            outline[name] = stand_ins.get(begin)
    return outline
