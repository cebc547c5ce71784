"""EventStream over sockets: what each answer and each interruption leads to, and that no event is yielded twice."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import resource
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
import trustme

from tests.conftest import FastClock, cases, make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server, head
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, Forbidden, NotFound, Unauthorized
from tui.client.event_stream import (
    ENDING_STATUSES,
    EventStream,
    Link,
    LinkState,
    StreamItem,
    StreamOpened,
    StreamResumed,
)
from tui.client.events import Event
from tui.client.retry import Backoff
from tui.client.sse import MAX_EVENT_BYTES
from tui.domain.state import Change, LinkSeen
from tui.services.list_poller import PollIntervals
from tui.services.task_follower import TaskFollower

SSE = cases("sse")
HEADERS = {"Content-Type": "text/event-stream"}


@dataclass
class ReceivedItems:
    """The items that a stream yielded, and how it ended."""

    told: list[StreamItem] = field(default_factory=list)
    error: ApiError | BadAddress | None = None
    ended: bool = False
    enough: Callable[[ReceivedItems], bool] = lambda heard: False
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, told: StreamItem) -> None:
        self.told.append(told)
        if self.enough(self):
            self.done.set()

    @property
    def events(self) -> list[Event]:
        return [told for told in self.told if isinstance(told, Event)]

    @property
    def texts(self) -> list[str]:
        """The data of the events, as the cases have it: no JSON, kept as it came."""
        return [text_of(event) for event in self.events]

    @property
    def links(self) -> list[LinkState]:
        return [told.state for told in self.told if isinstance(told, Link)]

    @property
    def reasons(self) -> list[str]:
        """The reasons why the connections ended."""
        return [told.reason for told in self.told if isinstance(told, Link) and told.state is LinkState.RECONNECTING]


def text_of(event: Event) -> str:
    return str(event.data["text"]) if event.type == "unreadable" else str(event.data)


@asynccontextmanager
async def listening(
    client: Client, enough: Callable[[ReceivedItems], bool] = lambda heard: False, clock: FastClock | None = None
) -> AsyncIterator[ReceivedItems]:
    """Run a stream; `done` is set once enough items came or the stream ended."""
    heard = ReceivedItems(enough=enough)
    stream = EventStream(client, "t1", clock=clock or FastClock(), backoff=Backoff(rng=random.Random(2)))

    async def run() -> None:
        try:
            heard.error = await stream.run(heard.take)
            heard.ended = True
        finally:
            heard.done.set()

    job = asyncio.create_task(run())
    try:
        yield heard
    finally:
        job.cancel()
        with suppress(asyncio.CancelledError):
            await job


async def finished(heard: ReceivedItems, seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        await heard.done.wait()


class Script:
    """The answers of a case, one for each request; the last one stays open."""

    def __init__(self, responses: list[dict[str, Any]]) -> None:
        self.responses = list(responses)
        self.place = 0

    async def __call__(self, request: Request, connection: Connection) -> None:
        response = self.responses[min(self.place, len(self.responses) - 1)]
        self.place += 1
        if "fault" in response:
            await fault(response["fault"], connection)
            return
        headers = dict(response["headers"])
        body = response.get("body", "").encode("latin-1")
        if "gzip_of_repeat" in response:
            text, count = response["gzip_of_repeat"]
            body = gzip.compress(text.encode() * count)
        headers = {name: value.replace("{other}", "1") for name, value in headers.items() if value is not None}
        if response["status"] != 200:
            await connection.reply(response["status"], body, headers)
            return
        await connection.raw(head(200, {"Transfer-Encoding": "chunked", **headers}))
        await connection.chunk(body)
        if drip := response.get("drip"):
            for _ in range(drip[2]):
                await asyncio.sleep(drip[1] / 20)
                await connection.chunk(drip[0].encode())
        await connection.gone()


async def fault(kind: str, connection: Connection) -> None:
    match kind:
        case "chunked-truncated":
            await connection.start()
            await connection.raw(b"20\r\ndata: cut")
            connection.close()
        case "rst-after-event":
            await connection.start()
            await connection.chunk(b"data: first\n\n")
            await asyncio.sleep(0.05)
            connection.reset()
        case "rst-before-headers":
            connection.reset()
        case "close-before-response" | "tls-close-no-notify":
            connection.close()
        case "header-1MiB":
            await connection.raw(b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * (1 << 20) + b"\r\n\r\n")
            connection.close()
        case "gzip-corrupt":
            await connection.start(200, {**HEADERS, "Content-Encoding": "gzip"})
            await connection.chunk(b"\x1f\x8b\x08\x00this is no gzip at all")
            await connection.gone()
        case "stall-before-headers":
            await connection.gone()
        case "stall-mid-event":
            await connection.start()
            await connection.chunk(b"data: never fini")
            await connection.gone()
        case _:
            raise AssertionError(kind)


TRIED_AGAIN = frozenset({"not_sse", "closed_or_error_no_events", "error"})
"""What the table says of answers that are no stream: whatever they are, they are told, and it is tried again."""
HTTP_CASES = [case for case in SSE["http"] if case["name"] not in {"http/gzip-bomb-200MiB"}]


@pytest.mark.parametrize("case", HTTP_CASES, ids=lambda case: case["name"])
async def test_each_answer_leads_to_the_expected_state(case: dict[str, Any]) -> None:
    expect = case["expect"]
    script = Script(case["responses"])
    clock = FastClock(factor=50.0)
    async with Server(script) as server, make_client(server.url, silence=0.3, clock=clock) as client:
        wanted = expect.get("events") or expect.get("events_after") or []

        def enough(heard: ReceivedItems) -> bool:
            if expect.get("state") in TRIED_AGAIN or "key_sent_to_other_origin" in expect:
                return LinkState.RECONNECTING in heard.links
            return bool(wanted) and heard.texts[-1:] == wanted[-1:]

        async with listening(client, enough, clock) as heard:
            if case["name"] == "http/heartbeat-resets-idle":
                await asyncio.sleep(0.8)  # twice the silence that would be taken for a dead link
            elif "delay_between" in expect:
                async with asyncio.timeout(10):
                    while len(server.requests) < 2:
                        await asyncio.sleep(0.001)
            else:
                await finished(heard)
        requests = list(server.requests)
    check_http(expect, heard, requests, clock)


def check_http(expect: dict[str, Any], heard: ReceivedItems, requests: list[Request], clock: FastClock) -> None:
    state = expect.get("state")
    kinds: dict[str, type[Exception] | tuple[type[Exception], ...]] = {
        "auth": (Unauthorized, Forbidden),
        "gone": NotFound,
    }
    if state in kinds:
        assert heard.ended
        assert isinstance(heard.error, kinds[state])
        assert str(heard.error)
    elif state in TRIED_AGAIN:
        assert not heard.ended
        assert heard.reasons[0]
    elif state in {"open", "retry", "reconnect"}:
        assert not heard.ended
    if "events" in expect and state != "open":
        assert heard.texts == expect["events"]
    if "events_after" in expect:
        assert heard.texts[-1:] == expect["events_after"]
    if "requests" in expect:
        assert len(requests) == expect["requests"]
    if "max_requests" in expect:
        assert len(requests) <= expect["max_requests"]
    if "delay_between" in expect:
        low, high = expect["delay_between"]
        assert low <= next(slept for slept in clock.slept if slept != 1.0) <= max(high, low + 1)
    if "accept" in expect:
        first = requests[0]
        assert first.method == expect["method"]
        assert first.headers["accept"] == expect["accept"]
        assert first.headers["cache-control"] in {"no-store", "no-cache"}
        assert "last-event-id" not in first.headers


async def test_the_key_goes_to_no_other_origin() -> None:
    async def anywhere(request: Request, connection: Connection) -> None:
        await connection.reply(200, b"data: x\n\n", HEADERS)

    async with Server(anywhere) as other:

        async def redirect(request: Request, connection: Connection) -> None:
            await connection.reply(307, b"", {"Location": f"http://localhost:{other.port}/"})

        async with Server(redirect) as server, make_client(server.url) as client:
            async with listening(client, lambda heard: len(heard.reasons) >= 2) as heard:
                await finished(heard)
        assert other.requests == []
    assert all("must not go" in reason for reason in heard.reasons)


async def test_a_compressed_bomb_is_refused_in_little_memory() -> None:
    case = next(case for case in SSE["http"] if case["name"] == "http/gzip-bomb-200MiB")
    script = Script(case["responses"])
    bomb = gzip.compress(b"\0" * 1024 * 1024) * 200

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start(200, {**HEADERS, "Content-Encoding": "gzip"})
        await connection.chunk(bomb[: len(bomb)])
        await connection.gone()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: bool(heard.reasons)) as heard:
            await finished(heard)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert heard.events == []
    assert heard.reasons[0] == "the answer swells beyond all measure when it is unpacked"
    assert script.place == 0
    assert grown < case["expect"]["rss_growth_mb_max"]


class Connections:
    """The connections of a reconnect case, and the request that each got."""

    def __init__(self, connections: list[dict[str, Any]]) -> None:
        self.connections = connections
        self.place = 0
        self.last_ids: list[bytes | None] = []

    async def __call__(self, request: Request, connection: Connection) -> None:
        told = self.connections[min(self.place, len(self.connections) - 1)]
        is_last = self.place >= len(self.connections) - 1
        self.place += 1
        self.last_ids.append(dict(request.raw_headers).get(b"last-event-id"))
        await connection.start()
        if "body_gen" in told:
            start, text, count, end = told["body_gen"]
            body = (start + text * count + end).encode()
        else:
            body = told["body"].encode("latin-1")
        await connection.chunk(body)
        if told.get("then") == "break" or not is_last:
            connection.close()
        else:
            await connection.gone()


RECONNECT = [
    case for case in SSE["reconnect"] if "reduced_ids" not in case["expect"] and "source" not in case["expect"]
]


@pytest.mark.parametrize("case", RECONNECT, ids=lambda case: case["name"])
async def test_a_reconnect_sends_the_expected_request(case: dict[str, Any]) -> None:
    expect, script = case["expect"], Connections(case["connections"])
    clock = FastClock(factor=50.0)
    count = len(case["connections"])
    async with Server(script) as server, make_client(server.url, clock=clock) as client:
        async with listening(client, clock=clock) as heard:
            async with asyncio.timeout(60):
                while script.place < count or len(heard.texts) < len(expect.get("events", ())):
                    await asyncio.sleep(0.001)
            if "cancel_within_s" in expect:
                started = asyncio.get_running_loop().time()
        if "cancel_within_s" in expect:
            assert asyncio.get_running_loop().time() - started < expect["cancel_within_s"]
        requests = list(server.requests)
    assert not heard.ended
    if "last_event_id" in expect:
        assert [one.decode() if one else None for one in script.last_ids[:count]] == expect["last_event_id"]
    if "last_event_id_bytes" in expect:
        wanted = [one.encode("latin-1") if one else None for one in expect["last_event_id_bytes"]]
        assert script.last_ids[:count] == wanted
    if "events" in expect:
        assert heard.texts == [data for data, _ in expect["events"]]
    if "max_requests_per_s" in expect:
        seconds = (requests[count - 1].at - requests[0].at) * clock.factor
        assert (count - 1) / seconds <= expect["max_requests_per_s"]
    if "delay_between" in expect:
        low, high = expect["delay_between"]
        assert all(low <= slept <= high for slept in clock.slept)


async def test_a_stream_that_is_cut_after_every_byte_is_yielded_whole_and_once() -> None:
    body = 'id: 1\r\ndata: {"type":"x","data":"eins €"}\r\n\r\nid: 2\ndata: {"type":"y","data":2}\n\n'.encode()

    for place in range(len(body)):
        served = 0

        async def serve(request: Request, connection: Connection, place: int = place) -> None:
            nonlocal served
            served += 1
            await connection.start()
            await connection.chunk(body[:place] if served == 1 else body)
            if served == 1:
                connection.reset() if place % 2 else connection.close()
            else:
                await connection.gone()

        clock = FastClock(factor=2000.0)
        async with Server(serve) as server, make_client(server.url, clock=clock) as client:
            async with listening(client, lambda heard: len(heard.events) >= 2, clock) as heard:
                await finished(heard)
        assert [(event.type, event.data) for event in heard.events] == [("x", "eins €"), ("y", 2)]


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
async def test_line_ends_heartbeats_a_bom_and_unknown_types_are_accepted(ends: str) -> None:
    text = '\ufeff:hello||data: {"type":"brand_new","data":{"a":1}}||:||:||event: odd|data: []||data: 7||'
    body = text.replace("|", ends).encode()

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        for place in range(len(body)):
            await connection.chunk(body[place : place + 1])
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 3) as heard:
            await finished(heard)
    assert [event.type for event in heard.events] == ["brand_new", "untyped", "untyped"]
    assert heard.events[0].data == {"a": 1}


async def test_a_silent_connection_is_reopened() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.gone()

    async with Server(serve) as server, make_client(server.url, silence=0.1) as client:
        async with listening(client, lambda heard: heard.links.count(LinkState.RECONNECTING) >= 2) as heard:
            await finished(heard)
    link = next(told for told in heard.told if isinstance(told, Link) and told.state is LinkState.RECONNECTING)
    assert link.reason == "nothing has come for 0.1 s"
    assert "1st" in str(link)


async def test_a_jump_of_the_clock_reopens_the_stream_at_once() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(b"data: {}\n\n")
        await connection.gone()

    clock = FastClock(factor=100.0)
    async with Server(serve) as server, make_client(server.url, clock=clock) as client:
        async with listening(client, lambda heard: heard.links.count(LinkState.LIVE) >= 2, clock) as heard:
            async with asyncio.timeout(5):
                while not heard.events:
                    await asyncio.sleep(0.001)
            clock.jump = 3600.0
            await finished(heard)
    assert "slept" in next(told.reason for told in heard.told if isinstance(told, Link) and told.reason)


async def test_a_replay_without_ids_yields_nothing_twice() -> None:
    told = [f'data: {{"type":"tool_call_request","time":"{n}","data":{{"request_id":"r{n}"}}}}\n\n' for n in range(6)]
    served = 0

    async def serve(request: Request, connection: Connection) -> None:
        nonlocal served
        served += 1
        await connection.start()
        await connection.chunk("".join(told[: served * 2]).encode())
        connection.close() if served < 3 else await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 6) as heard:
            await finished(heard)
    assert [event.data["request_id"] for event in heard.events] == [f"r{n}" for n in range(6)]
    assert [one.is_seamless for one in heard.told if isinstance(one, StreamResumed)] == [True, True]


async def test_a_gap_between_ids_is_yielded_as_a_gap() -> None:
    bodies = [b"id: 1\ndata: {}\n\n", b'id: 5\ndata: {"a":5}\n\n', b'id: 6\ndata: {"a":6}\n\n']

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(bodies.pop(0))
        connection.close() if bodies else await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 3) as heard:
            await finished(heard)
    assert [one.is_seamless for one in heard.told if isinstance(one, StreamResumed)] == [False, True]
    assert [one.resume_requested for one in heard.told if isinstance(one, StreamOpened)] == [False, True, True]


async def test_ids_that_restart_lose_no_event() -> None:
    bodies = [b'id: 1\ndata: {"n":1}\n\n', b'id: 1\ndata: {"n":2}\n\n']

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(bodies.pop(0))
        connection.close() if bodies else await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 2) as heard:
            await finished(heard)
    assert [event.raw["n"] for event in heard.events] == [1, 2]


async def test_two_equal_chunks_are_both_yielded() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(b'data: {"type":"chunk","data":"ha"}\n\n' * 3)
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 3) as heard:
            await finished(heard)
    assert [event.chunk for event in heard.events] == ["ha"] * 3


async def test_an_oversized_event_is_marked_and_the_next_one_is_yielded() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(b"data: ")
        for _ in range(MAX_EVENT_BYTES // (1 << 20) + 1):
            await connection.chunk(b"z" * (1 << 20))
        await connection.chunk(b'\n\ndata: {"type":"after"}\n\n')
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) >= 2) as heard:
            await finished(heard)
    assert [event.type for event in heard.events] == ["unreadable", "after"]
    assert "larger than" in heard.events[0].data["reason"]


async def test_a_tls_stream_that_breaks_without_close_notify_is_resumed() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bodies = [b"data: {}\n\n", b'data: {"type":"again"}\n\n']

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(bodies.pop(0))
        if bodies:
            connection.writer.transport.abort()
        else:
            await connection.gone()

    with authority.cert_pem.tempfile() as ca:
        async with Server(serve, context) as server, make_client(server.url, ca=ca) as client:
            async with listening(client, lambda heard: len(heard.events) >= 2) as heard:
                await finished(heard)
    assert [event.type for event in heard.events] == ["untyped", "again"]


async def test_an_answer_that_is_no_http_is_retried() -> None:
    served = 0

    async def serve(request: Request, connection: Connection) -> None:
        nonlocal served
        served += 1
        if served == 1:
            await connection.raw(b"SSH-2.0-OpenSSH_9.2\r\n")
            connection.close()
        else:
            await connection.raw(head(200, HEADERS) + b'data: {"type":"x"}\n\n')
            await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: bool(heard.events)) as heard:
            await finished(heard)
    assert heard.links[:3] == [LinkState.CONNECTING, LinkState.RECONNECTING, LinkState.LIVE]


EVENT = b'data: {"type":"x"}\n\n'


@pytest.mark.parametrize("is_again", [False, True], ids=["at first", "on a reconnect"])
@pytest.mark.parametrize("status", [204, 401, 403, 404])
async def test_four_answers_end_a_stream(status: int, is_again: bool) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        if is_again and len(server.requests) == 1:
            await connection.start()
            await connection.chunk(EVENT)
            connection.close()
        else:
            await connection.reply(status, b"")

    async with Server(serve) as server, make_client(server.url) as client, listening(client) as heard:
        await finished(heard)
        assert len(server.requests) == 1 + is_again
    assert isinstance(heard.error, ApiError)
    assert (heard.ended, heard.error.status) == (True, status)
    assert LinkState.ENDED not in heard.links
    assert len(heard.reasons) == is_again


ANY_OTHER = [
    200,
    202,
    205,
    206,
    300,
    304,
    307,
    400,
    402,
    405,
    406,
    408,
    409,
    410,
    418,
    422,
    429,
    451,
    500,
    501,
    503,
    599,
]


@pytest.mark.parametrize("is_again", [False, True], ids=["at first", "on a reconnect"])
@pytest.mark.parametrize("status", ANY_OTHER)
async def test_any_other_answer_is_retried(status: int, is_again: bool) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        if len(server.requests) == 1 + is_again:
            await connection.reply(
                status, b"<html>", {"Content-Type": "text/html", "Location": "http://other.example/"}
            )
            return
        await connection.start()
        await connection.chunk(b"id: %d\n%b" % (len(server.requests), EVENT))
        connection.close() if len(server.requests) == 1 else await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        async with listening(client, lambda heard: len(heard.events) == 1 + is_again) as heard:
            await finished(heard)
    assert not heard.ended
    assert len(heard.reasons) == 1 + is_again


@pytest.mark.parametrize("status", [204, 401, 403, 404, 405, 409, 501])
async def test_a_task_whose_stream_is_refused_is_polled_to_its_end(
    platform: Platform, server: Server, status: int
) -> None:
    platform.task("t1")
    refused, enough = 0, 1 if status in ENDING_STATUSES else 2

    async def refuse(request: Request, connection: Connection) -> bool:
        nonlocal refused
        if is_stream := request.path.endswith("/events"):
            refused += 1
            await connection.reply(status, b"")
        elif refused >= enough and platform.tasks["t1"]["status"] != "completed":
            await platform.finish("t1")
        return is_stream

    platform.before_reply = refuse
    changes: list[Change] = []
    clock = FastClock(factor=100.0)
    async with make_client(server.url, clock=clock) as client, asyncio.timeout(10):
        task = await TaskFollower(client, "t1", changes.append, clock=clock, intervals=PollIntervals()).run()
    assert task.status == "completed"
    states = {change.link.state for change in changes if isinstance(change, LinkSeen)}
    ends = {404: LinkState.POLLING, 204: LinkState.ENDED, 401: LinkState.ENDED, 403: LinkState.ENDED}
    assert states == {LinkState.CONNECTING, ends.get(status, LinkState.RECONNECTING)}


async def test_an_html_page_instead_of_a_stream_is_reported() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(404, b"<html><h1>Not here</h1></html>", {"Content-Type": "text/html"})

    async with Server(serve) as server, make_client(server.url) as client, listening(client) as heard:
        await finished(heard)
    assert isinstance(heard.error, NotFound)
    assert "<" not in str(heard.error)


class Arrivals:
    """The arrival times of events, and their delays."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.delays: list[float] = []

    def tell(self, told: StreamItem) -> None:
        if isinstance(told, Event) and told.type == "chunk":
            now = asyncio.get_running_loop().time()
            self.moments.append(now)
            self.delays.append(now - float(told.data))

    @property
    def readings(self) -> int:
        """The number of groups of events that came at once."""
        return 1 + sum(later - before > 0.004 for before, later in pairwise(self.moments))


