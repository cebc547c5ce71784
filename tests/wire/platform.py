"""A platform of a test: agents, tasks, logs and streams in memory, on both surfaces, by the contract."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.wire.server import Connection, Request

ORG = "org-1"
KEY = "key-of-the-tests-0123456789"
BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    """A moment of the story, as the platform writes it."""
    return (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


class Platform:
    """What the platform knows; `resume` says what a reopened stream gets: by id, a replay, or only what is new."""

    def __init__(self, resume: str = "by id") -> None:
        self.resume = resume
        self.agents: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.logs: dict[str, list[Any]] = {}
        self.events: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        self.news = asyncio.Condition()
        self.decisions: list[tuple[str, str, Any]] = []
        self.before_reply: Callable[[Request, Connection], Awaitable[bool]] | None = None
        """May answer a request in its own way, and says whether it has."""
        self.stream_hook: Callable[[Connection, bytes], Awaitable[bool]] | None = None
        """Sends a frame in its own way; False ends the stream."""
        self._clock = itertools.count(1000)
        self._ids = itertools.count(1)

    # Making

    def agent(self, agent_id: str, name: str) -> None:
        told = {"id": agent_id, "name": name, "organization_id": ORG, "status": "ACTIVE", "created_at": at(0)}
        self.agents[agent_id] = {**told, "icon": "🚀", "instructions": {"role": [], "goal": [], "general": ""}}
        self.agents[agent_id]["model_name"] = "gpt-4.1"

    def task(self, task_id: str, agent: str = "a1", status: str = "executing", **more: Any) -> dict[str, Any]:
        moment = at(next(self._clock))
        task = {
            "id": task_id,
            "agent_id": agent,
            "organization_id": ORG,
            "status": status,
            "created_at": moment,
            "updated_at": moment,
            "title": f"Task {task_id}",
            "result": None,
            "input": {"text": f"do {task_id}", "files": [], "user": None},
            "events_streaming": True,
            "parent_execution": None,
            "hitl_request": None,
            **more,
        }
        self.tasks[task_id] = task
        self.logs.setdefault(task_id, [])
        self.events.setdefault(task_id, [])
        return task

    def entry(self, task_id: str, **entry: Any) -> dict[str, Any]:
        told = {"id": f"e{next(self._ids)}", "created_at": at(next(self._clock)), **entry}
        self.logs[task_id].append(told)
        return told

    def change(self, task_id: str, **fields: Any) -> dict[str, Any]:
        self.tasks[task_id].update(fields, updated_at=at(next(self._clock)))
        return self.tasks[task_id]

    async def push(self, task_id: str, kind: str, data: Any = None) -> int:
        """An event on a task's stream."""
        async with self.news:
            number = len(self.events[task_id]) + 1
            event = {
                "type": kind,
                "task_id": task_id,
                "organization_id": ORG,
                "time": at(next(self._clock)),
                "data": data,
            }
            self.events[task_id].append((number, event))
            self.news.notify_all()
            return number

    async def tool(self, task_id: str, request_id: str, name: str, payload: Any, result: Any) -> None:
        """A whole tool call: on the stream, and in the log."""
        call = {"request_id": request_id, "operation_id": name, "tool_name": name, "payload": payload}
        await self.push(task_id, "tool_call_request", call)
        await self.push(task_id, "tool_call_result", {**call, "result": result, "is_error": False})
        self.entry(task_id, id=request_id, tool_name=name, payload=payload, result=result, is_error=False)

    async def finish(self, task_id: str, status: str = "completed", result: str = "done") -> None:
        task = self.change(task_id, status=status, result=result, finished_at=at(next(self._clock)))
        self.entry(task_id, role="agent", content={"text": result, "files": []})
        await self.push(task_id, "task_finished", dict(task))

    # Answering

    async def handle(self, request: Request, connection: Connection) -> None:
        if self.before_reply and await self.before_reply(request, connection):
            return
        if request.headers.get("x-api-key") != KEY:
            await connection.reply(401, {"detail": "Invalid API key"})
            return
        path = re.sub(rf"^/{ORG}(?=/)", "", request.path)
        for method, pattern, name in _ROUTES:
            if request.method == method and (found := re.fullmatch(pattern, path)):
                await getattr(self, f"_{name}")(request, connection, *found.groups())
                return
        await connection.reply(404, {"detail": f"no route {request.method} {path}"})

    def _row(self, task: dict[str, Any]) -> dict[str, Any]:
        names = ("id", "agent_id", "organization_id", "status", "created_at", "updated_at", "result", "title")
        rest = {"user_id": None, "parent_task_id": task["parent_execution"], "source_node_type": "sdk"}
        return {name: task[name] for name in names} | rest

    def _rows(self, request: Request, agent: str | None = None) -> list[dict[str, Any]]:
        query = request.query
        rows = [self._row(task) for task in reversed(self.tasks.values())]
        for name in ("agent_id", "status", "parent_task_id"):
            if name in query:
                rows = [row for row in rows if row[name] == query[name]]
        return [row for row in rows if agent in (None, row["agent_id"])]

    async def _page(self, connection: Connection, request: Request, rows: list[Any]) -> None:
        page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 20))
        if size > 50:
            detail = [{"loc": ["query", "per_page"], "msg": "must be at most 50", "type": "value_error"}]
            await connection.reply(422, {"detail": detail})
            return
        part = rows[(page - 1) * size : page * size]
        pages = -(-len(rows) // size)
        body = {"items": part, "total": len(rows), "page": page, "per_page": size, "total_pages": pages}
        await connection.reply(200, body)

    async def _v1_agents(self, request: Request, connection: Connection) -> None:
        await self._page(connection, request, list(self.agents.values()))

    async def _agents(self, request: Request, connection: Connection) -> None:
        await connection.reply(200, list(self.agents.values()))

    async def _v1_tasks(self, request: Request, connection: Connection) -> None:
        await self._page(connection, request, self._rows(request))

    async def _history(self, request: Request, connection: Connection, agent: str) -> None:
        await connection.reply(200, self._rows(request, agent))

    async def _user_history(self, request: Request, connection: Connection, user: str) -> None:
        await connection.reply(200, self._rows(request))

    async def _task(self, request: Request, connection: Connection, task_id: str) -> None:
        await (connection.reply(200, self.tasks[task_id]) if task_id in self.tasks else _missing(connection))

    async def _log(self, request: Request, connection: Connection, agent: str, task_id: str) -> None:
        if task_id not in self.logs:
            await _missing(connection)
            return
        await connection.reply(200, {"id": task_id, "created_at": at(0), "messages": self.logs[task_id]})

    async def _threads(self, request: Request, connection: Connection, task_id: str) -> None:
        said = [entry for entry in self.logs.get(task_id, ()) if isinstance(entry, dict) and "role" in entry]
        root = [
            {
                "id": one["id"],
                "role": {"agent": "assistant"}.get(one["role"], one["role"]),
                "content": one["content"]["text"],
                "created_at": int(datetime.fromisoformat(one["created_at"]).timestamp()),
            }
            for one in said
        ]
        await connection.reply(200, {"root": root})

    async def _stop(self, request: Request, connection: Connection, task_id: str) -> None:
        if task_id not in self.tasks:
            await _missing(connection)
            return
        if self.tasks[task_id]["status"] not in {"completed", "failed", "error", "stopped"}:
            self.change(task_id, status="stopped", is_manually_stopped=True, finished_at=at(next(self._clock)))
        await connection.reply(200, self.tasks[task_id])

    async def _create(self, request: Request, connection: Connection, agent: str) -> None:
        body = request.json
        if agent not in self.agents:
            await _missing(connection)
            return
        if body.get("id"):
            self.change(body["id"], status="pending", input=body["input"])
        else:
            body["id"] = f"t{len(self.tasks) + 1}"
            self.task(body["id"], agent, "pending", input=body["input"], title=body.get("title"))
        task = self.tasks[body["id"]]
        task["events_streaming"] = body.get("events_streaming", False)
        self.entry(body["id"], role="user", content={"text": body["input"]["text"], "files": []})
        self.decisions.append(("create", body["id"], body))
        await connection.reply(200, task)

    async def _decide(self, request: Request, connection: Connection, task_id: str, verb: str) -> None:
        task = self.tasks.get(task_id)
        if task is None:
            await _missing(connection)
        elif task["status"] != "paused" or not task["hitl_request"]:
            await connection.reply(409, {"detail": "already decided by Dana"})
        else:
            self.decisions.append((verb, task_id, request.json))
            self.change(task_id, status="executing", hitl_request=None)
            await connection.reply(200, {"ok": True})

    async def _update(self, request: Request, connection: Connection, task_id: str) -> None:
        await connection.reply(200, self.change(task_id, **request.json))

    async def _destroy(self, request: Request, connection: Connection, task_id: str) -> None:
        self.tasks.pop(task_id, None)
        self.decisions.append(("DESTROYED", task_id, None))
        await connection.reply(204)

    async def _answers(self, request: Request, connection: Connection, agent: str, task_id: str, kind: str) -> None:
        self.decisions.append((kind, task_id, request.json))
        self.change(task_id, status="executing")
        await connection.start()
        await connection.chunk(b'data: {"type":"connected"}\n\n')
        await connection.gone()

    async def _stream(self, request: Request, connection: Connection, task_id: str) -> None:
        if task_id not in self.events:
            await _missing(connection)
            return
        told = self.events[task_id]
        last = request.headers.get("last-event-id", "")
        sent = {"by id": int(last) if last.isdecimal() else 0, "replay": 0}.get(self.resume, len(told))
        await connection.start()
        while True:
            async with self.news:
                await self.news.wait_for(lambda: len(told) > sent)
            while sent < len(told):
                number, event = told[sent]
                name = f"id: {number}\n" if self.resume == "by id" else ""
                frame = f"{name}data: {json.dumps(event)}\n\n".encode()
                if self.stream_hook and not await self.stream_hook(connection, frame):
                    connection.close()
                    return
                if not self.stream_hook:
                    await connection.chunk(frame)
                sent += 1


async def _missing(connection: Connection) -> None:
    await connection.reply(404, {"detail": "Task not found"})


_ROUTES = (
    ("GET", "/v1/agents", "v1_agents"),
    ("GET", "/agents/list", "agents"),
    ("GET", "/v1/tasks", "v1_tasks"),
    ("GET", "/agent-execution/executions/history/user/([^/]+)", "user_history"),
    ("GET", "/agent-execution/executions/history/([^/]+)", "history"),
    ("GET", "/v1/tasks/([^/]+)", "task"),
    ("DELETE", "/v1/tasks/([^/]+)", "destroy"),
    ("GET", "/v1/tasks/([^/]+)/thread/full", "threads"),
    ("POST", "/v1/tasks/([^/]+)/stop", "stop"),
    ("POST", "/v1/agents/([^/]+)/invoke/async", "create"),
    ("POST", "/v1/agents/([^/]+)/conversations/([^/]+)/(answers|confirm)", "answers"),
    ("GET", "/agent-execution/([^/]+)/status", "task"),
    ("GET", "/agent-execution/([^/]+)/events", "stream"),
    ("GET", "/activity/([^/]+)/([^/]+)", "log"),
    ("DELETE", "/agent-execution/([^/]+)", "stop"),
    ("PATCH", "/agent-execution/([^/]+)/update", "update"),
    ("POST", "/agent-execution/([^/]+)", "create"),
    ("POST", "/hitl/([^/]+)/(approve|reject)", "decide"),
)
