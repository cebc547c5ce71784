"""Schemas of the bodies and queries of HTTP requests, which are validated before a route runs."""

from __future__ import annotations

import json
from datetime import MAXYEAR, UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tui.local.sqlite_store import Json

BEFORE_ALL_DATES = "0001"
AFTER_ALL_DATES = "9999"
"""Bounds that sort before and after all dates in the format of the database."""
StatusName = Literal["pending", "executing", "paused", "error", "failed", "completed", "stopped"]


class RequestModel(BaseModel):
    """A request body: its known fields, and any others that come with them."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        """Return the value if it is JSON, not a form or a binary body."""
        try:
            json.dumps(value, allow_nan=False)
        except TypeError as error:
            raise ValueError("the body is no JSON object: send application/json") from error
        return value


class User(RequestModel):
    """The user for whom a task runs; as in the cloud, one without an e-mail address is refused."""

    id: str | None = None
    email: Annotated[str, Field(min_length=1)]
    first_name: str | None = None
    last_name: str | None = None
    display_name: str | None = None
    timezone: str | None = None
    additional_attributes: Json | None = None


class Input(RequestModel):
    """The input of a task."""

    text: str | None = None
    files: list[Any] | None = None
    user: User | None = None
    attachments: list[Any] | None = None
    principal: Json | None = None


class Creation(RequestModel):
    """The creation of a task, or with an `id`, of another turn in a thread."""

    input: Input
    id: str | None = None
    parent_execution_id: str | None = None
    title: str | None = None
    source: str | None = None
    worker_id: str | None = None
    triggering_agent_id: str | None = None
    events_streaming: bool | None = None
    output_format: Literal["text", "markdown", "json", "voice"] | None = None
    think_mode: Literal["default", "harder"] | None = None
    mcp_servers: list[Json] | None = None


class Comment(RequestModel):
    """A person's comment on a decision."""

    comment: str | None = None


class QuestionAnswer(RequestModel):
    """The answer to a question, in one of the vendor's two forms."""

    question_id: str
    answer: str | None = None
    selected_option_ids: list[str] = []
    free_text: str | None = None


class CardAnswers(RequestModel):
    """The answers to a card with questions."""

    decision_id: str
    answers: list[QuestionAnswer]


class CardConfirmation(RequestModel):
    """The confirmation or dismissal of a card."""

    request_id: str
    approve: bool


class CallCheck(RequestModel):
    """A check of a tool call that may need approval."""

    execution_id: str
    operation_id: str | None = None
    tool_name: str | None = None
    payload: Any = None


class CallDecision(RequestModel):
    """A decision about a held tool call."""

    approve: bool
    note: str | None = None


class TaskUpdate(RequestModel):
    """An update of a task's fields."""

    status: StatusName | None = None
    result: str | None = None
    internal_status: Annotated[str | None, Field(max_length=255)] = None
    title: str | None = None
    source: str | None = None
    deep_planning: Json | None = None
    tokens: Json | None = None
    used_tools: list[Any] | None = None
    hitl_request: Json | None = None
    pending_eca_request: Json | None = None
    duration: float | None = None


class PushedEvent(RequestModel):
    """An event that a worker pushes."""

    type: str
    data: Any = None


class HitlRequest(RequestModel):
    """A workflow's request for approval by a person (human in the loop, HITL)."""

    task_id: str
    title: str = "Approval wanted"
    description: str | None = None
    content: Any = None


class Allowance(RequestModel):
    """A query for the allowance of a key: the agents it may use."""

    api_key: str = ""


class Metrics(RequestModel):
    """The metrics of a run."""

    execution_id: str
    source: str | None = None
    status: StatusName | None = None
    duration: Annotated[float | None, Field(ge=0)] = None
    ai_model: str | None = None
    result: str | None = None
    llm_tokens: Json | None = None
    api_calls_made: list[Any] | None = None


class TaskReport(RequestModel):
    """A report of a task that ran outside the platform; an `id` is that of a task to report again, or a new one."""

    id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    input: str | None = None
    llm_response: Any = None
    result: str | None = None
    is_success: bool = True
    tokens: Json | None = None
    duration: Annotated[float | None, Field(ge=0)] = None
    used_tools: list[str] | None = None


class TaskFilters(BaseModel):
    """The filters of a task list."""

    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    status: StatusName | None = None
    internal_status: str | None = None

    def given_filters(self, **more: str | None) -> dict[str, str]:
        """Return the filters that were given, by name."""
        fields = self.model_dump(exclude={"page", "per_page", "agent_id", "from_date", "to_date"})
        return {name: value for name, value in {**fields, **more}.items() if value is not None}


class PagedTaskFilters(TaskFilters):
    """The filters of a task list with pages."""

    page: int = Field(1, ge=1, le=10_000_000)
    per_page: int = Field(20, ge=1, le=50)
    from_date: datetime | None = None
    to_date: datetime | None = None

    def dates(self) -> dict[str, str]:
        """Return the given dates in the format of the database."""
        dates = {"from_date": self.from_date, "to_date": self.to_date}
        return {name: _stored_date(value) for name, value in dates.items() if value is not None}


class AnyAgentTaskFilters(PagedTaskFilters):
    """The filters of a task list of all agents, with a filter for one agent."""

    agent_id: str | None = None


def _stored_date(moment: datetime) -> str:
    """Return a date in the format of the database; without a time zone it is in UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:  # in UTC it is after the last year, or before the first one
        return AFTER_ALL_DATES if aware.year == MAXYEAR else BEFORE_ALL_DATES
