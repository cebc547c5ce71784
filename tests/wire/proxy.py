"""A proxy that can be slow, uneven, cut, deaf or closed, or damage what passes."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Toxic:
    """The faults of the answers on one connection, in seconds and bytes."""

    latency: float = 0.0
    jitter: float = 0.0
    slices: int = 0
    """The most bytes that pass at once."""
    limit: int | None = None
    """After so many bytes it is closed in an orderly way."""
    reset: int | None = None
    """After so many bytes it is reset."""
    deaf: int | None = None
    """After so many bytes nothing passes any more, and nothing is closed."""
    slow_close: float = 0.0
    """So long after the server has closed it, it is closed."""
    is_down: bool = False
    """Nobody takes the call."""
    corrupt: int | None = None
    """The byte at this place is another one."""
    loses_requests: bool = False
    """The connection is taken, and what is asked goes nowhere."""


@dataclass
class Proxy:
    """A proxy that passes bytes between clients and one server."""

    port: int
    toxic: Toxic = Toxic()
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    calls: int = 0
    _server: asyncio.Server | None = None
    _jobs: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def own_port(self) -> int:
        assert self._server
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.own_port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Break every open connection."""
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        self.calls += 1
        try:
            await self._suffer(reader, writer, self.toxic)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _suffer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, toxic: Toxic) -> None:
        if toxic.is_down:
            _reset(writer)
            return
        if toxic.loses_requests:
            await _drained(reader)
            return
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        asking = asyncio.create_task(_pass(reader, back))
        try:
            await self._answer(there, writer, toxic, asking)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            back.close()
            with suppress(ConnectionError):
                await back.wait_closed()

    async def _answer(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, toxic: Toxic, asking: asyncio.Task[None]
    ) -> None:
        passed = 0
        ends = [place for place in (toxic.limit, toxic.reset, toxic.deaf) if place is not None]
        while data := await there.read(65536):
            await asyncio.sleep(toxic.latency + self.dice.uniform(0, toxic.jitter))
            size = toxic.slices or len(data)
            for at in range(0, len(data), size):
                piece = bytearray(data[at : at + size])
                if toxic.corrupt is not None and 0 <= toxic.corrupt - passed < len(piece):
                    piece[toxic.corrupt - passed] ^= 0x55
                room = min(ends, default=passed + len(piece)) - passed
                writer.write(bytes(piece[: max(room, 0)]))
                await writer.drain()
                passed += len(piece)
                if toxic.slices:
                    await asyncio.sleep(0)
                if room <= len(piece) and ends:
                    if toxic.reset is not None:
                        _reset(writer)
                    elif toxic.deaf is not None:
                        await asking  # until the client hangs up
                    return
        await asyncio.sleep(toxic.slow_close)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


async def _drained(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
