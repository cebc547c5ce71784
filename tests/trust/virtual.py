"""An event loop and a clock with virtual time: an hour of waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import Any


class _Waits(selectors.DefaultSelector):
    """A selector that advances the virtual time instead of waiting."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready now; if nothing is, advance the time."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing is left that could ever happen"
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with virtual time."""

    def __init__(self) -> None:
        self.now = 1000.0
        waits = _Waits()
        waits.loop = self
        super().__init__(waits)

    def time(self) -> float:
        return self.now


class VirtualClock:
    """The virtual time, as a clock of the client."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self._start = time.time()

    def time(self) -> float:
        return self._start + self._loop.now

    def monotonic(self) -> float:
        return self._loop.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
