"""Pydantic models of agents and tasks; every field may be missing, and no value is trusted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from tui.client.json_codec import dumps
from tui.client.json_values import decider_of
from tui.client.task_facts import FINAL_STATUSES, RUNNING_STATUSES, Status, TaskFacts, Wait, WaitKind, wake_time
from tui.client.wire_model import Count, Flag, Items, Moment, Name, Nested, Number, Text, Texts, WireModel

__all__ = [
    "FINAL_STATUSES", "RUNNING_STATUSES", "Agent", "ApprovalRequest", "ContextStatus", "Person", "Plan", "PlanStep",
    "SignInRequest", "Status", "Task", "TaskInput", "Tokens", "Wait", "WaitKind", "decider_of",
]  # fmt: skip


class Person(WireModel):
    """A person who started a task or wrote a message."""

    id: Text = None
    email: Text = None
    first_name: Text = None
    last_name: Text = None
    display_name: Text = None
    timezone: Text = None

    @property
    def name(self) -> str:
        """The display name, or else the full name, the e-mail address or the id."""
        full_name = " ".join(part for part in (self.first_name, self.last_name) if part)
        return self.display_name or full_name or self.email or self.id or ""


class PlanStep(WireModel):
    """A step of an agent's plan."""

    id: Name = ""
    title: Name = ""
    completed: Flag = False


class Plan(WireModel):
    """The plan of an agent, and its progress."""

    enabled: Flag = False
    started: Flag = False
    question_raised: Flag = False
    steps: Items[PlanStep] = Field((), validation_alias=AliasChoices("tasks", "steps"))

    @property
    def done(self) -> int:
        """The number of steps that are done."""
        return sum(step.completed for step in self.steps)


class Tokens(WireModel):
    """The tokens that a run has used; the total does not include cached ones."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    total_tokens: Count = 0

    @property
    def total(self) -> int:
        """The total that the platform reports, or else the sum of prompt and completion."""
        return self.total_tokens or self.prompt_tokens + self.completion_tokens


class ContextStatus(WireModel):
    """The status of the model's context: how much of it is used."""

    percent: Number = None
    estimated_tokens: Count = 0
    context_window: Count = 0
    compacting: Flag = False


Decider = Annotated[str | None, BeforeValidator(decider_of)]


class ApprovalRequest(WireModel):
    """A request of a paused workflow for a person's approval, in the platform's newer or older form."""

    wait_node_id: Text = None
    operation_id: Text = None
    title: Text = None
    description: Text = None
    content: Any = None
    approved_by: Decider = None
    rejected_by: Decider = None

    @property
    def decided_by(self) -> str | None:
        """The name of the person by whom the request was decided: approved or rejected."""
        return self.approved_by or self.rejected_by


class SignInRequest(WireModel):
    """A connector's request to sign in."""

    connector_name: Text = None
    auth_url: Text = None


class TaskInput(WireModel):
    """The input of a task."""

    text: Text = None
    files: Items[Any] = ()
    user: Nested[Person] = None


class Task(TaskFacts, WireModel):
    """A task's own record, with every field."""

    ID_FIELDS = ("id",)
    id: Name = ""
    agent_id: Name = ""
    organization_id: Name = ""
    status: Name = ""
    internal_status: Text = None
    title: Text = None
    result: Text = None
    input: Nested[TaskInput] = None
    user_id: Text = None
    parent_id: Text = Field(None, validation_alias=AliasChoices("parent_task_id", "parent_execution"))
    triggering_agent_id: Text = None
    source: Text = Field(None, validation_alias=AliasChoices("source", "source_node_type"))
    created_at: Moment = None
    updated_at: Moment = None
    started_at: Moment = None
    paused_at: Moment = None
    finished_at: Moment = None
    sub_executions: Texts = ()
    is_manually_stopped: Flag = False
    hitl_request: Nested[ApprovalRequest] = None
    pending_eca_request: Nested[SignInRequest] = None
    events_streaming: Flag = False
    conversation_id: Text = None
    conversation_kind: Text = None
    execution_kind: Text = None
    llm_model_provider: Text = None
    llm_model_name: Text = None
    plan: Nested[Plan] = Field(None, validation_alias="deep_planning")
    tokens: Nested[Tokens] = None
    duration: Number = None

    @classmethod
    def fields_of_value(cls, value: object) -> dict[str, Any]:
        """Return fields for a value that is not an object, so that its JSON is shown as the title."""
        return {"value": value, "status": Status.UNREADABLE, "title": dumps(value)}

    @property
    def is_full(self) -> bool:
        """Whether this is the full record, not a row of a list."""
        return "input" in self.raw

    @property
    def wakes_at(self) -> datetime | None:
        """The time at which the task's resident process wakes by itself."""
        return wake_time(self.raw.get("process"))


class Agent(WireModel):
    """An agent of the organization."""

    ID_FIELDS = ("id",)
    id: Name = ""
    name: Name = ""
    description: Text = None
    icon: Text = None
    status: Text = None
    type: Text = None
    organization_id: Name = ""
    created_at: Moment = None
    model_provider: Text = None
    model_name: Text = None
    framework: Text = None
    deployment_type: Text = None
    access_scope: Text = None
