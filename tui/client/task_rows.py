"""TaskRow, a task as the lists and the state hold it by the hundred thousand, and pages of these."""

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
from tui.client.json_values import count_of, flag_of, identity, items_of, parse_time, text_of, text_or_empty, texts_of
from tui.client.task_facts import Status, TaskFacts

if TYPE_CHECKING:
    from tui.client.models import ApprovalRequest, Plan, SignInRequest, Task, TaskInput, Tokens

AnyTask: TypeAlias = Union["TaskRow", "Task"]
"""A task, as a row or as its own record."""
PARENT_FIELDS = ("parent_task_id", "parent_execution")
NESTED_FIELDS = ("input", "hitl_request", "pending_eca_request", "deep_planning", "tokens")
"""The objects within a task; few rows hold one."""
MSGSPEC_ERRORS = (msgspec.MsgspecError, RecursionError, ValueError)
"""What msgspec raises about JSON that has to be read in the tolerant way, if it can be read at all."""


class TaskRow(TaskFacts, Struct, frozen=True, gc=False, eq=False):
    """A task as a list or an event told it: what lists, filters and the state read of it, and the whole of its JSON."""

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
    """Those of the NESTED_FIELDS that hold something."""
    is_full: bool
    """Whether this is all of the task's own record, not a row of a list."""
    is_root: bool
    """Whether it says that the task is nobody's sub-task; one that does not mention a parent says nothing."""
    json: bytes | dict[str, Any]
    """The whole object, as it was written or as it was decoded."""

    @classmethod
    def from_value(cls, data: object) -> Self:
        """Make a row of any JSON value; what is no object is shown as it is."""
        if isinstance(data, dict):
            return cls._of_fields(data, data)
        whole = {"value": data}
        return replace(cls._of_fields(whole, whole), status=str(Status.UNREADABLE), title=dumps(data))

    @classmethod
    def from_json(cls, written: bytes) -> Self:
        """Make a row of the JSON of one; raise NotJson where it is none."""
        try:
            fields = _decode_object(written)
        except MSGSPEC_ERRORS:
            return cls.from_value(loads(written))
        if not text_or_empty(fields.get("id")).strip():
            fields = loads(written)  # its id is made of its whole content
        return cls._of_fields(fields, written)

    @classmethod
    def from_task(cls, task: AnyTask) -> TaskRow:
        """Return a task as a row."""
        return task if isinstance(task, TaskRow) else cls.from_value(task.raw)

    @classmethod
    def _of_fields(cls, fields: dict[str, Any], json: bytes | dict[str, Any]) -> Self:
        get = fields.get
        parent_id = _first_text(fields, PARENT_FIELDS)
        return cls(
            identity(fields, "id"),
            _shared(text_or_empty(get("agent_id"))) or "",
            _shared(text_or_empty(get("status"))) or "",
            text_of(get("title")),
            text_of(get("result")),
            _shared(text_of(get("user_id"))),
            _shared(_first_text(fields, ("source", "source_node_type"))),
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
        """The object as it came, with every field this version does not know."""
        if isinstance(self.json, dict):
            return self.json
        whole: dict[str, Any] = loads(self.json)
        return whole

    def says_as(self, other: TaskRow) -> bool:
        """Whether the other is made of the same object."""
        return self.json == other.json or self.raw == other.raw

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TaskRow) and self.says_as(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the task, without its values: a crash report may hold it."""
        return f"TaskRow({self.id!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Name the task, as `__repr__` does."""
        return [("id", self.id)]

    # What a list seldom shows is read when it is looked at. pydantic is not imported before the first frame.

    @property
    def input(self) -> TaskInput | None:
        """What the task was asked."""
        if "input" not in self.nested:
            return None
        from tui.client.models import TaskInput

        return TaskInput.from_value(self.raw["input"])

    @property
    def hitl_request(self) -> ApprovalRequest | None:
        """What a paused workflow asks of a person."""
        if "hitl_request" not in self.nested:
            return None
        from tui.client.models import ApprovalRequest

        return ApprovalRequest.from_value(self.raw["hitl_request"])

    @property
    def pending_eca_request(self) -> SignInRequest | None:
        """The connector that waits for a person to sign in."""
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
        """What the run has cost in tokens."""
        if "tokens" not in self.nested:
            return None
        from tui.client.models import Tokens

        return Tokens.from_value(self.raw["tokens"])

    @property
    def organization_id(self) -> str:
        """The organization that the task belongs to."""
        return text_or_empty(self.raw.get("organization_id"))

    @property
    def conversation_id(self) -> str | None:
        """The thread that the task is a turn of."""
        return text_of(self.raw.get("conversation_id"))

    @property
    def events_streaming(self) -> bool:
        """Whether the task has a stream of events."""
        return flag_of(self.raw.get("events_streaming"))


def _first_text(fields: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these fields that is not null, as text."""
    for name in names:
        if (value := fields.get(name)) is not None:
            return text_of(value)
    return None


@lru_cache(10_000)
def _shared(text: str | None) -> str | None:
    """Return one and the same object for equal texts: many tasks have the same agent, status and user."""
    return text


_decode_object: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=parse_float).decode


class Page(Struct, frozen=True):
    """One page of a list, and how much there is in all where the platform says so."""

    items: tuple[Any, ...]
    total: int | None = None
    pages: int | None = None
    number: int = 1

    LIMIT: ClassVar[int] = 50
    """The most rows the platform gives on one page."""


def page_of(body: object, read: Callable[[object], Any], number: int) -> Page:
    """A page from an envelope or from a bare array."""
    if isinstance(body, list):
        return Page(tuple(read(item) for item in body), len(body), 1, number)
    envelope = body if isinstance(body, dict) else {}
    items = tuple(read(item) for item in items_of(envelope.get("items")))
    return Page(items, count_of(envelope.get("total")), count_of(envelope.get("total_pages")), number)


class _Envelope(Struct):
    items: list[Raw]
    total: Any = None
    total_pages: Any = None


_decode_envelope: Callable[[bytes], _Envelope] = msgspec.json.Decoder(_Envelope).decode
_decode_list: Callable[[bytes], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_is_list = re.compile(rb"\s*\[").match


def task_page(content: bytes, number: int) -> Page | None:
    """Read a page of tasks, of each the bytes it was written in; None where the page has to be decoded as a whole."""
    try:
        if _is_list(content):
            rows = _decode_list(content)
            total, pages = len(rows), 1
        else:
            envelope = _decode_envelope(content)
            rows, total, pages = envelope.items, count_of(envelope.total), count_of(envelope.total_pages)
        return Page(tuple(TaskRow.from_json(bytes(row)) for row in rows), total, pages, number)
    except MSGSPEC_ERRORS:
        return None


class TaskQuery(Struct, frozen=True):
    """What of a list of tasks the platform itself can choose; several statuses are several lists."""

    agent_id: str | None = None
    status: tuple[str, ...] = ()
    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    internal_status: str | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None

    def params(self, status: str | None) -> dict[str, str]:
        """As query parameters, for one status."""
        told: dict[str, str] = {"status": status} if status else {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name != "status" and value is not None:
                told[name] = value.isoformat() if isinstance(value, datetime) else value
        return told
