"""The recorder of answers: it sends nothing but GET, reads no route with secrets, and keeps no value of anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import make_client
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server
from tui.client.endpoints import BadAddress, Surface
from tui.services import answer_recorder
from tui.services.answer_recorder import (
    READ_ROUTES,
    REFUSED_ENDS,
    AnswerRecorder,
    ReadRoute,
    RecordedAnswer,
    checked_route,
    shape_of_headers,
)

UUID = "0b8a4e1e-5d0f-4f3a-9a43-c2c1f4f9a001"


async def recorded(server: Server, agent: str | None = None, organization: str | None = None) -> list[RecordedAnswer]:
    async with make_client(server.url, key=KEY, organization=organization) as client:
        return [answer async for answer in AnswerRecorder(client, agent).record()]


def of(answers: list[RecordedAnswer], path: str) -> list[RecordedAnswer]:
    return [answer for answer in answers if answer.route.path == path]


def busy(platform: Platform) -> None:
    """Fill a platform with tasks of several kinds."""
    about = {"user_id": "ann@acme.example", "conversation_id": UUID}
    platform.task("t-paused", status="paused", hitl_request={"wait_node_id": "n", "content": {"iban": "DE02"}}, **about)
    platform.task("t-running", result="secret words", **about)
    platform.entry("t-running", tool_name="bank.transfer", payload={"to": "ann@acme.example"}, approval_request_id="r1")
    platform.entry("t-running", role="user", content={"text": f"my key is {KEY}"})


@pytest.fixture(autouse=True)
def quick_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record events for a short time only."""
    monkeypatch.setattr(answer_recorder, "EVENTS_SECONDS", 0.3)


async def test_every_route_is_read_with_get_alone(platform: Platform, server: Server) -> None:
    busy(platform)
    await platform.push("t-running", "think", {"payload": {"input": {"thought": "of secret words"}}})
    answers = await recorded(server)
    assert {request.method for request in server.requests} == {"GET"}
    assert not [request.path for request in server.requests if request.path.endswith(REFUSED_ENDS)]
    assert all(not request.body for request in server.requests)
    assert platform.decisions == []
    assert {answer.route for answer in answers} == set(READ_ROUTES)
    read = {answer.route.path for answer in answers if answer.status == 200}
    assert {
        "/v1/agents", "/agents/list", "/v1/tasks", "/v1/agents/{agent}", "/agents/{agent}", "/v1/workflows",
        "/agent-execution/executions/history/{agent}", "/v1/tasks/{task}", "/agent-execution/{task}/status",
        "/activity/{task_agent}/{task}", "/v1/tasks/{task}/thread/full", "/agent-execution/{task}/events",
    } <= read  # fmt: skip
    assert len(of(answers, "/v1/tasks/{task}")) == 2  # one of each status


async def test_no_value_of_anybody_is_kept(platform: Platform, server: Server) -> None:
    busy(platform)
    await platform.push("t-running", "think", {"payload": {"input": {"thought": "of secret words"}}})
    answers = await recorded(server)
    told = json.dumps([[answer.headers, answer.body, answer.problem, answer.route.words] for answer in answers])
    for secret in (KEY, "acme", "t-paused", "t-running", "secret words", "bank.transfer", "DE02", "iban", UUID, "Task"):
        assert secret not in told
    (record,) = [answer.body for answer in of(answers, "/v1/tasks/{task}") if answer.body["status"] == "paused"]
    assert record["hitl_request"] == {"wait_node_id": "<text 1>", "content": {"<name 4>": "<text 4>"}}
    (events,) = of(answers, "/agent-execution/{task}/events")
    assert "think" in [frame["data"]["type"] for frame in events.body]
    assert events.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("end", REFUSED_ENDS)
def test_routes_with_secrets_are_refused(end: str) -> None:
    with pytest.raises(BadAddress, match="never read"):
        checked_route(ReadRoute(Surface.REST, f"/v1/agents/{{agent}}{end}"))
    assert all(checked_route(route).method == "GET" for route in READ_ROUTES)


def serving(reply: Callable[[Request], tuple[int, Any, dict[str, str]]]) -> Server:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(*reply(request))

    return Server(serve)


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"items": None}, {"items": [1, None, {"id": []}]}, "text", [{"id": {"a": 1}}], [[{}]], 7,
     {"items": [{"id": "../x", "agent_id": "..", "organization_id": "../../x"}]}, b"<html>ann@acme.example</html>", b""],
)  # fmt: skip
async def test_answers_of_any_form_are_recorded(body: Any) -> None:
    async with serving(lambda request: (200, body, {})) as server:
        answers = await recorded(server, "a1", "ORG")
    assert {answer.route for answer in answers} == set(READ_ROUTES)
    assert "acme" not in json.dumps([answer.body for answer in answers])
    assert {request.method for request in server.requests} == {"GET"}


async def test_errors_and_redirects_are_answers_too() -> None:
    def reply(request: Request) -> tuple[int, Any, dict[str, str]]:
        if request.path == "/v1/agents":
            return 302, b"", {"Location": "http://elsewhere.example/secret"}
        return 403, {"detail": "Ann may not"}, {"Set-Cookie": "session=abc", "Retry-After": "7"}

    async with serving(reply) as server:
        answers = await recorded(server, "a1", "ORG")
    assert of(answers, "/v1/agents")[0].status == 302
    refused = of(answers, "/agents/{agent}")[0]
    assert (refused.status, refused.body) == (403, {"detail": "<text 11>"})
    assert refused.headers == {"content-type": "application/json", "content-length": "25", "retry-after": "7"}
    assert refused.masked_headers == 1
    assert "elsewhere" not in json.dumps([answer.headers for answer in answers])
    assert len([request for request in server.requests if request.path == "/v1/agents"]) == 1


async def test_a_platform_that_is_not_there_is_recorded_as_that() -> None:
    async with serving(lambda request: (200, {}, {})) as server:
        url = server.url
    async with make_client(url, key=KEY, organization="ORG") as client:
        answers = [answer async for answer in AnswerRecorder(client, "a1").record()]
    assert not any(answer.is_read for answer in answers)
    assert of(answers, "/v1/agents")[0].problem.startswith("no answer: ")
    assert of(answers, "/v1/workflows/{workflow}")[0].problem == "no id is known that it needs"


def test_headers_are_told_by_an_allow_list() -> None:
    headers = {
        "Content-Type": "application/json; charset=utf-8; boundary=ann",
        "Date": "Sun, 29 Nov 2026 06:57:28 GMT",
        "Server": "uvicorn",
        "X-RateLimit-Remaining": "41",
        "X-RateLimit-ann@acme.example": "ann",
        "Set-Cookie": "session=abc",
        "Authorization": "Bearer abc",
        "X-Request-Id": UUID,
        "Retry-After": "soon, ann",
    }
    assert shape_of_headers(headers) == (
        {
            "content-type": "application/json, charset=utf-8, <other>",
            "date": "Sun, 29 Nov 2026 06:57:28 GMT",
            "server": "uvicorn",
            "x-ratelimit-remaining": "41",
            "x-ratelimit-<other>": "<text 3>",
            "retry-after": "<text 9>",
        },
        3,
    )
