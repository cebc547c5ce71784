"""Context managers that decide what a signal interrupts while a verb runs."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancelled_by_signals() -> Iterator[list[int]]:
    """Let the first SIGINT, SIGTERM or SIGHUP cancel the current asyncio task; yield the list of signals received.

    Further signals are ignored. After a signal was received, all three stay ignored until the process ends, so that
    another one cannot change the exit code. A signal that is ignored already, as by nohup, stays ignored.
    """
    task = asyncio.current_task()
    assert task
    received: list[int] = []
    if not _is_main_thread():  # only the main thread can handle signals
        yield received
        return
    loop = asyncio.get_running_loop()
    cancellations: list[asyncio.Handle] = []

    def receive(number: int, _: object) -> None:
        if not received:
            received.append(number)
            cancellations.append(loop.call_soon_threadsafe(task.cancel))

    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    previous_handlers = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield received
    finally:
        for cancellation in cancellations:
            cancellation.cancel()
        for number, handler in previous_handlers.items():
            # The interpreter restores SIGINT at shutdown, but leaves a signal that is ignored.
            signal.signal(number, signal.SIG_IGN if received else handler)


@contextmanager
def interruptible_read() -> Iterator[None]:
    """Let the first Ctrl+C interrupt a blocking read: asyncio's handler would only note it, and the read go on."""
    if not _is_main_thread():
        yield
        return
    previous_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous_handler)


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
