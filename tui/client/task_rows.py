"""Task rows, compact structs for lists of 100,000 tasks and more; pages of rows, and the query for them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias, Union

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from tui.client.json_codec import dumps, loads, parse_float
from tui.client.json_values import (
    count_of,
    flag_of,
    identity,
    items_of,
    object_of,
    parse_time,
    text_of,
    text_or_empty,
    texts_of,
)
from tui.client.task_facts import Status, TaskFacts, wake_time

if TYPE_CHECKING:
    from tui.client.models import ApprovalRequest, Plan, SignInRequest, Task, TaskInput, Tokens

AnyTask: TypeAlias = Union["TaskRow", "Task"]
"""A task as a row or as a full record."""
PARENT_FIELDS = ("parent_task_id", "parent_execution")
NESTED_FIELDS = ("input", "hitl_request", "pending_eca_request", "deep_planning", "tokens", "process")
"""The fields of a task that hold an object; few rows have one."""
MSGSPEC_ERRORS = (msgspec.MsgspecError, RecursionError, ValueError)
"""Errors of msgspec for JSON that only the tolerant reader can parse, if at all."""


class TaskRow(TaskFacts, Struct, frozen=True, gc=False, eq=False):
    """A task as a row, from a list or an event: the fields that lists and filters use, and the whole JSON."""

    id: str
    agent_id: str
    status: str
    title: str | None
    result: str | None
    user_id: str | None
    source: str | None
    parent_id: str | None
    created_at: datetime | None
    updated_at: datetime | None
    started_at: datetime | None
    paused_at: datetime | None
    finished_at: datetime | None
    sub_executions: tuple[str, ...]
    nested: tuple[str, ...]
    """The names of the NESTED_FIELDS that are not empty."""
    is_full: bool
    """Whether this is the full record, not a row of a list."""
    is_root: bool
    """Whether the JSON says that the task has no parent; JSON without any field for the parent says nothing."""
    json: bytes | dict[str, Any]
    """The whole object: its JSON as it came, or decoded."""

    @classmethod
    def from_value(cls, data: object) -> Self:
        """Create a row from any JSON value; one that is not an object gets its JSON as the title."""
        if isinstance(data, dict):
            return cls._from_fields(data, data)
        fields = {"value": data}
        return replace(cls._from_fields(fields, fields), status=str(Status.UNREADABLE), title=dumps(data))

    @classmethod
    def from_json(cls, written: bytes) -> Self:
        """Create a row from the JSON of a task; raise NotJson if it is not JSON."""
        try:
            fields = _decode_object(written)
        except MSGSPEC_ERRORS:
            return cls.from_value(loads(written))
        if not text_or_empty(fields.get("id")).strip():
            fields = loads(written)  # the id is a hash of all fields, which the tolerant reader has to decode
        return cls._from_fields(fields, written)

    @classmethod
    def from_task(cls, task: AnyTask) -> TaskRow:
        """Return a task as a row."""
        if isinstance(task, TaskRow):
            return task
        return cls.from_value(task.raw)

    @classmethod
    def _from_fields(cls, fields: dict[str, Any], json: bytes | dict[str, Any]) -> Self:
        get = fields.get
        parent_id = _first_text(fields, PARENT_FIELDS)
        return cls(
            identity(fields, "id"),
            _interned(text_or_empty(get("agent_id"))) or "",
            _interned(text_or_empty(get("status"))) or "",
            text_of(get("title")),
            text_of(get("result")),
            _interned(text_of(get("user_id"))),
            _interned(_first_text(fields, ("source", "source_node_type"))),
            parent_id,
            parse_time(get("created_at")),
            parse_time(get("updated_at")),
            parse_time(get("started_at")),
            parse_time(get("paused_at")),
            parse_time(get("finished_at")),
            texts_of(get("sub_executions")),
            tuple(name for name in NESTED_FIELDS if get(name)),
            "input" in fields,
            parent_id is None and any(name in fields for name in PARENT_FIELDS),
            json,
        )

    @property
    def raw(self) -> dict[str, Any]:
        """The raw object with all its fields, also those that this version does not know."""
        if isinstance(self.json, dict):
            return self.json
        decoded: dict[str, Any] = loads(self.json)
        return decoded

    def has_same_json(self, other: TaskRow) -> bool:
        """Return whether another row has the same JSON."""
        return self.json == other.json or self.raw == other.raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskRow) and self.has_same_json(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the id without any other value, because a crash report may contain it."""
        return f"TaskRow({self.id!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Return the id alone, as `__repr__` does."""
        return [("id", self.id)]

    # Fields that lists seldom show are parsed on each access. pydantic is not imported before the first frame.

    @property
    def input(self) -> TaskInput | None:
        """The input of the task."""
        if "input" not in self.nested:
            return None
        from tui.client.models import TaskInput

        return TaskInput.from_value(self.raw["input"])

    @property
    def hitl_request(self) -> ApprovalRequest | None:
        """The request of a paused workflow for a person's approval."""
        if "hitl_request" not in self.nested:
            return None
        from tui.client.models import ApprovalRequest

        return ApprovalRequest.from_value(self.raw["hitl_request"])

    @property
    def pending_eca_request(self) -> SignInRequest | None:
        """The pending request of a connector to sign in."""
        if "pending_eca_request" not in self.nested:
            return None
        from tui.client.models import SignInRequest

        return SignInRequest.from_value(self.raw["pending_eca_request"])

    @property
    def plan(self) -> Plan | None:
        """The agent's plan."""
        if "deep_planning" not in self.nested:
            return None
        from tui.client.models import Plan

        return Plan.from_value(self.raw["deep_planning"])

    @property
    def tokens(self) -> Tokens | None:
        """The tokens that the run has used."""
        if "tokens" not in self.nested:
            return None
        from tui.client.models import Tokens

        return Tokens.from_value(self.raw["tokens"])

    @property
    def wakes_at(self) -> datetime | None:
        """The time at which the task's resident process wakes by itself."""
        if "process" not in self.nested:
            return None
        return wake_time(self.raw["process"])

    @property
    def organization_id(self) -> str:
        """The id of the organization that owns the task."""
        return text_or_empty(self.raw.get("organization_id"))

    @property
    def conversation_id(self) -> str | None:
        """The id of the conversation that the task is a turn of."""
        return text_of(self.raw.get("conversation_id"))

    @property
    def events_streaming(self) -> bool:
        """Whether the task has an event stream."""
        return flag_of(self.raw.get("events_streaming"))


