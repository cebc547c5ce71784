"""Rows 4 and 5: a list of a hundred thousand tasks becomes interactive, and one of its rows changes."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from typing import Any

from textual.widgets import DataTable

from benchmarks.fleet import DESK, arrived, board_of, cells_of, changed, listing_of, view_of
from benchmarks.onscreen import SIZE, Alone, Cost, Painted, Peer, done
from benchmarks.table import Effort, Row, median, row
from tui.domain.state import State, TasksSeen
from tui.domain.task_list import TaskListModel
from tui.widgets.task_columns import columns_for
from tui.widgets.task_table import TaskTable

HEADINGS = tuple(column.name.upper() for column, _ in columns_for(SIZE[0], DESK.time_format))
Cells = list[tuple[str, ...]]
Table = DataTable[str]


async def _list_opens(app: Painted, listing: TaskListModel) -> Cost:
    """From a model that is ready to a cursor that has moved."""
    tasks = TaskTable(DESK, id="tasks")

    async def act() -> None:
        await app.mount(tasks)
        tasks.focus()
        tasks.show(listing, lambda: None)
        app.key("down")

    cost = await app.cost(act, lambda: tasks.cursor == 2)
    await app.within(tasks.remove)
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
    await app.within(table.remove)
    return cost


def interactive(effort: Effort) -> Iterator[Row]:
    """Row 4: from a model that is ready to a list that answers."""
    count = effort.size(100_000, 10_000)
    ours: list[Cost] = []
    theirs: list[Cost] = []

    async def measured() -> None:
        listing = listing_of(board_of(count))
        cells = cells_of(listing)
        async with Alone().running() as one, Peer().running() as other:
            for _ in range(3):
                ours.append(await _list_opens(one, listing))
                theirs.append(await _table_opens(other, cells))
                gc.collect()

    done(measured)
    wall, other = (median([cost.wall for cost in costs]) for costs in (ours, theirs))
    cpu, more = (median([cost.cpu for cost in costs]) for costs in (ours, theirs))
    name = f"{count:,} tasks: model ready → interactive: DataTable, ours"
    yield row(4, name, other, wall, "ms", "≥ 150", f"CPU {more:,.0f} and {cpu:.0f} ms")


def _slices(state: State) -> Iterator[float]:
    """Ms of each slice in which a bare board is arranged."""
    listing = TaskListModel(view_of(state))
    slices = listing.build(state)
    is_through = False
    while not is_through:
        begun = time.perf_counter()
        is_through = next(slices, True) is True
        yield (time.perf_counter() - begun) * 1e3


class Fleet:
    """A list on a screen, and the board behind it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.listing = listing_of(state)
        self.tasks = TaskTable(DESK, id="tasks")
        self.app = Alone(self.tasks)

    def show(self) -> None:
        """Show it as it is."""
        self.tasks.show(self.listing, lambda: None)
        self.tasks.focus()

    async def take(self, seen: TasksSeen) -> Cost:
        """One step of the board, as the screen takes it in."""

        def step() -> None:
            self.state = self.state.after([seen])
            touched = self.state.touched.tasks

            def change() -> None:
                self.listing.view = view_of(self.state)
                self.listing.apply(self.state, touched)

            self.tasks.show(self.listing, change)

        return await self.app.cost(step)


def _filled(table: Table, cells: Cells, keys: list[Any]) -> None:
    table.add_columns(*HEADINGS)
    keys += table.add_rows(cells)


def _row_changes(table: Table, keys: list[Any], number: int) -> None:
    row_key = keys[2]
    table.update_cell(row_key, table.ordered_columns[1].key, f"Checked {number} times")


def one_changes(effort: Effort) -> Iterator[Row]:
    """Row 5: one visible row changes, and one task arrives."""
    count = effort.size(100_000, 10_000)
    fleet = Fleet(board_of(count))
    table = Table(cursor_type="row")
    peer = Peer(table)
    cells = cells_of(fleet.listing)
    costs: dict[str, list[list[float]]] = {what: [[], []] for what in WHAT}

    async def measured() -> None:
        async with fleet.app.running(), peer.running():
            await fleet.app.cost(fleet.show)
            keys: list[Any] = []
            await peer.within(lambda: _filled(table, cells, keys))
            await peer.quiet()
            gc.freeze()  # as the dashboard does when its first screen is shown
            for number in range(1, 1 + 2 * len(effort.rounds)):
                costs[WHAT[0]][0].append((await fleet.take(changed(fleet.listing, number))).cpu)
                costs[WHAT[1]][0].append((await fleet.take(arrived(number))).cpu)
                if number % 2 == 0:
                    cost = await peer.cost(lambda: _row_changes(table, keys, number))
                    costs[WHAT[0]][1].append(cost.cpu)
                    cost = await peer.cost(lambda: table.add_row(*cells[0]))
                    costs[WHAT[1]][1].append(cost.cpu)

    done(measured)
    for what, (ours, theirs) in costs.items():
        yield row(
            5, f"{what} of {count:,}: DataTable, ours", median(theirs), median(ours), "ms", "≥", "CPU to the paint"
        )


WHAT = ("a visible row changes", "a task arrives")
