"""A large activity log that is read lazily: an index of all entries first, an entry itself when it is used."""

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
from tui.client.json_values import FIRST_YEAR, LAST_YEAR, parse_time
from tui.client.log_entries import Decision, Delegation, Entry, ToolCall, parse_entry
from tui.client.partial_decode import PartialEntry, decode_partial, entry_class_of_partial, names_child, split_log
from tui.client.task_rows import MSGSPEC_ERRORS

MIN_LAZY_LOG_BYTES = 1024 * 1024
"""A larger log is read lazily."""
MAX_ENTRIES_PER_STEP = 1000
"""Entries that are indexed before the event loop gets control."""
MAX_MODELS_PER_STEP = 100
"""Entries that are parsed before the event loop gets control: each is a pydantic model."""
KINDS_WITH_DETAILS = frozenset({ToolCall, Delegation, Decision})
"""Kinds of entries that can have more keys, have failed, or name the sub-task that they started."""


class NotLazy(ValueError):
    """The log cannot be read in the lazy way: an entry has an unusual form, or two entries share a key."""


class LazyEntries(Sequence[Entry]):
    """The entries of a large log, parsed lazily on each access; kind, time and keys of all of them are indexed.

    Every index counts from 0 in the order of the log.
    """

    def __init__(self) -> None:
        """Create an empty log; `extend` adds the entries."""
        self.ids: list[str] = []
        self.kinds: list[type[Entry]] = []
        self.tally: Counter[type[Entry]] = Counter()
        """The number of entries of each kind."""
        self.times: list[datetime] = []
        self.index_by_key: dict[str, int] = {}
        self.failed: set[int] = set()
        """The indexes of tool calls that failed."""
        self.with_child: set[int] = set()
        """The indexes of entries that name the sub-task that they started."""
        self.order: list[int] = []
        """All indexes, in the order of time."""
        self._raw_entries: list[Raw] = []

    def extend(self, raw_entries: Sequence[Raw]) -> None:
        """Extend the index by these entries; raise NotLazy if one of them must be parsed to be indexed."""
        try:
            partials = list(map(decode_partial, raw_entries))
            times = _parse_times(partials)
        except MSGSPEC_ERRORS as error:
            raise NotLazy from error
        start = len(self)
        ids = [partial.id if partial.id and not partial.id.isspace() else _call_id(partial) for partial in partials]
        kinds = list(map(entry_class_of_partial, partials))
        key_count = len(self.index_by_key) + len(ids)
        self.index_by_key.update(zip(ids, range(start, start + len(ids)), strict=True))
        for position, kind in enumerate(kinds):
            if kind in KINDS_WITH_DETAILS:
                key_count += self._index_details(partials[position], kind, ids[position], start + position)
        is_a_key_shared = len(self.index_by_key) < key_count  # the second entry has replaced the first in the index
        if is_a_key_shared:
            raise NotLazy
        self._raw_entries += raw_entries
        self.ids += ids
        self.kinds += kinds
        self.tally.update(kinds)
        self.times += times
        self._extend_order(start)

    def _index_details(self, partial: PartialEntry, kind: type[Entry], entry_id: str, index: int) -> int:
        """Index what else is known of an entry: whether it failed, names a sub-task, or has more keys than its id.

        Return how many more keys it has.
        """
        if kind is not ToolCall:  # only tool calls fail and have more than one key
            if names_child(partial, kind):
                self.with_child.add(index)
            return 0
        if partial.is_error:
            self.failed.add(index)
        more_keys = {key for key in (partial.request_id, partial.tool_call_id) if key and key != entry_id}
        self.index_by_key.update(dict.fromkeys(more_keys, index))
        return len(more_keys)

    def _extend_order(self, start: int) -> None:
        """Extend the order of time by the entries from `start` on, which are usually later than all others."""
        time_of = self.times.__getitem__
        new_order = sorted(range(start, len(self)), key=time_of)
        are_later = not self.order or time_of(self.order[-1]) <= time_of(new_order[0])
        self.order += new_order
        if not are_later:
            self.order.sort(key=time_of)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...

    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        if isinstance(index, slice):
            return tuple(self[number] for number in range(*index.indices(len(self))))
        index = range(len(self))[index]
        return self.kinds[index].from_value(loads(bytes(self._raw_entries[index])))

    def between(self, first: datetime, last: datetime) -> list[int]:
        """Return the indexes of the entries between two times, in the order of time."""
        time_of = self.times.__getitem__
        start = bisect_left(self.order, first, key=time_of)
        end = bisect_right(self.order, last, key=time_of)
        return self.order[start:end]

    def unknown_to(self, names: dict[str, object]) -> Sequence[Entry]:
        """Return the entries unknown so far, with no key in `names`, and add the keys of all entries to `names`."""
        known = {self.index_by_key[name] for name in names.keys() & self.index_by_key.keys()}
        names.update(self.index_by_key)
        if not known:
            return self
        return tuple(self[index] for index in range(len(self)) if index not in known)

    def changed_indexes(self, other: LazyEntries) -> list[int]:
        """Return the indexes of the entries whose JSON has changed in the other log, or that only one of them has."""
        are_equal = map(operator.eq, self._raw_entries, other._raw_entries)  # as far as both logs go
        changed = [index for index, is_equal in enumerate(are_equal) if not is_equal]
        common_count = min(len(self), len(other))
        return [*changed, *range(common_count, len(self))]


