"""Rows 7 and 9: moving about in what is long, and a hundred thousand lines into the pane of events."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from textual.widgets import RichLog

from benchmarks import steady
from benchmarks.events import distinct
from benchmarks.fleet import DESK, NOW, board_of, event, worked_on
from benchmarks.lists import Fleet
from benchmarks.onscreen import SIZE, Alone, Painted, Peer, done, looked_at
from benchmarks.table import Effort, Row, limit, median, percentile, row
from benchmarks.trees import Work
from tui.api.events import Event
from tui.board import Change, EventSeen
from tui.watching import MOST, STEP
from tui.widgets.event_pane import EventPane
from tui.widgets.lines import Lines

FEW = 1_000
FRAME = 16.0
"""Ms of a frame."""
HANDFUL = 20
"""Lines that arrive between two turns of the loop."""
Ways = dict[str, Callable[[Painted, Lines], None]]
WAYS: Ways = {
    "cursor": lambda app, lines: app.key("down"),
    "page": lambda app, lines: app.key("pagedown"),
    "scroll": lambda app, lines: lines.scroll_relative(y=3, animate=False),
}


@asynccontextmanager
async def _lists(counts: Sequence[int]) -> AsyncIterator[list[tuple[Painted, Lines]]]:
    async with AsyncExitStack() as stack:
        fleets = [Fleet(board_of(count)) for count in counts]
        for one in fleets:
            await stack.enter_async_context(one.app.run_test(size=SIZE))
            await one.app.cost(one.show)
        yield [(one.app, one.tasks) for one in fleets]


@asynccontextmanager
async def _trees(counts: Sequence[int]) -> AsyncIterator[list[tuple[Painted, Lines]]]:
    async with AsyncExitStack() as stack:
        works = [Work(worked_on(count)) for count in counts]
        for one in works:
            await stack.enter_async_context(one.app.run_test(size=SIZE))
            await one.show()
        yield [(one.app, one.tree) for one in works]


@asynccontextmanager
async def _events(counts: Sequence[int]) -> AsyncIterator[list[tuple[Painted, Lines]]]:
    async with AsyncExitStack() as stack:
        found: list[tuple[Painted, Lines]] = []
        for count in counts:
            pane = EventPane(DESK, id="events")
            app = Alone(pane)
            await stack.enter_async_context(app.run_test(size=SIZE))
            with app._context():
                pane.focus()
            await app.cost(lambda: pane.take([event(number) for number in range(count)]))
            found.append((app, pane))
        yield found


KINDS = {"list": _lists, "tree": _trees, "events": _events}


def moved(effort: Effort) -> Iterator[Row]:
    """Row 7: a cursor key, a page, the wheel."""
    counts = effort.size(100_000, 10_000), FEW
    times = effort.size(12, 6)
    for kind, opened in KINDS.items():
        costs: dict[str, list[list[float]]] = {way: [[], []] for way in WAYS}
        quick: dict[str, list[float]] = {way: [] for way in WAYS}

        async def measured() -> None:
            async with opened(counts) as both:
                gc.freeze()  # as the dashboard does with what has come to stay
                for _ in effort.rounds:
                    for app, lines in both:
                        with app._context():
                            lines.move_to(lines.count() // 3)
                        await app.quiet()
                    for way in WAYS:
                        for _ in range(times):
                            for size, (app, lines) in enumerate(both):
                                cost = (await app.cost(lambda: WAYS[way](app, lines))).cpu
                                costs[way][size].append(cost)
                                if not size and steady.is_quick():  # still, as before it
                                    quick[way].append(cost)

        done(measured)
        for way, (many, few) in costs.items():
            name = f"{way} in {kind} of {counts[0]:,}"
            yield row(7, f"{name}, of {FEW:,}", median(many), median(few), "ms", "≤ 1.2", "CPU to the paint")
            note = (
                f"CPU, {len(many)} times; on a quick core {len(quick[way])}, {max(quick[way], default=0.0):.1f} at most"
            )
            yield limit(7, f"{name}, p99", percentile(many, 0.99), "ms", f"≤ {FRAME:g}", note)


async def _ours_take(app: Painted, pane: EventPane, changes: Sequence[Change]) -> tuple[float, int]:
    """CPU seconds and bytes of lines that come a handful at a time, taken in step by step as by the dashboard."""
    waiting: list[Change] = []
    is_through = False

    async def step() -> None:
        while waiting or not is_through:
            await asyncio.sleep(STEP if len(waiting) < MOST else 0)
            taken = waiting[:MOST]
            del waiting[:MOST]
            pane.take(taken)

    begun, written = time.process_time(), app.written
    with app._context(), looked_at():
        stepping = asyncio.create_task(step())
        for at in range(0, len(changes), HANDFUL):
            waiting += changes[at : at + HANDFUL]
            await asyncio.sleep(0)
        is_through = True
        await stepping
        while pane.is_behind:
            await asyncio.sleep(0.001)
        await app.quiet()
    return time.process_time() - begun, app.written - written


async def _theirs_take(app: Painted, log: RichLog, lines: Sequence[str]) -> tuple[float, int]:
    begun, written = time.process_time(), app.written
    with app._context():
        for at in range(0, len(lines), HANDFUL):
            for line in lines[at : at + HANDFUL]:
                log.write(line)
            await asyncio.sleep(0)
    await app.quiet()
    return time.process_time() - begun, app.written - written


def appended(effort: Effort) -> Iterator[Row]:
    """Row 9: lines into the pane of events."""
    count = effort.size(100_000, 10_000)
    heard = [Event.of_frame(frame.split(b"data: ")[1].decode(), str(n)) for n, frame in enumerate(distinct(count))]
    changes = [EventSeen("t0", one, NOW) for one in heard]
    drawn = EventPane(DESK)
    items = [item for change in changes for item in drawn._items_of(change)]
    lines = ["".join(piece.text for piece in drawn._drawn(item, SIZE[0])[0]) for item in items]
    ours: list[tuple[float, int]] = []
    theirs: list[tuple[float, int]] = []
    pane, log = EventPane(DESK, id="events"), RichLog()
    one, other = Alone(pane), Peer(log)
    each = count // len(effort.rounds)

    async def measured() -> None:
        async with one.run_test(size=SIZE), other.run_test(size=SIZE):
            for number in effort.rounds:
                part = slice(number * each, (number + 1) * each)
                ours.append(await _ours_take(one, pane, changes[part]))
                theirs.append(await _theirs_take(other, log, lines[part]))

    done(measured)
    assert pane.total == each * len(effort.rounds)
    cpu, more = (median([cost for cost, _ in told]) / each * 1e6 for told in (ours, theirs))
    size, whole = (sum(written for _, written in told) / 1024 for told in (ours, theirs))
    yield row(
        9, f"CPU a line of {count:,}: RichLog, the pane of events", more, cpu, "µs", "≥ 50", "as fast as they come"
    )
    yield row(9, f"bytes to the terminal of {count:,} lines, RichLog", size, whole, "KiB", "≤ 0.02")
