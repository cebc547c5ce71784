"""Cores that are shared with strangers run half as fast for seconds at a time: what is measured waits for a quick one.

Only the whole table does so: `begin` says what the cores can do, to this process and to those that it starts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

BEST = "XP_STEADY"
"""The variable with what a plain loop takes at best, in CPU seconds."""
SLOWER = 1.25
"""How many times as long it may take where something is measured."""
PAUSE = 0.1
PATIENCE = 60.0
"""Seconds that a process with many measurements waits in all; then it measures all the same."""
SHORT = 3.0
"""The same of one with a single measurement."""
CORES = os.sched_getaffinity(0)
_waited = 0.0


def begin(seconds: float = 5.0) -> None:
    """Find out what the cores can do at best."""
    end, taken = time.perf_counter() + seconds, [_loop()]
    while time.perf_counter() < end:
        taken.append(_loop())
    os.environ[BEST] = str(min(taken))


def is_quick() -> bool:
    """Whether this core runs about as fast as it can now; the first of some loops find nothing in its caches."""
    best = float(os.environ.get(BEST, "inf"))
    return any(_loop() < SLOWER * best for _ in range(5))


def pauses(patience: float = PATIENCE) -> Iterator[float]:
    """The seconds to wait for, again and again, until this process is on a core that does."""
    global _waited
    while BEST in os.environ and _waited < patience and not is_quick():
        for core in CORES:
            os.sched_setaffinity(0, {core})
            if is_quick():
                return
        _waited += PAUSE
        yield PAUSE


def leave() -> None:
    """On any core again: whatever is started from here would have this one alone."""
    os.sched_setaffinity(0, CORES)


def wait() -> None:
    """Wait for that, where there is a single measurement."""
    for pause in pauses(SHORT):
        time.sleep(pause)


def _loop() -> float:
    """CPU seconds of a plain loop."""
    begun, total = time.process_time(), 0
    for number in range(10_000):
        total += number * number % 7
    return time.process_time() - begun