class LargeLog:
    """A large activity log that is not parsed yet: its thread's id, and the JSON of each of its entries."""

    def __init__(self, thread_id: str | None, raw_entries: list[Raw]) -> None:
        self.thread_id = thread_id
        self._raw_entries = raw_entries

    @classmethod
    def from_bytes(cls, content: bytes | bytearray) -> LargeLog | None:
        """Return the log for the bytes of an answer; None if it is not large or must be parsed as a whole."""
        if len(content) <= MIN_LAZY_LOG_BYTES:
            return None
        log = split_log(content)
        if log is None:
            return None
        return cls(log.id, log.messages)

    async def entries(self) -> Sequence[Entry]:
        """Return the entries, lazily parsed if all of them have the usual form."""
        entries = LazyEntries()
        try:
            for start in range(0, len(self._raw_entries), MAX_ENTRIES_PER_STEP):
                await asyncio.sleep(0)
                entries.extend(self._raw_entries[start : start + MAX_ENTRIES_PER_STEP])
        except NotLazy:
            return await read_entries(loads(bytes(raw_entry)) for raw_entry in self._raw_entries)
        return entries


async def read_entries(items: Iterable[object]) -> tuple[Entry, ...]:
    """Read all entries of a log, giving control to the event loop in between."""
    entries: list[Entry] = []
    for item in items:
        if len(entries) % MAX_MODELS_PER_STEP == 0:
            await asyncio.sleep(0)
        entries.append(parse_entry(item))
    return tuple(entries)


def _call_id(partial: PartialEntry) -> str:
    """Return the id of the call, for an entry without an id; raise NotLazy if it has none either."""
    for call_id in (partial.request_id, partial.tool_call_id):
        if call_id and not call_id.isspace():
            return call_id
    raise NotLazy


def _parse_times(partials: list[PartialEntry]) -> list[datetime]:
    """Parse the times as `parse_time` does, but faster; raise NotLazy if one is missing or has an unusual form."""
    texts = [partial.created_at for partial in partials if partial.created_at and partial.created_at[4:5] == "-"]
    times = list(map(datetime.fromisoformat, texts))
    if {time.tzinfo for time in times} != {UTC}:
        times = list(filter(None, map(parse_time, times)))
    if len(times) < len(partials):
        raise NotLazy
    if min(times).year < FIRST_YEAR or max(times).year > LAST_YEAR:
        raise NotLazy
    return times
