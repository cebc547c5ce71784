"""Agents and tasks as the platform tells of them: every field may be missing, none is trusted to be well formed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from msgspec import Struct

from tui.client.json_codec import dumps
from tui.client.wire_model import (
    Field,
    Identity,
    Record,
    Row,
    as_it_is,
    count_of,
    flag_of,
    items_of,
    many,
    moment,
    name_of,
    number_of,
    one,
    text_of,
    texts_of,
)


class Person(Record):
    """Whoever started a task or wrote a message."""

    id = Field(text_of)
    email = Field(text_of)
    first_name = Field(text_of)
    last_name = Field(text_of)
    display_name = Field(text_of)
    timezone = Field(text_of)

    @property
    def name(self) -> str:
        """The most human name there is."""
        full = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.display_name or full or self.email or self.id or ""


class PlanStep(Record):
    """One step of an agent's plan."""

    id = Field(name_of)
    title = Field(name_of)
    completed = Field(flag_of)


class Plan(Record):
    """What an agent means to do, and how far it is."""

    enabled = Field(flag_of)
    started = Field(flag_of)
    question_raised = Field(flag_of)
    steps = Field(many(PlanStep), "tasks", "steps")

    @property
    def done(self) -> int:
        """How many steps are completed."""
        return sum(step.completed for step in self.steps)


class Tokens(Record):
    """What a run has cost in tokens; cached ones are not part of the total."""

    prompt_tokens = Field(count_of)
    completion_tokens = Field(count_of)
    cache_read_tokens = Field(count_of)
    cache_write_tokens = Field(count_of)
    total_tokens = Field(count_of)

    @property
    def total(self) -> int:
        """The platform's own sum, or ours."""
        return self.total_tokens or self.prompt_tokens + self.completion_tokens


NOBODY = frozenset({"", "false", "0", "null", "none", "undefined", "no", "nobody"})
"""What a platform may write for nobody."""


def decider_of(value: object) -> str | None:
    """Who decided, from a name, an object with one, or a list of these; what is false, zero or empty is nobody."""
    match value:
        case str():
            return None if value.strip().lower() in NOBODY else text_of(value)
        case dict():
            names = ("display_name", "name", "email", "id")
            return next(filter(None, (decider_of(value.get(name)) for name in names)), None)
        case list():
            return ", ".join(filter(None, map(decider_of, value))) or None
        case True:
            return "somebody"
        case _:
            return text_of(value) if value else None


class ApprovalRequest(Record):
    """What a paused workflow asks of a person, in the newer or the older shape."""

    wait_node_id = Field(text_of)
    operation_id = Field(text_of)
    title = Field(text_of)
    description = Field(text_of)
    content = Field(as_it_is)
    approved_by = Field(decider_of)
    rejected_by = Field(decider_of)

    @property
    def decided_by(self) -> str | None:
        """Who approved or rejected it already."""
        return self.approved_by or self.rejected_by


class SignInRequest(Record):
    """A connector that waits for a person to sign in."""

    connector_name = Field(text_of)
    auth_url = Field(text_of)


class TaskInput(Record):
    """What a task was asked."""

    text = Field(text_of)
    files = Field(items_of)
    user = Field(one(Person))


class Status(StrEnum):
    """The statuses this version knows; others are shown under their own name."""

    PENDING = "pending"
    EXECUTING = "executing"
    PAUSED = "paused"
    ERROR = "error"
    FAILED = "failed"
    COMPLETED = "completed"
    STOPPED = "stopped"
    UNREADABLE = "unreadable"


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.ERROR, Status.STOPPED})
RUNNING = frozenset({Status.PENDING, Status.EXECUTING})


class WaitKind(StrEnum):
    """Why a task cannot go on without a person."""

    APPROVAL = "approval"
    SIGN_IN = "sign-in"
    QUESTION = "question"
    UNKNOWN = "paused"


class Wait(Struct, frozen=True):
    """A task that waits for a person: why, and since when."""

    kind: WaitKind
    since: datetime | None


