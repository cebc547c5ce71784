"""How long to wait before asking again, and what the platform says of how much may be asked."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

MAX_WAIT_SECONDS = 120.0
"""Seconds beyond which a wished wait is shortened: a console that is silent for longer is of no use."""


class Clock(Protocol):
    """Time as the program sees it; tests bring their own."""

    def time(self) -> float:
        """Seconds since 1970, which may jump."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Backoff(Struct, frozen=True):
    """Full jitter: anything between nothing and a bound that doubles as failures go on."""

    first: float = 0.5
    longest: float = 30.0
    each: int = 1
    """How many failures it takes to double the bound."""
    dice: random.Random = field(default_factory=random.Random)

    def delay(self, attempt: int, at_least: float = 0.0) -> float:
        """Seconds to wait after failure number `attempt`, counted from 1, and never less than was asked for."""
        bound = min(self.longest, self.first * 2 ** min((attempt - 1) // self.each, 16))
        return max(self.dice.uniform(0, bound), min(at_least, MAX_WAIT_SECONDS))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The wait that a `Retry-After` header asks for, in seconds, at most LONGEST_WAIT."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = parse_http_date(value)
        seconds = math.nan if moment is None else moment - now
    return None if math.isnan(seconds) else min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def parse_http_date(value: str) -> float | None:
    """A moment as HTTP headers write it, in seconds since 1970."""
    from email.utils import parsedate_to_datetime  # not before there is an answer: it takes its time to import

    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


class RateBudget(Struct):
    """What the platform's rate-limit headers said last."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    """When the count begins anew, in seconds since 1970."""

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take over what an answer says."""
        self.limit = _whole(headers.get("x-ratelimit-limit"), self.limit)
        self.remaining = _whole(headers.get("x-ratelimit-remaining"), self.remaining)
        reset = _whole(headers.get("x-ratelimit-reset"))
        self.reset = float(reset) if reset is not None else self.reset

    def pause(self, now: float) -> float:
        """Seconds that a read should wait because nothing is left until the count begins anew."""
        if self.remaining != 0 or self.reset is None:
            return 0.0
        return min(max(self.reset - now, 0.0), 60.0)


def _whole(value: str | None, otherwise: int | None = None) -> int | None:
    return int(value) if value is not None and value.strip().isdecimal() and len(value) < 16 else otherwise
