"""The HTTP routes of the platform: the vendor's public REST API and the API of its SDK, on one port."""

from __future__ import annotations

import html
import json
import sqlite3
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse

from tui import __version__
from tui.local.decisions import Decisions
from tui.local.request_guard import error_place, is_full
from tui.local.schemas import (
    Allowance,
    AnyAgentTaskFilters,
    CallCheck,
    CallDecision,
    CardAnswers,
    CardConfirmation,
    Comment,
    Creation,
    HitlRequest,
    Metrics,
    PagedTaskFilters,
    PushedEvent,
    TaskFilters,
    TaskReport,
    TaskUpdate,
)  # fmt: skip
from tui.local.sqlite_store import Json
from tui.local.sse_responses import Streams, start_position
from tui.local.task_reports import record_metrics, record_report
from tui.local.task_service import Platform, Refused
from tui.local.workers import Workers
from tui.local.workflows import workflow_nodes, workflow_row

LastEventId = Annotated[str | None, Header(alias="last-event-id")]

ROW_FIELDS = (
    "id", "agent_id", "organization_id", "status", "triggering_agent_id", "created_at", "updated_at", "result", "title",
    "execution_kind", "conversation_kind",
)  # fmt: skip
"""Fields of a task that a row of a list has under the same name."""


class AsciiJSONResponse(JSONResponse):
    """A JSON response in ASCII, so that it can hold any stored text, even half a surrogate pair."""

    def render(self, content: Any) -> bytes:
        """Render the body."""
        return json.dumps(content, separators=(",", ":")).encode()


def task_row(task: Json) -> Json:
    """Return a task as a row of a list."""
    user = task["input"].get("user") or {}
    return {
        **{name: task[name] for name in ROW_FIELDS},
        "user_id": user.get("id"),
        "parent_task_id": task["parent_execution"],
        "source_node_type": task["source"],
        "internal_status": task["internal_status"],
    }


def build_app(
    platform: Platform,
    decisions: Decisions,
    workers: Workers,
    streams: Streams,
    key: str,
    notify: Callable[[str], None],
) -> FastAPI:
    """Build the app with all routes, without its middleware."""
    app = FastAPI(
        title="xp-tui local platform",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        default_response_class=AsciiJSONResponse,
    )
    app.include_router(_rest_routes(platform, decisions, streams))
    app.include_router(_sdk_routes(platform, decisions, workers, streams, key))
    app.include_router(_open_routes(decisions))
    _add_error_handlers(app, platform, notify)
    return app


