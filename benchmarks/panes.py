"""Rows 7 and 9: moving about in what is long, and a hundred thousand lines into the pane of events."""

from __future__ import annotations

import asyncio
import gc
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from textual.widgets import RichLog

from benchmarks.events import distinct
from benchmarks.fleet import DESK, NOW, board_of, worked_on
from benchmarks.lists import Fleet
from benchmarks.onscreen import SIZE, Alone, Painted, Peer, done, looked_at
from benchmarks.table import Effort, Row, limit, median, percentile, row
from benchmarks.trees import Work
from tui.client.events import Event
from tui.domain.state import Change, EventSeen
from tui.services.state_store import MAX_CHANGES_PER_STEP, STEP_SECONDS
from tui.widgets.event_pane import EventPane
from tui.widgets.virtual_list import VirtualList

FEW = 1_000
MAX_P50_MS = 16.0
MAX_P99_MS = 33.0
HANDFUL = 20
"""Lines that arrive between two turns of the loop."""
Ways = dict[str, Callable[[Painted, VirtualList], None]]
WAYS: Ways = {
    "cursor": lambda app, lines: app.key("down"),
    "page": lambda app, lines: app.key("pagedown"),
    "scroll": lambda app, lines: lines.scroll_relative(y=3, animate=False),
}


@asynccontextmanager
async def _lists(counts: Sequence[int]) -> AsyncIterator[list[tuple[Painted, VirtualList]]]:
    async with AsyncExitStack() as stack:
        fleets = [Fleet(board_of(count)) for count in counts]
        for one in fleets:
            await stack.enter_async_context(one.app.running())
            await one.app.cost(one.show)
        yield [(one.app, one.tasks) for one in fleets]


@asynccontextmanager
async def _trees(counts: Sequence[int]) -> AsyncIterator[list[tuple[Painted, VirtualList]]]:
    async with AsyncExitStack() as stack:
        works = [Work(worked_on(count)) for count in counts]
        for one in works:
            await stack.enter_async_context(one.app.running())
            await one.show()
        yield [(one.app, one.tree) for one in works]


KINDS = {"list": _lists, "tree": _trees}


def moved(effort: Effort) -> Iterator[Row]:
    """Row 7: a cursor key, a page, the wheel."""
    counts = effort.size(100_000, 10_000), FEW
    for kind, opened in KINDS.items():
        costs: dict[str, list[list[float]]] = {way: [[], []] for way in WAYS}

        async def measured() -> None:
            async with opened(counts) as both:
                gc.freeze()  # as the dashboard does when its first screen is shown
                for _ in effort.rounds:
                    for app, lines in both:
                        await app.within(lambda: lines.move_to(lines.count() // 3))
                        await app.quiet()
                    for way, _number in itertools.product(WAYS, range(effort.size(12, 6))):
                        for size, (app, lines) in enumerate(both):
                            costs[way][size].append((await app.cost(lambda: WAYS[way](app, lines))).cpu)

        done(measured)
        for way, (many, few) in costs.items():
            name = f"{way} in {kind} of {counts[0]:,}"
            yield row(7, f"{name}, of {FEW:,}", median(many), median(few), "ms", "≤ 1.2", "CPU to the paint")
            yield limit(7, f"{name}, p99", percentile(many, 0.99), "ms", f"≤ {MAX_P99_MS:g}", f"CPU, {len(many)} times")
        slowest = max(median(many) for many, _ in costs.values())
        yield limit(7, f"the slowest of these in {kind} of {counts[0]:,}, p50", slowest, "ms", f"≤ {MAX_P50_MS:g}")


async def _ours_take(app: Painted, pane: EventPane, changes: Sequence[Change]) -> float:
    """CPU seconds of lines that come a handful at a time, taken in step by step as by the dashboard."""
    waiting: list[Change] = []
    is_through = False

    async def step() -> None:
        while waiting or not is_through:
            await asyncio.sleep(STEP_SECONDS if len(waiting) < MAX_CHANGES_PER_STEP else 0)
            taken = waiting[:MAX_CHANGES_PER_STEP]
            del waiting[:MAX_CHANGES_PER_STEP]
            await app.within(lambda: pane.add_changes(taken))

    begun = time.process_time()
    with looked_at():
        stepping = asyncio.create_task(step())
        for at in range(0, len(changes), HANDFUL):
            waiting += changes[at : at + HANDFUL]
            await asyncio.sleep(0)
        is_through = True
        await stepping
        while pane.is_behind:
            await asyncio.sleep(0.001)
        await app.quiet()
    return time.process_time() - begun


async def _theirs_take(app: Painted, log: RichLog, lines: Sequence[str]) -> float:
    """CPU seconds of lines that come a handful at a time."""

    def write(some: Sequence[str]) -> None:
        for line in some:
            log.write(line)

    begun = time.process_time()
    for at in range(0, len(lines), HANDFUL):
        await app.within(lambda: write(lines[at : at + HANDFUL]))
    await app.quiet()
    return time.process_time() - begun


def appended(effort: Effort) -> Iterator[Row]:
    """Row 9: lines into the pane of events."""
    count = effort.size(100_000, 10_000)
    heard = [Event.from_sse(frame.split(b"data: ")[1].decode(), str(n)) for n, frame in enumerate(distinct(count))]
    changes = [EventSeen("t0", one, NOW) for one in heard]
    drawn = EventPane(DESK)
    items = [item for change in changes for item in drawn._items_of(change)]
    lines = ["".join(piece.text for piece in drawn._lines.lines(item, SIZE[0])[0]) for item in items]
    ours: list[float] = []
    theirs: list[float] = []
    pane, log = EventPane(DESK, id="events"), RichLog()
    one, other = Alone(pane), Peer(log)
    each = count // len(effort.rounds)

    async def measured() -> None:
        async with one.running(), other.running():
            for number in effort.rounds:
                part = slice(number * each, (number + 1) * each)
                ours.append(await _ours_take(one, pane, changes[part]))
                theirs.append(await _theirs_take(other, log, lines[part]))

    done(measured)
    assert pane.total == each * len(effort.rounds)
    cpu, more = (median(told) / each * 1e6 for told in (ours, theirs))
    name = f"CPU a line of {count:,}: RichLog, the pane of events"
    yield row(9, name, more, cpu, "µs", "≥", "as fast as they come")
