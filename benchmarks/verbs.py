"""Row 16: a hundred thousand tasks as lines of JSON, and how much memory that takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence

from benchmarks.memory import peak_megabytes
from benchmarks.serving import PER_PAGE, Address, served
from benchmarks.table import Effort, Row, Rows, median, missing, row
from benchmarks.terminals import XP_TUI


def _run(commands: Sequence[Sequence[str]], address: Address) -> tuple[float, float]:
    """Run a pipe of commands whose last prints to nowhere: seconds, and the most memory that any of them took, in MB."""
    environ = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8", **address.environ}
    begun = time.perf_counter()
    source = subprocess.DEVNULL
    started: list[subprocess.Popen[bytes]] = []
    for place, command in enumerate(commands, 1):
        is_last = place == len(commands)
        process = subprocess.Popen(
            command,
            stdin=source if not started else started[-1].stdout,
            stdout=subprocess.DEVNULL if is_last else subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environ,
        )
        started.append(process)
    most = 0.0
    for process in started:
        if process.stdout:
            process.stdout.close()
    while left := [process for process in started if process.poll() is None]:
        most = max(most, *(peak_megabytes(process.pid) for process in left))
        time.sleep(0.005)
    taken = time.perf_counter() - begun
    for process in started:
        if process.returncode:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
    return taken, most


def listed(effort: Effort) -> Iterator[Row]:
    """Row 16: `xp-tui tasks`, and curl piped to jq."""
    size = effort.size(100_000, 10_000)
    ours: list[tuple[float, float]] = []
    theirs: list[float] = []
    has_peers = bool(shutil.which("curl") and shutil.which("jq"))
    with served(tasks=size, status="completed") as address:
        pages = f"{address.url}/v1/tasks?page=[1-{size // PER_PAGE}]&per_page={PER_PAGE}"
        for _ in range(3):
            ours.append(_run([[XP_TUI, "tasks", "--all", "-o", "ndjson"]], address))
            if has_peers:
                theirs.append(_run([["curl", "-s", pages], ["jq", "-c", ".items[]"]], address)[0])
    name = f"tasks -o ndjson of {size:,}, curl piped to jq -c"
    if not has_peers:
        yield missing(16, name, "", "curl or jq is not installed")
        return
    note = f"wall time; {median([memory for _, memory in ours]):.0f} MB"
    yield row(16, name, median([seconds for seconds, _ in ours]), median(theirs), "s", "≤", note)


ROWS: dict[int, Rows] = {16: listed}