def _add_error_handlers(app: FastAPI, platform: Platform, notify: Callable[[str], None]) -> None:
    """Add a handler for each kind of error, which answers in the vendor's form."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return AsciiJSONResponse({"detail": error.detail}, error.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        details = [{name: detail[name] for name in ("type", "loc", "msg")} for detail in error.errors()]
        return AsciiJSONResponse({"detail": details}, 422)

    @app.exception_handler(sqlite3.Error)
    async def database_failed(_: Request, error: sqlite3.Error) -> JSONResponse:
        explanation = platform.store.explain(error)
        notify(explanation)
        status = 507 if is_full(error) else 503
        return AsciiJSONResponse({"detail": f"The platform cannot do this now: {explanation}"}, status)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        return AsciiJSONResponse({"detail": f"The platform cannot answer this: {error_place(error)}"}, 500)


def _rest_routes(platform: Platform, decisions: Decisions, streams: Streams) -> APIRouter:
    """Return the routes of the public REST API."""
    store = platform.store
    router = APIRouter(prefix="/v1")

    def page_of(items: list[Json], total: int, page: int, size: int) -> Json:
        return {"items": items, "total": total, "page": page, "per_page": size, "total_pages": -(-total // size)}

    def tasks_page(query: PagedTaskFilters, agent_id: str | None) -> Json:
        filters = query.given_filters(agent_id=agent_id) | query.dates()
        rows = store.tasks(filters, limit=query.per_page, offset=(query.page - 1) * query.per_page)
        return page_of([task_row(task) for task in rows], store.count_tasks(filters), query.page, query.per_page)

    @router.get("/agents")
    async def agents(
        page: Annotated[int, Query(ge=1, le=10_000_000)] = 1, per_page: Annotated[int, Query(ge=1, le=50)] = 20
    ) -> Json:
        items = store.agents()
        return page_of(items[(page - 1) * per_page : page * per_page], len(items), page, per_page)

    @router.get("/agents/{agent_id}")
    async def agent(agent_id: str) -> Json:
        return platform.agent(agent_id)

    @router.get("/workflows")
    async def workflows(
        page: Annotated[int, Query(ge=1, le=10_000_000)] = 1, per_page: Annotated[int, Query(ge=1, le=50)] = 20
    ) -> Json:
        items = [workflow_row(agent) for agent in store.agents() if agent.get("orchestration_nodes")]
        return page_of(items[(page - 1) * per_page : page * per_page], len(items), page, per_page)

    @router.get("/workflows/{workflow_id}")
    async def workflow(workflow_id: str) -> Json:
        return workflow_row(_workflow(platform, workflow_id))

    @router.get("/workflows/{workflow_id}/nodes")
    async def nodes(workflow_id: str) -> list[Json]:
        return workflow_nodes(_workflow(platform, workflow_id))

    @router.get("/tasks")
    async def tasks(query: Annotated[AnyAgentTaskFilters, Query()]) -> Json:
        return tasks_page(query, query.agent_id)

    @router.get("/agents/{agent_id}/tasks")
    async def agent_tasks(agent_id: str, query: Annotated[PagedTaskFilters, Query()]) -> Json:
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
    async def invoke_async(agent_id: str, body: Creation, version: str | None = None) -> Json:
        return platform.create(agent_id, body.model_dump(), version=version)

    @router.post("/agents/{agent_id}/invoke")
    async def invoke(agent_id: str, body: Creation, version: str | None = None) -> Json:
        task_id = platform.create(agent_id, body.model_dump(), version=version)["id"]
        while (current := platform.task(task_id))["status"] in {"pending", "executing"}:
            await store.change_event(task_id).wait()
            if streams.closing:
                break
        return current

    @router.post("/agents/{agent_id}/invoke/stream")
    async def invoke_stream(agent_id: str, body: Creation, version: str | None = None) -> StreamingResponse:
        position = store.last_event_number(body.id) if body.id else 0
        created = platform.create(agent_id, {**body.model_dump(), "events_streaming": True}, version=version)
        return streams.open(created["id"], position)

    @router.post("/agents/{agent_id}/conversations/{task_id}/answers")
    async def answers(agent_id: str, task_id: str, body: CardAnswers) -> StreamingResponse:
        position = _stream_position(platform, agent_id, task_id)
        decisions.answer(task_id, body.decision_id, [answer.model_dump() for answer in body.answers])
        return streams.open(task_id, position)

    @router.post("/agents/{agent_id}/conversations/{task_id}/confirm")
    async def confirm(agent_id: str, task_id: str, body: CardConfirmation) -> StreamingResponse:
        position = _stream_position(platform, agent_id, task_id)
        decisions.confirm(task_id, body.request_id, body.approve)
        return streams.open(task_id, position)

    @router.post("/agents/{agent_id}/conversations/{task_id}/stop")
    async def stop_turn(agent_id: str, task_id: str) -> Json:
        _stream_position(platform, agent_id, task_id)
        return platform.stop(task_id)

    return router


def _sdk_routes(platform: Platform, decisions: Decisions, workers: Workers, streams: Streams, key: str) -> APIRouter:
    """Return the routes of the SDK's API, which the vendor calls the controller."""
    store = platform.store
    router = APIRouter()

    @router.get("/agents/list")
    async def agents() -> list[Json]:
        return store.agents()

    @router.get("/agents/{agent_id}")
    async def agent(agent_id: str) -> Json:
        return platform.agent(agent_id)

    @router.get("/agent-execution/executions/history/user/{user_id}")
    async def user_tasks(user_id: str, query: Annotated[TaskFilters, Query()]) -> list[Json]:
        return [task_row(task) for task in store.tasks(query.given_filters(user_id=user_id))]

    @router.get("/agent-execution/executions/history/{agent_id}")
    async def agent_tasks(agent_id: str, query: Annotated[TaskFilters, Query()]) -> list[Json]:
        platform.agent(agent_id)
        return [task_row(task) for task in store.tasks(query.given_filters(agent_id=agent_id))]

    @router.get("/agent-execution/{task_id}/status")
    async def task(task_id: str) -> Json:
        return platform.task(task_id)

    @router.post("/agent-execution/{agent_id}")
    async def create(
        agent_id: str, body: Creation, version: Annotated[str | None, Header(alias="x-agent-version")] = None
    ) -> Json:
        return platform.create(agent_id, body.model_dump(), version=version)

    @router.delete("/agent-execution/{task_id}")
    async def stop(task_id: str) -> Json:
        return platform.stop(task_id)

    @router.patch("/agent-execution/{task_id}/update")
    async def update(task_id: str, body: TaskUpdate) -> Json:
        return platform.save(task_id, body.model_dump(exclude_unset=True))

    @router.post("/agent-execution/{agent_id}/report_task")
    async def report(agent_id: str, body: TaskReport) -> Json:
        return record_report(platform, agent_id, body.model_dump())

    @router.get("/agent-execution/{task_id}/events")
    async def events(task_id: str, after: LastEventId = None) -> StreamingResponse:
        if not platform.task(task_id)["events_streaming"]:
            raise Refused(404, f"Task {task_id} is not set with events streaming")
        return streams.open(task_id, start_position(after, store.last_event_number(task_id)))

    @router.post("/agent-execution/{task_id}/events/push")
    async def push(task_id: str, events: list[PushedEvent]) -> Json:
        platform.push(task_id, [event.model_dump() for event in events])
        return {"ok": True}

    @router.get("/activity/{agent_id}/{task_id}")
    async def log(agent_id: str, task_id: str) -> Response:
        return Response(platform.log_json(agent_id, task_id), media_type="application/json")

    @router.post("/hitl/request")
    async def hitl(body: HitlRequest) -> Json:
        return decisions.request_approval(body.task_id, body.title, body.description, body.content)

    @router.post("/hitl/{task_id}/approve")
    async def approve(task_id: str, body: Annotated[Comment | None, Body()] = None) -> Json:
        return decisions.decide(task_id, True, _comment_in(body))

    @router.post("/hitl/{task_id}/reject")
    async def reject(task_id: str, body: Annotated[Comment | None, Body()] = None) -> Json:
        return decisions.decide(task_id, False, _comment_in(body))

    @router.post("/agents/{agent_id}/tool-approvals/check")
    async def check(agent_id: str, body: CallCheck) -> Json:
        return decisions.check_call(agent_id, body.model_dump())

    @router.get("/agents/{agent_id}/tool-approvals/{request_id}")
    async def approval(agent_id: str, request_id: str) -> Json:
        return decisions.approval(agent_id, request_id)

    @router.post("/agents/{agent_id}/tool-approvals/{request_id}/decision")
    async def settle(agent_id: str, request_id: str, body: CallDecision) -> Json:
        return decisions.decide_call(agent_id, request_id, body.approve, body.note)

    @router.post("/agents-metrics/{agent_id}/execution")
    async def metrics(agent_id: str, body: Metrics) -> Json:
        record_metrics(platform, agent_id, body.model_dump())
        return {"ok": True}

    @router.post("/metadata/api_key_allowance")
    async def allowance(body: Allowance) -> Json:
        allowed = []
        if body.api_key == key:
            allowed = [agent["id"] for agent in store.agents()]
        return {"api_key": "REDACTED", "agent_ids": allowed}

    @router.get("/events/{agent_id}/")
    @router.get("/events/{agent_id}", include_in_schema=False)
    async def channel(agent_id: str) -> StreamingResponse:
        platform.agent(agent_id)
        return StreamingResponse(workers.channel(agent_id), media_type="text/event-stream")

    @router.post("/events/{worker_id}")
    async def worker_says(worker_id: str, event: Annotated[Json, Body()]) -> Json:
        workers.update_status(worker_id, event)
        return {"ok": True}

    return router


