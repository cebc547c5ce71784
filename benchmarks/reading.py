"""Rows 1, 2 and 11: events from a socket into models, as fast as they come, one at a time, and from many streams at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.readers import SDK, reading
from benchmarks.serving import PIECE, Address, served
from benchmarks.table import Effort, Row, Rows, median, missing, row

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


def _bare(told: Told) -> str:
    """What httpx takes of it: the same stream, read with the same pauses, and nothing done with it."""
    bare, theirs = _cost(told, "bare"), _cost(told, "sdk")
    return f"of it httpx alone, with the same pauses: {bare:.1f} µs, {bare / theirs:.2f}×"


def _readers() -> list[str]:
    return ["ours", "bare", "sdk"] if SDK.exists() else ["ours"]


def fast(effort: Effort) -> Iterator[Row]:
    """Row 1: a file of events as fast as they come."""
    count = effort.size(50_000, 10_000)
    for words, piece in (("one HTTP chunk an event", 0), ("re-chunked at 16 KiB", PIECE)):
        with served(count=count, piece=piece) as address:
            told = _read(effort, [name for name in _readers() if name != "bare"], address, count, tries=2)
        ours, name = _cost(told, "ours"), f"events a CPU second: {words}, the SDK"
        if "sdk" in told:
            theirs = _cost(told, "sdk")
            note = f"the SDK's aevents(): {theirs:.1f} µs an event, ours {ours:.1f}"
            yield row(1, name, 1e3 / ours, 1e3 / theirs, "k/s", "≥ 1.0", note)
        else:
            yield missing(1, name, "≥ 1.0", NO_SDK)


def even(effort: Effort) -> Iterator[Row]:
    """Row 2: one event a send, 2,000 a second, over TLS."""
    count = effort.size(10_000, 3_000)
    with served(count=count, rate=2_000, is_tls=True) as address:
        told = _read(effort, _readers(), address, count)
    name = "CPU an event at 2,000/s over TLS, the SDK"
    if "sdk" in told:
        yield row(2, name, _cost(told, "ours"), _cost(told, "sdk"), "µs", "≤ 0.3", _bare(told))
    else:
        yield missing(2, name, "≤ 0.3", NO_SDK)


def many(effort: Effort) -> Iterator[Row]:
    """Row 11: 64 streams at 16 events a second each, over TLS, into one board."""
    each = effort.size(128, 80)
    with served(count=each, rate=RATE, shape="written", is_tls=True, tasks=STREAMS) as address:
        told = _read(effort, _readers(), address, STREAMS * (each - 1), STREAMS)
    name = f"CPU an event of {STREAMS} streams into the state, the SDK"
    if "sdk" in told:
        state = median([one["board"] / one["events"] for one in told["ours"]]) * 1e6
        note = f"{_bare(told)}; the state, which the SDK has not: {state:.1f} µs; memory {_held(told, 'ours'):.0f} and {_held(told, 'sdk'):.0f} MB"
        yield row(11, name, _cost(told, "ours"), _cost(told, "sdk"), "µs", "≤ 1.3", note)
    else:
        yield missing(11, name, "≤ 1.3", NO_SDK)


def _held(told: Told, name: str) -> float:
    """MB of a reader."""
    return median([one["mb"] for one in told[name]])


ROWS: dict[int, Rows] = {1: fast, 2: even, 11: many}
