"""Row 6: one entry more in a tree of a hundred thousand."""

from __future__ import annotations

import gc
from collections.abc import Iterator

from textual.widgets import Tree

from benchmarks.fleet import DESK, event, source_of, worked_on
from benchmarks.onscreen import Alone, Cost, Peer, done
from benchmarks.table import Effort, Row, median, row
from tui.domain.state import State
from tui.widgets.activity_pane import ActivityPane

TURN = 100
"""Leaves of a node of the peer."""


class Work:
    """The tree of a task on a screen, and the board behind it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.pane = ActivityPane(DESK)
        self.tree = self.pane.view
        self.app = Alone(self.pane)

    async def show(self) -> None:
        """Show it as it is, which takes a while where it is much."""
        wanted = len(self.state.logs["t0"].activity)

        def act() -> None:
            self.tree.focus()
            self.pane.show(source_of(self.state))

        await self.app.cost(act, lambda: self.tree.count() >= wanted)

    async def painted(self) -> Cost:
        """The layout and the whole paint that Textual does where the height of a list changes, and nothing else."""
        return await self.app.cost(lambda: self.tree.refresh(layout=True))

    async def more(self, number: int) -> Cost:
        """One more entry, as the screen takes it in."""
        wanted = self.tree.count() + 1

        def step() -> None:
            self.state = self.state.after([event(number)])
            self.pane.show(source_of(self.state))

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
    work = Work(worked_on(count))
    tree = planted(count)
    peer = Peer(tree)
    ours: list[float] = []
    theirs: list[float] = []
    paints: list[float] = []

    async def measured() -> None:
        async with work.app.running(), peer.running():
            await work.show()
            await peer.cost(lambda: tree.scroll_end(animate=False, immediate=True))
            last = tree.root.children[-1]
            gc.freeze()  # as the dashboard does when its first screen is shown
            for number in range(4 * len(effort.rounds)):
                ours.append((await work.more(number)).cpu)
                paints.append((await work.painted()).cpu)
                if number % 4 == 3:
                    theirs.append((await peer.cost(lambda: last.add_leaf(f"One more, {number}"))).cpu)

    done(measured)
    name = f"an entry more in {count:,}: Textual's Tree, ours"
    floor = median(paints)
    note = f"CPU to the paint; Textual's layout and paint of the screen alone: {floor:.1f} ms, {median(theirs) / floor:.0f}×"
    yield row(6, name, median(theirs), median(ours), "ms", "≥ 100", note)
