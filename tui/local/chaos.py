"""Faults on request: middleware that makes the platform fail as networks and servers do, to test its clients."""

from __future__ import annotations

import asyncio
import random
import re
import time
from dataclasses import dataclass, fields
from typing import Any

from tui.local.auth_middleware import ASGIApp, ASGIMessage, Receive, Scope, Send, refuse

HANG_SECONDS = 3600.0
SECONDS_PER_UNIT = {"s": 1.0, "ms": 0.001}
DELAY_SPREAD = 0.5
"""How much a delay varies, as a part of it."""
DEFAULT_DROP = 20
DEFAULT_DELAY = "200ms"
FAILURE_STATUSES = (500, 502, 503, 504)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_CHANCE_OR_NONE = re.compile(r"(0?\.\d+|[01])?")


class BadChaos(ValueError):
    """A chaos specification that cannot be parsed; the message lists the known faults."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """The chaos to cause: for each fault its probability between 0 and 1, unless stated otherwise."""

    drop: int = 0
    """A stream is cut after about this many events."""
    slow: float = 0.0
    """Seconds before each response, varied by half."""
    dup: float = 0.0
    """An event is sent twice."""
    reorder: float = 0.0
    """An event is swapped with the next."""
    fail: float = 0.0
    """A request is answered with a 5xx and not carried out."""
    throttle: float = 0.0
    """A request is answered with 429 and Retry-After."""
    lose_answers: float = 0.0
    """An action is carried out and its response is lost."""
    hang: float = 0.0
    """A request is never answered."""

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) for field in fields(self))


_FIELD_NAMES = {"5xx": "fail", "429": "throttle"}
_DEFAULT_CHANCES = {"dup": 0.1, "reorder": 0.1, "fail": 0.05, "throttle": 0.05, "lose_answers": 0.2, "hang": 0.02}


def parse_chaos(text: str) -> Chaos:
    """Parse faults written as `drop=20,slow=200ms,dup,reorder,5xx=0.05,429,lose-answers,hang`."""
    faults: dict[str, Any] = {}
    for term in map(str.strip, text.split(",")):
        if term:
            name, _, value = term.partition("=")
            field = _FIELD_NAMES.get(name, name.replace("-", "_"))
            faults[field] = _parse_fault(term, field, value)
    return Chaos(**faults)


def _parse_fault(term: str, field: str, value: str) -> float:
    """Parse the value of a fault, the usual one if it is empty; raise BadChaos for an unknown fault or value."""
    if field == "drop" and (value.isdecimal() or not value):
        return int(value or DEFAULT_DROP)
    duration = _DURATION.fullmatch(value or DEFAULT_DELAY)
    if field == "slow" and duration:
        return float(duration[1]) * SECONDS_PER_UNIT[duration[2]]
    if field in _DEFAULT_CHANCES and _CHANCE_OR_NONE.fullmatch(value):
        return float(value or _DEFAULT_CHANCES[field])
    known = "drop=20 slow=200ms dup reorder 5xx=0.05 429 lose-answers hang"
    raise BadChaos(f"{term!r} is no fault; there is: {known}")


class FaultyApp:
    """An ASGI app that makes the responses and streams of another app faulty."""

    def __init__(self, app: ASGIApp, chaos: Chaos, rng: random.Random) -> None:
        self._app = app
        self._chaos = chaos
        self.rng = rng

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, perhaps with a fault (called by the server); the check of health has none."""
        if scope["path"] == "/health":
            await self._app(scope, receive, send)
            return
        chaos = self._chaos
        await asyncio.sleep(chaos.slow * self.rng.uniform(1 - DELAY_SPREAD, 1 + DELAY_SPREAD))
        if self.happens(chaos.hang):
            await asyncio.sleep(HANG_SECONDS)
        if self.happens(chaos.throttle):
            await refuse(send, 429, "Too many requests", {"retry-after": "1"})
        elif self.happens(chaos.fail):
            await refuse(send, self.rng.choice(FAILURE_STATUSES), "The platform is not well")
        elif scope["method"] != "GET" and self.happens(chaos.lose_answers):
            await self._app(scope, receive, _discard)
            _abort_connection(send)
        else:
            await self._app(scope, receive, _FaultySend(self, chaos, send))

    def happens(self, chance: float) -> bool:
        """Return whether a fault with this probability happens now."""
        return chance > 0 and self.rng.random() < chance


