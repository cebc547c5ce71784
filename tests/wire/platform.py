"""The local platform behind a server that can break anything: its answers are real, its streams can be cut anywhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.wire.server import Connection, Request
from tui.local.data_dir import ORGANIZATION
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.task_service import Refused

KEY = "key-of-the-tests-0123456789"
BEGIN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Platform:
    """The local platform, driven by a test; `resume` says what a reopened stream gets: by id, a replay, or only new events."""

    def __init__(self, resume: str = "by id") -> None:
        self.resume = resume
        wishes = ServerOptions(Path(), seed="test", arrivals=False, history=False)
        self.local = LocalPlatform(wishes, ":memory:", ())
        self.store = self.local.store
        app = self.local.app(KEY, wishes)
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")
        self.decisions: list[tuple[str, str, Any]] = []
        """What was done by those who asked: verb, task, and body."""
        self.before_reply: Callable[[Request, Connection], Awaitable[bool]] | None = None
        """May answer a request in its own way, and says whether it has."""
        self.stream_hook: Callable[[Connection, bytes], Awaitable[bool]] | None = None
        """Sends a frame in its own way; False ends the stream."""
        self._clock = itertools.count(1000)

    def close(self) -> None:
        """Close the database."""
        self.store.close()

    # Making

    def agent(self, agent_id: str, name: str) -> None:
        self._tick()
        agent = {"id": agent_id, "name": name, "organization_id": ORGANIZATION, "status": "ACTIVE", "icon": "🚀"}
        model = {"model_provider": "openai", "model_name": "gpt-4.1", "created_at": self.local.platform.now}
        self.store.put_agent({**agent, **model, "instructions": {"role": [], "goal": [], "general": ""}})

    def task(self, task_id: str, agent: str = "a1", status: str = "executing", **more: Any) -> dict[str, Any]:
        self._tick()
        platform = self.local.platform
        request = {"input": {"text": f"do {task_id}"}, "title": f"Task {task_id}", "events_streaming": True}
        task = platform.new_record(platform.agent(agent), request, None) | {"id": task_id, "status": status, **more}
        self.store.add_task(task, None)
        return task

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        return {task["id"]: task for task in self.store.tasks({})}

    def entry(self, task_id: str, **entry: Any) -> dict[str, Any]:
        self._tick()
        platform = self.local.platform
        told = {"id": platform.new_id(), "created_at": platform.now, **entry}
        self.store.put_entry(task_id, told)
        return told

    def change(self, task_id: str, **fields: Any) -> dict[str, Any]:
        self._tick()
        task = self.local.platform.task(task_id) | {"updated_at": self.local.platform.now, **fields}
        self.store.put_task(task)
        return task

    async def push(self, task_id: str, kind: str, data: Any = None) -> None:
        """Push an event on a task's stream."""
        self._tick()
        with self.store.transaction():
            self.local.platform.emit(self.local.platform.task(task_id), kind, data)

    async def tool(self, task_id: str, request_id: str, name: str, payload: Any, result: Any) -> None:
        """Add a whole tool call, on the stream and in the log."""
        call = {"request_id": request_id, "operation_id": name, "tool_name": name, "payload": payload}
        for kind, data in (("request", call), ("result", {**call, "result": result, "is_error": False})):
            self._tick()
            self.local.platform.push(task_id, [{"type": f"tool_call_{kind}", "data": data}])

    async def finish(self, task_id: str, status: str = "completed", result: str = "done") -> None:
        self._tick()
        with self.store.transaction():
            task = self.local.platform.task(task_id)
            self.local.platform.add_message(task, "agent", result)
            self.local.platform.change(task, status=status, result=result)

    def _tick(self) -> None:
        """Advance the time by a second."""
        self.local.clock.freeze_at(BEGIN + timedelta(seconds=next(self._clock)))

    # Answering

    async def handle(self, request: Request, connection: Connection) -> None:
        if self.before_reply and await self.before_reply(request, connection):
            return
        if found := re.fullmatch(rf"/{ORGANIZATION}/agent-execution/([^/]+)/events", request.path):
            await self._stream(request, connection, found[1])
            return
        self._tick()
        if request.path.endswith(("/answers", "/confirm")) and await self._decided_in_stream(request, connection):
            return
        headers = {name: value for name, value in request.headers.items() if name in {"x-api-key", "content-type"}}
        target = f"{httpx.URL(request.target).raw_path.decode()}"
        answer = await self._http.request(request.method, target, content=request.body, headers=headers)
        if answer.is_success and request.method != "GET":
            self._note(request)
        await connection.reply(answer.status_code, answer.content, {"content-type": answer.headers["content-type"]})

    async def _decided_in_stream(self, request: Request, connection: Connection) -> bool:
        """Decide a card, and begin a stream as the answer; return False if that is refused, or is no decision."""
        *_, task_id, verb = request.path.strip("/").split("/")
        body, decisions = request.json, self.local.decisions
        try:
            if verb == "answers":
                decisions.answer(task_id, body["decision_id"], body["answers"])
            else:
                decisions.confirm(task_id, body["request_id"], body["approve"])
        except Refused:
            return False
        self._note(request)
        await connection.start()
        await connection.gone()
        return True

    def _note(self, request: Request) -> None:
        parts = request.path.strip("/").split("/")
        verb = "DESTROYED" if request.method == "DELETE" and parts[0] == "v1" else parts[-1]
        self.decisions.append((verb, parts[-2], request.json))

    async def _stream(self, request: Request, connection: Connection, task_id: str) -> None:
        if self.store.task(task_id) is None:
            await connection.reply(404, {"detail": "Task not found"})
            return
        last = request.headers.get("last-event-id", "")
        newest = self.store.last_event_number(task_id)
        sent = {"by id": int(last) if last.isdecimal() else 0, "replay": 0}.get(self.resume, newest)
        await connection.start()
        while True:
            bell = self.store.change_event(task_id)
            for number, body in self.store.events_after(task_id, sent):
                name = f"id: {number}\n" if self.resume == "by id" else ""
                frame = f"{name}data: {body}\n\n".encode()
                if self.stream_hook and not await self.stream_hook(connection, frame):
                    connection.close()
                    return
                if not self.stream_hook:
                    await connection.chunk(frame)
                sent = number
            if self.store.last_event_number(task_id) == sent:
                await bell.wait()


def add_waiting_task(platform: Platform, task_id: str = "w") -> None:
    platform.task(task_id, status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})
