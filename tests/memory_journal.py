"""A journal in memory, for tests of what is journaled and of earlier actions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any


class MemoryJournal:
    """A journal in memory; writing lines of the kinds in `fail_on` fails as on a full disk."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.entries: list[dict[str, Any]] = []
        """The lines as they were written, without their time."""
        self.fail_on: set[str] = set()
        self.is_locked = False
        self._clock = clock
        self.times: list[str] = []

    def write(self, kind: str, **told: Any) -> None:
        if kind in self.fail_on:
            raise OSError(28, "No space left on device")
        self.entries.append({"kind": kind, **told})
        self.times.append(datetime.fromtimestamp(self._clock(), UTC).isoformat())

    def lines_with(self, text: str) -> Iterator[dict[str, Any]]:
        for entry, at in reversed([*zip(self.entries, self.times, strict=True)]):
            if text in str(entry):
                yield {**entry, "at": at}

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        if self.is_locked:
            raise BlockingIOError
        yield
