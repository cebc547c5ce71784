"""Long work in slices: between two of them whatever else waits in the event loop goes first, keys above all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

MAX_BLOCKING_SECONDS = 0.004
"""Seconds that long work may hold up the event loop before it goes on in slices."""
SLICE_SECONDS = 0.001
"""Seconds that one slice takes."""
IDLE_TURN_SECONDS = 0.0002
"""Seconds within which the event loop comes round when nothing else has anything to do."""
MAX_TURNS = 10
"""Turns of the event loop between two slices: a key needs as many to go from widget to widget."""


async def yield_to_loop() -> None:
    """Let the event loop run for as long as anything else has work to do, for a limited number of turns."""
    for _ in range(MAX_TURNS):
        begun = time.perf_counter()
        await asyncio.sleep(0)
        if time.perf_counter() - begun < IDLE_TURN_SECONDS:
            return


def run_slice(work: Iterator[None], seconds: float) -> bool:
    """Run work for this long; return whether it is done."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        if next(work, True):
            return True
    return False


async def run_sliced(work: Iterator[None]) -> None:
    """Run work to its end in slices, and yield to the event loop before each of them."""
    is_done = False
    while not is_done:
        await yield_to_loop()
        is_done = run_slice(work, SLICE_SECONDS)
