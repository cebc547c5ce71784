"""ASGI middleware that lets only programs of this machine with the API key in, and no web page."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import format_datetime
from typing import Any, NamedTuple

from tui.local.clock import PlatformClock

Scope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Allowed values of the Host header: another name that resolves to this machine is an attack by DNS rebinding."""
OPEN_PATHS = ("/health", "/sign-in/")
"""Paths that need no key: they reveal nothing, or contain a secret of their own."""


class Refusal(NamedTuple):
    """The refusal of a request: its HTTP status, and the detail that the body gives."""

    status: int
    detail: str


class AuthMiddleware:
    """Middleware that checks Host, Origin and key, strips the organization from the path, and adds the Date header."""

    def __init__(self, app: ASGIApp, key: str, organization: str, clock: PlatformClock) -> None:
        self._app = app
        self._clock = clock
        self._key = key
        self._prefix = f"/{organization}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or let the app answer it (called by the server)."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(headers, scope["path"])
        if refusal is not None:
            await refuse(send, refusal.status, refusal.detail)
            return

        async def send_with_date(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self._clock.real_now, usegmt=True)
                message = {**message, "headers": [*message["headers"], (b"date", date.encode())]}
            await send(message)

        await self._app(self._without_organization(scope), receive, send_with_date)

    def _without_organization(self, scope: Scope) -> Scope:
        """Return the scope without the organization at the beginning of its path."""
        is_prefixed = scope["path"] == self._prefix or scope["path"].startswith(f"{self._prefix}/")
        if not is_prefixed:
            return scope
        path = scope["path"].removeprefix(self._prefix) or "/"
        return {**scope, "path": path, "raw_path": path.encode()}

    def _refusal(self, headers: dict[str, str], path: str) -> Refusal | None:
        """Return the refusal of a request, or None if it is let in."""
        host_and_port = headers.get("host", "")
        host = host_and_port.rpartition(":")[0] or host_and_port
        if host not in LOOPBACK_HOSTS:
            return Refusal(403, "This platform answers to this machine only")
        origin = headers.get("origin")  # sent by browsers alone
        if origin is not None and origin != f"http://{headers.get('host')}":
            return Refusal(403, "This platform does not answer to web pages")
        if path.startswith(OPEN_PATHS):
            return None
        key = headers.get("x-api-key", "")
        if not key:
            return Refusal(401, "API key not specified")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            return Refusal(401, "Invalid API key")
        return None


async def refuse(send: Send, status: int, detail: Any, headers: dict[str, str] | None = None) -> None:
    """Refuse a request with an error in the platform's form."""
    body = json.dumps({"detail": detail}).encode()
    all_headers = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    pairs = [(name.encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
