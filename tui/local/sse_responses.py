"""Event streams of the platform: the rows after one number, then wait for more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from tui.local.task_service import FINAL_STATUSES, Platform

HEARTBEAT_SECONDS = 15.0
"""Seconds of silence after which a comment says that the stream is alive."""
LINGER_SECONDS = 1.0
"""Seconds for which the stream of an ended task stays open, for those who come late."""


class Streams:
    """Opens streams, and ends them when the server does."""

    def __init__(self, platform: Platform, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._platform = platform
        self._heartbeat = heartbeat
        self.closing = False

    def close(self) -> None:
        """End every stream."""
        self.closing = True
        self._platform.store.ring_all()

    def open(self, task_id: str, after: int) -> StreamingResponse:
        """A stream of a task's events after one number."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(task_id, after), media_type="text/event-stream", headers=headers)

    async def _events(self, task_id: str, after: int) -> AsyncIterator[bytes]:
        store = self._platform.store
        yield b": here\n\n"
        while not self.closing:
            bell = store.bell(task_id)
            if rows := store.events_after(task_id, after):
                after = rows[-1][0]
                yield b"".join(b"id: %d\ndata: %s\n\n" % (number, body.encode()) for number, body in rows)
                continue
            task = store.task(task_id)
            if task is None:
                return
            try:
                async with asyncio.timeout(LINGER_SECONDS if task["status"] in FINAL_STATUSES else self._heartbeat):
                    await bell.wait()
            except TimeoutError:
                if task["status"] in FINAL_STATUSES:
                    return
                yield b": still here\n\n"


def start_position(last_event_id: str | None, newest: int) -> int:
    """Where a reader goes on; without an id it begins at the beginning, and an id not of ours does too."""
    if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 18:
        return min(int(last_event_id), newest)
    return 0
