"""Pages over connections of their own: what httpx's own way makes of an answer, and never the answer of another request."""

from __future__ import annotations

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
import trustme

from tests.conftest import make_client
from tests.wire.server import Connection, Request, Server, free_port, head
from tui.api import direct
from tui.api.direct import Direct
from tui.api.errors import TimedOut, Unreachable

Seen = tuple[int, list[tuple[bytes, bytes]], bytes] | tuple[type[Exception], str]
ANSWERS = {
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\nX-A:  c \r\n\r\nhello",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    "chunks and a trailer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n0\r\nX-A: b\r\n\r\n",
    "until it closes": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "an older HTTP": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "nothing": b"HTTP/1.1 204 No Content\r\n\r\n",
    "wait for it": b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello",
    "more than a piece": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "cut in the head": b"HTTP/1.1 200 OK\r\nContent-",
    "cut in the body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "cut in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhel",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    "nothing at all": b"",
}


async def seen(way: httpx.AsyncBaseTransport, url: str, **headers: str) -> Seen:
    """What comes of a request."""
    try:
        async with httpx.AsyncClient(transport=way, timeout=5) as client:
            answer = await client.get(url, headers=headers)
            return answer.status_code, answer.headers.raw, answer.content
    except httpx.TransportError as error:
        return type(error), str(error)


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", ANSWERS)
async def test_an_answer_is_what_httpx_makes_of_it(name: str, size: int) -> None:
    told = ANSWERS[name]

    async def serve(request: Request, connection: Connection) -> None:
        for at in range(0, min(len(told), 300), size):
            await connection.raw(told[at : at + size])
        await connection.raw(told[300:])
        connection.close()

    async with Server(serve) as server:
        ours, theirs = [await seen(way, server.url) for way in (Direct(None), httpx.AsyncHTTPTransport())]
    assert ours == theirs
    ours_asked, theirs_asked = server.requests
    assert ours_asked.raw_headers == theirs_asked.raw_headers


async def test_a_connection_that_is_reset_is_lost_as_with_httpx() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.raw(head(200, {"Content-Length": "9"}) if request.path == "/body" else b"")
        connection.reset()

    async with Server(serve) as server:
        for path in ("/head", "/body"):
            ours, theirs = [await seen(way, server.url + path) for way in (Direct(None), httpx.AsyncHTTPTransport())]
            assert ours == theirs == (httpx.ReadError, "")


async def test_no_line_is_added_to_a_request() -> None:
    async with Server(lambda *_: asyncio.sleep(0)) as server:
        told = await seen(Direct(None), server.url, x="a\r\nX-B: c")
        assert told[0] is httpx.LocalProtocolError
    assert not server.requests


@asynccontextmanager
async def asking(
    behind: bytes = b"", headers: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, list[Connection]]]:
    """A client of a server that answers with the path, and the connections that it was asked on."""
    used: list[Connection] = []

    async def serve(request: Request, connection: Connection) -> None:
        if connection not in used:
            used.append(connection)
        path = request.path.encode()
        await connection.reply(200, path + behind, {**(headers or {}), "Content-Length": str(len(path))})

    async with Server(serve) as server, httpx.AsyncClient(transport=Direct(None), base_url=server.url) as client:
        yield client, used


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with asking() as (client, used):
        for number in range(5):
            assert (await client.get(f"/{number}")).text == f"/{number}"
        assert len(used) == 1
        together = await asyncio.gather(*(client.get(f"/{number}") for number in range(5)))
        assert [answer.text for answer in together] == [f"/{number}" for number in range(5)]
        assert len(used) == 5


@pytest.mark.parametrize("behind", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
async def test_what_comes_behind_an_answer_is_not_the_next_one(behind: bytes) -> None:
    async with asking(behind) as (client, used):
        for number in range(3):
            assert (await client.get(f"/{number}")).text == f"/{number}"
        assert len(used) == 3


async def test_what_comes_while_nobody_asks_is_not_the_next_answer() -> None:
    async with asking() as (client, used):
        await client.get("/0")
        (kept,) = client._transport._free  # type: ignore[attr-defined]
        await used[0].raw(ANSWERS["a length"])
        async with asyncio.timeout(5):
            await kept._come.wait()
        assert (await client.get("/1")).text == "/1"
        assert len(used) == 2


async def test_a_connection_that_was_closed_meanwhile_is_not_asked() -> None:
    async with asking() as (client, used):
        await client.get("/0")
        (kept,) = client._transport._free  # type: ignore[attr-defined]
        used[0].close()
        async with asyncio.timeout(5):
            await kept._come.wait()
        assert (await client.get("/1")).text == "/1"
        assert len(used) == 2


async def test_an_end_that_came_with_the_answer_is_not_overlooked() -> None:
    async with asking() as (client, used):
        async with client.stream("GET", "/0") as answer:
            async for _ in answer.aiter_raw():
                answer.stream._stream._connection.eof_received()  # type: ignore[union-attr]
        assert len(client._transport._free) == 1  # type: ignore[attr-defined]
        assert (await client.get("/1")).text == "/1"
        assert len(used) == 2


async def test_a_large_answer_comes_in_pieces() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, b"x" * 1_000_000)

    async with Server(serve) as server, httpx.AsyncClient(transport=Direct(None)) as client:
        async with client.stream("GET", server.url) as answer:
            pieces = [len(piece) async for piece in answer.aiter_raw()]
    assert sum(pieces) == 1_000_000
    assert max(pieces) <= direct.PIECE


