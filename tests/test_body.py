"""The body of a stream read from the connection itself: as h11 reads it, and through httpx where anything is unusual."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import h11
import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_client
from tests.wire.server import Connection, Request, Server, head
from tui.api import body, transport
from tui.api.body import BROKEN_OFF, Chunks, Length, _Connection, _Reading
from tui.api.errors import Lost, NotUnderstood, TimedOut
from tui.api.large import LARGE, Entries
from tui.api.models import Task

Handler = Callable[[Request, Connection], Awaitable[None]]
EVENTS = {"Content-Type": "text/event-stream"}


def by_h11(pieces: list[bytes]) -> tuple[bytes, str]:
    """The content, and whether it goes on, is ended, or is damaged."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert isinstance(connection.next_event(), h11.Response)
    content = b""
    try:
        for piece in pieces:
            connection.receive_data(piece)
            while isinstance(event := connection.next_event(), h11.Data):
                content += bytes(event.data)
            if isinstance(event, h11.EndOfMessage):
                return content, "ended"
    except h11.RemoteProtocolError:
        return content, "damaged"
    return content, "goes on"


def by_ours(pieces: list[bytes]) -> tuple[bytes, str]:
    chunks = Chunks()
    content = b""
    for piece in pieces:
        content += chunks.feed(piece)
    return content, "ended" if chunks.is_ended else "damaged" if chunks.damage else "goes on"


@st.composite
def coded(draw: st.DrawFn) -> bytes:
    """Content in chunks, and perhaps a byte of it changed, or its end cut off."""
    contents = draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
    form = draw(st.sampled_from([b"%x\r\n%b\r\n", b"%X\r\n%b\r\n", b'000%x;a="b" \r\n%b\r\n', b"%x \t\r\n%b\r\n"]))
    whole = b"".join(form % (len(content), content) for content in contents) + draw(
        st.sampled_from([b"", b"0\r\n\r\n"])
    )
    if whole and draw(st.booleans()):
        place = draw(st.integers(0, len(whole) - 1))
        change = draw(
            st.sampled_from([b"", b"\r", b"\n", b"\r\n", b";", b"_", b"x", b"-", b"+", b" ", b"0", b"g", b"\0", b"f"])
        )
        whole = whole[:place] + change + whole[place + draw(st.integers(0, 1)) :]
    return whole


@given(coded() | st.binary(max_size=60), st.lists(st.integers(0, 300), max_size=8))
def test_chunks_are_read_as_h11_reads_them(whole: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[start:end] for start, end in pairwise(places)]
    ours, theirs = by_ours(pieces), by_h11(pieces)
    assert ours[0] == theirs[0]
    if ours[1] != theirs[1]:  # the end is told with the last chunk: what may follow it is no content
        assert ours[1] == "ended"


def test_a_line_without_end_before_a_chunk_is_no_line() -> None:
    chunks = Chunks()
    for _ in range(20):
        chunks.feed(b"1" if not chunks._tail else b";" * 10_000)
    assert chunks.damage
    assert not chunks._tail