def _first_text(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these fields that is not null as text."""
    for name in names:
        if (value := fields.get(name)) is not None:
            return text_of(value)
    return None


@lru_cache(10_000)
def _interned(text: str | None) -> str | None:
    """Return the interned text: equal texts share one object, as many tasks have the same agent, status and user."""
    return text


_decode_object: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=parse_float).decode


class Page(Struct, frozen=True):
    """A page of a list, and the total number of items and pages if the platform reports them."""

    items: tuple[Any, ...]
    total: int | None = None
    pages: int | None = None
    number: int = 1

    LIMIT: ClassVar[int] = 50
    """The largest page that the platform returns."""


def page_of(body: object, parse_item: Callable[[object], Any], number: int) -> Page:
    """Return the page in a decoded answer, which is an envelope or a plain array."""
    if isinstance(body, list):
        return Page(tuple(parse_item(item) for item in body), len(body), 1, number)
    envelope = object_of(body)
    items = tuple(parse_item(item) for item in items_of(envelope.get("items")))
    return Page(items, count_of(envelope.get("total")), count_of(envelope.get("total_pages")), number)


class _PageEnvelope(Struct):
    items: list[Raw]
    total: Any = None
    total_pages: Any = None


_decode_envelope: Callable[[bytes], _PageEnvelope] = msgspec.json.Decoder(_PageEnvelope).decode
_decode_list: Callable[[bytes], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_is_list = re.compile(rb"\s*\[").match


def task_page(content: bytes, number: int) -> Page | None:
    """Parse a page of tasks, keeping the JSON of each task; return None if it must be decoded as a whole."""
    try:
        if _is_list(content):
            rows = _decode_list(content)
            return Page(_parse_rows(rows), len(rows), 1, number)
        envelope = _decode_envelope(content)
        total = count_of(envelope.total)
        page_count = count_of(envelope.total_pages)
        return Page(_parse_rows(envelope.items), total, page_count, number)
    except MSGSPEC_ERRORS:
        return None


def _parse_rows(rows: list[Raw]) -> tuple[TaskRow, ...]:
    return tuple(TaskRow.from_json(bytes(row)) for row in rows)


class TaskQuery(Struct, frozen=True):
    """A query for tasks that the platform itself filters; it takes a request for each status."""

    agent_id: str | None = None
    status: tuple[str, ...] = ()
    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    internal_status: str | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None

    def params(self, status: str | None) -> dict[str, str]:
        """Return the query as URL params, for one status."""
        params: dict[str, str] = {}
        if status:
            params["status"] = status
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name != "status" and value is not None:
                params[name] = value.isoformat() if isinstance(value, datetime) else value
        return params
