"""Rows 10, 14 and 17: the dashboard while events flood in, while nothing happens, and how much it writes."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.events import SHAPES, lines_of
from benchmarks.readers import SDK, reading
from benchmarks.serving import served
from benchmarks.starting import STATIC, TICKING
from benchmarks.table import Effort, Row, Rows, fact, limit, median, missing, percentile, row
from benchmarks.terminals import XP_TUI, Terminal, terminal

RATE = 2_000
DELAY = 4.0
"""Seconds from the opening of a stream to its first event: the screen is opened and at rest by then."""
COUNT = re.compile(rb"2 Events  ([\d,]+)")
SHOWN = re.compile(rb"entry-\d\d-is-shown")
SHAPED = (("written", "as an agent writes"), ("distinct", "each event a line"))
KEYS_A_SECOND = 16
AT_REST = 22
"""Lines in the pane of events before there are any: those of the log, and two of the link."""


@contextmanager
def _task_open(count: int, shape: str) -> Iterator[Terminal]:
    """The screen of a task, at rest, a moment before its events begin."""
    with served(count=count, rate=RATE, shape=shape, delay=DELAY) as address:
        with terminal([XP_TUI], address.environ) as shell:
            shell.until(b"Check invoice 0")
            shell.press(b"\r")
            shell.until(lambda seen: SHOWN.search(seen) and b"live" in seen)
            for key in b"gjj":  # an entry of the log, between others, however much comes behind them
                shell.rest(0.3)
                shell.press(bytes([key]))
                shell.until(SHOWN.search)
            shell.rest(0.5)
            yield shell


def _counted(shell: Terminal) -> int:
    """What the events' title told last."""
    told = COUNT.findall(bytes(shell.seen[-200_000:]))
    return int(told[-1].replace(b",", b"")) if told else 0


def _flood(shell: Terminal) -> None:
    """Wait until the events flow."""
    shell.until(lambda _: _counted(shell) > AT_REST)


def _never_counted(shell: Terminal, wanted: int) -> int:
    """How many events are not in the title when all have long been sent."""
    with suppress(TimeoutError):
        shell.until(lambda _: _counted(shell) >= wanted, 20.0)
    return wanted - _counted(shell)


def _keys(shell: Terminal, seconds: float) -> list[float]:
    """Press keys that move the tree's cursor; how long each takes, in ms, until the inspector shows what is under it."""
    dice, taken = random.Random(5), []
    for number in range(int(seconds * KEYS_A_SECOND)):
        shell.rest(dice.uniform(0.5, 1.5) / KEYS_A_SECOND)
        shell.press(b"kj"[number % 2 : number % 2 + 1])
        taken.append(shell.until(SHOWN.search, 5.0) * 1e3)
    return taken


def flooded(effort: Effort) -> Iterator[Row]:
    """Row 10: 2,000 events a second into the open task screen."""
    seconds = effort.size(3, 2)
    count = RATE * 3 * seconds
    keys: list[float] = []
    for shape, words in SHAPED[effort.is_quick :]:
        lines = lines_of(SHAPES[shape](count))
        ours, theirs, lost = [], [], 0
        for _ in effort.rounds:
            with _task_open(count, shape) as shell:
                _flood(shell)
                begun = shell.cpu
                shell.rest(seconds)
                ours.append((shell.cpu - begun) / (RATE * seconds) * 1e6)
                keys += _keys(shell, seconds) if shape == "distinct" else []
                lost += _never_counted(shell, AT_REST + lines)
            if SDK.exists():
                with served(count=RATE * seconds, rate=RATE, shape=shape) as address:
                    told = reading("sdk", address, RATE * seconds)
                theirs.append(told["cpu"] / told["events"] * 1e6)
        name = f"CPU of the task screen at 2,000/s, {words}, the SDK"
        note = f"{100 * median(ours) * RATE / 1e6:.0f} % of a core"
        if theirs:
            yield row(10, name, median(ours), median(theirs), "µs", "≤ 2.5", note)
        else:
            yield missing(10, name, "≤ 2.5", "the SDK is not installed")
        yield limit(10, f"events that its pane did not count, {words}", abs(lost), "", "≤ 0", f"{lines:,} lines each")
    yield limit(10, "key to paint at 2,000/s, p50", percentile(keys, 0.5), "ms", "≤ 10", f"{len(keys)} keys")
    yield limit(10, "key to paint at 2,000/s, p99", percentile(keys, 0.99), "ms", "≤ 40", "tree's cursor to inspector")


