"""Rows 4 and 5: a list of a hundred thousand tasks becomes interactive, and one of its rows changes."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from textual.widgets import DataTable, Static

from benchmarks.fleet import DESK, arrived, board_of, cells_of, changed, listing_of, view_of
from benchmarks.onscreen import SIZE, Alone, Cost, Painted, Peer, done
from benchmarks.table import Effort, Row, fact, limit, median, row
from tui.board import Board, TasksSeen
from tui.listing import Listing
from tui.widgets.task_list import TaskList, columns_for

FEW = 100
HEADINGS = tuple(column.name.upper() for column, _ in columns_for(SIZE[0], DESK.time))
Cells = list[tuple[str, ...]]
Table = DataTable[str]
SLICE = 16.0
"""Ms of a frame, in which a key is answered."""


async def _list_opens(app: Painted, listing: Listing) -> Cost:
    """From a model that is ready to a cursor that has moved."""
    tasks = TaskList(DESK, id="tasks")

    async def act() -> None:
        await app.mount(tasks)
        tasks.focus()
        tasks.show(listing, lambda: None)
        app.key("down")

    cost = await app.cost(act, lambda: tasks.cursor == 2)
    with app._context():
        await tasks.remove()
    return cost


async def _table_opens(app: Painted, cells: Cells) -> Cost:
    table = Table(cursor_type="row")

    async def act() -> None:
        await app.mount(table)
        table.focus()
        table.add_columns(*HEADINGS)
        table.add_rows(cells)
        app.key("down")

    cost = await app.cost(act, lambda: table.cursor_row == 1)
    with app._context():
        await table.remove()
    return cost


def interactive(effort: Effort) -> Iterator[Row]:
    """Row 4: from a model that is ready to a list that answers."""
    count = effort.size(100_000, 10_000)
    board = board_of(count)
    ours: list[Cost] = []
    theirs: list[Cost] = []

    async def measured() -> None:
        listing = listing_of(board)
        cells = cells_of(listing)
        async with Alone().run_test(size=SIZE) as one, Peer().run_test(size=SIZE) as other:
            for _ in effort.rounds:
                ours.append(await _list_opens(one.app, listing))  # type: ignore[arg-type]
                theirs.append(await _table_opens(other.app, cells))  # type: ignore[arg-type]
                gc.collect()

    done(measured)
    name = f"{count:,} tasks: model ready → interactive"
    wall, other = (median([cost.wall for cost in costs]) for costs in (ours, theirs))
    cpu, more = (median([cost.cpu for cost in costs]) for costs in (ours, theirs))
    yield row(4, f"{name}: DataTable, ours", other, wall, "ms", "≥ 150", f"CPU {more:,.0f} and {cpu:.0f} ms")
    yield limit(4, "memory a row beyond the model", done(lambda: _held(board)) / count, "B", "≤ 200", "view and order")
    slices: list[float] = []
    totals = []
    for _ in effort.rounds:
        begun = time.process_time()
        slices.append(max(_slices(board)))
        totals.append((time.process_time() - begun) * 1e3)
    yield limit(4, f"arranging {count:,} of a bare board, its longest slice", median(slices), "ms", f"≤ {SLICE:g}")
    yield fact(4, f"arranging {count:,} of a bare board, in all", median(totals), "ms", "beside all else")


async def _held(board: Board) -> float:
    """Bytes of the order and of the list that shows it."""
    gc.collect()
    async with Alone(tasks := TaskList(DESK, id="tasks")).run_test(size=SIZE) as pilot:
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        listing = listing_of(board)
        with pilot.app._context():
            tasks.show(listing, lambda: None)
        await pilot.app.quiet()  # type: ignore[attr-defined]
        gc.collect()
        size = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    return size


def _slices(board: Board) -> Iterator[float]:
    """Ms of each slice in which a bare board is arranged."""
    listing = Listing(view_of(board))
    slices = listing.filled(board)
    is_through = False
    while not is_through:
        begun = time.perf_counter()
        is_through = next(slices, True) is True
        yield (time.perf_counter() - begun) * 1e3


class Fleet:
    """A list on a screen, and the board behind it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.listing = listing_of(board)
        self.tasks = TaskList(DESK, id="tasks")
        self.app = Alone(self.tasks)

    def show(self) -> None:
        """Show it as it is."""
        self.tasks.show(self.listing, lambda: None)
        self.tasks.focus()

    async def take(self, seen: TasksSeen) -> Cost:
        """One step of the board, as the screen takes it in."""

        def step() -> None:
            self.board = self.board.after([seen])
            touched = self.board.touched.tasks

            def change() -> None:
                self.listing.view = view_of(self.board)
                self.listing.take(self.board, touched)

            self.tasks.show(self.listing, change)

        return await self.app.cost(step)


def _row_changes(table: Table, keys: list[Any], number: int) -> None:
    row_key = keys[2]
    table.update_cell(row_key, table.ordered_columns[1].key, f"Checked {number} times")


def one_changes(effort: Effort) -> Iterator[Row]:
    """Row 5: one visible row changes, and one task arrives."""
    count = effort.size(100_000, 10_000)
    many, few = Fleet(board_of(count)), Fleet(board_of(FEW))
    table = Table(cursor_type="row")
    peer = Peer(table)
    bare = Peer(static := Static("checked"))
    cells = cells_of(many.listing)
    costs: dict[str, dict[str, list[float]]] = {what: {"many": [], "few": [], "theirs": []} for what in WHAT}
    least: list[float] = []

    async def measured() -> None:
        async with AsyncExitStack() as stack:
            for app in (many.app, few.app, peer, bare):
                await stack.enter_async_context(app.run_test(size=SIZE))
            for one in (many, few):
                await one.app.cost(one.show)
            with peer._context():
                table.add_columns(*HEADINGS)
                keys = table.add_rows(cells)
            await peer.quiet()
            gc.freeze()  # as the dashboard does with what has come to stay
            for number in range(1, 1 + 4 * len(effort.rounds)):
                for size, one in (("many", many), ("few", few)):
                    costs[WHAT[0]][size].append((await one.take(changed(one.listing, number))).cpu)
                    costs[WHAT[1]][size].append((await one.take(arrived(number))).cpu)
                least.append((await bare.cost(lambda: static.update(f"Checked {number} times"))).cpu)
                if number % 4 == 0:
                    cost = await peer.cost(lambda: _row_changes(table, keys, number))
                    costs[WHAT[0]]["theirs"].append(cost.cpu)
                    cost = await peer.cost(lambda: table.add_row(*cells[0]), lambda: True)
                    costs[WHAT[1]]["theirs"].append(cost.cpu)

    done(measured)
    for what, told in costs.items():
        ours, small, theirs = (median(told[size]) for size in ("many", "few", "theirs"))
        yield row(5, f"{what} of {count:,}: DataTable, ours", theirs, ours, "ms", "≥ 100", "CPU to the paint")
        yield row(5, f"{what} of {count:,}, of {FEW}", ours, small, "ms", "≤ 1.2", "CPU to the paint")
    times = median(costs[WHAT[0]]["theirs"]) / median(least)
    yield fact(5, "a Static that is updated, alone in its app", median(least), "ms", f"DataTable's row: {times:.0f}×")


WHAT = ("a visible row changes", "a task arrives")
