"""An event loop and a clock with virtual time: an hour of waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Any


class _Waits(selectors.DefaultSelector):
    """Where a loop would wait, its time goes on instead."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready now; when there is nothing, so much time has passed."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing is left that could ever happen"
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop with a time of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        waits = _Waits()
        waits.loop = self
        super().__init__(waits)

    def time(self) -> float:
        return self.now


class VirtualClock:
    """The loop's time, as the program sees it."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._start = time.time()

    def time(self) -> float:
        return self._start + self._loop.now

    def monotonic(self) -> float:
        return self._loop.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