@contextmanager
def _fleet(home: Path) -> Iterator[None]:
    """The local platform with its agents at work, as the dashboard finds it in this home."""
    pipe = subprocess.PIPE
    command = [XP_TUI, "local", "--quiet", "--leash", "--seed", "7"]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, env={"HOME": str(home), "LANG": "C.UTF-8"}) as local:
        assert local.stdout
        local.stdout.readline()
        try:
            yield
        finally:
            local.terminate()


def _idle(shell: Terminal, seconds: float) -> tuple[float, int, int]:
    """CPU ms a second, bytes and frames to the terminal, while nobody does anything."""
    shell.seen.clear()
    begun = shell.cpu
    shell.rest(seconds)
    return (shell.cpu - begun) / seconds * 1e3, len(shell.seen), len(shell.frames)


def idle(effort: Effort) -> Iterator[Row]:
    """Row 14: the list is open, and nobody does anything."""
    seconds = effort.size(10, 6)
    least: dict[str, list[float]] = {STATIC: [], TICKING: []}
    live: list[tuple[float, int, int]] = []
    still: list[tuple[float, int, int]] = []
    for _ in range(effort.size(5, 2)):
        for program, told in least.items():
            with terminal([sys.executable, "-c", program]) as shell:
                shell.until(b"the first words")
                shell.rest(2.0)
                told.append(_idle(shell, seconds)[0])
        with tempfile.TemporaryDirectory() as place, _fleet(Path(place)), terminal([XP_TUI], home=Path(place)) as shell:
            shell.until(b"Invoice bot")
            shell.rest(3.0)
            live.append(_idle(shell, seconds))
        with served(tasks=200, status="completed") as address, terminal([XP_TUI], address.environ) as shell:
            shell.until(b"Check invoice")
            shell.rest(4.0)
            still.append(_idle(shell, seconds))
    floor, ticking = median(least[STATIC]), median(least[TICKING])
    cpu = median([one[0] for one in live])
    written = f"{sum(one[1] for one in live) / len(live) / seconds:,.0f} B and "
    written += f"{sum(one[2] for one in live) / len(live) / seconds:.1f} frames a second to the terminal"
    yield row(14, "CPU idle on the local fleet, a Textual app with one Static", cpu, floor, "ms/s", "≤ 1.5", written)
    cpu = median([one[0] for one in still])
    yield row(14, "CPU idle on a fleet that rests, a Textual app with one Static", cpu, floor, "ms/s", "≤ 1.5")
    yield fact(
        14, "CPU idle of one Static that tells the seconds", ticking, "ms/s", f"{ticking / floor:.2f}× of one still"
    )
    painted = max(one[1] for one in still)
    yield limit(14, "bytes to the terminal while nothing changes", painted, "B", "≤ 0", f"in {seconds} s")


def written(effort: Effort) -> Iterator[Row]:
    """Row 17: bytes to the terminal a frame."""
    seconds = effort.size(4, 2)
    frames: list[float] = []
    whole: list[float] = []
    rates: list[float] = []
    for _ in effort.rounds:
        with _task_open(RATE * seconds + RATE // 2, "distinct") as shell:
            _flood(shell)
            shell.seen.clear()
            shell.rest(seconds)
            frames.append(sum(shell.frames) / len(shell.frames))
            rates.append(len(shell.frames) / seconds)
            shell.rest(2.0)
            shell.resize(119, 40)
            shell.rest(1.0)
            shell.seen.clear()
            shell.resize(120, 40)
            shell.rest(1.0)
            whole.append(median(shell.frames))  # it is drawn whole several times over
    note = f"{median(rates):.0f} frames a second, {median(frames) * median(rates) / 1024:.0f} KiB/s"
    yield row(
        17, "bytes a frame while streaming, the same screen whole", median(frames), median(whole), "B", "≤ 0.2", note
    )


ROWS: dict[int, Rows] = {10: flooded, 14: idle, 17: written}
