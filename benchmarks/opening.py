"""Rows 3 and 15: a large log is opened, each reader in a process of its own, and how much memory a long list takes.

python -m benchmarks.opening ours|sdk '{"url": …, "ca": …}' ENTRIES
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from typing import Any

from benchmarks import steady
from benchmarks.memory import peak_megabytes
from benchmarks.readers import SDK, resident
from benchmarks.serving import KEY, ORGANIZATION, ROOT, Address, served, task
from benchmarks.table import Effort, Row, limit, median, missing, row
from benchmarks.terminals import XP_TUI, terminal

Figures = dict[str, float]


async def _gaps(longest: list[float]) -> None:
    """Note for how long at most nobody else had a turn, in ms."""
    while True:
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        longest.append((time.perf_counter() - begun - 0.001) * 1e3)


async def ours(address: Address, entries: int) -> Figures:
    """The dashboard opens the task: from its call for the log until every entry is a row of the tree on the screen."""
    from benchmarks.dashboard import dashboard
    from benchmarks.onscreen import looked_at
    from tui.client.client import Client
    from tui.client.endpoints import Surfaces
    from tui.client.log_entries import Log
    from tui.client.models import Task
    from tui.client.secret import Secret
    from tui.client.session import PlatformSession
    from tui.widgets.activity_pane import ActivityPane

    surfaces = Surfaces(address.url, address.url, ORGANIZATION)
    client = Client(surfaces, PlatformSession(Secret(KEY), frozenset))
    begun: list[float] = []
    gaps: list[float] = []
    watching: list[asyncio.Task[None]] = []
    read = client.log

    async def log(task: Task) -> Log:
        begun[:] = time.perf_counter(), time.process_time()
        watching.append(asyncio.create_task(_gaps(gaps)))
        return await read(task)

    async with dashboard(client) as app:
        before = peak_megabytes()
        client.log = log  # type: ignore[assignment]

        def rows() -> int:
            return sum(pane.view.count() for pane in app.screen.query(ActivityPane)) if begun else 0

        whole = app.until(lambda: rows() >= entries)
        with looked_at():
            await app.within(lambda: app.open_task("t0"))
            async with asyncio.timeout(120):
                wall = await whole - begun[0]
        cpu = time.process_time() - begun[1]
        watching[0].cancel()
    return {"cpu": cpu, "wall": wall, "mb": peak_megabytes(), "before": before, "gap": max(gaps)}


async def sdk(address: Address, entries: int) -> Figures:
    """The SDK reads the log."""
    from loguru import logger  # type: ignore[import-not-found]
    from xpander_sdk import Configuration  # type: ignore[import-not-found]
    from xpander_sdk.modules.tasks.sub_modules.task import Task  # type: ignore[import-not-found]

    logger.remove()
    configuration = Configuration(api_key=KEY, organization_id=ORGANIZATION, base_url=address.url)
    one = await Task.aload(task_id="t0", configuration=configuration)
    before = peak_megabytes()
    cpu, wall = time.process_time(), time.perf_counter()
    log = await one.aget_activity_log()
    told = {
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "mb": peak_megabytes(),
        "before": before,
    }
    assert len(log.messages) == entries
    return told


READERS: dict[str, Callable[[Address, int], Awaitable[Figures]]] = {"ours": ours, "sdk": sdk}


def _reading(name: str, address: Address, entries: int) -> Figures:
    """Run one reader."""
    python = str(SDK) if name == "sdk" else sys.executable
    command: list[Any] = [python, "-m", "benchmarks.opening", name, json.dumps(asdict(address)), str(entries)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, timeout=300, check=True)
    told: Figures = json.loads(done.stdout)
    return told


def opened(effort: Effort) -> Iterator[Row]:
    """Row 3: a log of a hundred thousand entries."""
    entries = effort.size(100_000, 10_000)
    readers = [name for name in READERS if name != "sdk" or SDK.exists()]
    told: dict[str, list[Figures]] = {name: [] for name in readers}
    with served(entries=entries, status="completed") as address:
        for _ in effort.rounds:
            for name in readers:
                told[name].append(_reading(name, address, entries))

    def middle(name: str, figure: str) -> float:
        return median([one[figure] for one in told[name]])

    name = f"log of {entries:,}"
    in_tree = f"{name} → all of it in the tree: the SDK alone, ours"
    wall, cpu = middle("ours", "wall") * 1e3, middle("ours", "cpu") * 1e3
    if "sdk" in told:
        note = f"CPU {middle('sdk', 'cpu') * 1e3:,.0f} and {cpu:,.0f} ms"
        yield row(3, in_tree, middle("sdk", "wall") * 1e3, wall, "ms", "≥ 5", note)
        grown = f"before it {middle('ours', 'before'):.0f} and {middle('sdk', 'before'):.0f} MB"
        yield row(3, f"{name}: peak memory, the SDK", middle("ours", "mb"), middle("sdk", "mb"), "MB", "≤ 0.6", grown)
    else:
        yield missing(3, in_tree, "≥ 5", f"the SDK is not installed; ours: {wall:,.0f} ms, CPU {cpu:,.0f} ms")
    yield limit(3, f"{name}: the loop stood still at most", middle("ours", "gap"), "ms", "≤ 400", "once")


def listed(count: int) -> tuple[float, float]:
    """The dashboard reads so many tasks: seconds, and the memory of its process in MB."""
    with served(tasks=count) as address, terminal([XP_TUI], address.environ) as shell:
        shell.until(b"loaded")
        seconds = shell.until(f"{count:,} loaded".encode(), 280.0)
        shell.rest(3.0)
        return seconds, resident(shell.process.pid)


def held(effort: Effort) -> Iterator[Row]:
    """Row 15: the process of the dashboard with a hundred thousand tasks in its list."""
    count = effort.size(100_000, 10_000)
    seconds, size = listed(count)
    bytes_each = len(json.dumps(task(count, "executing")))
    note = f"{bytes_each} B of JSON each, all running; read in {seconds:.0f} s"
    yield limit(15, f"resident memory with {count:,} tasks listed", size, "MB", "≤ 250", note)


def main() -> None:
    """Read, and tell."""
    name, address, entries = sys.argv[1], Address(**json.loads(sys.argv[2])), int(sys.argv[3])

    async def read() -> Figures:
        return await READERS[name](address, entries)

    steady.wait()
    print(json.dumps(asyncio.run(read())))


if __name__ == "__main__":
    main()
