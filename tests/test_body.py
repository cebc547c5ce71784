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
from tui.api import body
from tui.api.body import BROKEN_OFF, Chunks, _Connection, _Reading
from tui.api.errors import Lost, TimedOut

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


@pytest.mark.parametrize("headers", [{"Content-Length": "7"}, {}])
async def test_another_framing_is_read_through_httpx(headers: dict[str, str]) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {**EVENTS, **headers}) + b"content")
        connection.close()

    async with opened(serve) as response:
        assert _Connection.of(response) is None
        assert await taken(response) == b"content"


ENDS: list[tuple[str, type[Exception], str]] = [
    ("end", Lost, re.escape(BROKEN_OFF)),
    ("reset", Lost, "broke$"),
    ("damage", Lost, "malformed"),
    ("silence", TimedOut, "in time"),
]


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(("kind", "error", "words"), ENDS)
async def test_a_bad_end_has_words(kind: str, error: type[Exception], words: str, tls: bool) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.start()
        await connection.chunk(b"one")
        match kind:
            case "end":
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
