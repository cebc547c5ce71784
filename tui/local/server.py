"""The platform's HTTP: both surfaces on one port, by the vendor's contract."""

from __future__ import annotations

import html
import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, FastAPI, Header, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tui import __version__
from tui.local.platform import Platform, Refused
from tui.local.store import Json
from tui.local.streams import Streams, position
from tui.local.workers import Workers

Status = Literal["pending", "executing", "paused", "error", "failed", "completed", "stopped"]
After = Annotated[str | None, Header(alias="last-event-id")]


class Wish(BaseModel):
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


class User(Wish):
    """Whom a task is done for."""

    id: str | None = None
    email: str | None = None


class Input(Wish):
    """What is asked."""

    text: str | None = None
    files: list[Any] | None = None
    user: User | None = None
    attachments: list[Any] | None = None
    principal: Json | None = None


class Creation(Wish):
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


class Comment(Wish):
    """What a person says about a decision."""

    comment: str | None = None


class Answer(Wish):
    """The answer to one question, in either of the two shapes there are."""

    question_id: str
    answer: str | None = None
    selected_option_ids: list[str] = []
    free_text: str | None = None


class Answers(Wish):
    """The answers to a card of questions."""

    decision_id: str
    answers: list[Answer]


class Confirmation(Wish):
    """Yes or no to a card."""

    request_id: str
    approve: bool


class Check(Wish):
    """A tool call that may need approval."""

    execution_id: str
    operation_id: str | None = None
    tool_name: str | None = None
    payload: Any = None


class Settlement(Wish):
    """A decision about a held tool call."""

    approve: bool
    note: str | None = None


class Saved(Wish):
    """Fields of a task to be changed."""

    status: Status | None = None
    result: str | None = None
    internal_status: Annotated[str | None, Field(max_length=255)] = None
    title: str | None = None
    source: str | None = None
    deep_planning: Json | None = None
    tokens: Json | None = None
    used_tools: list[Any] | None = None
    hitl_request: Json | None = None


class Pushed(Wish):
    """One event that a worker tells."""

    type: str
    data: Any = None


class HitlRequest(Wish):
    """A workflow's wish for approval."""

    task_id: str
    title: str = "Approval wanted"
    description: str | None = None
    content: Any = None


class Allowance(Wish):
    """A key whose allowance is asked for."""

    api_key: str = ""


class Metrics(Wish):
    """What a run has used."""

    execution_id: str
    llm_tokens: Json | None = None
    api_calls_made: list[Any] | None = None


class Report(Wish):
    """A task that ran elsewhere."""

    input: str | None = None
    result: str | None = None
    is_success: bool = True
    tokens: Json | None = None
    used_tools: list[Any] = []


class Filters(BaseModel):
    """What a list of tasks can be narrowed by."""

    user_id: str | None = None
    parent_task_id: str | None = None
    triggering_agent_id: str | None = None
    status: Status | None = None
    internal_status: str | None = None

    def chosen(self, **more: str | None) -> dict[str, str]:
        """Those that were given."""
        given = {**self.model_dump(exclude={"page", "per_page", "agent_id", "from_date", "to_date"}), **more}
        return {name: value for name, value in given.items() if value is not None}


class Paging(Filters):
    """The same, a page at a time."""

    page: int = Field(1, ge=1, le=10_000_000)
    per_page: int = Field(20, ge=1, le=50)
    from_date: datetime | None = None
    to_date: datetime | None = None

    def dates(self) -> dict[str, str]:
        """The two dates as the database writes them."""
        given = {"from_date": self.from_date, "to_date": self.to_date}
        return {name: _written(value) for name, value in given.items() if value is not None}


class OfAnyAgent(Paging):
    """The same, of one agent or of all."""

    agent_id: str | None = None


ROW = (
    "id", "agent_id", "organization_id", "status", "triggering_agent_id", "created_at", "updated_at", "result", "title",
    "execution_kind", "conversation_kind",
)  # fmt: skip


class Ascii(JSONResponse):
    """JSON in ASCII only, which holds whatever texts were stored."""

    def render(self, content: Any) -> bytes:
        """The answer's body."""
        return json.dumps(content, separators=(",", ":")).encode()


def row_of(task: Json) -> Json:
    """A task as a row of a list."""
    user = task["input"].get("user") or {}
    return {
        **{name: task[name] for name in ROW},
        "user_id": user.get("id"),
        "parent_task_id": task["parent_execution"],
        "source_node_type": task["source"],
        "internal_status": task["internal_status"],
    }


def app_of(platform: Platform, workers: Workers, streams: Streams, key: str) -> FastAPI:
    """The whole application, but for the guard at its door."""
    app = FastAPI(
        title="xp-tui local platform", version=__version__, docs_url=None, redoc_url=None, default_response_class=Ascii
    )
    app.include_router(_rest(platform, streams))
    app.include_router(_controller(platform, workers, streams, key))
    app.include_router(_open(platform))

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return Ascii({"detail": error.detail}, error.status)

    return app