def _open_routes(decisions: Decisions) -> APIRouter:
    """Return the open routes, which need no key."""
    router = APIRouter(include_in_schema=False)

    @router.get("/health")
    async def health() -> str:
        return "ok"

    @router.get("/sign-in/{token}")
    async def sign_in(token: str) -> HTMLResponse:
        decisions.task_of_sign_in(token)
        page = (
            "<!doctype html><title>Sign in</title><body style='font:16px sans-serif;margin:4em auto;max-width:30em'>"
            "<h1>Sign in</h1><p>A pretend sign-in page of the local platform. Nothing leaves this machine.</p>"
            f"<form method=post action='/sign-in/{html.escape(token, quote=True)}'><button>Sign in</button></form>"
        )
        return HTMLResponse(page, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})

    @router.post("/sign-in/{token}")
    async def signed_in(token: str) -> PlainTextResponse:
        task = decisions.complete_sign_in(token)
        return PlainTextResponse(f"Signed in. {task['title'] or 'The task'} goes on; this page can be closed.\n")

    return router


def _workflow(platform: Platform, workflow_id: str) -> Json:
    """Return the agent whose workflow has this id; raise Refused 404 if it has none."""
    agent = platform.agent(workflow_id)
    if not agent.get("orchestration_nodes"):
        raise Refused(404, "Workflow not found")
    return agent


def _comment_in(body: Comment | None) -> str | None:
    return body.comment if body else None


def _stream_position(platform: Platform, agent_id: str, task_id: str) -> int:
    """Return the current position of a conversation's stream; raise Refused 404 if it is another agent's."""
    if platform.task(task_id)["agent_id"] != agent_id:
        raise Refused(404, "Conversation not found")
    return platform.store.last_event_number(task_id)
