"""Paced reading of event streams: many small reads in a row cost more than a short pause between them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

PAUSE_SECONDS = 1 / 60
"""The pause between two small reads of a connection."""
MIN_UNPACED_BYTES = 16_384
"""A read of this many bytes is followed by the next one without a pause."""


class _WaitDetector:
    """Detects whether a read had to wait: its callback runs only if the read gave control back to the event loop."""

    def __init__(self) -> None:
        self.has_waited = False
        self._callback: asyncio.Handle | None = None

    def start(self) -> None:
        """Start to watch the next reads, until one has waited."""
        self.has_waited = False
        self._callback = asyncio.get_running_loop().call_soon(self._note_wait)

    def stop(self) -> None:
        """Stop watching."""
        if self._callback is not None:
            self._callback.cancel()

    def _note_wait(self) -> None:
        self.has_waited = True


async def paced(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a body, paced: after a small read that had to wait soon after another one, pause.

    Data that have arrived already are yielded at once.
    """
    loop = asyncio.get_running_loop()
    detector = _WaitDetector()
    bytes_since_wait = 0
    last_wait_at = -math.inf
    try:
        async with aclosing(response.aiter_raw()) as chunks:  # type: ignore[type-var]
            detector.start()
            async for chunk in chunks:
                yield chunk
                bytes_since_wait += len(chunk)
                if detector.has_waited:
                    now = loop.time()
                    is_soon = now - last_wait_at < 2 * PAUSE_SECONDS
                    if is_soon and bytes_since_wait < MIN_UNPACED_BYTES:
                        await asyncio.sleep(PAUSE_SECONDS)
                    last_wait_at = now
                    bytes_since_wait = 0
                    detector.start()
    finally:
        detector.stop()
