"""Random answers: each ends in the requested result or in an error with a message."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tests.conftest import RecordTried, make_client
from tests.wire.server import Connection, Request, Server
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.event_stream import EventStream, Link, LinkState, StreamItem
from tui.client.events import Event
from tui.client.task_rows import TaskQuery

RUNS = int(os.environ.get("XP_RUNS", "100"))
STATUSES = [0, 99, 100, 101, 103, 200, 200, 200, 200, 200, 201, 204, 206, 300, 301, 304, 307, 308, 400, 401, 403, 404]
STATUSES += [408, 409, 418, 429, 500, 503, 599, 600, 999]
LONG = b"9" * 5000
NAMES = [
    b"Date", b"Retry-After", b"X-RateLimit-Reset", b"X-RateLimit-Remaining", b"X-RateLimit-Limit", b"Content-Type",
    b"Content-Encoding", b"Content-Length", b"Transfer-Encoding", b"Location", b"Set-Cookie", b"Connection", b"Trailer",
    b"WWW-Authenticate", b"Upgrade",
]  # fmt: skip
VALUES = [
    b"", b"0", b"-1", b"1", LONG, b"nan", b"inf", b"1e999", b"18446744073709551616", b"-99999999999999", b"chunked",
    b"chunked, gzip", b"gzip", b"br", b"identity", b"text/event-stream", b"application/json; charset=x", b"close",
    b"Mon, 99 Foo 99999 25:61:61 GMT", b"Fri, 31 Dec 9999 23:59:59 -2359", b"Mon, 01 Jan 0001 00:00:00 +2359",
    b"1 Jan 1 00:00:00", b"Sat, 28 Nov 2026 10:00:00 +9999999", b"0 0 0 0", b"http://127.0.0.1:99999/", b"//", b"http:",
    b"http://[", b"\xff\xfe", b"\xc3\xa9", b"/v1/tasks/t1", b"../..", b"%", b"\x7f", b"a\tb", b"; =; a",
    b"a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=" + b"9" * 400,
]  # fmt: skip
BODIES = [
    b"", b"{}", b"null", b"[]", b"\xff" * 100, LONG, LONG + b"\nx", b"{" * 2000, b"[" * 200_000, b'"\\ud800"', b"<html>",
    b'{"id": "t1", "agent_id": "a", "status": "x"}', b'{"id": "t1", "messages": [1, null, {}]}',
    b'{"id": "t1", "agent_id": "\\ud800", "status": "\\ud800", "organization_id": "\\ud800/..", "created_at": 1e300}',
    b'{"items": [1, null, {"id": "\\ud800", "organization_id": "\\ud800"}], "total": "x", "total_pages": 1e999}',
    b'{"detail": [1, {"loc": [[]], "msg": {}}]}', b'{"detail": {"detail": {"detail": 1e999}}}', b'{"detail": "\\ud800"}',
    b"data: {}\n\n", b"data: " + b"[" * 3000 + b"\n\nid: \xff\ndata: x\n\nretry: " + LONG + b"\n\n",
    b"1\r\nx\r\n", b"f" * 20 + b"\r\n",
]  # fmt: skip
Operation = Callable[[Client], Awaitable[Any]]


def answer(dice: random.Random) -> bytes:
    """Generate the bytes of an answer in which anything may be odd."""
    body = dice.choice(BODIES)
    lines = [b"HTTP/%b %d %b" % (dice.choice([b"1.1", b"1.1", b"1.1", b"1.0", b"2"]), dice.choice(STATUSES), b"OK")]
    if dice.random() < 0.6:
        lines.append(b"Content-Length: %d" % len(body))
    if dice.random() < 0.7:
        lines.append(b"Content-Type: " + dice.choice([b"application/json", b"text/event-stream", b"text/html"]))
    lines += [b"%b: %b" % (dice.choice(NAMES), dice.choice(VALUES)) for _ in range(dice.randrange(4))]
    whole = bytearray(b"\r\n".join(lines) + b"\r\n\r\n" + body)
    if dice.random() < 0.15:
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    return bytes(whole)


async def record_and_log(client: Client) -> None:
    await client.log(await client.task("t1"))


async def pages(client: Client) -> None:
    async for page in client.tasks(TaskQuery()):
        assert page is not None


async def events(client: Client) -> None:
    attempts = 0
    read: list[object] = []
    stream = EventStream(client, "t1", clock=client.transport.clock)

    def tell(told: StreamItem) -> None:
        nonlocal attempts
        attempts += isinstance(told, Link) and told.state is LinkState.RECONNECTING
        if isinstance(told, Event):
            read.extend((told.type, told.time, told.entry, told.task, told.plan, told.chunk))
        if attempts == 3:
            stream.stop()

    await stream.run(tell)


OPERATIONS: list[Operation] = [
    record_and_log,
    pages,
    events,
    lambda client: client.stop("t1"),
    lambda client: client.approve("t1"),
    lambda client: client.create("a1", {"input": {"text": "x"}}),
]


async def test_every_random_answer_ends_in_a_result_or_an_error_message(record_tried: RecordTried) -> None:
    dice, ends = random.Random(5), Counter[str]()

    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(answer(dice))
        connection.close()

    async with Server(serve) as server:
        for number in range(RUNS):
            organization = dice.choice(["o", None])
            async with make_client(server.url, organization=organization, rest=number % 3 > 0, timeout=2) as client:
                try:
                    async with asyncio.timeout(20):
                        await dice.choice(OPERATIONS)(client)
                    ends["no error"] += 1
                except (ApiError, BadAddress) as error:
                    assert str(error)
                    ends[type(error).__name__] += 1
    assert len(ends) > 4
    record_tried("network: answers at random end in words", RUNS, ", ".join(sorted(ends)))
