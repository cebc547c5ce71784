"""A small HTTP server on raw sockets that lets a test break anything."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    at: float

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(slots=True)
class Connection:
    """A connection of a client: whole answers, chunked streams, and every way to break off."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self, status: int, body: Any = b"", headers: Mapping[str, str] | None = None) -> None:
        """Send a whole answer; a body that is not bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json"} if not isinstance(body, bytes) else {}
        told |= {"Content-Length": str(len(content))} | dict(headers or {})
        await self.raw(head(status, told) + content)

    async def start(self, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Start a chunked stream."""
        told = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"} | dict(headers or {})
        await self.raw(head(status, told))

    async def chunk(self, data: bytes) -> None:
        if data:
            await self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    async def end(self) -> None:
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close the connection with a RST."""
        if not self.writer.is_closing():
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.writer.transport.abort()

    def close(self) -> None:
        """Close the connection with a FIN."""
        self.writer.close()

    async def gone(self) -> None:
        """Wait until the client has hung up."""
        while await self.reader.read(65536):
            pass


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


Handler = Callable[[Request, Connection], Awaitable[None]]


@dataclass(slots=True)
class Server:
    """A server with one handler on a port of its own; it records every request."""

    handler: Handler
    context: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None
    _jobs: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        job = asyncio.current_task()
        assert job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        connection = Connection(reader, writer)
        try:
            while request := await self._read(reader):
                self.requests.append(request)
                await self.handler(request, connection)
                if writer.is_closing():
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        start = await reader.readline()
        if not start.strip():
            return None
        method, target, _ = start.decode("latin-1").split(" ", 2)
        raw: list[tuple[bytes, bytes]] = []
        while (line := await reader.readline()).strip():
            name, _, value = line.partition(b":")
            raw.append((name.strip().lower(), value.strip()))
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(method, target, headers, tuple(raw), body, asyncio.get_running_loop().time())


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