class _FaultySend:
    """A faulty `send` that duplicates, swaps and cuts off the events of a stream."""

    def __init__(self, faulty_app: FaultyApp, chaos: Chaos, send: Send) -> None:
        """Create the faulty `send` of one response, and draw when its stream is cut."""
        self._faulty_app = faulty_app
        self._chaos = chaos
        self._send = send
        self._is_stream = False
        self._is_cut = False
        self._events_before_cut = -1
        """Events to send before the stream is cut; negative if it is never cut."""
        if chaos.drop:
            self._events_before_cut = faulty_app.rng.randint(1, 2 * chaos.drop)

    async def __call__(self, message: ASGIMessage) -> None:
        """Send a message of the response; the events of a stream may be faulty."""
        if message["type"] == "http.response.start":
            self._is_stream = (b"content-type", b"text/event-stream; charset=utf-8") in message["headers"]
        elif self._is_stream and message.get("body"):
            if not self._is_cut:
                await self._send_events(message["body"])
            return
        await self._send(message)

    async def _send_events(self, body: bytes) -> None:
        """Send the events of a body; the last one before the cut is sent by half, as a network failure leaves it."""
        for frame in self._duplicated_and_swapped(body):
            if self._events_before_cut == 0:
                self._is_cut = True
                _abort_connection(self._send)
                return
            is_comment = frame.startswith(b":")
            if not is_comment:
                self._events_before_cut -= 1
            if self._events_before_cut == 0:
                frame = frame[: len(frame) // 2]
            await self._send({"type": "http.response.body", "body": frame, "more_body": True})

    def _duplicated_and_swapped(self, body: bytes) -> list[bytes]:
        """Return the SSE frames of a body with some of them duplicated and swapped."""
        frames: list[bytes] = []
        for text in filter(None, body.split(b"\n\n")):
            frame = text + b"\n\n"
            frames.append(frame)
            if self._faulty_app.happens(self._chaos.dup):
                frames.append(frame)
            if len(frames) > 1 and self._faulty_app.happens(self._chaos.reorder):
                frames[-2], frames[-1] = frames[-1], frames[-2]
        return frames


async def _discard(message: ASGIMessage) -> None:
    """Discard a message of a response that gets lost."""


def _abort_connection(send: Send) -> None:
    """Abort the connection without a proper end, as a network failure does."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is not None:
        transport.abort()


class RateLimitedApp:
    """An ASGI app with a limited number of requests a minute, reported in the vendor's headers."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._minute = 0
        self._used = 0

    def _count_request(self) -> None:
        """Count a request among those of this minute."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute = minute
            self._used = 0
        self._used += 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request beyond the limit, or let the app answer it (called by the server)."""
        self._count_request()
        reset_at = (self._minute + 1) * 60
        rate_headers = {
            "x-ratelimit-limit": str(self._limit),
            "x-ratelimit-remaining": str(max(self._limit - self._used, 0)),
            "x-ratelimit-reset": str(reset_at),
        }
        if self._used > self._limit:
            wait = max(1, reset_at - int(time.time()))
            headers = {**rate_headers, "retry-after": str(wait)}
            await refuse(send, 429, f"Rate limit of {self._limit} requests a minute", headers)
            return

        async def send_with_rate(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                pairs = [(name.encode(), value.encode()) for name, value in rate_headers.items()]
                message = {**message, "headers": [*message["headers"], *pairs]}
            await send(message)

        await self._app(scope, receive, send_with_rate)