class Task(Record):
    """A task, from a row of a list or from its own record: a row has fewer fields. No row is ever lost."""

    __slots__ = ()
    OFTEN = (
        "id", "status", "agent_id", "title", "result", "parent_id",
        "created_at", "updated_at", "started_at", "finished_at",
    )  # fmt: skip
    id = Identity("id")
    agent_id = Field(name_of)
    organization_id = Field(name_of)
    status = Field(name_of)
    internal_status = Field(text_of)
    title = Field(text_of)
    result = Field(text_of)
    input = Field(one(TaskInput))
    user_id = Field(text_of)
    parent_id = Field(text_of, "parent_task_id", "parent_execution")
    triggering_agent_id = Field(text_of)
    source = Field(text_of, "source", "source_node_type")
    created_at = Field(moment)
    updated_at = Field(moment)
    started_at = Field(moment)
    paused_at = Field(moment)
    finished_at = Field(moment)
    sub_executions = Field(texts_of)
    is_manually_stopped = Field(flag_of)
    hitl_request = Field(one(ApprovalRequest))
    pending_eca_request = Field(one(SignInRequest))
    events_streaming = Field(flag_of)
    conversation_id = Field(text_of)
    conversation_kind = Field(text_of)
    execution_kind = Field(text_of)
    llm_model_provider = Field(text_of)
    llm_model_name = Field(text_of)
    plan = Field(one(Plan), "deep_planning")
    tokens = Field(one(Tokens))
    duration = Field(number_of)

    @classmethod
    def of(cls, data: object) -> Self:
        """Read a task; what is no object is shown as it is."""
        task = super().of(data)
        if not isinstance(data, dict | cls):
            task.status, task.title = Status.UNREADABLE, dumps(data)
        return task

    @classmethod
    def row(cls, data: object) -> Self:
        """Read a row of a list, of which there may be very many."""
        if not isinstance(data, dict | Row):
            return cls.of(data)
        return cls(Row(data) if isinstance(data, dict) else data)

    @property
    def is_full(self) -> bool:
        """Whether this is the task's own record, not a row of a list."""
        return "input" in (self.made_of if isinstance(self.made_of, Row) else self.raw)

    @property
    def is_final(self) -> bool:
        """Whether this turn of the task is over."""
        return self.status in FINAL

    @property
    def thread_id(self) -> str:
        """The id to continue with: a turn of a conversation is continued at its head."""
        return self.conversation_id or self.id

    @property
    def name(self) -> str:
        """The title, or what was asked, or the id."""
        asked = self.input.text if self.input else None
        return self.title or asked or self.id

    @property
    def changed_at(self) -> datetime | None:
        """The latest moment the record itself tells of."""
        moments = (self.updated_at, self.finished_at, self.paused_at, self.started_at, self.created_at)
        return max((when for when in moments if when), default=None)

    @property
    def wait(self) -> Wait | None:
        """Why the record says that a person is needed; the activity log may know more."""
        if self.is_final or (self.status == Status.UNREADABLE):
            return None
        kind = self._waits_for
        return Wait(kind, self.paused_at or self.updated_at or self.created_at) if kind else None

    @property
    def _waits_for(self) -> WaitKind | None:
        if self.pending_eca_request:
            return WaitKind.SIGN_IN
        if self.status in RUNNING:
            return None
        if (asked := self.hitl_request) and not asked.decided_by:
            return WaitKind.APPROVAL
        if (plan := self.plan) and plan.question_raised:
            return WaitKind.QUESTION
        return WaitKind.UNKNOWN if self.status == Status.PAUSED else None


class Agent(Record):
    """An agent of the organization."""

    id = Identity("id")
    name = Field(name_of)
    description = Field(text_of)
    icon = Field(text_of)
    status = Field(text_of)
    type = Field(text_of)
    organization_id = Field(name_of)
    created_at = Field(moment)
    model_provider = Field(text_of)
    model_name = Field(text_of)
    framework = Field(text_of)
    deployment_type = Field(text_of)
    access_scope = Field(text_of)


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
