"""The body of a stream or of a large answer, read from the connection itself: every layer between costs much more."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from typing import Any

import httpx
from msgspec import Struct

FRAME = 1 / 60
"""Seconds between two readings of a connection that has much to tell."""
ROOM = 65_536
"""Bytes that are read at once."""
RECORD = 16_384
"""Bytes of a TLS record at the most, and of a reading of a stream that is worth its turn."""
LONGEST_LINE = 65_536
"""Bytes of the line before a chunk beyond which it is none."""
BROKEN_OFF = "peer closed connection without sending complete message body (incomplete chunked read)"
_LINE = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;[^\n]*)?[ \t]*\r\n")

Take = Callable[[bytes], bool]
"""Called with every piece; whether more is wanted."""


async def read(response: httpx.Response, take: Take) -> None:
    """Give on the body as it comes, until it ends or enough was taken; what breaks raises what httpx raises."""
    if (connection := _Connection.of(response)) is not None:
        await connection.read(take)
        return
    async with aclosing(response.aiter_raw()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            if not take(piece):
                return


class Chunks:
    """The chunked transfer coding of HTTP/1.1: bytes in, content out. What follows the last chunk is left alone."""

    broken_off = BROKEN_OFF

    def __init__(self) -> None:
        self.is_ended = False
        self.damage = ""
        """What is wrong with the bytes behind the content that was given out."""
        self._left = 0
        """Bytes of this chunk that are still to come, its line end with them."""
        self._tail = b""

    def feed(self, data: bytes) -> bytes:
        """The content of these bytes, all that there is before an end or a damage."""
        if self._tail:
            data, self._tail = self._tail + data, b""
        content: list[bytes] = []
        place = 0
        while place < len(data) and not self.is_ended and not self.damage:
            if self._left:
                place = self._content(data, place, content)
            elif line := _LINE.match(data, place):
                place = line.end()
                size = int(line[1], 16)
                self._left = size + 2
                self.is_ended = size == 0
            elif data.find(b"\r\n", place) >= 0 or len(data) - place > LONGEST_LINE:
                self.damage = "illegal chunk header"
            else:
                self._tail = data[place:]
                break
        return content[0] if len(content) == 1 else b"".join(content)

    def _content(self, data: bytes, place: int, content: list[bytes]) -> int:
        """Take of a chunk what is there; the answer is where it goes on."""
        if self._left > 2:
            content.append(data[place : place + self._left - 2])
            self._left -= len(content[-1])
            place += len(content[-1])
        if self._left <= 2:
            end = data[place : place + self._left]
            if not b"\r\n"[2 - self._left :].startswith(end):
                self.damage = "malformed chunk footer"
            self._left -= len(end)
            place += len(end)
        return place


class Length:
    """A body of so many bytes. What follows them is left alone."""

    damage = ""

    def __init__(self, expected: int) -> None:
        self._expected = self._left = expected

    @property
    def is_ended(self) -> bool:
        """Whether all of it has come."""
        return not self._left

    @property
    def broken_off(self) -> str:
        """What is said where it ends too early."""
        came = f"received {self._expected - self._left} bytes, expected {self._expected}"
        return f"peer closed connection without sending complete message body ({came})"

    def feed(self, data: bytes) -> bytes:
        """What of these bytes belongs to it."""
        content = data[: self._left]
        self._left -= len(content)
        return content


class _Connection(Struct, frozen=True):
    """What lies beneath a response that httpx has opened and nobody has begun to read."""

    transport: asyncio.Transport
    tls: _Tls | None
    begun: bytes
    """Bytes of the body that came with the head."""
    waiting: list[bytes]
    """Bytes that were read from the socket and not looked at."""
    silence: float | None
    coding: Chunks | Length

    @classmethod
    def of(cls, response: httpx.Response) -> _Connection | None:
        """None where anything is not as usual: another framing, another HTTP, another transport."""
        if (coding := _coding(response.headers)) is None or response.is_stream_consumed:
            return None
        upper = _deep(response.extensions.get("network_stream"), "_stream")
        lower = getattr(upper, "transport_stream", upper)
        transport, protocol = getattr(lower, "_transport", None), getattr(lower, "_protocol", None)
        begun, is_over = _deep(
            response.stream, "_stream", "_httpcore_stream", "_stream", "_connection", "_h11_state", "trailing_data"
        ) or (None, True)
        waiting = getattr(protocol, "read_queue", None)
        if not isinstance(transport, asyncio.Transport) or not isinstance(waiting, deque):
            return None
        if not isinstance(begun, bytes) or is_over or transport.is_closing() or getattr(protocol, "is_at_eof", True):
            return None
        tls = None if upper is lower else _Tls.of(upper, transport)
        if upper is not lower and tls is None:
            return None
        silence = response.request.extensions.get("timeout", {}).get("read")
        return cls(transport, tls, begun, list(waiting), silence, coding)

    async def read(self, take: Take) -> None:
        """Give on the body from here, in place of httpx, which is left with a connection that it can only close."""
        reading = _Reading(self, take)
        self.transport.set_protocol(reading)
        try:
            reading.begin()
            await reading.done
        finally:
            reading.end()


class _Tls:
    """What TLS has wrapped up."""

    def __init__(
        self, plain: ssl.SSLObject, come: ssl.MemoryBIO, gone: ssl.MemoryBIO, send: Callable[[bytes], None]
    ) -> None:
        self._plain, self._come, self._gone, self._send = plain, come, gone, send

    @classmethod
    def of(cls, stream: object, transport: asyncio.Transport) -> _Tls | None:
        """What anyio's TLS stream has; None where it is another."""
        plain = getattr(stream, "_ssl_object", None)
        come, gone = getattr(stream, "_read_bio", None), getattr(stream, "_write_bio", None)
        if isinstance(plain, ssl.SSLObject) and isinstance(come, ssl.MemoryBIO) and isinstance(gone, ssl.MemoryBIO):
            return cls(plain, come, gone, transport.write)
        return None

    def opened(self, data: bytes | memoryview) -> Iterator[bytes]:
        """What these bytes say; nothing at all is the end."""
        self._come.write(data)
        while self._come.pending or self._plain.pending():
            try:
                piece = self._plain.read(RECORD)
            except ssl.SSLWantReadError:
                break
            yield piece
            if not piece:
                break
        if self._gone.pending:  # an answer to new keys
            self._send(self._gone.read())


