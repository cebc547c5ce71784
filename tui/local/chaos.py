"""Faults on request: the platform behaves as badly as networks and servers do, to see what clients make of it."""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import dataclass, fields
from typing import Any

from tui.local.auth_middleware import ASGIApp, ASGIMessage, Receive, Scope, Send, refuse

HANG_SECONDS = 3600.0


class BadChaos(ValueError):
    """Faults that cannot be read; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """Which faults, and how often: a chance between 0 and 1, unless it says otherwise."""

    drop: int = 0
    """A stream is cut after about so many events."""
    slow: float = 0.0
    """Seconds before an answer."""
    dup: float = 0.0
    """An event is sent twice."""
    reorder: float = 0.0
    """An event changes places with the next."""
    fail: float = 0.0
    """A read or an action is answered with a 5xx, and not carried out."""
    throttle: float = 0.0
    """An answer is 429 with a Retry-After."""
    lose_answers: float = 0.0
    """An action is carried out and its answer lost."""
    hang: float = 0.0
    """An answer never comes."""

    def __bool__(self) -> bool:
        return any(getattr(self, spec.name) for spec in fields(self))


_NAMES = {"5xx": "fail", "429": "throttle"}
_CHANCES = {"dup": 0.1, "reorder": 0.1, "fail": 0.05, "throttle": 0.05, "lose_answers": 0.2, "hang": 0.02}


def parse_chaos(text: str) -> Chaos:
    """Read faults as `drop=20,slow=200ms,dup,reorder,5xx=0.05,429,lose-answers,hang`."""
    chosen: dict[str, Any] = {}
    for term in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = term.partition("=")
        field = _NAMES.get(name, name.replace("-", "_"))
        match field, value:
            case "drop", _ if value.isdecimal() or not value:
                chosen["drop"] = int(value or 20)
            case "slow", _ if found := re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", value or "200ms"):
                chosen["slow"] = float(found[1]) / (1000 if found[2] == "ms" else 1)
            case _, _ if field in _CHANCES and re.fullmatch(r"(0?\.\d+|[01])?", value):
                chosen[field] = float(value) if value else _CHANCES[field]
            case _:
                known = "drop=20 slow=200ms dup reorder 5xx=0.05 429 lose-answers hang"
                raise BadChaos(f"{term!r} is no fault; there is: {known}")
    return Chaos(**chosen)


class FaultyApp:
    """An application whose answers and streams suffer."""

    def __init__(self, app: ASGIApp, chaos: Chaos, dice: random.Random) -> None:
        self._app = app
        self._chaos = chaos
        self.dice = dice

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for every request."""
        if scope["path"] == "/health":
            await self._app(scope, receive, send)
            return
        chaos = self._chaos
        await asyncio.sleep(chaos.slow * self.dice.uniform(0.5, 1.5))
        if self.falls(chaos.hang):
            await asyncio.sleep(HANG_SECONDS)
        if self.falls(chaos.throttle):
            await refuse(send, 429, "Too many requests", {"retry-after": "1"})
        elif self.falls(chaos.fail):
            await refuse(send, self.dice.choice((500, 502, 503, 504)), "The platform is not well")
        elif scope["method"] != "GET" and self.falls(chaos.lose_answers):
            await self._app(scope, receive, _nowhere)
            _cut(send)
        else:
            await self._app(scope, receive, _Stream(self, chaos, send))

    def falls(self, chance: float) -> bool:
        """Whether something that has this chance happens now."""
        return chance > 0 and self.dice.random() < chance


class _Stream:
    """A way to the client on which events are doubled, swapped, and cut off."""

    def __init__(self, faulty: FaultyApp, chaos: Chaos, send: Send) -> None:
        self._faulty = faulty
        self._chaos = chaos
        self._send = send
        self._is_stream = self._is_cut = False
        self._left = faulty.dice.randint(1, 2 * chaos.drop) if chaos.drop else -1

    async def __call__(self, message: ASGIMessage) -> None:
        if message["type"] == "http.response.start":
            self._is_stream = (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
        elif self._is_stream and message.get("body"):
            if not self._is_cut:
                await self._frames(message["body"])
            return
        await self._send(message)

    async def _frames(self, body: bytes) -> None:
        frames = [frame + b"\n\n" for frame in body.split(b"\n\n") if frame]
        told: list[bytes] = []
        for frame in frames:
            told += [frame] * (2 if self._faulty.falls(self._chaos.dup) else 1)
            if len(told) > 1 and self._faulty.falls(self._chaos.reorder):
                told[-2:] = told[:-3:-1]
        for frame in told:
            if self._left == 0:
                self._is_cut = True
                _cut(self._send)
                return
            if not frame.startswith(b":"):
                self._left -= 1
            half = frame[: len(frame) // 2] if self._left == 0 else frame
            await self._send({"type": "http.response.body", "body": half, "more_body": True})


async def _nowhere(message: ASGIMessage) -> None:
    """Where a lost answer goes."""


def _cut(send: Send) -> None:
    """Break the connection, as a network does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


class RateLimitedApp:
    """An application with so many requests a minute, told in the vendor's headers."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._minute = 0
        self._used = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for every request."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
        self._used += 1
        told = {
            "x-ratelimit-limit": str(self._limit),
            "x-ratelimit-remaining": str(max(self._limit - self._used, 0)),
            "x-ratelimit-reset": str((minute + 1) * 60),
        }
        if self._used > self._limit:
            wait = str(max(1, (minute + 1) * 60 - int(time.time())))
            await refuse(send, 429, f"Rate limit of {self._limit} requests a minute", {**told, "retry-after": wait})
            return

        async def with_headers(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.encode(), value.encode()) for name, value in told.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, receive, with_headers)
