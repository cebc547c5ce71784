"""The table of figures: what the dashboard does beside what others do, each ratio taken in turns.

python -m benchmarks [--quick] [--rows 1,12] [--record] [--page]
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from importlib.util import find_spec

from benchmarks import steady
from benchmarks.table import (
    Effort,
    Row,
    Rows,
    circumstances,
    lines,
    missing,
    put_into_page,
    record,
    without_judgement,
    worsened,
)

MODULES = ("reading", "views", "living", "starting", "verbs")


def found() -> dict[int, Rows]:
    """Every row that there is, by its number."""
    rows: dict[int, Rows] = {}
    for name in MODULES:
        if find_spec(f"benchmarks.{name}"):
            rows |= importlib.import_module(f"benchmarks.{name}").ROWS
    return dict(sorted(rows.items()))


def measured(numbers: set[int], effort: Effort) -> tuple[list[Row], bool]:
    """Measure these rows, or all where none is named; the second answer is whether each could be measured."""
    rows: list[Row] = []
    is_whole = True
    for number, measure in found().items():
        if numbers and number not in numbers:
            continue
        begun = time.perf_counter()
        steady.leave()
        try:
            rows += measure(effort)
        except Exception as error:  # noqa: BLE001 - one row that fails does not hide the others
            rows.append(missing(number, "could not be measured", "", f"{type(error).__name__}: {error}"[:200]))
            is_whole = False
        print(f"row {number}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    return rows, is_whole


def main() -> int:
    """Measure and print; the quick form fails where a ratio is more than twice as bad as recorded, or is not to be had."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--quick", action="store_true", help="small sizes and three rounds")
    words.add_argument("--rows", default="", help="only these, as 1,12")
    words.add_argument("--record", action="store_true", help="keep the ratios to compare with")
    words.add_argument("--page", action="store_true", help="put the table into docs/performance.md too")
    asked = words.parse_args()
    if not asked.quick:
        steady.begin()
    rows, is_whole = measured({int(number) for number in asked.rows.split(",") if number}, Effort(asked.quick))
    table = [*lines(map(without_judgement, rows) if asked.quick else rows), "", circumstances()]
    print(*table, sep="\n")
    if asked.page:
        put_into_page(table)
    if asked.record:
        record(rows)
    worse = worsened(rows) if asked.quick else []
    if worse:
        print("more than twice as bad as recorded, or not measured:", *worse, sep="\n  ")
    return int(bool(worse) or not is_whole)


if __name__ == "__main__":
    sys.exit(main())