class _Room(threading.local):
    """Where bytes are put as they come: one for all connections of a loop, each empties it at once."""

    def __init__(self) -> None:
        self.view = memoryview(bytearray(ROOM))


_room = _Room()


class _Reading(asyncio.BufferedProtocol):
    """A body being read: what comes is given on at once, and where much comes, once a frame."""

    def __init__(self, connection: _Connection, take: Take) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection = connection
        self._take = take
        self._coding = connection.coding
        self._last = self._loop.time()
        self._resume: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self.done: asyncio.Future[None] = self._loop.create_future()

    def begin(self) -> None:
        """Give on what has come already, and read on."""
        connection = self._connection
        self._listen()
        self._give([connection.begun] if connection.begun else [])
        for data in [b"", *connection.waiting] if connection.tls else connection.waiting:
            self._give(self._opened(data))
        if not self.done.done():
            connection.transport.resume_reading()

    def end(self) -> None:
        """Read no more."""
        for timer in (self._resume, self._silence):
            if timer is not None:
                timer.cancel()
        if not self.done.cancel() and not self.done.cancelled():
            self.done.exception()  # seen, should whoever waits have been called off meanwhile
        self._connection.transport.pause_reading()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes are to be put."""
        return _room.view

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        if self.done.done():
            return
        now = self._loop.time()
        if nbytes < RECORD and now - self._last < 2 * FRAME and isinstance(self._coding, Chunks):
            self._connection.transport.pause_reading()
            self._resume = self._loop.call_at(now + FRAME, self._connection.transport.resume_reading)
        self._last = now
        self._give(self._opened(_room.view[:nbytes]))

    def eof_received(self) -> bool:
        """The other side has closed."""
        self._settle(httpx.RemoteProtocolError(self._coding.broken_off))
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._settle(httpx.RemoteProtocolError(self._coding.broken_off) if exc is None else httpx.ReadError(""))

    def _opened(self, data: bytes | memoryview) -> Iterable[bytes]:
        tls = self._connection.tls
        return [bytes(data)] if tls is None else tls.opened(data)

    def _give(self, pieces: Iterable[bytes]) -> None:
        """Give on the content of these pieces; what fails on the way fails for whoever waits."""
        coding = self._coding
        try:
            for piece in pieces:
                content = coding.feed(piece)
                if (content and not self._take(content)) or coding.is_ended:
                    self._settle(None)
                elif coding.damage:
                    self._settle(httpx.RemoteProtocolError(coding.damage))
                elif not piece:
                    self._settle(httpx.RemoteProtocolError(coding.broken_off))
                if self.done.done():
                    return
        except Exception as error:  # noqa: BLE001 - it is raised where the body is awaited
            self._settle(error)

    def _listen(self) -> None:
        """Wait for as long as it may be silent, and look again."""
        silence = self._connection.silence
        if silence is None:
            return
        if (left := self._last + silence - self._loop.time()) <= 0:
            self._settle(httpx.ReadTimeout(""))
        else:
            self._silence = self._loop.call_later(left, self._listen)

    def _settle(self, error: Exception | None) -> None:
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


def _coding(headers: httpx.Headers) -> Chunks | Length | None:
    """How it is told where the body ends; None where it is told in another way."""
    match headers.get_list("transfer-encoding"), headers.get_list("content-length"):
        case ["chunked"], _:
            return Chunks()
        case [], [length] if length.isdecimal() and int(length):
            return Length(int(length))
        case _:
            return None


def _deep(thing: object, *names: str) -> Any:
    """An attribute of an attribute; None where there is none such."""
    for name in names:
        thing = getattr(thing, name, None)
    return thing
