"""The events of a live stream: each is an envelope whose data are parsed only when they are used."""

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
_EVENTS_WITH_TASK = TASK_EVENTS | CHILD_EVENTS
EVENTS_WITHOUT_ENTRY = _EVENTS_WITH_TASK | {
    "connected",
    "chunk",
    "plan_updated",
    "context_status",
    "turn_started",
    "turn_finished",
}
"""Types of events that say something about the task but are not entries of its log."""
END_EVENTS = frozenset({"task_finished", "turn_finished"})


class _EventEnvelope(Struct, gc=False):
    """The envelope of every event."""

    type: Any = None
    event: Any = None
    task_id: Any = None
    time: Any = None
    data: Raw | UnsetType = UNSET


class Event(Struct, eq=False, gc=False):
    """An event of a task's stream; `type` comes from its JSON, never from the SSE frame.

    Events are kept by the thousand and contain no reference cycles, so the garbage collector skips them (`gc=False`).
    Only `entry` is cached; the other properties parse the JSON on each access.
    """

    type: str
    task_id: str
    unparsed_time: Any
    """The `time` field of the JSON as it came."""
    frame_id: str
    """The id of the SSE frame, or an empty text."""
    json: str | bytes | dict[str, Any]
    """The whole event: its JSON as it came, or decoded."""
    unparsed_data: Raw | UnsetType = UNSET
    """The `data` field of the JSON as it came."""
    _entry: Entry | UnsetType | None = UNSET
    """The cached `entry`."""

    @classmethod
    def from_value(cls, body: object, frame_id: str = "") -> Self:
        """Create an event from any JSON value; its type is in `type`, or else in `event`."""
        raw = body if isinstance(body, dict) else {"value": body}
        kind = raw.get("type")
        if kind is None:
            kind = raw.get("event")
        return cls(text_of(kind) or "untyped", text_or_empty(raw.get("task_id")), raw.get("time"), frame_id, raw)

    @classmethod
    def from_sse(cls, written: str | bytes, frame_id: str = "") -> Self:
        """Create an event from the data of an SSE frame; data that are not a JSON object make an event as well.

        The type of such an event is `unreadable` or `untyped`.
        """
        if isinstance(written, bytes) and not written.isascii():
            written = written.decode("utf-8", "replace")
        try:
            envelope = _decode_envelope(written)
        except MSGSPEC_ERRORS:
            return cls.from_value(_decode_tolerantly(written), frame_id)
        kind = envelope.type
        if kind is None:
            kind = envelope.event
        task_id = text_or_empty(envelope.task_id)
        return cls(text_of(kind) or "untyped", task_id, envelope.time, frame_id, written, envelope.data)

    def __repr__(self) -> str:
        """Return the type without any data, because a crash report may contain it."""
        return f"Event({self.type!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return the type alone, as `__repr__` does."""
        return [("type", self.type)]

    @property
    def raw(self) -> dict[str, Any]:
        """The raw event with all its fields, also those that this version does not know."""
        if isinstance(self.json, dict):
            return self.json
        decoded: dict[str, Any] = loads(self.json)
        return decoded

    @property
    def time(self) -> datetime | None:
        """The time of the event."""
        return parse_time(self.unparsed_time)

    @property
    def data(self) -> Any:
        """The data of the event, decoded."""
        if isinstance(self.json, dict):
            return self.json.get("data")
        if self.unparsed_data is UNSET:
            return None
        return loads(bytes(self.unparsed_data))

    @property
    def task(self) -> TaskRow | None:
        """The task in this event: the stream's own, or a sub-task in a `sub_task_…` event."""
        if self.type not in _EVENTS_WITH_TASK:
            return None
        data = self.data
        if not isinstance(data, dict) or not data.get("id"):
            return None
        return TaskRow.from_value(data)

    @property
    def chunk(self) -> str | None:
        """The chunk of streamed text in this event."""
        if self.type != "chunk":
            return None
        return text_or_empty(self.data)

    # pydantic is imported by the first event that needs a model, not before the first frame.

    @property
    def plan(self) -> Plan | None:
        """The plan in a `plan_updated` event."""
        data = self._object_data("plan_updated")
        if data is None:
            return None
        from tui.client.models import Plan

        return Plan.from_value(data)

    @property
    def context(self) -> ContextStatus | None:
        """The use of the model's context in a `context_status` event."""
        data = self._object_data("context_status")
        if data is None:
            return None
        from tui.client.models import ContextStatus

        return ContextStatus.from_value(data)

    @property
    def entry(self) -> Entry | None:
        """The log entry for this event, or None if it has none."""
        if self._entry is UNSET:
            self._entry = self._make_entry()
        return self._entry

    def _object_data(self, event_type: str) -> dict[str, Any] | None:
        """Return the data if the event has this type and its data are an object."""
        if self.type != event_type:
            return None
        data = self.data
        return data if isinstance(data, dict) else None

    def _make_entry(self) -> Entry | None:
        """Make the log entry for this event."""
        if self.type in EVENTS_WITHOUT_ENTRY:
            return None
        from tui.client.event_entries import entry_of_event  # imports pydantic

        return entry_of_event(self.type, self.data, self.unparsed_time)


_decode_envelope: Callable[[str | bytes], _EventEnvelope] = msgspec.json.Decoder(_EventEnvelope).decode


def _decode_tolerantly(written: str | bytes) -> dict[str, Any]:
    """Decode an event with the tolerant JSON reader; describe the problem if it is not a JSON object."""
    try:
        body = loads(written)
    except NotJson as error:
        text = written if isinstance(written, str) else written.decode()
        return {"type": "unreadable", "data": {"reason": str(error), "text": text}}
    if not isinstance(body, dict):
        return {"type": "untyped", "data": body}
    return body
