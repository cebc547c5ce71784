"""Waiting before a retry: clocks, backoff, and the platform's rate limit."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct, field

MAX_WAIT_SECONDS = 120.0
"""Longest wait that a server can ask for: a dashboard that shows nothing new for longer is of no use."""
MAX_RATE_LIMIT_WAIT_SECONDS = 60.0
"""Longest wait for the rate limit to be reset."""
MAX_DOUBLINGS = 16
"""Doublings of a backoff's bound that are computed: the bound is far above its maximum by then."""
MAX_COUNT_DIGITS = 15
"""Digits of the largest count that is read from a header."""


class Clock(Protocol):
    """A clock; tests pass their own."""

    def time(self) -> float:
        """Return the wall clock time in seconds since 1970, which may jump."""

    def monotonic(self) -> float:
        """Return monotonic seconds, which never go back."""

    async def sleep(self, seconds: float) -> None:
        """Sleep for some seconds."""


class SystemClock:
    """The system's clock."""

    def time(self) -> float:
        """Return the wall clock time in seconds since 1970."""
        return time.time()

    def monotonic(self) -> float:
        """Return monotonic seconds since an arbitrary moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep for some seconds."""
        await asyncio.sleep(seconds)


class Backoff(Struct, frozen=True):
    """Exponential backoff with full jitter: a random delay between 0 and a bound that doubles with each failure."""

    first_seconds: float = 0.5
    """The bound after the first failure."""
    max_seconds: float = 30.0
    """The largest bound."""
    failures_per_step: int = 1
    """Failures after which the bound doubles."""
    rng: random.Random = field(default_factory=random.Random)

    def delay(self, attempt: int, at_least: float = 0.0) -> float:
        """Return the delay in seconds after failure number `attempt`, counted from 1.

        The delay is not shorter than `at_least`, of which no more than MAX_WAIT_SECONDS counts.
        """
        doublings = min((attempt - 1) // self.failures_per_step, MAX_DOUBLINGS)
        bound = min(self.max_seconds, self.first_seconds * 2**doublings)
        return max(self.rng.uniform(0, bound), min(at_least, MAX_WAIT_SECONDS))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a `Retry-After` header asks for, at most MAX_WAIT_SECONDS; None without a valid one."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        date = parse_http_date(value)
        if date is None:
            return None
        seconds = date - now
    if math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS)


def parse_http_date(value: str) -> float | None:
    """Parse the date of an HTTP header; return seconds since 1970, or None if it is not a date."""
    from email.utils import parsedate_to_datetime  # slow to import, and not needed before the first answer

    try:
        return parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):
        return None


class RateBudget(Struct):
    """The rate budget that the platform's latest rate-limit headers report."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    """When the limit is reset, in seconds since 1970."""

    def update(self, headers: Mapping[str, str]) -> None:
        """Update the budget from the headers of an answer."""
        self.limit = _parse_count(headers.get("x-ratelimit-limit"), self.limit)
        self.remaining = _parse_count(headers.get("x-ratelimit-remaining"), self.remaining)
        reset = _parse_count(headers.get("x-ratelimit-reset"), None)
        if reset is not None:
            self.reset = float(reset)

    def seconds_to_wait(self, now: float) -> float:
        """Return the seconds a read has to wait for the reset of a limit that is used up, else 0."""
        if self.remaining != 0 or self.reset is None:
            return 0.0
        return min(max(self.reset - now, 0.0), MAX_RATE_LIMIT_WAIT_SECONDS)


def _parse_count(value: str | None, default: int | None) -> int | None:
    """Parse a count in a header; return the default if it is missing or not a number."""
    if value is not None and value.strip().isdecimal() and len(value) <= MAX_COUNT_DIGITS:
        return int(value)
    return default
