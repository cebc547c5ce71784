"""PlatformSession: connections, redirects, retries, compressed answers, and requests that cannot be made."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
import zlib
from typing import Any

import pytest

from tests.client.compressed import bomb, peak
from tests.client.reads import READS, RUNNING_RECORD, pages
from tests.conftest import FastClock, make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server, free_port, head
from tui.client import errors
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, ConnectionLost, Invalid, Redirected, TimedOut, UnexpectedAnswer, Unreachable
from tui.client.models import Task
from tui.client.session import MAX_ERROR_BYTES, is_retryable
from tui.client.task_rows import TaskQuery

RECORD = {"id": "t1", "agent_id": "a1", "status": "paused", "hitl_request": {"wait_node_id": "n", "content": "pay"}}
LOG = {"id": "t1", "messages": []}


def whole(body: Any) -> bytes:
    """Return the bytes of an answer."""
    content = json.dumps(body).encode()
    return head(200, {"Content-Type": "application/json", "Content-Length": str(len(content))}) + content


@pytest.mark.parametrize("surfaces", [{}, {"controller": False}, {"rest": False}])
async def test_a_surplus_answer_on_a_connection_is_not_used_for_the_next_request(surfaces: dict[str, Any]) -> None:
    """After each answer stands another: a record that says that the task goes on and was approved."""
    lie = whole({**RECORD, "status": "executing", "hitl_request": {"wait_node_id": "n", "approved_by": "nobody"}})

    async def serve(request: Request, connection: Connection) -> None:
        is_log = "activity" in request.path or "thread" in request.path
        truth = {**LOG, "root": []} if is_log else RECORD
        await connection.raw(whole(truth) + lie)

    async with Server(serve) as server, make_client(server.url, **surfaces) as client:
        for _ in range(3):
            record = await client.task("t1")
            assert (record.status, record.raw) == ("paused", RECORD)
            assert (await client.log(record)).entries == ()
        if surfaces.get("controller", True):
            await client.approve("t1")
            assert (await client.task("t1")).status == "paused"
        assert (await client.stop("t1")).status == "paused"


async def test_every_record_log_and_action_has_a_connection_of_its_own(platform: Platform) -> None:
    platform.task("t1")
    connections: list[int] = []

    async def serve(request: Request, connection: Connection) -> None:
        connections.append(id(connection))
        kept.append(connection)
        await platform.handle(request, connection)

    kept: list[Connection] = []
    async with Server(serve) as server, make_client(server.url) as client:
        for _ in range(2):
            await client.log(await client.task("t1"))
        await client.stop("t1")
        assert len(set(connections)) == len(connections) == 5
        for _ in range(3):
            _ = [page async for page in client.tasks(TaskQuery())]
        assert len(set(connections)) == 6, "pages of a list may share one: their rows decide nothing"


async def test_a_large_log_of_another_task_is_not_accepted() -> None:
    entries = [
        {
            "id": f"e{number}",
            "created_at": "2026-11-20T09:00:00Z",
            "type": "think",
            "title": "x" * 500,
            "confidence": 0.5,
        }
        for number in range(5000)
    ]

    about: dict[str, Any] = {}
    told: dict[str, Any]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {**about, "messages": entries})

    task = Task.from_value({"id": "t", "agent_id": "a", "conversation_id": "head"})
    async with Server(serve) as server, make_client(server.url) as client:
        for told in ({"id": "t"}, {"id": "head"}):
            about = told
            assert len((await client.log(task)).entries) == 5000
        for told in ({"id": "other"}, {"id": ["t"]}, {}):
            about = told
            with pytest.raises(UnexpectedAnswer):
                await client.log(task)


# Redirects


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:99999/", "http://[::1", "//:0:0/", "http://x:y/", "/\x01", "http://a..b/"]
)
@pytest.mark.parametrize("read", READS)
async def test_a_redirect_to_an_invalid_address_is_an_error(read: str, location: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(307, b"", {"Location": location})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(
            (Redirected, ConnectionLost), match=r"the platform points to|in circles|Invalid URL in location header"
        ):
            await READS[read](client)


async def test_no_cookie_is_stored() -> None:
    """What reads this one prints a traceback, as a warning; warnings are errors here."""
    odd = f"a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age={'9' * 400}"

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, RUNNING_RECORD, {"Set-Cookie": odd if len(server.requests) == 1 else "a=b"})

    async with Server(serve) as server, make_client(server.url) as client:
        for _ in range(3):
            await client.task("t1")
    assert not any("cookie" in request.headers for request in server.requests)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("read", ["record", "log", "pages"])
async def test_a_decompression_bomb_takes_little_memory(coding: str, read: str) -> None:
    content = bomb(256, 31 if coding == "gzip" else 15)
    assert len(content) < 300_000

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Type": "application/json", "Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        task = await _task()
        operations = READS | {"log": lambda client: client.log(task)}
        with peak() as taken:
            with pytest.raises(UnexpectedAnswer, match="the answer swells beyond all measure when it is unpacked"):
                await operations[read](client)
            assert taken() < 100


async def _task() -> Any:
    from tui.client.models import Task

    return Task.from_value(RUNNING_RECORD)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip, br", "deflate, gzip", "compress", "x" * 500])
async def test_an_encoding_that_was_not_asked_for_is_not_decoded(coding: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match=f"the answer is encoded as {coding[:80]}, which was not asked for"):
            await client.task("t1")
        with pytest.raises(UnexpectedAnswer, match="which was not asked for"):
            await pages(client)
    assert {request.headers["accept-encoding"] for request in server.requests} == {"gzip"}


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate", "identity", "", "identity, gzip"])
async def test_a_compressed_answer_is_read(coding: str) -> None:
    plain = (
        b'{"id": "t1", "agent_id": "a1", "status": "executing", "result": "%b"}'
        % random.Random(1).randbytes(50_000).hex().encode()
    )
    content = {"deflate": zlib.compress(plain), "identity": plain, "": plain}.get(coding, gzip.compress(plain))

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Encoding": coding})

    async with Server(serve) as server, make_client(server.url) as client:
        assert len((await client.task("t1")).raw["result"]) == 100_000


@pytest.mark.parametrize("size", [1, 20, -1])
async def test_a_truncated_compressed_answer_is_an_error(size: int) -> None:
    content = gzip.compress(b'{"id": "t1"}')[:size]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, content, {"Content-Encoding": "gzip"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="compressed and damaged: it ends too early"):
            await client.task("t1")


async def test_an_endless_error_body_is_not_read_to_its_end() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start(400)
        sent = 0
        while sent < 64 * MAX_ERROR_BYTES:
            await connection.chunk(b"x" * 65_536)
            sent += 65_536
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client, asyncio.timeout(5):
        with peak() as taken:
            with pytest.raises(Invalid):
                await client.task("t1")
            assert taken() < 16


async def test_an_invalid_host_name_is_reported_by_the_request() -> None:
    async with make_client("https://¡.example") as client:
        with pytest.raises(BadAddress, match=r"the request to ¡\.example cannot be made"):
            await client.task("t1")


async def test_an_organization_from_a_record_is_ignored_if_it_is_no_path_segment(platform: Any, server: Server) -> None:
    platform.task("t1", organization_id="../x")
    async with make_client(server.url, organization=None) as client:
        await client.task("t1")
        assert client.surfaces.organization is None


async def test_a_lone_surrogate_in_an_id_is_refused(platform: Any, server: Server) -> None:
    async with make_client(server.url) as client:
        for operation in (client.task, client.stop):
            with pytest.raises(BadAddress, match="half of a character"):
                await operation("\ud800")
        with pytest.raises(BadAddress, match="cannot be made"):
            await client.update("t1", {"result": "\ud800"})
        with pytest.raises(BadAddress, match="cannot be made"):
            _ = [page async for page in client.tasks(TaskQuery(agent_id="\ud800"))]


async def test_redirects_are_followed_within_the_origin_and_up_to_a_limit(platform: Platform) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        headers = {"Location": "/v1/there/t1"} if request.path.endswith("tasks/t1") else {"Location": request.path}
        if request.path.endswith("nowhere"):
            headers = {}
        if request.path.endswith("/there/t1"):
            await connection.reply(200, RUNNING_RECORD)
        else:
            await connection.reply(307, b"", headers)

    async with Server(serve) as server, make_client(server.url, controller=False) as client:
        assert (await client.task("t1")).id == "t1"
        with pytest.raises(Redirected, match="goes round in circles"):
            await client.task("circle")
        with pytest.raises(Redirected, match="answered 307 without saying where to go"):
            await client.task("nowhere")
        asked = len(server.requests)
        with pytest.raises(Redirected, match=r"an action with a redirect \(307\), not followed"):
            await client.stop("t1")
        assert len(server.requests) == asked + 1
        with pytest.raises(Redirected, match="the address of the stream goes round in circles"):
            async with client.open_events(f"{server.url}/circle", ""):
                pass


async def test_an_exhausted_rate_limit_delays_the_next_read_and_is_reported(platform: Platform) -> None:
    clock = FastClock()
    waits: list[tuple[str, float]] = []

    async def serve(request: Request, connection: Connection) -> None:
        left = "0" if len(server.requests) == 1 else "9"
        reset = str(int(clock.time()) + 30)
        await connection.reply(200, RUNNING_RECORD, {"x-ratelimit-remaining": left, "x-ratelimit-reset": reset})

    async with Server(serve) as server:
        async with make_client(
            server.url, clock=clock, on_wait=lambda why, seconds: waits.append((why, seconds))
        ) as client:
            for _ in range(3):
                await client.task("t1")
    ((why, seconds),) = waits
    assert why == "the platform's rate limit is used up"
    assert 0 < seconds <= 31
    assert clock.slept == [seconds]


async def test_a_timeout_of_an_action_leaves_its_outcome_open() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.gone()

    async with Server(serve) as server, make_client(server.url, timeout=0.05) as client:
        begun = time.monotonic()
        with pytest.raises(TimedOut, match=r"127\.0\.0\.1 did not answer in time") as caught:
            await client.stop("t1")
    assert caught.value.maybe_done
    assert time.monotonic() - begun < 2


async def test_a_damaged_compressed_answer_is_an_error() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, b"no gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="compressed and damaged"):
            await client.task("t1")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionLost("x"), True), (TimedOut("x"), True), (Unreachable("x"), True), (Unreachable("x", wait=0.0), False),
        (ApiError("x", status=408), True), (ApiError("x", status=503), True), (ApiError("x", status=404), False),
        (Redirected("x"), False),
    ],
)  # fmt: skip
def test_only_temporary_errors_are_retryable(error: ApiError, passes: bool) -> None:
    assert is_retryable(error) is passes


async def test_the_session_refuses_delete_requests(client: Client, server: Server) -> None:
    with pytest.raises(ValueError, match="never sent"):
        await client.transport.act("DELETE", f"{server.url}/v1/tasks/t1")
    assert server.requests == []


async def test_reads_are_retried_and_actions_are_not(platform: Platform, server: Server, client: Client) -> None:
    platform.task("t1")
    failures = 3

    async def fail(request: Request, connection: Connection) -> bool:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            await connection.reply(503, {"detail": "busy"}, {"Retry-After": "1"})
        return failures >= 0

    platform.before_reply = fail
    assert (await client.task("t1")).id == "t1"
    assert len(server.requests) == 4
    failures = 1
    with pytest.raises(errors.ServerError):
        await client.stop("t1")
    assert len(server.requests) == 5


async def test_an_unreachable_server_is_reported() -> None:
    async with make_client(f"http://127.0.0.1:{free_port()}") as client:
        with pytest.raises(errors.Unreachable, match="cannot be reached"):
            await client.task("t1")
