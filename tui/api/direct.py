"""Pages are asked for again and again: over a connection with only h11 on it, each costs half of what it does else."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator

import h11
import httpx

KEPT = 5.0
"""Seconds for which a connection is kept for the next request, as httpx does."""
LONGEST_HEAD = 102_400
"""Bytes of the head of an answer at the most, as in httpx."""
PIECE = 65_536
"""Bytes that are given on at once: what is compressed becomes a thousand times as much."""


class Direct(httpx.AsyncBaseTransport):
    """The way to one platform that no proxy is on: a connection for each request under way, kept for the next."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._free: list[_Connection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Called by httpx: the answer's head, with a body that is still to be read."""
        limits = request.extensions["timeout"]
        connection = await self._kept() or await self._opened(request.url, limits["connect"])
        try:
            head = await connection.ask(request, limits["read"])
        except BaseException:
            await connection.close()
            raise
        return httpx.Response(head.status_code, headers=head.headers.raw_items(), stream=_Body(connection, self._free))

    async def aclose(self) -> None:
        """Close what was kept."""
        while self._free:
            await self._free.pop().close()

    async def _kept(self) -> _Connection | None:
        while self._free:
            if (connection := self._free.pop()).is_free:
                return connection
            await connection.close()
        return None

    async def _opened(self, url: httpx.URL, limit: float) -> _Connection:
        host, port = url.raw_host.decode(), url.port or (443 if self._context else 80)
        # Of several addresses the next is tried soon; asyncio may forget to close one when it is called off meanwhile.
        race = 0.25 if self._context else None
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                made = loop.create_connection(_Connection, host, port, ssl=self._context, happy_eyeballs_delay=race)
                return (await made)[1]
        except TimeoutError as error:
            raise httpx.ConnectTimeout("") from error
        except (socket.gaierror, ssl.SSLError) as error:
            raise httpx.ConnectError(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError("All connection attempts failed") from error


class _Connection(asyncio.Protocol):
    """A connection, and what h11 makes of it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT, LONGEST_HEAD)
        self._come = asyncio.Event()
        self._gone = asyncio.Event()
        self._is_ended = False
        self._broken: Exception | None = None
        self._silence = self._free_until = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._http.receive_data(data)
        self._come.set()

    def eof_received(self) -> None:
        """The other side has closed."""
        self._is_ended = True
        self._come.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._broken = exc
        self.eof_received()
        self._gone.set()

    @property
    def is_free(self) -> bool:
        """Whether another request can be sent: nothing has come since the last answer, nor has it been long."""
        return not (self._is_ended or self._come.is_set()) and self._loop.time() < self._free_until

    async def ask(self, request: httpx.Request, silence: float) -> h11.Response:
        """Send a request without a body; the answer is the head of its answer."""
        self._silence = silence
        try:
            asked = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            told = [self._http.send(asked), self._http.send(h11.EndOfMessage())]
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        self._transport.write(b"".join(piece for piece in told if piece))
        while isinstance(event := await self._next(), h11.InformationalResponse):
            pass  # it is on its way
        if not isinstance(event, h11.Response):
            raise httpx.RemoteProtocolError("the answer has no head")
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """What follows the head, as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            for at in range(0, len(event.data), PIECE):
                yield bytes(event.data[at : at + PIECE])

    async def _next(self) -> object:
        """What h11 has next to tell."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                if self._is_ended:
                    self._end()
                    continue
                self._come.clear()
                async with asyncio.timeout(self._silence):
                    await self._come.wait()
        except TimeoutError as error:
            raise httpx.ReadTimeout("") from error
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event

    def _end(self) -> None:
        """Tell h11 that nothing comes any more, where that may be the end of an answer."""
        if self._broken:
            raise httpx.ReadError(getattr(self._broken, "reason", "")) from self._broken
        if self._http.their_state is h11.SEND_RESPONSE:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
        self._http.receive_data(b"")

    async def release(self, free: list[_Connection]) -> None:
        """Keep it for the next request where all of the answer was read and nothing came after it, else close it."""
        http = self._http
        if http.our_state is http.their_state is h11.DONE and http.trailing_data == (b"", False):
            http.start_next_cycle()
            self._come.clear()
            self._free_until = self._loop.time() + KEPT
            free.append(self)
        else:
            await self.close()

    async def close(self) -> None:
        """Let go of it."""
        self._transport.abort()
        await self._gone.wait()


class _Body(httpx.AsyncByteStream):
    """The body of an answer."""

    def __init__(self, connection: _Connection, free: list[_Connection]) -> None:
        self._connection = connection
        self._free = free

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body()

    async def aclose(self) -> None:
        """Called by httpx once nobody reads on."""
        await self._connection.release(self._free)
