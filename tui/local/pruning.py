"""Removes tasks that ended long ago from the database, in steps so small that no request waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from tui.local.clock import format_time
from tui.local.task_service import FINAL_STATUSES, Platform

CHECK_SECONDS = 60.0
"""How long after a look at the database the next comes."""
PAUSE_SECONDS = 0.002
"""How long requests have the database for themselves between two steps."""
TELL_SECONDS = 86_400.0
"""How long after a sentence about what was removed the next comes."""
MIN_KEEP_PERIOD = timedelta(minutes=10)
"""A task that ended since then stays, however large the database is: somebody may be looking at it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and in how much space tasks that have ended are kept."""

    keep_days: float = 14.0
    max_megabytes: float = 1000.0


class Pruner:
    """Keeps a database within its limits; what is live or waits for a person is never removed."""

    def __init__(self, platform: Platform, limits: Limits, tell: Callable[[str], None]) -> None:
        self._platform = platform
        self._store = platform.store
        self._limits = limits
        self._tell = tell
        self._untold = 0
        """How many tasks were removed since the last sentence about it."""
        self._tell_at = 0.0

    async def run(self) -> None:
        """Keep the database within its limits, for ever."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                for _ in self.steps():
                    await asyncio.sleep(PAUSE_SECONDS)
            except sqlite3.Error as error:
                self._tell(self._store.explain(error))
            self.tell_removed()

    def steps(self) -> Iterator[None]:
        """Remove what the limits want removed, one small step each time the iterator goes on."""
        yield from self._clear()  # what an earlier run has left
        now = self._platform.timeline.now
        old = now - timedelta(days=self._limits.keep_days)
        yield from self._remove_ended_before(format_time(min(old, now - MIN_KEEP_PERIOD)), lambda: False)
        yield from self._remove_ended_before(format_time(now - MIN_KEEP_PERIOD), self._is_small_enough)

    def _is_small_enough(self) -> bool:
        return self._store.ended.used_bytes() <= self._limits.max_megabytes * 1_000_000

    def _remove_ended_before(self, moment: str, is_enough: Callable[[], bool]) -> Iterator[None]:
        """Remove whole trees of tasks that ended before a moment, the oldest first."""
        place = ("", 0)
        while not is_enough() and (found := self._store.ended.before(moment, place)):
            for updated_at, number, task_id in found:
                place = (updated_at, number)
                tree = self._store.ended.tree_of(task_id)  # empty where it went with another of its tree
                if not tree or not all(status in FINAL_STATUSES and changed < moment for _, status, changed in tree):
                    continue
                self._store.ended.remove(one for one, _, _ in tree)
                self._untold += len(tree)
                yield
                yield from self._clear()
                if is_enough():
                    return
            yield

    def _clear(self) -> Iterator[None]:
        """Clear away what belonged to removed tasks."""
        while self._store.ended.clear_removed():
            yield

    def tell_removed(self) -> None:
        """Say how many tasks were removed, at most once a day."""
        if not self._untold or time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + TELL_SECONDS
        kept = f"{self._limits.keep_days:g} days and {self._limits.max_megabytes:g} MB"
        tasks = "1 task that had ended was" if self._untold == 1 else f"{self._untold} tasks that had ended were"
        self._tell(
            f"{tasks} removed from the database: it keeps them for {kept}, "
            "as local_keep_days and local_max_megabytes say"
        )
        self._untold = 0
