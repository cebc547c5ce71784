"""A large activity log: all heads are read once it is there, and an entry when it is looked at."""

from __future__ import annotations

import asyncio
import operator
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import overload

from msgspec import Raw

from tui.client.json_codec import loads
from tui.client.json_values import parse_time
from tui.client.log_entries import Decision, Delegation, Entry, ToolCall, parse_entry
from tui.client.partial_decode import PartialEntry, decode_partial, entry_class_of_partial, names_child, split_log
from tui.client.task_rows import MSGSPEC_ERRORS

MIN_LAZY_LOG_BYTES = 1024 * 1024
"""Bytes from which a log is large."""
ENTRIES_PER_TURN = 1000
"""Entries whose heads are taken in before others have a turn."""
MODELS_PER_TURN = 100
"""Entries that are made before others have a turn: each is a pydantic model."""
KINDS_WITH_DETAILS = frozenset({ToolCall, Delegation, Decision})
"""What may have more names, have failed, or name the sub-task that it started."""


class NotLazy(ValueError):
    """The log has an entry that has to be read whole to know what it is, or two that go by one name."""


class LazyEntries(Sequence[Entry]):
    """The entries of a log, each of the usual form: what it is, when it was and its names are known of all."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.kinds: list[type[Entry]] = []
        self.tally: Counter[type[Entry]] = Counter()
        """How many there are of each kind."""
        self.times: list[datetime] = []
        self.places: dict[str, int] = {}
        """By each of its names, the how manieth an entry is."""
        self.failed: set[int] = set()
        """The calls that did."""
        self.naming: set[int] = set()
        """What names the sub-task that it started."""
        self.order: list[int] = []
        """Their places in the order of time."""
        self._parts: list[Raw] = []
        """Each of them as it was written."""

    def take(self, parts: Sequence[Raw]) -> None:
        """Take in some entries more, as they were written."""
        try:
            heads = list(map(decode_partial, parts))
            times = _times(heads)
        except MSGSPEC_ERRORS as error:
            raise NotLazy from error
        begin = len(self)
        ids = [head.id if head.id and not head.id.isspace() else _name(head) for head in heads]
        kinds = list(map(entry_class_of_partial, heads))
        known = len(self.places) + len(ids)
        self.places.update(zip(ids, range(begin, begin + len(ids)), strict=True))
        for place in [at for at, kind in enumerate(kinds) if kind in KINDS_WITH_DETAILS]:
            head = heads[place]
            if kinds[place] is not ToolCall:
                if names_child(head, kinds[place]):
                    self.naming.add(begin + place)
                continue
            if head.is_error:
                self.failed.add(begin + place)
            if head.request_id or head.tool_call_id:
                others = {name for name in (head.request_id, head.tool_call_id) if name and name != ids[place]}
                known += len(others)
                self.places.update(dict.fromkeys(others, begin + place))
        if len(self.places) < known:
            raise NotLazy
        self._parts += parts
        self.ids += ids
        self.kinds += kinds
        self.tally.update(kinds)
        self.times += times
        when = self.times.__getitem__
        order = sorted(range(begin, len(self)), key=when)
        is_later = not begin or when(self.order[-1]) <= when(order[0])
        self.order += order
        if not is_later:
            self.order.sort(key=when)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Entry: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Entry, ...]: ...

    def __getitem__(self, place: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        place = range(len(self))[place]
        return self.kinds[place].from_value(loads(bytes(self._parts[place])))

    def between(self, first: datetime, last: datetime) -> list[int]:
        """The places of what was from one moment to another."""
        when = self.times.__getitem__
        return self.order[bisect_left(self.order, first, key=when) : bisect_right(self.order, last, key=when)]

    def unknown_to(self, names: dict[str, object]) -> Sequence[Entry]:
        """The entries of which nobody has told under any of their names; from now on these are known."""
        known = {self.places[name] for name in names.keys() & self.places.keys()}
        names.update(self.places)
        return tuple(self[place] for place in range(len(self)) if place not in known) if known else self

    def unlike(self, other: LazyEntries) -> list[int]:
        """The places at which the other's entry is not the same to the letter."""
        same = map(operator.eq, self._parts, other._parts)
        differ = [place for place, is_same in enumerate(same) if not is_same]
        return [*differ, *range(min(len(self), len(other)), len(self))]


class LargeLog:
    """A large activity log as it was written: its thread's id, and the JSON of each of its entries."""

    def __init__(self, thread_id: str | None, parts: list[Raw]) -> None:
        self.thread_id = thread_id
        self._parts = parts

    @classmethod
    def from_bytes(cls, content: bytes | bytearray) -> LargeLog | None:
        """Return the log; None where it is not large, or has to be read as a whole."""
        if len(content) <= MIN_LAZY_LOG_BYTES or (found := split_log(content)) is None:
            return None
        return cls(*found)

    async def entries(self) -> Sequence[Entry]:
        """Return its entries: each is read when it is looked at, unless one of them is of another form than usual."""
        entries = LazyEntries()
        try:
            for begin in range(0, len(self._parts), ENTRIES_PER_TURN):
                await asyncio.sleep(0)
                entries.take(self._parts[begin : begin + ENTRIES_PER_TURN])
        except NotLazy:
            return await read_entries(loads(bytes(part)) for part in self._parts)
        return entries


async def read_entries(items: Iterable[object]) -> tuple[Entry, ...]:
    """Read the entries of a log, some at a time."""
    entries: list[Entry] = []
    for item in items:
        if len(entries) % MODELS_PER_TURN == 0:
            await asyncio.sleep(0)
        entries.append(parse_entry(item))
    return tuple(entries)


def _name(head: PartialEntry) -> str:
    for name in (head.request_id, head.tool_call_id):
        if name and not name.isspace():
            return name
    raise NotLazy


def _times(heads: list[PartialEntry]) -> list[datetime]:
    """As `parse_time` reads them, where they are written as usual."""
    written = [text for head in heads if (text := head.created_at) and text[4:5] == "-"]
    times = list(map(datetime.fromisoformat, written))
    if {when.tzinfo for when in times} != {UTC}:
        times = [when for told in times if (when := parse_time(told))]
    if len(times) < len(heads) or not 1900 < min(times).year <= max(times).year < 9000:
        raise NotLazy
    return times
