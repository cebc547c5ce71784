"""Pruning: removes tasks that ended long ago from the database, in steps so small that requests need not wait."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from tui.local.clock import format_time
from tui.local.ended_tasks import TreeTask
from tui.local.task_service import FINAL_STATUSES, Platform

CHECK_SECONDS = 60.0
"""Seconds between two checks of the database."""
PAUSE_SECONDS = 0.002
"""Seconds between two steps, in which requests have the database for themselves."""
NOTICE_SECONDS = 86_400.0
"""Seconds between two notices about removed tasks."""
MIN_KEEP_PERIOD = timedelta(minutes=10)
"""Time for which an ended task is kept however large the database is: the operator may be looking at it."""


BYTES_PER_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits for ended tasks: how long they are kept, and the size of the database."""

    keep_days: float = 14.0
    max_megabytes: float = 1000.0


class Pruner:
    """Prunes a database to its limits; a task that runs or waits for a person is never removed."""

    def __init__(self, platform: Platform, limits: Limits, notify: Callable[[str], None]) -> None:
        """Create a pruner, which tells the operator what it removes with `notify`."""
        self._platform = platform
        self._store = platform.store
        self._limits = limits
        self._notify = notify
        self._removed_count = 0
        """The tasks that were removed since the last notice."""
        self._next_notice_at = 0.0

    async def run(self) -> None:
        """Run the pruning until cancelled."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                for _ in self.steps():
                    await asyncio.sleep(PAUSE_SECONDS)
            except sqlite3.Error as error:
                self._notify(self._store.explain(error))
            self.notify_removed()

    def steps(self) -> Iterator[None]:
        """Prune in small steps: each `next` of the iterator does one."""
        yield from self._clear_removed()  # what an earlier run has left
        now = self._platform.clock.now
        keep_from = now - timedelta(days=self._limits.keep_days)
        latest_end = now - MIN_KEEP_PERIOD
        yield from self._remove_ended_before(format_time(min(keep_from, latest_end)), lambda: False)
        yield from self._remove_ended_before(format_time(latest_end), self._is_small_enough)

    def _is_small_enough(self) -> bool:
        return self._store.ended.used_bytes() <= self._limits.max_megabytes * BYTES_PER_MEGABYTE

    def _remove_ended_before(self, moment: str, is_done: Callable[[], bool]) -> Iterator[None]:
        """Remove trees of tasks that all ended before a moment, the oldest first, until done or none is left."""
        position = ("", 0)
        while not is_done():
            tasks = self._store.ended.ended_before(moment, position)
            if not tasks:
                return
            for task in tasks:
                position = (task.updated_at, task.number)
                tree = self._store.ended.tree_of(task.id)
                if not _can_be_removed(tree, moment):
                    continue
                self._store.ended.remove(tree_task.id for tree_task in tree)
                self._removed_count += len(tree)
                yield
                yield from self._clear_removed()
                if is_done():
                    return
            yield

    def _clear_removed(self) -> Iterator[None]:
        """Clear the rows that belong to removed tasks."""
        while self._store.ended.clear_removed():
            yield

    def notify_removed(self) -> None:
        """Notify the operator of the number of removed tasks, at most once a day."""
        if not self._removed_count or time.monotonic() < self._next_notice_at:
            return
        self._next_notice_at = time.monotonic() + NOTICE_SECONDS
        limits = f"{self._limits.keep_days:g} days and {self._limits.max_megabytes:g} MB"
        tasks = f"{self._removed_count} tasks that had ended were"
        if self._removed_count == 1:
            tasks = "1 task that had ended was"
        self._notify(
            f"{tasks} removed from the database: it keeps them for {limits}, "
            "as local_keep_days and local_max_megabytes say"
        )
        self._removed_count = 0


def _can_be_removed(tree: list[TreeTask], moment: str) -> bool:
    """Return whether a tree can be removed: all its tasks ended before a moment, and it is not removed already."""
    return bool(tree) and all(task.status in FINAL_STATUSES and task.updated_at < moment for task in tree)
