"""HTTP connections with limits: their number, and the time that a request may take to arrive."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0
"""Seconds that a request may take to arrive, from the start of the connection or its first byte to its last header."""
MAX_CONNECTIONS = 500
"""Connections at a time; one more is answered with 503 and closed."""


class Connection(H11Protocol):
    """A connection of uvicorn with a deadline for each request, and with JSON in its own error responses."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Handle a new connection (called by asyncio)."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_CONNECTIONS} connections are open: close some first")
        else:
            self._start_deadline()

    def data_received(self, data: bytes) -> None:
        """Handle received data (called by asyncio)."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._cancel_deadline()
        elif self.deadline is None and not self.transport.is_closing():
            self._start_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the end of the connection (called by asyncio)."""
        self._cancel_deadline()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Send a 400 response to data that is not HTTP (called by uvicorn)."""
        self._refuse(HTTPStatus.BAD_REQUEST, "The request is not HTTP/1.1, or its head is too long")

    def _start_deadline(self) -> None:
        self.deadline = self.loop.call_later(HEAD_SECONDS, self._on_deadline)

    def _cancel_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _on_deadline(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"No whole request has come within {HEAD_SECONDS:g} seconds")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Refuse the request with an error in the platform's form, and close the connection."""
        self._cancel_deadline()
        body = json.dumps({"detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