@pytest.mark.parametrize("tls", [False, True])
async def test_a_stream_of_2000_events_a_second_does_not_fall_behind(tls: bool) -> None:
    loop, seconds = asyncio.get_running_loop(), 1.5

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        begun, sent = loop.time(), 0
        while sent < 2000 * seconds:
            while sent < 2000 * (loop.time() - begun):
                body = json.dumps({"type": "chunk", "task_id": "t1", "data": f"{loop.time()}"})
                await connection.chunk(f"data: {body}\n\n".encode())
                sent += 1
            await asyncio.sleep(0.0005)
        await connection.chunk(b'data: {"type": "task_finished", "task_id": "t1", "data": {"id": "t1"}}\n\n')
        await connection.gone()

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    arrivals = Arrivals()
    with authority.cert_pem.tempfile() as ca:
        async with Server(serve, context if tls else None) as server, make_client(server.url, ca=ca) as client:
            stream = EventStream(client, "t1")

            def tell(told: StreamItem) -> None:
                arrivals.tell(told)
                if isinstance(told, Event) and told.type == "task_finished":
                    stream.stop()

            async with asyncio.timeout(20):
                await stream.run(tell)
    assert len(arrivals.moments) >= 2000 * seconds
    assert arrivals.readings <= 70 * (arrivals.moments[-1] - arrivals.moments[0]) + 2
    late = sorted(arrivals.delays[-500:])[250]
    assert late < 0.25, "the last ones come as soon as the first"


