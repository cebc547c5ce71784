"""Rows 10 and 14: the dashboard while events flood in, and while nothing happens."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.readers import SDK, reading
from benchmarks.serving import served
from benchmarks.starting import STATIC
from benchmarks.table import Effort, Row, Rows, fact, limit, median, percentile, row
from benchmarks.terminals import XP_TUI, Terminal, terminal

RATE = 2_000
DELAY = 4.0
"""Seconds from the opening of a stream to its first event: the screen is opened and at rest by then."""
COUNT = re.compile(rb"2 Events  ([\d,]+)")
SHOWN = re.compile(rb"entry-\d\d-is-shown")
KEYS_A_SECOND = 16
STOCK = f"""
from textual.app import App
from textual.widgets import Log, Static

LINE = "10:00:00 tool_call_request  search  the invoice of the third quarter was checked against the order, line "

class Flood(App):
    BINDINGS = [("j,k", "tell", "")]
    number = count = 0
    def compose(self):
        yield Static("entry-00-is-shown")
        yield Log(max_lines=20_000)
    def on_mount(self):
        self.query_one(Log).can_focus = False
        self.set_interval(1 / 60, self.flood)
    def flood(self):
        more = range(self.count, self.count + {RATE} // 60)
        self.count = more.stop
        self.query_one(Log).write_lines([LINE + str(number) for number in more])
    def action_tell(self):
        self.number = (self.number + 1) % 100
        self.query_one(Static).update(f"entry-{{self.number:02}}-is-shown")
Flood().run()
"""
"""The same with Textual's own widgets alone: lines made by the app itself, and a `Static` that a key changes."""
AT_REST = 22
"""Lines in the pane of events before there are any: those of the log, and two of the link."""


@contextmanager
def _task_open(count: int) -> Iterator[Terminal]:
    """The screen of a task, at rest, a moment before its events begin."""
    with served(count=count, rate=RATE, shape="distinct", delay=DELAY) as address:
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


def _keys(shell: Terminal, seconds: float) -> list[float]:
    """Press keys that move the tree's cursor; how long each takes, in ms, until the inspector shows what is under it."""
    dice, taken = random.Random(5), []
    for number in range(int(seconds * KEYS_A_SECOND)):
        shell.rest(dice.uniform(0.5, 1.5) / KEYS_A_SECOND)
        shell.press(b"kj"[number % 2 : number % 2 + 1])
        taken.append(shell.until(SHOWN.search, 5.0) * 1e3)
    return taken


def flooded(effort: Effort) -> Iterator[Row]:
    """Row 10: 2,000 events a second into the open task screen, each event a line."""
    seconds = effort.size(3, 2)
    keys: list[float] = []
    stock: list[float] = []
    costs: dict[str, list[float]] = {"ours": [], "sdk": []}
    frames: list[int] = []
    for _ in effort.rounds:
        with _task_open(RATE * 3 * seconds) as shell:
            _flood(shell)
            shell.seen.clear()
            begun = shell.cpu
            shell.rest(seconds)
            costs["ours"].append((shell.cpu - begun) / (RATE * seconds) * 1e6)
            frames += shell.frames
            keys += _keys(shell, seconds)
        with terminal([sys.executable, "-c", STOCK]) as shell:
            shell.until(SHOWN.search)
            shell.rest(1.0)
            stock += _keys(shell, seconds)
        if SDK.exists():
            with served(count=RATE * seconds, rate=RATE, shape="distinct") as address:
                told = reading("sdk", address, RATE * seconds)
            costs["sdk"].append(told["cpu"] / told["events"] * 1e6)
    name = "CPU of the task screen at 2,000/s, each event a line, the SDK"
    ours = median(costs["ours"])
    written = f"{sum(frames) / len(frames):,.0f} B a frame, {len(frames) / len(effort.rounds) / seconds:.0f} a second"
    note = f"{100 * ours * RATE / 1e6:.0f} % of a core; {written}"
    yield (
        row(10, name, ours, median(costs["sdk"]), "µs", "≤", note) if costs["sdk"] else fact(10, name, ours, "µs", note)
    )
    for share, target in ((0.5, "≤ 16"), (0.99, "≤ 50")):
        note = f"{len(keys)} keys; Textual's own Log and Static alone: {percentile(stock, share):.0f} ms"
        yield limit(10, f"key to paint at 2,000/s, p{share * 100:.0f}", percentile(keys, share), "ms", target, note)


def _idle(shell: Terminal, seconds: float) -> tuple[float, int]:
    """CPU ms a second, and bytes to the terminal, while nobody does anything."""
    shell.seen.clear()
    begun = shell.cpu
    shell.rest(seconds)
    return (shell.cpu - begun) / seconds * 1e3, len(shell.seen)


def idle(effort: Effort) -> Iterator[Row]:
    """Row 14: the list of a fleet at rest is open, and nobody does anything."""
    seconds = effort.size(10, 6)
    least: list[float] = []
    still: list[tuple[float, int]] = []
    for _ in range(3):
        with terminal([sys.executable, "-c", STATIC]) as shell:
            shell.until(b"the first words")
            shell.rest(2.0)
            least.append(_idle(shell, seconds)[0])
        with served(tasks=200, status="completed") as address, terminal([XP_TUI], address.environ) as shell:
            shell.until(b"Check invoice")
            shell.rest(4.0)
            still.append(_idle(shell, seconds))
    note = f"{max(written for _, written in still)} B to the terminal in {seconds} s"
    name = "CPU idle on a fleet that rests, a Textual app with one Static"
    yield row(14, name, median([cpu for cpu, _ in still]), median(least), "ms/s", "≤ 2", note)


ROWS: dict[int, Rows] = {10: flooded, 14: idle}
