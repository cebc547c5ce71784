"""Row 6: one entry more in a tree of a hundred thousand."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import AsyncExitStack

from textual.widgets import Tree

from benchmarks.fleet import DESK, event, source_of, worked_on
from benchmarks.onscreen import SIZE, Alone, Cost, Peer, done
from benchmarks.table import Effort, Row, median, row
from tui.board import Board
from tui.widgets.activity_tree import ActivityTree

FEW = 100
TURN = 100
"""Leaves of a node of the peer."""


class Work:
    """The tree of a task on a screen, and the board behind it."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.tree = ActivityTree(DESK, id="tree")
        self.app = Alone(self.tree)

    async def show(self) -> None:
        """Show it as it is, which takes a while where it is much."""
        wanted = len(self.board.logs["t0"].activity)

        def act() -> None:
            self.tree.focus()
            self.tree.show(source_of(self.board))

        await self.app.cost(act, lambda: self.tree.count() >= wanted)

    async def more(self, number: int) -> Cost:
        """One more entry, as the screen takes it in."""
        wanted = self.tree.count() + 1

        def step() -> None:
            self.board = self.board.after([event(number)])
            self.tree.show(source_of(self.board))

        return await self.app.cost(step, lambda: self.tree.count() >= wanted)


def planted(count: int) -> Tree[None]:
    """Textual's own tree with so many leaves, everything open."""
    tree: Tree[None] = Tree("log")
    tree.root.expand()
    for turn in range(count // TURN):
        node = tree.root.add(f"Turn {turn}", expand=True)
        for leaf in range(TURN):
            node.add_leaf(f"Entry {turn * TURN + leaf} of the log, with some words about it")
    return tree


def one_more(effort: Effort) -> Iterator[Row]:
    """Row 6: one entry is appended."""
    count = effort.size(100_000, 10_000)
    many, few = Work(worked_on(count)), Work(worked_on(FEW))
    tree = planted(count)
    peer = Peer(tree)
    costs: dict[str, list[float]] = {"many": [], "few": [], "theirs": []}

    async def measured() -> None:
        async with AsyncExitStack() as stack:
            for app in (many.app, few.app, peer):
                await stack.enter_async_context(app.run_test(size=SIZE))
            await many.show()
            await few.show()
            await peer.cost(lambda: tree.scroll_end(animate=False, immediate=True))
            last = tree.root.children[-1]
            gc.freeze()  # as the dashboard does with what has come to stay
            for number in range(4 * len(effort.rounds)):
                costs["many"].append((await many.more(number)).cpu)
                costs["few"].append((await few.more(number)).cpu)
                if number % 4 == 3:
                    costs["theirs"].append((await peer.cost(lambda: last.add_leaf(f"One more, {number}"))).cpu)

    done(measured)
    ours, small, theirs = (median(costs[size]) for size in ("many", "few", "theirs"))
    yield row(6, f"an entry more in {count:,}: Textual's Tree, ours", theirs, ours, "ms", "≥ 150", "CPU to the paint")
    yield row(6, f"an entry more in {count:,}, in {FEW}", ours, small, "ms", "≤ 1.2", "CPU to the paint")