@asynccontextmanager
async def opened(serve: Handler, *, tls: bool = False, silence: float = 5.0) -> AsyncIterator[httpx.Response]:
    """A stream that is open, of which nothing has been read."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as ca:
        async with (
            Server(serve, context if tls else None) as server,
            make_client(server.url, ca=ca, silence=silence) as client,
            client.open_events(f"{server.url}/events", "") as response,
        ):
            yield response


async def taken(response: httpx.Response, least: int = 1 << 40) -> bytes:
    """The body, until it ends or so much of it was taken."""
    content = bytearray()

    def take(piece: bytes) -> bool:
        content.extend(piece)
        return len(content) < least

    async with asyncio.timeout(10):
        await body.read(response, take)
    return bytes(content)


@pytest.mark.parametrize("tls", [False, True])
async def test_what_came_with_the_head_and_what_comes_later_is_read_from_the_connection(tls: bool) -> None:
    large = b"x" * 300_000

    async def serve(request: Request, connection: Connection) -> None:
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (b"one", large, b"two"))
        await connection.raw(head(200, {**EVENTS, "Transfer-Encoding": "chunked"}) + chunks)
        await asyncio.sleep(0.05)
        await connection.chunk(b"three")
        await connection.raw(b"0\r\n\r\n")
        await connection.gone()

    async with opened(serve, tls=tls) as response:
        assert _Connection.of(response) is not None
        assert await taken(response) == b"one" + large + b"twothree"
        assert response.is_stream_consumed is False  # httpx had no part in it


@pytest.mark.parametrize("tls", [False, True])
async def test_a_connection_that_tells_much_is_read_once_a_frame(tls: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    readings = 0
    reading = _Reading.buffer_updated

    def counted(self: _Reading, nbytes: int) -> None:
        nonlocal readings
        readings += 1
        reading(self, nbytes)

    monkeypatch.setattr(_Reading, "buffer_updated", counted)

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        for _ in range(1000):
            await connection.chunk(b"data: {}\n\n")
            await asyncio.sleep(0)
        await connection.gone()

    async with opened(serve, tls=tls) as response:
        assert len(await taken(response, 10_000)) == 10_000
    assert 0 < readings < 100


async def test_where_much_lies_ready_nothing_waits_for_a_frame() -> None:
    content = b"x" * 1_000_000

    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        for _ in range(20):
            await connection.chunk(content)
        await connection.gone()

    async with opened(serve) as response:
        begun = asyncio.get_running_loop().time()
        assert len(await taken(response, 20_000_000)) == 20_000_000
        assert asyncio.get_running_loop().time() - begun < 20_000_000 / body.ROOM * body.FRAME / 2


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("rest", [b"", b"what follows"])
async def test_a_body_of_known_length_is_read_from_the_connection(rest: bytes, tls: bool) -> None:
    large = b"x" * 300_000

    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {**EVENTS, "Content-Length": str(len(large) + 5)}) + b"begin")
        await asyncio.sleep(0.05)
        await connection.raw(large + rest)
        await connection.gone()

    async with opened(serve, tls=tls) as response:
        assert isinstance((connection := _Connection.of(response)) and connection.coding, Length)
        assert await taken(response) == b"begin" + large
        assert response.is_stream_consumed is False


async def test_of_a_body_of_known_length_its_end_waits_for_no_frame() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {**EVENTS, "Content-Length": "4000"}))
        for _ in range(40):
            await asyncio.sleep(0)
            await connection.raw(b"x" * 100)
        await connection.gone()

    pauses = 0

    def paused(self: asyncio.Transport) -> None:
        nonlocal pauses
        pauses += 1

    async with opened(serve) as response:
        found = _Connection.of(response)
        assert found is not None
        found.transport.pause_reading = lambda: paused(found.transport)  # type: ignore[method-assign]
        assert await taken(response) == b"x" * 4000
    assert pauses == 1  # at its end


@pytest.mark.parametrize(("headers", "content"), [({}, b"content"), ({"Content-Length": "0"}, b"")])
async def test_another_framing_is_read_through_httpx(headers: dict[str, str], content: bytes) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {**EVENTS, **headers}) + content)
        connection.close()

    async with opened(serve) as response:
        assert _Connection.of(response) is None
        assert await taken(response) == content


ENDS: list[tuple[str, type[Exception], str]] = [
    ("end", Lost, re.escape(BROKEN_OFF)),
    ("short", Lost, re.escape("(received 3 bytes, expected 9)")),
    ("reset", Lost, "broke$"),
    ("damage", Lost, "malformed"),
    ("silence", TimedOut, "in time"),
]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("kind", "error", "words"), ENDS)
async def test_a_bad_end_has_words(kind: str, error: type[Exception], words: str, tls: bool) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        if kind == "short":
            await connection.raw(head(200, {**EVENTS, "Content-Length": "9"}) + b"one")
        else:
            await connection.start()
            await connection.chunk(b"one")
        match kind:
            case "end" | "short":
                connection.close()
            case "reset":
                await asyncio.sleep(0.05)
                connection.reset()
            case "damage":
                await connection.raw(b"3\r\ntwoXX")
                await connection.gone()
            case _:
                await connection.gone()

    with pytest.raises(error, match=words):
        async with opened(serve, tls=tls, silence=0.3) as response:
            await taken(response)


async def test_what_goes_wrong_with_a_piece_is_raised_where_the_body_is_awaited() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(b"one")
        await connection.gone()

    def take(piece: bytes) -> bool:
        raise KeyError(piece)

    with pytest.raises(KeyError, match="one"):
        async with opened(serve) as response, asyncio.timeout(5):
            await body.read(response, take)


LOG = [
    {"id": f"e{n}", "created_at": "2026-11-21T10:00:00Z", "tool_name": "x", "result": "y" * 1000} for n in range(1500)
]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("dear", [LARGE, 1 << 30])
async def test_a_large_answer_is_the_same_from_the_connection_and_through_httpx(
    dear: int, tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {"id": "t", "messages": LOG})

    monkeypatch.setattr(transport, "DEAR", dear)
    ways: list[httpx.Response] = []
    reading = body.read

    async def read(response: httpx.Response, take: body.Take) -> None:
        ways.append(response)
        await reading(response, take)

    monkeypatch.setattr(body, "read", read)
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with authority.cert_pem.tempfile() as ca:
        async with Server(serve, context if tls else None) as server, make_client(server.url, ca=ca) as client:
            for _ in range(2):  # there is another connection for the next
                log = await client.log(Task.of({"id": "t", "agent_id": "a"}))
                assert isinstance(log.entries, Entries)
                assert [one.raw for one in log.entries] == LOG
    assert [response.is_stream_consumed for response in ways] == [False] * (2 if dear == LARGE else 0)


@pytest.mark.parametrize("dear", [LARGE, 1 << 30])
async def test_what_is_too_large_is_not_read_to_its_end(dear: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {"Content-Length": "3000000"}) + b"[" + b" " * 2_200_000)
        await connection.gone()

    monkeypatch.setattr(transport, "DEAR", dear)
    monkeypatch.setattr(transport, "LARGEST", 2 * LARGE)
    async with Server(serve) as server, make_client(server.url) as client, asyncio.timeout(10):
        with pytest.raises(NotUnderstood, match="larger than 2 MiB"):
            await client.log(Task.of({"id": "t", "agent_id": "a"}))
