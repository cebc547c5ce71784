"""Rows 3 to 9 and 15: what the screens cost, each in a module of its own kind."""

from __future__ import annotations

from benchmarks import lists, opening, panes, trees, typing_in
from benchmarks.table import Rows

ROWS: dict[int, Rows] = {
    3: opening.opened,
    4: lists.interactive,
    5: lists.one_changes,
    6: trees.one_more,
    7: panes.moved,
    8: typing_in.typed,
    9: panes.appended,
    15: opening.held,
}
