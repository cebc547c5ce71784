"""The values of a filter: texts, regular expressions and comparisons."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from tui.client.task_facts import Status

SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
NUMBER_SUFFIXES = {"": 1, "k": 1_000, "m": 1_000_000}

STATUS_SYNONYMS: Mapping[str, Status] = {
    "running": Status.EXECUTING,
    "waiting": Status.PAUSED,
    "queued": Status.PENDING,
    "done": Status.COMPLETED,
    "finished": Status.COMPLETED,
    "succeeded": Status.COMPLETED,
    "cancelled": Status.STOPPED,
    "canceled": Status.STOPPED,
}
"""Words of other tools for a status."""
MIN_STATUS_SIMILARITY = 0.75
"""The similarity from which a word is taken for a status with a typing error; the platform may have other statuses."""


def nearest_status(text: str) -> str:
    """Return the known status that a word probably means; empty if it is a status itself, or like none of them."""
    word = text.casefold()
    if word in list(Status):
        return ""
    if word in STATUS_SYNONYMS:
        return str(STATUS_SYNONYMS[word])
    return next(iter(difflib.get_close_matches(word, list(Status), 1, MIN_STATUS_SIMILARITY)), "")


def is_status_begun(text: str) -> bool:
    """Return whether a word is the beginning of a known status, as while it is being typed."""
    word = text.casefold()
    return any(status.startswith(word) and status != word for status in Status)


class TextValue(Struct, frozen=True):
    """A text value to match; an exact one was quoted, and its stars are ordinary characters."""

    text: str
    exact: bool = False

    def __str__(self) -> str:
        if not self.exact:
            return self.text
        return '"' + self.text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    @property
    def is_wild(self) -> bool:
        """True if the text is wild: its stars are wildcards that match anything."""
        return not self.exact and "*" in self.text

    def test(self, inside: bool) -> Callable[[str], bool]:
        """Return a test for casefolded texts: whether the value matches anywhere `inside`, or else the whole text."""
        wanted = self.text.casefold()
        if self.is_wild:
            return _wildcard_test(wanted, inside)
        if inside:
            return lambda text: wanted in text
        return lambda text: wanted == text


def _wildcard_test(wanted: str, inside: bool) -> Callable[[str], bool]:
    pattern = re.compile(".*".join(map(re.escape, wanted.split("*"))), re.DOTALL)
    if inside:
        return lambda text: bool(pattern.search(text))
    return lambda text: bool(pattern.fullmatch(text))


class RegexValue(Struct, frozen=True):
    """A regular expression (regex) to search for, ignoring case."""

    source: str

    def __str__(self) -> str:
        return f"re:/{self.source}/"

    def test(self, inside: bool) -> Callable[[str], bool]:
        """Return a test for texts: whether the expression matches anywhere in them."""
        pattern = re.compile(self.source.replace("\\/", "/"), re.IGNORECASE)
        return lambda text: bool(pattern.search(text))


class Comparison(Struct, frozen=True):
    """A comparison with an amount: the seconds of a duration, or a number."""

    sign: str
    amount: float
    is_duration: bool = True

    def __str__(self) -> str:
        units, smallest_unit = NUMBER_SUFFIXES, ""
        if self.is_duration:
            units, smallest_unit = SECONDS_PER_UNIT, "s"
        for unit, size in sorted(units.items(), key=lambda item: -item[1]):
            if self.amount % size == 0 and (self.amount or size == 1):
                return f"{self.sign}{int(self.amount // size)}{unit}"
        return f"{self.sign}{self.amount!r}{smallest_unit}"

    def holds(self, amount: float | None) -> bool:
        """Return whether the comparison holds for an amount; it never does for an unknown one."""
        if amount is None:
            return False
        match self.sign:
            case ">":
                return amount > self.amount
            case ">=":
                return amount >= self.amount
            case "<":
                return amount < self.amount
            case _:
                return amount <= self.amount


FilterValue = TextValue | RegexValue | Comparison