def _rest(platform: Platform, streams: Streams) -> APIRouter:
    """The public surface."""
    store = platform.store
    router = APIRouter(prefix="/v1")

    def page_of(items: list[Json], total: int, page: int, size: int) -> Json:
        return {"items": items, "total": total, "page": page, "per_page": size, "total_pages": -(-total // size)}

    def tasks_page(query: Paging, agent_id: str | None) -> Json:
        filters = query.chosen(agent_id=agent_id) | query.dates()
        rows = store.tasks(filters, limit=query.per_page, offset=(query.page - 1) * query.per_page)
        return page_of([row_of(task) for task in rows], store.count(filters), query.page, query.per_page)

    @router.get("/agents")
    async def agents(
        page: Annotated[int, Query(ge=1, le=10_000_000)] = 1, per_page: Annotated[int, Query(ge=1, le=50)] = 20
    ) -> Json:
        found = store.agents()
        return page_of(found[(page - 1) * per_page : page * per_page], len(found), page, per_page)

    @router.get("/agents/{agent_id}")
    async def agent(agent_id: str) -> Json:
        return platform.agent(agent_id)

    @router.get("/tasks")
    async def tasks(query: Annotated[OfAnyAgent, Query()]) -> Json:
        return tasks_page(query, query.agent_id)

    @router.get("/agents/{agent_id}/tasks")
    async def agent_tasks(agent_id: str, query: Annotated[Paging, Query()]) -> Json:
        platform.agent(agent_id)
        return tasks_page(query, agent_id)

    @router.get("/tasks/{task_id}")
    async def task(task_id: str) -> Json:
        return platform.task(task_id)

    @router.delete("/tasks/{task_id}", status_code=204)
    async def destroy(task_id: str) -> None:
        platform.destroy(task_id)

    @router.post("/tasks/{task_id}/stop")
    async def stop(task_id: str) -> Json:
        return platform.stop(task_id)

    @router.get("/tasks/{task_id}/thread")
    async def thread(task_id: str) -> list[Json]:
        return platform.thread(task_id)

    @router.get("/tasks/{task_id}/thread/full")
    async def thread_full(task_id: str) -> dict[str, list[Json]]:
        return {"root": platform.thread(task_id), **platform.threads_below(task_id)}

    @router.post("/agents/{agent_id}/invoke/async")
    async def invoke_async(agent_id: str, wish: Creation, version: str | None = None) -> Json:
        return platform.create(agent_id, wish.model_dump(), version=version)

    @router.post("/agents/{agent_id}/invoke")
    async def invoke(agent_id: str, wish: Creation, version: str | None = None) -> Json:
        made = platform.create(agent_id, wish.model_dump(), version=version)
        while (now := platform.task(made["id"]))["status"] in {"pending", "executing"}:
            await store.bell(made["id"]).wait()
            if streams.closing:
                break
        return now

    @router.post("/agents/{agent_id}/invoke/stream")
    async def invoke_stream(agent_id: str, wish: Creation, version: str | None = None) -> StreamingResponse:
        before = store.last_event(wish.id) if wish.id else 0
        made = platform.create(agent_id, {**wish.model_dump(), "events_streaming": True}, version=version)
        return streams.open(made["id"], before)

    @router.post("/agents/{agent_id}/conversations/{task_id}/answers")
    async def answers(agent_id: str, task_id: str, wish: Answers) -> StreamingResponse:
        before = _position_in(platform, agent_id, task_id)
        platform.answer(task_id, wish.decision_id, [one.model_dump() for one in wish.answers])
        return streams.open(task_id, before)

    @router.post("/agents/{agent_id}/conversations/{task_id}/confirm")
    async def confirm(agent_id: str, task_id: str, wish: Confirmation) -> StreamingResponse:
        before = _position_in(platform, agent_id, task_id)
        platform.confirm(task_id, wish.request_id, wish.approve)
        return streams.open(task_id, before)

    @router.post("/agents/{agent_id}/conversations/{task_id}/stop")
    async def stop_turn(agent_id: str, task_id: str) -> Json:
        _position_in(platform, agent_id, task_id)
        return platform.stop(task_id)

    return router


def _controller(platform: Platform, workers: Workers, streams: Streams, key: str) -> APIRouter:
    """The SDK's surface."""
    store = platform.store
    router = APIRouter()

    @router.get("/agents/list")
    async def agents() -> list[Json]:
        return store.agents()

    @router.get("/agents/{agent_id}")
    async def agent(agent_id: str) -> Json:
        return platform.agent(agent_id)

    @router.get("/agent-execution/executions/history/user/{user_id}")
    async def user_tasks(user_id: str, query: Annotated[Filters, Query()]) -> list[Json]:
        return [row_of(task) for task in store.tasks(query.chosen(user_id=user_id))]

    @router.get("/agent-execution/executions/history/{agent_id}")
    async def agent_tasks(agent_id: str, query: Annotated[Filters, Query()]) -> list[Json]:
        platform.agent(agent_id)
        return [row_of(task) for task in store.tasks(query.chosen(agent_id=agent_id))]

    @router.get("/agent-execution/{task_id}/status")
    async def task(task_id: str) -> Json:
        return platform.task(task_id)

    @router.post("/agent-execution/{agent_id}")
    async def create(
        agent_id: str, wish: Creation, version: Annotated[str | None, Header(alias="x-agent-version")] = None
    ) -> Json:
        return platform.create(agent_id, wish.model_dump(), version=version)

    @router.delete("/agent-execution/{task_id}")
    async def stop(task_id: str) -> Json:
        return platform.stop(task_id)

    @router.patch("/agent-execution/{task_id}/update")
    async def update(task_id: str, wish: Saved) -> Json:
        return platform.save(task_id, wish.model_dump(exclude_unset=True))

    @router.post("/agent-execution/{agent_id}/report_task")
    async def report(agent_id: str, wish: Report) -> Json:
        return platform.report(agent_id, wish.model_dump())

    @router.get("/agent-execution/{task_id}/events")
    async def events(task_id: str, after: After = None) -> StreamingResponse:
        if not platform.task(task_id)["events_streaming"]:
            raise Refused(404, f"Task {task_id} is not set with events streaming")
        return streams.open(task_id, position(after, store.last_event(task_id)))

    @router.post("/agent-execution/{task_id}/events/push")
    async def push(task_id: str, events: list[Pushed]) -> Json:
        platform.push(task_id, [event.model_dump() for event in events])
        return {"ok": True}

    @router.get("/activity/{agent_id}/{task_id}")
    async def log(agent_id: str, task_id: str) -> Response:
        return Response(platform.log(agent_id, task_id), media_type="application/json")

    @router.post("/hitl/request")
    async def hitl(wish: HitlRequest) -> Json:
        return platform.ask_approval(wish.task_id, wish.title, wish.description, wish.content)

    @router.post("/hitl/{task_id}/approve")
    async def approve(task_id: str, wish: Annotated[Comment | None, Body()] = None) -> Json:
        return platform.decide(task_id, True, wish.comment if wish else None)

    @router.post("/hitl/{task_id}/reject")
    async def reject(task_id: str, wish: Annotated[Comment | None, Body()] = None) -> Json:
        return platform.decide(task_id, False, wish.comment if wish else None)

    @router.post("/agents/{agent_id}/tool-approvals/check")
    async def check(agent_id: str, wish: Check) -> Json:
        return platform.check(agent_id, wish.model_dump())

    @router.get("/agents/{agent_id}/tool-approvals/{request_id}")
    async def approval(agent_id: str, request_id: str) -> Json:
        return platform.approval(agent_id, request_id)

    @router.post("/agents/{agent_id}/tool-approvals/{request_id}/decision")
    async def settle(agent_id: str, request_id: str, wish: Settlement) -> Json:
        return platform.settle(agent_id, request_id, wish.approve, wish.note)

    @router.post("/agents-metrics/{agent_id}/execution")
    async def metrics(agent_id: str, wish: Metrics) -> Json:
        platform.agent(agent_id)
        spent = (wish.llm_tokens or {}).get("worker")
        platform.save(wish.execution_id, {"tokens": spent if isinstance(spent, dict) else None})
        return {"ok": True}

    @router.post("/metadata/api_key_allowance")
    async def allowance(wish: Allowance) -> Json:
        allowed = [agent["id"] for agent in store.agents()] if wish.api_key == key else []
        return {"api_key": "REDACTED", "agent_ids": allowed}

    @router.get("/events/{agent_id}/")
    @router.get("/events/{agent_id}", include_in_schema=False)
    async def channel(agent_id: str) -> StreamingResponse:
        platform.agent(agent_id)
        return StreamingResponse(workers.serve(agent_id), media_type="text/event-stream")

    @router.post("/events/{worker_id}")
    async def worker_says(worker_id: str, event: Annotated[Json, Body()]) -> Json:
        workers.hear(worker_id, event)
        return {"ok": True}

    return router


def _open(platform: Platform) -> APIRouter:
    """What needs no key."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health")
    async def health() -> str:
        return "ok"

    @router.get("/sign-in/{token}")
    async def sign_in(token: str) -> HTMLResponse:
        page = (
            "<!doctype html><title>Sign in</title><body style='font:16px sans-serif;margin:4em auto;max-width:30em'>"
            "<h1>Sign in</h1><p>A pretend sign-in page of the local platform. Nothing leaves this machine.</p>"
            f"<form method=post action='/sign-in/{html.escape(token, quote=True)}'><button>Sign in</button></form>"
        )
        return HTMLResponse(page, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})

    @router.post("/sign-in/{token}")
    async def signed_in(token: str) -> PlainTextResponse:
        task = platform.signed_in(token)
        return PlainTextResponse(f"Signed in. {task['title'] or 'The task'} goes on; this page can be closed.\n")

    return router


def _position_in(platform: Platform, agent_id: str, task_id: str) -> int:
    """Where a conversation's stream is, if it is this agent's."""
    if platform.task(task_id)["agent_id"] != agent_id:
        raise Refused(404, "Conversation not found")
    return platform.store.last_event(task_id)


def _written(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except OverflowError:
        return "9999" if aware.year > 5000 else "0001"
