"""Rows 12 and 13: how soon the command line answers, and how soon the dashboard is there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving import ROOT, served
from benchmarks.table import Effort, Row, Rows, median, missing, row
from benchmarks.terminals import XP_TUI, terminal, words_of

PEERS = ROOT / "benchmarks/.peers"
STATIC = """
from textual.app import App
from textual.widgets import Static
class One(App):
    def compose(self):
        yield Static("the first words")
One().run()
"""
"""The least that Textual can show."""


def help_of(effort: Effort) -> Iterator[Row]:
    """Row 12: what needs no platform."""
    commands = {"python -c pass": [sys.executable, "-c", "pass"], "--help": [XP_TUI, "--help"]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(effort.size(15, 7)):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            taken[name].append((time.perf_counter() - begun) * 1e3)
    ours, floor = median(taken["--help"]), median(taken["python -c pass"])
    yield row(12, "xp-tui --help, python -c pass", ours, floor, "ms", "≤ 2.5")


def first_frame(effort: Effort) -> Iterator[Row]:
    """Row 13: from the command to words on the screen, warm."""
    with tempfile.TemporaryDirectory() as place, served(tasks=500) as address:
        home = Path(place)
        log = home / "a.log"
        log.write_text("".join(f"2026-11-21 10:00:00 INFO line {number} of the log\n" for number in range(100_000)))
        programs: dict[str, tuple[list[str], bytes]] = {
            "xp-tui": ([XP_TUI], b"STATUS"),
            "xp-tui with tasks": ([XP_TUI], b"Check invoice"),
            "one Static": ([sys.executable, "-c", STATIC], b"the first words"),
            "toolong": ([str(PEERS / "toolong/bin/tl"), str(log)], b"of the log"),
            "harlequin": ([str(PEERS / "harlequin/bin/harlequin"), ":memory:", "--locale", "C"], b"Data Catalog"),
            "posting": ([str(PEERS / "posting/bin/posting")], b"Collection"),
        }
        programs = {name: told for name, told in programs.items() if Path(told[0][0]).exists()}
        taken: dict[str, list[float]] = {name: [] for name in programs}
        rounds = effort.size(5, 3)
        for number in range(rounds + 1):  # the first warms the disk
            for name, (command, words) in programs.items():
                seconds = _painted(command, words, address.environ, home)
                if number:
                    taken[name].append(seconds * 1e3)
    ours = median(taken["xp-tui"])
    static = median(taken["one Static"])
    listed = f"the tasks are there after {median(taken['xp-tui with tasks']):.0f} ms"
    yield row(13, "first painted frame, a Textual app with one Static", ours, static, "ms", "≤ 1.5", listed)
    for name in ("toolong", "harlequin", "posting"):
        if name in taken:
            yield row(13, f"times as soon as {name}", median(taken[name]), ours, "ms", "≥", "theirs first, then ours")
        else:
            yield missing(13, f"times as soon as {name}", "", f"{name} is not installed")


def _painted(command: list[str], words: bytes, environ: dict[str, str], home: Path) -> float:
    """Seconds from the command to these words."""
    begun = time.perf_counter()
    with terminal(command, environ, home) as shell:
        shell.until(lambda seen: words in seen and words in words_of(seen))
        return time.perf_counter() - begun


ROWS: dict[int, Rows] = {12: help_of, 13: first_frame}
