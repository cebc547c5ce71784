"""Rows 3 to 9 and 15: what the screens cost, each in a module of its own kind."""

from __future__ import annotations

from benchmarks.lists import interactive, one_changes
from benchmarks.table import Rows

ROWS: dict[int, Rows] = {4: interactive, 5: one_changes}
