"""Rows 1, 2 and 11: events from a socket into models, as fast as they come, one at a time, and from many streams at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from benchmarks.readers import SDK, reading, resident
from benchmarks.serving import PIECE, ROOT, Address, served
from benchmarks.starting import STATIC
from benchmarks.table import Effort, Row, Rows, fact, median, missing, row
from benchmarks.terminals import terminal

STREAMS = 64
RATE = 16
"""Events a second of each of many streams."""
NO_SDK = "the SDK is not installed: make .venv-interop/installed"
Told = dict[str, list[dict[str, float]]]


def _read(
    effort: Effort, readers: Sequence[str], address: Address, events: int, streams: int = 1, tries: int = 1
) -> Told:
    """Each reader in turn, round after round; once more where the machine ran slower at its end."""
    told: Told = {name: [] for name in readers}
    for _ in effort.rounds:
        for name in readers:
            for _ in range(tries):
                if (one := reading(name, address, events, streams))["steady"]:
                    break
            told[name].append(one)
    return told


def _cost(told: Told, name: str) -> float:
    """CPU µs of an event."""
    return median([one["cpu"] / one["events"] for one in told[name]]) * 1e6


def _readers(*names: str) -> list[str]:
    return [*names, "sdk"] if SDK.exists() else list(names)


def fast(effort: Effort) -> Iterator[Row]:
    """Row 1: a file of events as fast as they come."""
    count = effort.size(50_000, 10_000)
    for words, piece, target in (("one HTTP chunk an event", 0, "≥ 1.8"), ("re-chunked at 16 KiB", PIECE, "≥ 3.5")):
        with served(count=count, piece=piece) as address:
            told = _read(effort, _readers("ours", "bytes"), address, count, tries=3)
        ours, split = _cost(told, "ours"), _cost(told, "bytes")
        name = f"{count:,} events, {words}"
        if "sdk" in told:
            theirs = _cost(told, "sdk")
            note = f"the SDK's aevents(): {theirs:.1f} µs an event, ours {ours:.1f}"
            yield row(1, f"events a CPU second: {words}, the SDK", 1e3 / ours, 1e3 / theirs, "k/s", target, note)
        else:
            yield missing(1, name, target, NO_SDK)
        yield row(1, f"CPU an event: {words}, httpx split by hand", ours, split, "µs", "≤ 1.2")


def even(effort: Effort) -> Iterator[Row]:
    """Row 2: one event a send, 2,000 a second, over TLS."""
    count = effort.size(10_000, 3_000)
    with served(count=count, rate=2_000, is_tls=True) as address:
        told = _read(effort, _readers("ours", "bytes"), address, count)
    ours = _cost(told, "ours")
    name = "CPU an event at 2,000/s over TLS, the SDK"
    if "sdk" in told:
        note = f"httpx split by hand: {_cost(told, 'bytes'):.0f} µs"
        yield row(2, name, ours, _cost(told, "sdk"), "µs", "≤ 0.6", note)
    else:
        yield missing(2, name, "≤ 0.6", NO_SDK)


def many(effort: Effort) -> Iterator[Row]:
    """Row 11: 64 streams at 16 events a second each, over TLS: into one board, and beside the list of the dashboard."""
    each = effort.size(128, 80)
    with served(count=each, rate=RATE, shape="written", is_tls=True, tasks=STREAMS) as address:
        told = _read(effort, _readers("ours"), address, STREAMS * (each - 1), STREAMS)
    screens = [_beside(each) for _ in effort.rounds]
    if "sdk" not in told:
        yield missing(11, f"{STREAMS} streams", "≤ 1.0", NO_SDK)
        return
    costs = {"into a board": _cost(told, "ours"), "beside the list on screen": median([one[0] for one in screens])}
    sizes = {"into a board": _held(told, "ours"), "beside the list on screen": median([one[1] for one in screens])}
    for words, cost in costs.items():
        yield row(11, f"CPU an event of {STREAMS} streams {words}, the SDK", cost, _cost(told, "sdk"), "µs", "≤ 1.0")
    for words, size in sizes.items():
        yield row(11, f"memory with {STREAMS} streams {words}, the SDK", size, _held(told, "sdk"), "MB", "≤ 0.3")
    least = _least()
    share = f"of the SDK's: {least / _held(told, 'sdk'):.3f}×"
    yield fact(11, "memory of a Textual app with one Static, no stream", least, "MB", share)


def _least() -> float:
    """MB of the least that Textual can show."""
    with terminal([sys.executable, "-c", STATIC]) as shell:
        shell.until(b"the first words")
        shell.rest(1.0)
        return resident(shell.process.pid)


def _held(told: Told, name: str) -> float:
    """MB of a reader."""
    return median([one["mb"] for one in told[name]])


def _beside(each: int) -> tuple[float, float]:
    """CPU µs an event, and MB, of the dashboard with its list on screen and every task's stream open."""
    delay, seconds = 8.0, each / RATE
    with served(count=each, rate=RATE, shape="written", is_tls=True, tasks=STREAMS, delay=delay) as address:
        command = [sys.executable, "-m", "benchmarks.beside"]
        with terminal(command, {**address.environ, "PYTHONPATH": str(ROOT)}) as shell:
            shell.until(b"Check invoice")
            shell.rest(delay + 1.0)
            begun = shell.cpu
            shell.rest(seconds - 2.0)
            cpu = shell.cpu - begun
            return cpu / (seconds - 2.0) / RATE / STREAMS * 1e6, resident(shell.process.pid)


ROWS: dict[int, Rows] = {1: fast, 2: even, 11: many}
