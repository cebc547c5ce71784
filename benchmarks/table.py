"""The table that `make bench` prints as Markdown: each figure beside its peer, its target, and the figure of the version before."""

from __future__ import annotations

import json
import os
import re
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from platform import python_version

RECORDED = Path(__file__).with_name("recorded.json")
BEFORE = Path(__file__).with_name("before.json")
"""The ratios of two runs of the last version that used private parts of Textual and read HTTP itself, or the values."""
PAGE = Path(__file__).parents[1] / "docs/performance.md"
MARKER = "<!-- table -->"
GROWTH_MARKER = "<!-- growth -->"
UNBOUND = {"≥": "higher is better", "≤": "lower is better"}
"""The targets of rows that have none: which way is better."""
HEADINGS = ("#", "work, and what it is beside", "ours", "theirs", "ratio", "target", "met", "before", "note")
WORSE = 2.0
"""How many times as bad as recorded a ratio may become before the quick form fails."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done for a figure."""

    is_quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """So many in full, or so many in the quick form."""
        return quick if self.is_quick else full

    @property
    def rounds(self) -> range:
        """The rounds of a row."""
        return range(self.size(5, 3))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; a row without a ratio has a limit instead of a peer, or could not be measured."""

    number: int
    name: str
    ours: str
    theirs: str
    ratio: float | None
    target: str
    is_met: bool | None
    note: str = ""

    @property
    def key(self) -> str:
        """What the row is recorded under."""
        return f"{self.number} {self.name}"

    def times_worse(self, recorded: float) -> float:
        """How many times as bad as recorded the ratio is."""
        if self.ratio is None or not self.ratio or not recorded:
            return 1.0
        return recorded / self.ratio if self.target.startswith("≥") else self.ratio / recorded


Rows = Callable[[Effort], Iterable[Row]]


def row(number: int, name: str, ours: float, theirs: float, unit: str, target: str, note: str = "") -> Row:
    """A line that compares; the target is written as `≤ 1.2` or `≥ 3.5`, or as the sign alone where there is none."""
    ratio = ours / theirs if theirs else float("inf")
    return Row(number, name, told(ours, unit), told(theirs, unit), ratio, target, _holds(ratio, target), note)


def limit(number: int, name: str, ours: float, unit: str, target: str, note: str = "") -> Row:
    """A line that has no peer: ours is held against the target itself."""
    return Row(number, name, told(ours, unit), "", None, f"{target} {unit}", _holds(ours, target), note)


def fact(number: int, name: str, value: float, unit: str, note: str = "") -> Row:
    """A line without a target, for what the others do not tell."""
    return Row(number, name, told(value, unit), "", None, "", None, note)


def missing(number: int, name: str, target: str, note: str) -> Row:
    """A line whose peer is not there."""
    return Row(number, name, "", "", None, target, None, note)


def without_judgement(one: Row) -> Row:
    """The line with its target, and no word on whether it is met: of small sizes it need not be."""
    return replace(one, is_met=None)


def told(value: float, unit: str) -> str:
    """A value with three digits that count."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _holds(value: float, target: str) -> bool | None:
    sign, _, bound = target.partition(" ")
    if not bound:
        return None
    return value >= float(bound) if sign == "≥" else value <= float(bound)


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """The table in Markdown, a line each."""
    before: dict[str, str] = json.loads(BEFORE.read_text())
    yield _line(HEADINGS)
    yield "|--:|---|--:|--:|--:|---|---|---|---|"
    for one in rows:
        ratio = "" if one.ratio is None else f"{one.ratio:.3g}×"
        target = UNBOUND.get(one.target, one.target)
        met = {True: "yes", False: "NO", None: ""}[one.is_met]
        earlier = before.get(one.key, "")
        yield _line((str(one.number), one.name, one.ours, one.theirs, ratio, target, met, earlier, one.note))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def circumstances() -> str:
    """Return a sentence that says when, with which versions and on how many cores the table was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("textual", "rich", "httpx", "httpx-sse", "msgspec"))
    return f"Measured on {date.today():%d %B %Y} with Python {python_version()}, {versions}, on {os.cpu_count()} cores."


def put_into_page(table: Iterable[str], marker: str = MARKER, page: Path = PAGE) -> None:
    """Put the table behind its marker in the page, in the place of the one that is there."""
    before, found, behind = page.read_text().partition(marker)
    if not found:
        raise SystemExit(f"{page} has no line {marker}: write one where the table is to stand")
    rest = re.sub(r"\A\s*(\|.*\n)*\n*(Measured .*\n)?\n*", "", behind)
    page.write_text("\n".join([before + marker, "", *table, "", rest]))


def recorded() -> dict[str, float]:
    """The ratios of an earlier run."""
    found: dict[str, float] = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return found


def record(rows: Iterable[Row]) -> None:
    """Keep these ratios beside those of other rows."""
    fresh = {one.key: float(f"{one.ratio:.4g}") for one in rows if one.ratio is not None}
    RECORDED.write_text(json.dumps(recorded() | fresh, indent=2, ensure_ascii=False, sort_keys=True) + "\n")


def worsened(rows: Sequence[Row]) -> list[str]:
    """Return a sentence for each ratio that is more than twice as bad as recorded, or not measured any more."""
    before = recorded()
    measured = {one.key for one in rows}
    numbers = {one.number for one in rows}
    worse = [
        f"{one.key}: {one.ratio:.3g}×, recorded {before[one.key]:.3g}×"
        for one in rows
        if one.ratio is not None and one.key in before and one.times_worse(before[one.key]) > WORSE
    ]
    return worse + [f"{key}: not measured" for key in before if int(key.split()[0]) in numbers and key not in measured]
