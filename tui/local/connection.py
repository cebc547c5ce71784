"""HTTP connections: so many at most, and none that waits for ever for a request that does not come."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0
"""How long a request may take to come, from its first byte to the end of its head."""
MAX_CONNECTIONS = 500
"""How many connections there are at once; one more is told so and closed."""


class Connection(H11Protocol):
    """A connection of uvicorn that ends when its request does not come, and whose own refusals are JSON."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called when somebody has connected."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, f"{MAX_CONNECTIONS} connections are open: close some first")
        else:
            self._expect_request()

    def data_received(self, data: bytes) -> None:
        """Called with what has come."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._expect_nothing()
        elif self.deadline is None and not self.transport.is_closing():
            self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called when the connection is over."""
        self._expect_nothing()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Called for what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "The request is not HTTP/1.1, or its head is too long")

    def _expect_request(self) -> None:
        self.deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _expect_nothing(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _give_up(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"No whole request has come within {HEAD_SECONDS:g} seconds")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer in the platform's form, and close."""
        self._expect_nothing()
        body = json.dumps({"detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
