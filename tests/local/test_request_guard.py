"""RequestGuard: bodies that are invalid, too long, too slow or too many are refused with a message."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.local.conftest import KEY, Serve, Served
from tui.local import connection, request_guard

PATHS = ("/agent-execution/your-agent", "/agent-execution/{task}/events/push", "/events/worker", "/hitl/request")


@pytest.fixture
async def http(here: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP client of a platform."""
    async with here.http() as client:
        yield client


async def make(http: httpx.AsyncClient, agent: str = "your-agent", **more: Any) -> str:
    """Start a task."""
    answer = await http.post(f"/agent-execution/{agent}", json={"input": {"text": "count"}, **more})
    return str(answer.json()["id"])


ODD = {
    "half a surrogate pair": (b'{"input": {"text": "\\ud800"}}', "half a surrogate pair"),
    "half a pair as a name": (b'{"input": {"text": "x", "\\udfff": 1}}', "half a surrogate pair"),
    "half a pair in bytes": (b'{"input": {"text": "\xed\xa0\x80"}}', "half a surrogate pair"),
    "no number": (b'{"input": {"text": "x"}, "more": NaN}', "NaN is no number there"),
    "minus infinity": (b'{"input": {"text": "x"}, "more": -Infinity}', "-Infinity is no number there"),
    "a float too large": (b'{"input": {"text": "x"}, "more": [1e999]}', "a number that is too large"),
    "an integer too long": (b'{"input": {"text": "x"}, "more": ' + b"9" * 5000 + b"}", "more than 300 digits"),
    "very deep": (b'{"input": {"text": "x"}, "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "100 levels"),
    "deep": (b'{"input": {"text": "x"}, "more": ' + b"[" * 300 + b"]" * 300 + b"}", "100 levels"),
    "not closed": (b'{"input": ', "not JSON"),
    "no UTF-8": (b'{"input": {"text": "\xff"}}', "not UTF-8"),
    "UTF-16 cut": ('{"input": 1}'.encode("utf-16")[:-1], "not UTF-8"),
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_body_that_cannot_be_stored_unchanged_is_refused(
    here: Served, http: httpx.AsyncClient, path: str
) -> None:
    path = path.format(task=await make(http))
    for name, (body, words) in ODD.items():
        answer = await http.post(path, content=body, headers={"content-type": "application/json"})
        assert (name, answer.status_code) == (name, 422)
        assert words in answer.json()["detail"][0]["msg"]
    assert here.local.store.count_tasks({}) <= 1


@pytest.mark.parametrize(
    "body",
    [
        {"input": {"text": "x"}, "title": "é 🜚 \u0000 \uffff \U0010ffff", "additional_context": "a" * 100_000},
        {"input": {"text": "x"}, "payload_extension": {"a": [[[[[[1.5e300, -0.0, 2**63, 10**200]]]]]]}},
    ],
)
async def test_odd_but_valid_json_is_stored_unchanged(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    made = (await http.post("/agent-execution/your-agent", json=body)).json()
    read = (await http.get(f"/v1/tasks/{made['id']}")).json()
    told = {name: value for name, value in body.items() if name != "input"}
    assert {name: read[name] for name in told} == told


async def test_nesting_up_to_the_limit_is_stored(http: httpx.AsyncClient) -> None:
    deep: Any = []
    for _ in range(request_guard.MAX_DEPTH - 4):
        deep = [deep]
    task = await make(http, payload_extension={"deep": deep})
    assert (await http.get(f"/v1/tasks/{task}")).json()["payload_extension"] == {"deep": deep}
    assert task in [row["id"] for row in (await http.get("/v1/tasks")).json()["items"]]


@pytest.mark.parametrize("is_told", [True, False])
async def test_an_oversized_body_is_refused_and_not_stored(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, is_told: bool
) -> None:
    monkeypatch.setattr(request_guard, "MAX_BODY_BYTES", 1 << 20)
    body = b'{"input": {"text": "' + b"x" * (1 << 20) + b'"}}'

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 1 << 16):
            yield body[place : place + (1 << 16)]

    content = body if is_told else pieces()
    answer = await http.post("/agent-execution/your-agent", content=content)
    assert (answer.status_code, answer.json()) == (413, {"detail": "The body has more than 1 MiB"})
    assert (await http.get("/v1/tasks")).json()["total"] == 0


# Connections


class Raw:
    """A connection for raw bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def until_closed(self) -> tuple[int, Any]:
        """Wait until the platform closes the connection, and return the status and body of the last answer."""
        async with asyncio.timeout(10):
            head, _, body = (await self.reader.read()).rpartition(b"\r\n\r\n")
        status = int(head.rpartition(b"HTTP/1.1 ")[2].split()[0]) if head else 0
        return status, json.loads(body) if body else None


@contextlib.asynccontextmanager
async def raw(here: Served, sent: bytes = b"") -> AsyncIterator[Raw]:
    """Connect and send raw bytes."""
    parts = urlsplit(here.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write(sent)
        await writer.drain()
        yield Raw(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


HEAD = f"POST /agent-execution/your-agent HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: {KEY}\r\n".encode()


@pytest.mark.parametrize("sent", [b"", b"GE", HEAD, b"GET / HTTP/1.1\r\n" * 2], ids=["nothing", "two", "head", "line"])
async def test_a_request_that_does_not_arrive_times_out(
    here: Served, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)
    async with raw(here, sent) as one:
        status, told = await one.until_closed()
    assert status == 408
    assert isinstance(told["detail"], str)


async def test_half_a_second_request_times_out(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)
    whole = b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    async with raw(here, whole) as one:
        async with asyncio.timeout(10):
            await one.reader.readuntil(b'"ok"')
        one.writer.write(whole[:20])
        assert await one.until_closed() == (408, {"detail": "No whole request has come within 0.1 seconds"})


async def test_a_body_that_does_not_arrive_times_out(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_guard, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)
    async with raw(here, HEAD + b"content-length: 50\r\n\r\n{") as one:
        async with asyncio.timeout(10):
            answer = await one.reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 408 ")
        one.writer.write(b" ")  # one byte now and then keeps nothing open
        assert await one.until_closed() == (408, {"detail": "No whole request has come within 0.2 seconds"})
    assert here.local.store.count_tasks({}) == 0


async def test_a_long_stream_does_not_time_out(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(request_guard, "BODY_SECONDS", 0.1)
    async with here.http() as http:
        task = await make(http, events_streaming=True)
        async with asyncio.timeout(10), http.stream("GET", f"/agent-execution/{task}/events") as answer:
            lines = answer.aiter_lines()
            while "task_created" not in await anext(lines):
                pass
            await asyncio.sleep(0.4)  # four times as long as a request may take to come
            await http.post(f"/v1/tasks/{task}/stop")
            while "task_finished" not in await anext(lines):
                pass


async def test_connections_beyond_the_limit_are_refused(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_CONNECTIONS", 5)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(5):
            await stack.enter_async_context(raw(here))
        one = await stack.enter_async_context(raw(here))
        assert await one.until_closed() == (503, {"detail": "5 connections are open: close some first"})
    async with here.http() as http:
        async with asyncio.timeout(10):
            while (await http.get("/health")).status_code != 200:
                pass


@pytest.mark.parametrize("sent", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"x" * 100_000])
async def test_bytes_that_are_no_http_are_refused(here: Served, capfd: pytest.CaptureFixture[str], sent: bytes) -> None:
    async with raw(here, sent) as one:
        status, told = await one.until_closed()
    assert status == 400
    assert told == {"detail": "The request is not HTTP/1.1, or its head is too long"}
    assert capfd.readouterr() == ("", ""), "who sends such things fills no pipe that nobody reads"


# Data from workers


ANYTHING: tuple[Any, ...] = (None, True, 5, -1.5, 2**70, "text", "", [], ["x", 5, None], {}, {"id": {}}, {"input": 5},
                             {"text": 5}, {"content": {}, "role": "agent"}, {"payload": [], "request_id": []})  # fmt: skip
TOLD = ("think", "analyze", "tool_call_request", "tool_call_result", "ask_user_questions", "inline_card", "auth_event",
        "sub_agent_trigger", "agent_gateway_decision", "plan_updated", "chunk", "task_finished", "")  # fmt: skip


def told_by(anything: Any) -> list[Any]:
    """Return data with this value in every field that the platform reads."""
    names = ("id", "request_id", "tool_name", "operation_id", "payload", "result", "questions", "role", "content",
             "created_at", "tasks", "thought", "answers", "approved")  # fmt: skip
    return [anything, dict.fromkeys(names, anything), *({name: anything} for name in names)]


@pytest.mark.parametrize("kind", TOLD)
async def test_a_task_can_be_read_and_decided_whatever_its_worker_sent(http: httpx.AsyncClient, kind: str) -> None:
    task = await make(http)
    for anything in ANYTHING:
        events = [{"type": kind, "data": data} for data in told_by(anything)]
        assert (await http.post(f"/agent-execution/{task}/events/push", json=events)).status_code == 200
    messages = (await http.get(f"/activity/your-agent/{task}")).json()["messages"]
    assert all(isinstance(one["id"], str) and one["created_at"] for one in messages)
    for path in (f"/v1/tasks/{task}", f"/v1/tasks/{task}/thread", f"/v1/tasks/{task}/thread/full", "/v1/tasks"):
        assert (await http.get(path)).status_code == 200, path
    await http.patch(f"/agent-execution/{task}/update", json={"status": "paused"})
    for one in messages:
        told = {"decision_id": one["id"], "answers": [{"question_id": "x", "answer": "y"}]}
        answer = await http.post(f"/v1/agents/your-agent/conversations/{task}/answers", json=told)
        assert answer.status_code == 400
    assert (await http.post(f"/v1/tasks/{task}/stop")).json()["status"] == "stopped"


async def test_sub_tasks_in_a_circle_or_very_deep_are_stopped(here: Served, http: httpx.AsyncClient) -> None:
    # Private: no route makes such a circle.
    top = parent = await make(http)
    for _ in range(400):
        parent = here.local.platform.create("your-agent", {"input": {"text": "x"}, "parent_execution_id": parent})["id"]
    here.local.platform._add_sub_task(parent, top)
    assert (await http.post(f"/v1/tasks/{top}/stop")).json()["status"] == "stopped"
    assert here.local.platform.task(parent)["status"] == "stopped"
    assert len((await http.get(f"/v1/tasks/{top}/thread/full")).json()) >= 401


@pytest.mark.parametrize("fields", [{"deep_planning": {"tasks": 5}}, {"tokens": {"prompt_tokens": "many"}}])
async def test_a_task_whose_scenario_fails_ends_as_failed_and_others_continue(
    serve: Serve, fields: dict[str, Any]
) -> None:
    async with serve(pace=40) as here, here.http() as http:
        broken = await make(http, "planner")
        async with asyncio.timeout(10):
            while not here.local.platform.task(broken)["deep_planning"]["tasks"]:
                await here.local.store.change_event(broken).wait()
        await http.patch(f"/agent-execution/{broken}/update", json=fields)
        ended = await here.until(broken, "error", "completed", "paused")
        assert (ended["status"], ended["result"]) == ("error", "The agent could not go on: TypeError.")
        assert (await here.until(await make(http, "reader"), "completed"))["result"]


@pytest.mark.parametrize("field", ["pending_eca_request", "duration", "hitl_request", "deep_planning", "tokens"])
async def test_a_field_of_another_type_is_not_stored(http: httpx.AsyncClient, field: str) -> None:
    task = await make(http)
    answer = await http.patch(f"/agent-execution/{task}/update", json={field: ["x"]})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])


async def test_an_internal_error_is_reported_and_isolated(
    here: Served, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("with values in it")

    monkeypatch.setattr(here.local.store, "agents", fails)
    answer = await http.get("/v1/agents")
    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("The platform cannot answer this: RuntimeError in ")
    assert "values" not in answer.text
    assert (await http.get("/v1/tasks")).status_code == 200
    assert capfd.readouterr() == ("", "")
