"""Who may talk to the platform: whoever has the key, from this machine, and no web page."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from email.utils import format_datetime
from typing import Any

from tui.local.clock import PlatformClock

Scope = MutableMapping[str, Any]
ASGIMessage = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[ASGIMessage]]
Send = Callable[[ASGIMessage], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
OPEN_PATHS = ("/health", "/sign-in/")
"""Paths that need no key: they tell nothing, or carry a secret of their own."""


class AuthMiddleware:
    """Looks at Host, Origin and key first, takes the organization out of the path, and tells the time."""

    def __init__(self, app: ASGIApp, key: str, organization: str, timeline: PlatformClock) -> None:
        self._app = app
        self._timeline = timeline
        self._key = key
        self._prefix = f"/{organization}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for every request."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if (refusal := self._refusal(headers, scope["path"])) is not None:
            await refuse(send, *refusal)
            return
        if scope["path"] == self._prefix or scope["path"].startswith(f"{self._prefix}/"):
            path = scope["path"].removeprefix(self._prefix) or "/"
            scope = {**scope, "path": path, "raw_path": path.encode()}

        async def dated(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                moment = format_datetime(self._timeline.running, usegmt=True)
                message = {**message, "headers": [*message["headers"], (b"date", moment.encode())]}
            await send(message)

        await self._app(scope, receive, dated)

    def _refusal(self, headers: dict[str, str], path: str) -> tuple[int, str] | None:
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if host not in LOOPBACK_HOSTS:
            return 403, "This platform answers to this machine only"
        origin = headers.get("origin")
        if origin is not None and origin != f"http://{headers.get('host')}":
            return 403, "This platform does not answer to web pages"
        if path.startswith(OPEN_PATHS):
            return None
        given = headers.get("x-api-key", "")
        if not given:
            return 401, "API key not specified"
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            return 401, "Invalid API key"
        return None


async def refuse(send: Send, status: int, detail: Any, headers: dict[str, str] | None = None) -> None:
    """Answer with an error in the platform's form."""
    body = json.dumps({"detail": detail}).encode()
    told = {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    pairs = [(name.encode(), value.encode()) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
