"""A large activity log: all heads are read as it comes in, and an entry when it is looked at."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, overload

from tui.api.entries import Decision, Delegation, Entry, ToolCall
from tui.api.record import moment

if TYPE_CHECKING:
    from msgspec import Raw

    from tui.api.heads import Head


STARTERS = (Delegation, Decision)
"""What may name the sub-task that it started."""


class Unusual(ValueError):
    """The log has an entry that has to be read whole to know what it is, or two that go by one name."""


class Entries(Sequence[Entry]):
    """The entries of a log, each of the usual form: what it is, when it was and its names are known of all."""

    def __init__(self) -> None:
        from tui.api import heads  # what reads them is worth its time only for a large log

        self.ids: list[str] = []
        self.kinds: list[type[Entry]] = []
        self.times: list[datetime] = []
        self.places: dict[str, int] = {}
        """By each of its names, the how manieth an entry is."""
        self.failed: set[int] = set()
        """The calls that did."""
        self.naming: set[int] = set()
        """What names the sub-task that it started."""
        self.order: list[int] = []
        """Their places in the order of time."""
        self._heads = heads
        self._parts: list[Raw] = []

    def take(self, parts: Sequence[Raw]) -> None:
        """Take in what comes next."""
        try:
            heads = list(map(self._heads.head_of, parts))
            self.times += _times([head.created_at for head in heads])
        except self._heads.UNUSUAL as error:
            raise Unusual from error
        begin, known = len(self), len(self.places)
        ids = [head.id if head.id and not head.id.isspace() else _name(head) for head in heads]
        kinds = list(map(self._heads.kind_of_head, heads))
        names = list(zip(ids, range(begin, begin + len(ids)), strict=True))
        for place, (part, head, kind, name) in enumerate(zip(parts, heads, kinds, ids, strict=True), begin):
            if kind is ToolCall:
                if head.request_id or head.tool_call_id:
                    names += [(other, place) for other in {head.request_id, head.tool_call_id} - {name} if other]
                if head.is_error:
                    self.failed.add(place)
            elif kind in STARTERS and getattr(self._heads.entry_of_head(part, head, kind), "child_id", None):
                self.naming.add(place)
        self._parts += parts
        when = self.times.__getitem__
        order = sorted(range(begin, len(self)), key=when)
        is_later = not begin or when(self.order[-1]) <= when(order[0])
        self.order += order
        if not is_later:
            self.order.sort(key=when)
        self.ids += ids
        self.kinds += kinds
        self.places.update(names)
        if len(self.places) < known + len(names):
            raise Unusual

    def __len__(self) -> int:
        return len(self._parts)

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Entry, ...]: ...

    def __getitem__(self, place: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        part = self._parts[place]
        return self._heads.entry_of_head(part, self._heads.head_of(part), self.kinds[place])

    def between(self, first: datetime, last: datetime) -> list[int]:
        """The places of what was from one moment to another."""
        when = self.times.__getitem__
        return self.order[bisect_left(self.order, first, key=when) : bisect_right(self.order, last, key=when)]

    def unknown_to(self, names: set[str]) -> Sequence[Entry]:
        """The entries of which nobody has told under any of their names; from now on these are known."""
        known = {self.places[name] for name in names & self.places.keys()}
        names.update(self.places)
        return tuple(self[place] for place in range(len(self)) if place not in known) if known else self

    def unlike(self, other: Entries) -> list[int]:
        """The places at which the other's entry is not the same to the letter."""
        same = map(operator.eq, self._parts, other._parts)
        differ = [place for place, is_same in enumerate(same) if not is_same]
        return [*differ, *range(min(len(self), len(other)), len(self))]


def _name(head: Head) -> str:
    for name in (head.request_id, head.tool_call_id):
        if name and not name.isspace():
            return name
    raise Unusual


def _times(texts: list[str | None]) -> list[datetime]:
    """As `moment` reads them, where they are written as usual."""
    written = [text for text in texts if text and text[4:5] == "-"]
    times = list(map(datetime.fromisoformat, written))
    if any(when.tzinfo is not UTC for when in times):
        times = [when for told in times if (when := moment(told))]
    if len(times) < len(texts) or not 1900 < min(times).year <= max(times).year < 9000:
        raise Unusual
    return times
