"""What is asked of the platform over HTTP: bodies and queries, checked before anything is done."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tui.local.sqlite_store import Json

StatusName = Literal["pending", "executing", "paused", "error", "failed", "completed", "stopped"]


class RequestModel(BaseModel):
    """A request body: the fields that are looked at, and whatever else comes with them."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="before")
    @classmethod
    def _is_json(cls, value: Any) -> Any:
        try:
            json.dumps(value, allow_nan=False)
        except TypeError as error:
            raise ValueError("the body is no JSON object: send application/json") from error
        return value


class User(RequestModel):
    """Whom a task is done for."""

    id: str | None = None
    email: str | None = None


class Input(RequestModel):
    """What is asked."""

    text: str | None = None
    files: list[Any] | None = None
    user: User | None = None
    attachments: list[Any] | None = None
    principal: Json | None = None


class Creation(RequestModel):
    """A new task, or with an `id`, another turn of a thread."""

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
    """What a person says about a decision."""

    comment: str | None = None


class QuestionAnswer(RequestModel):
    """The answer to one question, in either of the two shapes there are."""

    question_id: str
    answer: str | None = None
    selected_option_ids: list[str] = []
    free_text: str | None = None


class CardAnswers(RequestModel):
    """The answers to a card of questions."""

    decision_id: str
    answers: list[QuestionAnswer]


class CardConfirmation(RequestModel):
    """Yes or no to a card."""

    request_id: str
    approve: bool


class Check(RequestModel):
    """A tool call that may need approval."""

    execution_id: str
    operation_id: str | None = None
    tool_name: str | None = None
    payload: Any = None


class Settlement(RequestModel):
    """A decision about a held tool call."""

    approve: bool
    note: str | None = None


class Saved(RequestModel):
    """Fields of a task to be changed."""

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


class Pushed(RequestModel):
    """One event that a worker tells."""

    type: str
    data: Any = None


class HitlRequest(RequestModel):
    """A workflow's wish for approval."""

    task_id: str
    title: str = "Approval wanted"
    description: str | None = None
    content: Any = None


class Allowance(RequestModel):
    """A key whose allowance is asked for."""

    api_key: str = ""


class Metrics(RequestModel):
    """What a run has used."""

    execution_id: str
    llm_tokens: Json | None = None
    api_calls_made: list[Any] | None = None


class Report(RequestModel):
    """A task that ran elsewhere."""

    input: str | None = None
    result: str | None = None
    is_success: bool = True
    tokens: Json | None = None
    used_tools: list[Any] = []


class TaskFilters(BaseModel):
    """What a list of tasks can be narrowed by."""

    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    status: StatusName | None = None
    internal_status: str | None = None

    def chosen(self, **more: str | None) -> dict[str, str]:
        """Those that were given."""
        given = {**self.model_dump(exclude={"page", "per_page", "agent_id", "from_date", "to_date"}), **more}
        return {name: value for name, value in given.items() if value is not None}


class PagedTaskFilters(TaskFilters):
    """The same, a page at a time."""

    page: int = Field(1, ge=1, le=10_000_000)
    per_page: int = Field(20, ge=1, le=50)
    from_date: datetime | None = None
    to_date: datetime | None = None

    def dates(self) -> dict[str, str]:
        """The two dates as the database writes them."""
        given = {"from_date": self.from_date, "to_date": self.to_date}
        return {name: _written(value) for name, value in given.items() if value is not None}


class AnyAgentTaskFilters(PagedTaskFilters):
    """The same, of one agent or of all."""

    agent_id: str | None = None


def _written(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return "9999" if aware.year > 5000 else "0001"
