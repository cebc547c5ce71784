"""Row 8: a hundred thousand tasks are filtered as each letter is typed, and sorted by each column."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator

from benchmarks import steady
from benchmarks.dashboard import Dashboard, dashboard, listed
from benchmarks.fleet import board_of
from benchmarks.onscreen import done, looked_at
from benchmarks.table import Effort, Row, fact, median, percentile
from tui.domain.filters import parse_filter
from tui.widgets.filter_input import FilterInput
from tui.widgets.task_table import TaskTable

TEXTS = ("status:executing", "invoice 777", 'agent:"Agent 3" 42', "-status:completed check")
COLUMNS = 8
"""How often the order is turned: by each of seven columns, and by groups again."""
LEAST, MOST = 0.05, 0.15
"""Seconds between two letters of somebody who types fast."""


async def _typed(app: Dashboard, text: str, dice: random.Random) -> tuple[list[float], float]:
    """Type it: ms until each letter is painted, and from the last until the rows are those that it wants."""
    for pause in steady.pauses():
        await asyncio.sleep(pause)
    home = app.home
    written = home.query_one(FilterInput)
    app.key("slash")
    while not written.has_focus:
        await asyncio.sleep(0.01)
    taken = []
    for place, letter in enumerate(text, 1):
        await asyncio.sleep(dice.uniform(LEAST, MOST))
        begun, before = time.perf_counter(), home.list_pane.listing
        painted = app.until(lambda: written.value == text[:place])
        rows = app.until(
            lambda: (
                home.list_pane.listing is not before and home.list_pane.listing.view.matches is not None and _is(app)
            )
        )
        app.key(letter)
        taken.append((await painted - begun) * 1e3)
        if place < len(text):
            rows.cancel()
    arranged = (await rows - begun) * 1e3
    app.key("escape")
    await app.within(lambda: home.filter(""))
    while home.list_pane.active_filter or home.list_pane.listing.view.matches is not None:
        await asyncio.sleep(0.02)
    await app.quiet()
    return taken, arranged


def _is(app: Dashboard) -> bool:
    """Whether the rows are those of what is written."""
    home = app.home
    wanted = home.list_pane.active_filter == parse_filter(home.query_one(FilterInput).value)
    return wanted and not any(worker.group == "arrange" and worker.is_running for worker in home.workers)


async def _sorted(app: Dashboard) -> tuple[float, float]:
    """Sort by the next column: ms until a cursor key pressed right behind is painted, and until the rows are in order.

    Two columns may order alike, and then no frame tells of it.
    """
    for pause in steady.pauses():
        await asyncio.sleep(pause)
    home = app.home
    tasks, before = home.query_one(TaskTable), home.list_pane.listing
    below = len(before) - tasks.cursor
    here = tasks.row
    begun = time.perf_counter()
    moved = app.until(lambda: tasks.row != here and (here is None or tasks.row is None or tasks.row.key != here.key))
    app.key("s")
    app.key("j" if below > tasks.cursor else "k")
    key = (await moved - begun) * 1e3
    while home.list_pane.listing is before or home.list_pane.listing.view.column != home.list_pane.column:
        await asyncio.sleep(0.001)
    arranged = (time.perf_counter() - begun) * 1e3
    await app.quiet()
    return key, arranged


def typed(effort: Effort) -> Iterator[Row]:
    """Row 8: key to paint."""
    count = effort.size(100_000, 10_000)
    letters: list[float] = []
    filtered: list[float] = []
    turns: list[tuple[float, float]] = []

    async def measured() -> None:
        dice = random.Random(8)
        async with dashboard() as app:
            await listed(app, board_of(count))
            with looked_at():
                for number in range(3):
                    for text in TEXTS:
                        taken, arranged = await _typed(app, text, dice)
                        letters.extend(taken)
                        filtered.append(arranged)
                    for _ in range(COLUMNS if number < 2 else 0):
                        turns.append(await _sorted(app))

    done(measured)
    name = f"{count:,} tasks filtered"
    note = f"p99 {percentile(letters, 0.99):.0f} ms, {len(letters)} letters"
    yield fact(8, f"{name}: a letter painted, p50", median(letters), "ms", note)
    note = f"at most {max(filtered):,.0f} ms"
    yield fact(8, f"{name}: the last letter's rows painted, p50", median(filtered), "ms", note)
    keys, orders = [one[0] for one in turns], [one[1] for one in turns]
    name = f"{count:,} tasks sorted"
    note = f"at most {max(keys):.0f} ms, {len(keys)} keys"
    yield fact(8, f"{name}: a key meanwhile painted, p50", median(keys), "ms", note)
    yield fact(8, f"{name}: its rows in order, p50", median(orders), "ms", f"at most {max(orders):,.0f} ms")
