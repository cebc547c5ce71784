"""Agents and tasks as the platform tells of them: every field may be missing, none is trusted to be well formed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import AliasChoices, Field

from tui.api.record import (
    Count,
    Flag,
    Items,
    Name,
    Number,
    Record,
    Text,
    Texts,
    Time,
    count_of,
    identity,
    items_of,
    many,
    one,
    text_of,
)
from tui.api.wirejson import dumps


class Person(Record):
    """Whoever started a task or wrote a message."""

    id: Text = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    display_name: Text = None
    timezone: Text = None

    @property
    def name(self) -> str:
        """The most human name there is."""
        full = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.display_name or full or self.email or self.id or ""


class PlanStep(Record):
    """One step of an agent's plan."""

    id: Name = ""
    title: Name = ""
    completed: Flag = False


class Plan(Record):
    """What an agent means to do, and how far it is."""

    enabled: Flag = False
    started: Flag = False
    question_raised: Flag = False
    steps: Annotated[tuple[PlanStep, ...], many(PlanStep)] = Field(
        default=(), validation_alias=AliasChoices("tasks", "steps")
    )

    @property
    def done(self) -> int:
        """How many steps are completed."""
        return sum(step.completed for step in self.steps)


class Tokens(Record):
    """What a run has cost in tokens; cached ones are not part of the total."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    total_tokens: Count = 0

    @property
    def total(self) -> int:
        """The platform's own sum, or ours."""
        return self.total_tokens or self.prompt_tokens + self.completion_tokens


class ApprovalRequest(Record):
    """What a paused workflow asks of a person, in the newer or the older shape."""

    wait_node_id: Text = None
    operation_id: Text = None
    title: Text = None
    description: Text = None
    content: Any = None
    approved_by: Text = None
    rejected_by: Text = None

    @property
    def decided_by(self) -> str | None:
        """Who approved or rejected it already."""
        return self.approved_by or self.rejected_by


class SignInRequest(Record):
    """A connector that waits for a person to sign in."""

    connector_name: Text = None
    auth_url: Text = None


class TaskInput(Record):
    """What a task was asked."""

    text: Text = None
    files: Items = ()
    user: Annotated[Person | None, one(Person)] = None


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


@dataclass(frozen=True, slots=True)
class Wait:
    """A task that waits for a person: why, and since when."""

    kind: WaitKind
    since: datetime | None


class Task(Record):
    """A task, from a row of a list or from its own record: a row has fewer fields."""

    id: Name = ""
    agent_id: Name = ""
    organization_id: Name = ""
    status: Name = ""
    internal_status: Text = None
    title: Text = None
    result: Text = None
    input: Annotated[TaskInput | None, one(TaskInput)] = None
    user_id: Text = None
    parent_id: Text = Field(default=None, validation_alias=AliasChoices("parent_task_id", "parent_execution"))
    triggering_agent_id: Text = None
    source: Text = Field(default=None, validation_alias=AliasChoices("source", "source_node_type"))
    created_at: Time = None
    updated_at: Time = None
    started_at: Time = None
    paused_at: Time = None
    finished_at: Time = None
    sub_executions: Texts = ()
    is_manually_stopped: Flag = False
    hitl_request: Annotated[ApprovalRequest | None, one(ApprovalRequest)] = None
    pending_eca_request: Annotated[SignInRequest | None, one(SignInRequest)] = None
    events_streaming: Flag = False
    conversation_id: Text = None
    conversation_kind: Text = None
    execution_kind: Text = None
    llm_model_provider: Text = None
    llm_model_name: Text = None
    plan: Annotated[Plan | None, one(Plan)] = Field(default=None, validation_alias="deep_planning")
    tokens: Annotated[Tokens | None, one(Tokens)] = None
    duration: Number = None

    @classmethod
    def of(cls, data: object) -> Self:
        """Read a task; a row without an id gets one from its content, and no row is ever lost."""
        if isinstance(data, cls):
            return data
        if isinstance(data, dict):
            if isinstance(data.get("id"), str) and data["id"].strip():
                return super().of(data)
            known = {**data, "id": identity(data, "id")}
        else:
            known = {"id": identity({"value": data}), "status": Status.UNREADABLE, "title": dumps(data)}
        task = cls.model_validate(known)
        task._raw = data if isinstance(data, dict) else {"value": data}
        return task

    @property
    def is_full(self) -> bool:
        """Whether this is the task's own record, not a row of a list."""
        return "input" in self.raw

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
        since = self.paused_at or self.updated_at or self.created_at
        if self.pending_eca_request:
            return Wait(WaitKind.SIGN_IN, since)
        if self.status in RUNNING:
            return None
        if self.hitl_request and not self.hitl_request.decided_by:
            return Wait(WaitKind.APPROVAL, since)
        if self.plan and self.plan.question_raised:
            return Wait(WaitKind.QUESTION, since)
        return Wait(WaitKind.UNKNOWN, since) if self.status == Status.PAUSED else None


class Agent(Record):
    """An agent of the organization."""

    id: Name = ""
    name: Name = ""
    description: Text = None
    icon: Text = None
    status: Text = None
    type: Text = None
    organization_id: Name = ""
    created_at: Time = None
    model_provider: Text = None
    model_name: Text = None
    framework: Text = None
    deployment_type: Text = None
    access_scope: Text = None

    @classmethod
    def of(cls, data: object) -> Self:
        """Read an agent; one without an id gets one from its content."""
        if isinstance(data, dict) and not text_of(data.get("id")):
            agent = cls.model_validate({**data, "id": identity(data, "id")})
            agent._raw = data
            return agent
        return super().of(data)


@dataclass(frozen=True, slots=True)
class Page:
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
