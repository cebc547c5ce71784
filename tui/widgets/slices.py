"""Long work in slices: between two slices the event loop handles everything else that waits, above all keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

MAX_BLOCKING_SECONDS = 0.004
"""Seconds for which work may block the event loop before it continues in slices."""
SLICE_SECONDS = 0.001
IDLE_TURN_SECONDS = 0.0002
"""A turn of the event loop that takes no longer than this means that nothing else has work to do."""
MAX_TURNS = 10
"""Maximum turns of the event loop between two slices: a key needs so many to pass from widget to widget."""


async def yield_to_loop() -> None:
    """Yield to the event loop while anything else has work to do, for at most `MAX_TURNS` turns."""
    for _ in range(MAX_TURNS):
        started_at = time.perf_counter()
        await asyncio.sleep(0)
        if time.perf_counter() - started_at < IDLE_TURN_SECONDS:
            return


def run_slice(work: Iterator[None], seconds: float) -> bool:
    """Run a slice of work for so many seconds; return whether the work is done."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        is_done = next(work, True)  # the work yields None until it is done
        if is_done:
            return True
    return False


async def run_sliced(work: Iterator[None]) -> None:
    """Run work to its end in slices, and yield to the event loop before each slice."""
    is_done = False
    while not is_done:
        await yield_to_loop()
        is_done = run_slice(work, SLICE_SECONDS)
