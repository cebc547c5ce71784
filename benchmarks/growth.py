"""How cost grows from 100 to 100,000: ours alone, median CPU ms to the paint but where it says else, as a table in Markdown.

python -m benchmarks.growth [--page]
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from benchmarks.fleet import DESK, arrived, board_of, changed, event, worked_on
from benchmarks.lists import Fleet, _slices
from benchmarks.onscreen import Alone, Cost, Painted, done
from benchmarks.opening import _reading, listed
from benchmarks.serving import served
from benchmarks.table import GROWTH_MARKER, circumstances, median, put_into_page
from benchmarks.table import told as rounded
from benchmarks.trees import Work
from tui.widgets.event_pane import EventPane
from tui.widgets.virtual_list import VirtualList

Ways = dict[str, tuple[Callable[[Painted, VirtualList], None], Callable[[Painted, VirtualList], None]]]
WAYS: Ways = {
    "cursor": (lambda app, lines: app.key("up"), lambda app, lines: app.key("down")),
    "page": (lambda app, lines: app.key("pageup"), lambda app, lines: app.key("pagedown")),
    "wheel": (
        lambda app, lines: lines.scroll_relative(y=-3, animate=False),
        lambda app, lines: lines.scroll_relative(y=3, animate=False),
    ),
}
"""Forth and back, so that it never comes to an end."""
SIZES = (100, 1_000, 10_000, 100_000)
ROUNDS = range(1, 16)


async def _median(one: Callable[[int], Awaitable[Cost]]) -> float:
    return median([(await one(number)).cpu for number in ROUNDS])


async def _list(count: int) -> dict[str, float]:
    fleet = Fleet(board_of(count))
    async with fleet.app.running():
        await fleet.app.cost(fleet.show)
        gc.freeze()
        told = {
            "a visible row changes": await _median(lambda number: fleet.take(changed(fleet.listing, number))),
            "a task arrives": await _median(lambda number: fleet.take(arrived(number))),
        }
        for way, moves in WAYS.items():
            await fleet.app.within(lambda: fleet.tasks.move_to(count // 3))
            await fleet.app.quiet()
            told[f"{way} in the list"] = await _median(
                lambda number: fleet.app.cost(lambda: moves[number % 2](fleet.app, fleet.tasks))
            )
    return told


async def _tree(count: int) -> dict[str, float]:
    work = Work(worked_on(count))
    async with work.app.running():
        await work.show()
        gc.freeze()
        return {"an entry more in the tree": await _median(work.more)}


async def _events(count: int) -> dict[str, float]:
    app = Alone(pane := EventPane(DESK, id="events"))
    async with app.running():
        await app.cost(lambda: pane.add_changes([event(number) for number in range(count)]))
        gc.freeze()
        return {
            "a line more in the events": await _median(lambda n: app.cost(lambda: pane.add_changes([event(count + n)])))
        }


def _whole(count: int) -> Iterator[tuple[str, float]]:
    state = board_of(count)
    gc.freeze()
    slices = [list(_slices(state)) for _ in range(5)]
    gc.unfreeze()
    yield "all tasks arranged anew, in slices", median([sum(one) for one in slices])
    yield "the longest of these slices", median([max(one) for one in slices])
    with served(entries=count, status="completed") as address:
        told = [_reading("ours", address, count) for _ in range(3)]
    yield "a log opened, wall ms", median([one["wall"] for one in told]) * 1e3
    yield "memory with it, MB", median([one["mb"] for one in told])
    yield "memory with so many tasks listed, MB", listed(count)[1]


def main() -> None:
    """Measure each size by itself, and print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--page", action="store_true", help="put the table into docs/performance.md too")
    asked = words.parse_args()
    columns: list[dict[str, float]] = []
    for count in SIZES:
        told: dict[str, float] = {}
        parts: tuple[Callable[[int], Any], ...] = (_list, _tree, _events)
        for part in parts:
            told |= done(lambda: part(count))
            gc.unfreeze()
        columns.append(told | dict(_whole(count)))
    table = [f"| what is done | {' | '.join(f'{count:,}' for count in SIZES)} |", "|---|" + "--:|" * len(SIZES)]
    table += [
        f"| {name} | {' | '.join(rounded(column[name], '').strip() for column in columns)} |" for name in columns[0]
    ]
    table += ["", circumstances()]
    print(*table, sep="\n")
    if asked.page:
        put_into_page(table, GROWTH_MARKER)


if __name__ == "__main__":
    main()
