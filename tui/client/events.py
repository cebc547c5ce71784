"""The events of a live stream: an envelope each, whose data stays as it came until somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tui.client.json_codec import NotJson, loads
from tui.client.json_values import parse_time, text_of, text_or_empty
from tui.client.task_rows import MSGSPEC_ERRORS, TaskRow

if TYPE_CHECKING:
    from tui.client.log_entries import Entry
    from tui.client.models import ContextStatus, Plan

TASK_EVENTS = frozenset({"task_created", "task_updated", "task_finished"})
CHILD_EVENTS = frozenset({"sub_task_created", "sub_task_updated", "sub_task_finished"})
_OF_TASKS = TASK_EVENTS | CHILD_EVENTS
EVENTS_WITHOUT_ENTRY = _OF_TASKS | {
    "connected",
    "chunk",
    "plan_updated",
    "context_status",
    "turn_started",
    "turn_finished",
}
"""Events that change what is known of a task but are no entries of its log."""
END_EVENTS = frozenset({"task_finished", "turn_finished"})


class _Envelope(Struct, gc=False):
    """The fields that every event has."""

    type: Any = None
    event: Any = None
    task_id: Any = None
    time: Any = None
    data: Raw | UnsetType = UNSET


class Event(Struct, eq=False, gc=False):
    """One event of a task's stream; `type` is the JSON's own, never the frame's.

    Thousands are kept, and none refers back to itself: the garbage collector need not look at them. Only the entry is
    remembered once it was made; the rest is read again where it is asked for.
    """

    type: str
    task_id: str
    written_time: Any
    """The time as the event tells it."""
    frame_id: str
    """The id the stream gave this event, or nothing."""
    json: str | bytes | dict[str, Any]
    """The whole event, as it was written or as it was decoded."""
    written_data: Raw | UnsetType = UNSET
    """What happened, as it was written."""
    _entry: Entry | UnsetType | None = UNSET
    """What it adds to the activity log, once that was asked for."""

    @classmethod
    def from_value(cls, body: object, frame_id: str = "") -> Self:
        """Make an event of any JSON value."""
        raw = body if isinstance(body, dict) else {"value": body}
        kind = raw["type"] if raw.get("type") is not None else raw.get("event")
        return cls(text_of(kind) or "untyped", text_or_empty(raw.get("task_id")), raw.get("time"), frame_id, raw)

    @classmethod
    def from_sse(cls, written: str | bytes, frame_id: str = "") -> Self:
        """Read the data of one frame; what is no JSON object is an event all the same, of the type it deserves."""
        if isinstance(written, bytes) and not written.isascii():
            written = written.decode("utf-8", "replace")
        try:
            told = _decode_envelope(written)
        except MSGSPEC_ERRORS:
            return cls.from_value(_body(written), frame_id)
        kind = told.type if told.type is not None else told.event
        return cls(text_of(kind) or "untyped", text_or_empty(told.task_id), told.time, frame_id, written, told.data)

    def __repr__(self) -> str:
        """Name the event, without what it tells: a crash report may hold it."""
        return f"Event({self.type!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Name the event, as `__repr__` does."""
        return [("type", self.type)]

    @property
    def raw(self) -> dict[str, Any]:
        """The event as it came, with every field this version does not know."""
        if isinstance(self.json, dict):
            return self.json
        whole: dict[str, Any] = loads(self.json)
        return whole

    @property
    def time(self) -> datetime | None:
        """When it happened."""
        return parse_time(self.written_time)

    @property
    def data(self) -> Any:
        """What happened."""
        if isinstance(self.json, dict):
            return self.json.get("data")
        return None if self.written_data is UNSET else loads(bytes(self.written_data))

    @property
    def task(self) -> TaskRow | None:
        """The task as this event tells it: its own, or with a `sub_task_` event, a sub-task's."""
        data = self.data if self.type in _OF_TASKS else None
        return TaskRow.from_value(data) if isinstance(data, dict) and data.get("id") else None

    @property
    def chunk(self) -> str | None:
        """A piece of streamed text."""
        return text_of(self.data) or "" if self.type == "chunk" else None

    # What is pydantic's is imported by the first event that tells it, not before the first frame.

    @property
    def plan(self) -> Plan | None:
        """The plan, when this event tells it."""
        data = self.data if self.type == "plan_updated" else None
        if not isinstance(data, dict):
            return None
        from tui.client.models import Plan

        return Plan.from_value(data)

    @property
    def context(self) -> ContextStatus | None:
        """How full the context is, when this event tells it."""
        data = self.data if self.type == "context_status" else None
        if not isinstance(data, dict):
            return None
        from tui.client.models import ContextStatus

        return ContextStatus.from_value(data)

    @property
    def entry(self) -> Entry | None:
        """What this event adds to the activity log, or None when it adds nothing."""
        if self._entry is UNSET:
            self._entry = self._make_entry()
        return self._entry

    def _make_entry(self) -> Entry | None:
        if self.type in EVENTS_WITHOUT_ENTRY:
            return None
        from tui.client.event_entries import entry_of_event

        return entry_of_event(self.type, self.data, self.written_time)


_decode_envelope: Callable[[str | bytes], _Envelope] = msgspec.json.Decoder(_Envelope).decode


def _body(data: str | bytes) -> dict[str, Any]:
    try:
        body = loads(data)
    except NotJson as error:
        text = data if isinstance(data, str) else data.decode()
        return {"type": "unreadable", "data": {"reason": str(error), "text": text}}
    return body if isinstance(body, dict) else {"type": "untyped", "data": body}