@pytest.mark.parametrize("why", ["it was long ago", "the answer says so"])
async def test_a_connection_is_not_kept_where(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"Connection": "close"} if why == "the answer says so" else {}
    if not said:
        monkeypatch.setattr(direct, "KEPT", 0.0)
    async with asking(headers=said) as (client, used):
        for number in range(3):
            assert (await client.get(f"/{number}")).text == f"/{number}"
        assert len(used) == 3


async def test_who_reads_no_further_leaves_nothing_for_the_next() -> None:
    async with asking() as (client, used):
        async with client.stream("GET", "/0"):
            pass
        assert (await client.get("/1")).text == "/1"
        assert len(used) == 2


async def test_who_is_called_off_leaves_nothing_for_the_next() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def serve(request: Request, connection: Connection) -> None:
        asked.set()
        if request.path == "/slow":
            await connection.gone()
            gone.set()
        else:
            await connection.reply(200, request.path.encode())

    async with Server(serve) as server, httpx.AsyncClient(transport=Direct(None), base_url=server.url) as client:
        job = asyncio.create_task(client.get("/slow"))
        async with asyncio.timeout(5):
            await asked.wait()
            job.cancel()
            with pytest.raises(asyncio.CancelledError):
                await job
            await gone.wait()
        assert (await client.get("/1")).text == "/1"


async def test_who_is_called_off_twice_is_called_off_without_a_word() -> None:
    asked = asyncio.Event()
    words: list[object] = []

    async def serve(request: Request, connection: Connection) -> None:
        asked.set()
        await connection.gone()

    asyncio.get_running_loop().set_exception_handler(lambda _, told: words.append(told))
    async with Server(serve) as server, httpx.AsyncClient(transport=(way := Direct(None))) as client:
        job = asyncio.create_task(client.get(server.url))
        async with asyncio.timeout(5):
            await asked.wait()
            (connection,) = [one for one in gc.get_objects() if type(one) is direct._Connection and not one._is_ended]
            job.cancel()
            asyncio.get_running_loop().call_soon(job.cancel)
            with pytest.raises(asyncio.CancelledError):
                await job
            await connection._gone.wait()
    assert not way._free
    assert not words


async def test_silence_nobody_there_and_no_address_are_told_in_words() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.gone()

    async def first(url: str) -> None:
        async with make_client(url, timeout=0.05) as client:
            async for _ in client.tasks():
                pass

    async with Server(serve) as server:
        with pytest.raises(TimedOut, match="did not answer in time"):
            await first(server.url)
    with pytest.raises(Unreachable, match="All connection attempts failed"):
        await first(f"http://127.0.0.1:{free_port()}")
    assert await seen(Direct(None), "http://name.invalid") == await seen(
        httpx.AsyncHTTPTransport(), "http://name.invalid"
    )


async def test_over_tls_only_to_whom_is_trusted() -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {"items": [{"id": "t1"}], "total": 1, "total_pages": 1})

    with authority.cert_pem.tempfile() as ca, other.cert_pem.tempfile() as wrong:
        async with Server(serve, context) as server:
            async with make_client(server.url, ca=ca) as client:
                for _ in range(3):
                    assert [task.id async for page in client.tasks() for task in page.items] == ["t1"]
            async with make_client(server.url, ca=wrong) as client:
                with pytest.raises(Unreachable, match="is not trusted"):
                    await anext(aiter(client.tasks()))
            assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("url", "proxy", "is_direct"),
    [
        ("http://127.0.0.1:1", "http://proxy.example", True),
        ("https://platform.example", "http://proxy.example", False),
        ("https://platform.example", "", True),
    ],
)
async def test_a_proxy_is_never_passed_by(
    url: str, proxy: str, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib.request.getproxies", lambda: {"https": proxy} if proxy else {})
    async with make_client(url) as client:
        for is_page in (True, False):
            made = client.transport._client(url, is_page=is_page)
            assert isinstance(made._transport, Direct) is (is_direct and is_page)