async def test_buffered_events_are_read_without_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.client.pacing.PAUSE_SECONDS", 0.2)
    body = b'data: {"type": "chunk", "task_id": "t1", "data": "%s"}\n\n' % (b"x" * 1000)

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        for _ in range(3000):
            await connection.chunk(body)
        await connection.chunk(b'data: {"type": "task_finished", "task_id": "t1", "data": {"id": "t1"}}\n\n')
        await connection.gone()

    async with Server(serve) as server, make_client(server.url) as client:
        stream, count = EventStream(client, "t1"), 0

        def tell(told: StreamItem) -> None:
            nonlocal count
            if isinstance(told, Event):
                count += 1
                if told.type == "task_finished":
                    stream.stop()

        async with asyncio.timeout(20):
            await stream.run(tell)
    assert count == 3001


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (Link(LinkState.LIVE), "live"),
        (Link(LinkState.POLLING, "no stream", 5.0), "polling 5 s: no stream"),
        (Link(LinkState.ENDED, "it is over"), "ended: it is over"),
        (Link(LinkState.RECONNECTING, "it broke", 3.2, 1), "reconnecting 3 s (1st): it broke"),
        (Link(LinkState.RECONNECTING, "it broke", 3.2, 12), "reconnecting 3 s (12th): it broke"),
    ],
)
def test_a_link_is_described_in_words(link: Link, words: str) -> None:
    assert str(link) == words
