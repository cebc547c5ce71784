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

    def cancel_on_first_signal(number: int, _: object) -> None:
        if not received:
            received.append(number)
            cancellations.append(loop.call_soon_threadsafe(task.cancel))

    previous_handlers = {number: signal.signal(number, cancel_on_first_signal) for number in _signals_not_ignored()}
    try:
        yield received
    finally:
        for cancellation in cancellations:  # one that has not happened yet would hit what runs after the block
            cancellation.cancel()
        for number, previous_handler in previous_handlers.items():
            # The interpreter restores SIGINT at shutdown, but leaves a signal that is ignored.
            handler = signal.SIG_IGN if received else previous_handler
            signal.signal(number, handler)


def _signals_not_ignored() -> list[signal.Signals]:
    """Return the signals that end a process, without those that are ignored."""
    ending_signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in ending_signals if signal.getsignal(number) is not signal.SIG_IGN]


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
