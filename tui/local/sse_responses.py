"""SSE responses with the events of a task: those after a given number, then new ones as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi.responses import StreamingResponse

from tui.local.task_service import FINAL_STATUSES, Platform

HEARTBEAT_SECONDS = 15.0
"""Seconds without events after which a comment is sent."""
LINGER_SECONDS = 1.0
"""Seconds that the stream of an ended task stays open for late events."""
MAX_NUMBER_DIGITS = 17
"""Digits of the largest event number that a client can name."""


class Streams:
    """The open event streams, which end when the server ends."""

    def __init__(self, platform: Platform, heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self._platform = platform
        self._heartbeat = heartbeat
        self.closing = False

    def close(self) -> None:
        """Close every stream."""
        self.closing = True
        self._platform.store.wake_readers()

    def open(self, task_id: str, after: int) -> StreamingResponse:
        """Open a stream of a task's events after a number."""
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._frames(task_id, after), media_type="text/event-stream", headers=headers)

    async def _frames(self, task_id: str, after: int) -> AsyncIterator[bytes]:
        """Yield the SSE frames of a task's events after a number, until the task has ended or the server ends."""
        store = self._platform.store
        last_number = after
        yield b": here\n\n"
        while not self.closing:
            change = store.change_event(task_id)  # before the read, so that no change is missed
            events = store.events_after(task_id, last_number)
            if events:
                last_number = events[-1][0]
                yield b"".join(b"id: %d\ndata: %s\n\n" % (number, body.encode()) for number, body in events)
                continue
            task = store.task(task_id)
            if task is None:
                return
            has_ended = task["status"] in FINAL_STATUSES
            longest_wait = LINGER_SECONDS if has_ended else self._heartbeat
            try:
                async with asyncio.timeout(longest_wait):
                    await change.wait()
            except TimeoutError:
                if has_ended:
                    return
                yield b": still here\n\n"


def start_position(last_event_id: str | None, newest: int) -> int:
    """Return the position at which a stream starts: after the last event id, or 0 if there is no valid one."""
    if last_event_id and last_event_id.isdecimal() and len(last_event_id) <= MAX_NUMBER_DIGITS:
        return min(int(last_event_id), newest)
    return 0
