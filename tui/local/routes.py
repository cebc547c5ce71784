"""The platform's HTTP: both surfaces on one port, by the vendor's contract."""

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
    CardAnswers,
    CardConfirmation,
    Check,
    Comment,
    Creation,
    HitlRequest,
    Metrics,
    PagedTaskFilters,
    Pushed,
    Report,
    Saved,
    Settlement,
    TaskFilters,
)  # fmt: skip
from tui.local.sqlite_store import Json
from tui.local.sse_responses import Streams, start_position
from tui.local.task_service import Platform, Refused
from tui.local.workers import Workers

LastEventId = Annotated[str | None, Header(alias="last-event-id")]

ROW_FIELDS = (
    "id", "agent_id", "organization_id", "status", "triggering_agent_id", "created_at", "updated_at", "result", "title",
    "execution_kind", "conversation_kind",
)  # fmt: skip


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII only, which holds whatever texts were stored."""

    def render(self, content: Any) -> bytes:
        """The answer's body."""
        return json.dumps(content, separators=(",", ":")).encode()


def task_row(task: Json) -> Json:
    """A task as a row of a list."""
    user = task["input"].get("user") or {}
    return {
        **{name: task[name] for name in ROW_FIELDS},
        "user_id": user.get("id"),
        "parent_task_id": task["parent_execution"],
        "source_node_type": task["source"],
        "internal_status": task["internal_status"],
    }


def build_app(
    platform: Platform, decisions: Decisions, workers: Workers, streams: Streams, key: str, tell: Callable[[str], None]
) -> FastAPI:
    """The whole application, but for the guard at its door."""
    app = FastAPI(
        title="xp-tui local platform",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        default_response_class=AsciiJSONResponse,
    )
    app.include_router(_rest(platform, decisions, streams))
    app.include_router(_controller(platform, decisions, workers, streams, key))
    app.include_router(_open(decisions))

    _answer_errors(app, platform, tell)
    return app


def _answer_errors(app: FastAPI, platform: Platform, tell: Callable[[str], None]) -> None:
    """Give every error an answer in the contract's form."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return AsciiJSONResponse({"detail": error.detail}, error.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        told = [{name: one[name] for name in ("type", "loc", "msg")} for one in error.errors()]
        return AsciiJSONResponse({"detail": told}, 422)

    @app.exception_handler(sqlite3.Error)
    async def database_failed(_: Request, error: sqlite3.Error) -> JSONResponse:
        words = platform.store.explain(error)
        tell(words)
        return AsciiJSONResponse(
            {"detail": f"The platform cannot do this now: {words}"}, 507 if is_full(error) else 503
        )

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        return AsciiJSONResponse({"detail": f"The platform cannot answer this: {error_place(error)}"}, 500)


def _rest(platform: Platform, decisions: Decisions, streams: Streams) -> APIRouter:
    """The public surface."""
    store = platform.store
    router = APIRouter(prefix="/v1")

    def page_of(items: list[Json], total: int, page: int, size: int) -> Json:
        return {"items": items, "total": total, "page": page, "per_page": size, "total_pages": -(-total // size)}

    def tasks_page(query: PagedTaskFilters, agent_id: str | None) -> Json:
        filters = query.chosen(agent_id=agent_id) | query.dates()
        rows = store.tasks(filters, limit=query.per_page, offset=(query.page - 1) * query.per_page)
        return page_of([task_row(task) for task in rows], store.count(filters), query.page, query.per_page)

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
    async def answers(agent_id: str, task_id: str, wish: CardAnswers) -> StreamingResponse:
        before = _position_in(platform, agent_id, task_id)
        decisions.answer(task_id, wish.decision_id, [one.model_dump() for one in wish.answers])
        return streams.open(task_id, before)

    @router.post("/agents/{agent_id}/conversations/{task_id}/confirm")
    async def confirm(agent_id: str, task_id: str, wish: CardConfirmation) -> StreamingResponse:
        before = _position_in(platform, agent_id, task_id)
        decisions.confirm(task_id, wish.request_id, wish.approve)
        return streams.open(task_id, before)

    @router.post("/agents/{agent_id}/conversations/{task_id}/stop")
    async def stop_turn(agent_id: str, task_id: str) -> Json:
        _position_in(platform, agent_id, task_id)
        return platform.stop(task_id)

    return router


def _controller(platform: Platform, decisions: Decisions, workers: Workers, streams: Streams, key: str) -> APIRouter:
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
    async def user_tasks(user_id: str, query: Annotated[TaskFilters, Query()]) -> list[Json]:
        return [task_row(task) for task in store.tasks(query.chosen(user_id=user_id))]

    @router.get("/agent-execution/executions/history/{agent_id}")
    async def agent_tasks(agent_id: str, query: Annotated[TaskFilters, Query()]) -> list[Json]:
        platform.agent(agent_id)
        return [task_row(task) for task in store.tasks(query.chosen(agent_id=agent_id))]

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
    async def events(task_id: str, after: LastEventId = None) -> StreamingResponse:
        if not platform.task(task_id)["events_streaming"]:
            raise Refused(404, f"Task {task_id} is not set with events streaming")
        return streams.open(task_id, start_position(after, store.last_event(task_id)))

    @router.post("/agent-execution/{task_id}/events/push")
    async def push(task_id: str, events: list[Pushed]) -> Json:
        platform.push(task_id, [event.model_dump() for event in events])
        return {"ok": True}

    @router.get("/activity/{agent_id}/{task_id}")
    async def log(agent_id: str, task_id: str) -> Response:
        return Response(platform.log(agent_id, task_id), media_type="application/json")

    @router.post("/hitl/request")
    async def hitl(wish: HitlRequest) -> Json:
        return decisions.ask_approval(wish.task_id, wish.title, wish.description, wish.content)

    @router.post("/hitl/{task_id}/approve")
    async def approve(task_id: str, wish: Annotated[Comment | None, Body()] = None) -> Json:
        return decisions.decide(task_id, True, wish.comment if wish else None)

    @router.post("/hitl/{task_id}/reject")
    async def reject(task_id: str, wish: Annotated[Comment | None, Body()] = None) -> Json:
        return decisions.decide(task_id, False, wish.comment if wish else None)

    @router.post("/agents/{agent_id}/tool-approvals/check")
    async def check(agent_id: str, wish: Check) -> Json:
        return decisions.check(agent_id, wish.model_dump())

    @router.get("/agents/{agent_id}/tool-approvals/{request_id}")
    async def approval(agent_id: str, request_id: str) -> Json:
        return decisions.approval(agent_id, request_id)

    @router.post("/agents/{agent_id}/tool-approvals/{request_id}/decision")
    async def settle(agent_id: str, request_id: str, wish: Settlement) -> Json:
        return decisions.settle(agent_id, request_id, wish.approve, wish.note)

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


def _open(decisions: Decisions) -> APIRouter:
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
        task = decisions.signed_in(token)
        return PlainTextResponse(f"Signed in. {task['title'] or 'The task'} goes on; this page can be closed.\n")

    return router


def _position_in(platform: Platform, agent_id: str, task_id: str) -> int:
    """Where a conversation's stream is, if it is this agent's."""
    if platform.task(task_id)["agent_id"] != agent_id:
        raise Refused(404, "Conversation not found")
    return platform.store.last_event(task_id)
