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


async def paced(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of a body, paced: after a small read that had to wait soon after another one, pause.

    Data that have arrived already are yielded at once. A callback in the event loop tells whether a read had to wait:
    it runs only if the read gave control back to the loop.
    """
    loop = asyncio.get_running_loop()
    callback: asyncio.Handle | None = None
    has_waited = False
    read_bytes = 0
    last_wait_at = -math.inf

    def note_wait() -> None:
        nonlocal has_waited
        has_waited = True

    try:
        async with aclosing(response.aiter_raw()) as chunks:  # type: ignore[type-var]
            while True:
                callback = callback or loop.call_soon(note_wait)
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                yield chunk
                read_bytes += len(chunk)
                if has_waited:
                    now = loop.time()
                    if read_bytes < MIN_UNPACED_BYTES and now - last_wait_at < 2 * PAUSE_SECONDS:
                        await asyncio.sleep(PAUSE_SECONDS)
                    last_wait_at = now
                    has_waited = False
                    read_bytes = 0
                    callback = None
    finally:
        if callback is not None:
            callback.cancel()
