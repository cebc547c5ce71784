"""A large activity log: all heads are read as it comes in, and an entry when it is looked at."""

from __future__ import annotations

import asyncio
import operator
import re
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Self, overload

from tui.api.entries import Decision, Delegation, Entry, ToolCall, entry_of
from tui.api.record import moment
from tui.api.wirejson import NotJson, loads

if TYPE_CHECKING:
    from msgspec import Raw

    from tui.api.heads import Head


LARGE = 1024 * 1024
"""Bytes from which a log is large."""
PIECE = LARGE // 2
"""Bytes after which it is cut, always in the same places: what has not changed is alike, piece by piece, later."""
ROOM = PIECE // 8
"""Bytes behind these, among which a place for the cut is looked for at the least."""
TRIES = 8
"""How many such places are tried."""
TURN = 1000
"""Entries that are taken in before others have a turn."""
TELLING = frozenset({ToolCall, Delegation, Decision})
"""What may have more names, have failed, or name the sub-task that it started."""


_LIST = re.compile(rb"\s*\[")
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')
_NAMES = re.compile(rb'\s*\{\s*("[^"\\]*")\s*:\s*"[^"\\]*"\s*,\s*("[^"\\]*")\s*:')


class Unusual(ValueError):
    """The log has an entry that has to be read whole to know what it is, or two that go by one name."""


class Entries(Sequence[Entry]):
    """The entries of a log, each of the usual form: what it is, when it was and its names are known of all."""

    def __init__(self) -> None:
        from tui.api import heads  # what reads them is worth its time only for a large log

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
        self._heads = heads
        self._pieces: list[bytes] = []
        self._begins: list[int] = []
        """Which entry each of the pieces begins with."""
        self._looked_at: tuple[int, list[Raw]] = -1, []
        """The piece that was looked at last, and its entries as they were written."""

    def take(self, piece: bytes) -> None:
        """Take in what comes next: some entries, as a JSON list."""
        try:
            heads = self._heads.heads_of(piece)
            times = _times(heads)
        except self._heads.UNUSUAL as error:
            raise Unusual from error
        begin = len(self)
        ids = [head.id if head.id and not head.id.isspace() else _name(head) for head in heads]
        kinds = list(map(self._heads.kind_of_head, heads))
        known = len(self.places) + len(ids)
        self.places.update(zip(ids, range(begin, begin + len(ids)), strict=True))
        for place in [at for at, kind in enumerate(kinds) if kind in TELLING]:
            head = heads[place]
            if kinds[place] is not ToolCall:
                if self._heads.names_child(head, kinds[place]):
                    self.naming.add(begin + place)
                continue
            if head.is_error:
                self.failed.add(begin + place)
            if head.request_id or head.tool_call_id:
                others = {name for name in (head.request_id, head.tool_call_id) if name and name != ids[place]}
                known += len(others)
                self.places.update(dict.fromkeys(others, begin + place))
        if len(self.places) < known:
            raise Unusual
        self._pieces.append(piece)
        self._begins.append(begin)
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
        part = self._part(place)
        return self._heads.entry_of_head(part, self._heads.head_of(part), self.kinds[place])

    def between(self, first: datetime, last: datetime) -> list[int]:
        """The places of what was from one moment to another."""
        when = self.times.__getitem__
        return self.order[bisect_left(self.order, first, key=when) : bisect_right(self.order, last, key=when)]

    def unknown_to(self, names: dict[str, object]) -> Sequence[Entry]:
        """The entries of which nobody has told under any of their names; from now on these are known."""
        known = {self.places[name] for name in names.keys() & self.places.keys()}
        names.update(self.places)
        return tuple(self[place] for place in range(len(self)) if place not in known) if known else self

    def unlike(self, other: Entries) -> list[int]:
        """The places at which the other's entry is not the same to the letter."""
        alike = sum(1 for _ in takewhile(bool, map(operator.eq, self._pieces, other._pieces)))
        first = [*self._begins, len(self)][alike]
        same = map(operator.eq, self._parts(alike), other._parts(alike))
        differ = [place for place, is_same in enumerate(same, first) if not is_same]
        return [*differ, *range(min(len(self), len(other)), len(self))]

    def _parts(self, first: int) -> Iterator[Raw]:
        """The entries as they were written, from this piece on."""
        return (part for piece in self._pieces[first:] for part in self._heads.parts_of(piece))

    def _part(self, place: int) -> Raw:
        number = bisect_right(self._begins, place) - 1
        if number != self._looked_at[0]:
            self._looked_at = number, self._heads.parts_of(self._pieces[number])
        return self._looked_at[1][place - self._begins[number]]


class Incoming:
    """A log on its way. A large one is cut between two entries again and again, and the heads of what is there read.

    What stands between two entries is only guessed: a cut holds where what is before it is a list of whole entries.
    """

    def __init__(self) -> None:
        self.log_id: str | None = None
        """The id of the thread that a large log says it is of, once all of it is there."""
        self._begin = b""
        """What stands before the first entry of a large one."""
        self._between = re.compile(b"")
        """What stands between two entries: an end, the comma, and the names that the first of all begins with."""
        self._pieces: list[bytes] = []
        self._rest: list[bytes] = []
        """What has come since the last cut, and the comma before it."""
        self._size = self._waiting = 0
        """Bytes of all that has come, and of the rest."""
        self._reach = LARGE
        """How far into the rest the next cut is at the least."""
        self._left: list[Raw] = []
        """The last entries, as they were written."""
        self._entries: Entries | None = None
        """As long as each entry is of the usual form."""

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        rest = b"".join(self._rest)
        return self._begin + b",".join([*(piece[1:-1] for piece in self._pieces), rest[1:] if self._begin else rest])

    def __iadd__(self, more: bytes) -> Self:
        self._rest.append(more)
        self._size += len(more)
        self._waiting += len(more)
        if self._waiting >= self._enough:
            self._cut(b"".join(self._rest))
        return self

    @property
    def _enough(self) -> int:
        return self._reach + max(self._reach // 8, ROOM)

    def _cut(self, whole: bytes) -> None:
        """Cut the rest into pieces, as far as it goes."""
        place = 0 if self._begin else self._begun(whole)
        while len(whole) - place >= self._enough:
            if cut := self._next(whole, place):
                place, self._reach = cut, PIECE
            else:
                self._reach *= 2
        self._rest, self._waiting = [whole[place:]], len(whole) - place

    def _begun(self, whole: bytes) -> int:
        """Find the first entry; the answer is where the list of them begins."""
        from tui.api.heads import split  # what reads it is worth its time only for a large one

        self._reach = sys.maxsize
        found = _LIST.match(whole) or _MESSAGES.search(whole)
        names = found and _NAMES.match(whole, found.end())
        if found is None or names is None:
            return 0
        begin = whole[: found.end()]
        if split(begin + b"]") != [] and split(begin + b"]}") != []:
            return 0
        one, other = map(re.escape, names.groups())
        self._between = re.compile(rb'\}\s*(,)\s*\{\s*%b\s*:\s*"[^"\\]*"\s*,\s*%b\s*:' % (one, other))
        self._begin, self._entries, self._reach = begin, Entries(), PIECE
        return found.end() - 1

    def _next(self, whole: bytes, place: int) -> int:
        """Take in what comes next; the answer is where it ends, 0 where no end is found."""
        least = place + self._reach
        for found in islice(self._between.finditer(whole, least, place + self._enough), TRIES):
            cut = found.start(1)
            if self._take(b"".join((b"[", memoryview(whole)[place + 1 : cut], b"]"))):
                return cut
        return 0

    def _take(self, piece: bytes) -> bool:
        """Take in some entries, if these are whole entries."""
        from tui.api.heads import split

        try:
            if self._entries is None:
                raise Unusual
            self._entries.take(piece)
        except Unusual:
            if split(piece) is None:
                return False
            self._entries = None
        self._pieces.append(piece)
        return True

    def is_log(self) -> bool:
        """Whether it is a large log, now that all of it is there."""
        from tui.api.heads import log_id, split

        if self._size <= LARGE:
            return False
        rest = b"".join(self._rest)
        end = self._begin + rest[1:] if self._begin else rest
        parts = split(end)
        if parts is None or (self._pieces and not (parts and end[len(self._begin) :].lstrip().startswith(parts[0]))):
            return False
        self._left = parts
        self.log_id = log_id(end)
        return True

    async def entries(self) -> Sequence[Entry]:
        """Its entries: each is read when it is looked at, unless one of them is of another form than usual."""
        from tui.api.heads import entry_at, parts_of

        if not self._pieces:
            self._entries = Entries()
        for at in range(0, len(self._left), TURN):
            await asyncio.sleep(0)
            self._take(b"[%b]" % b",".join(self._left[at : at + TURN]))
        if self._entries is not None:
            return self._entries
        read: list[Entry] = []
        for piece in self._pieces:
            await asyncio.sleep(0)
            read += [entry_at(part) or entry_of(_readable(part)) for part in parts_of(piece)]
        return tuple(read)


def _readable(part: Raw) -> object:
    try:
        return loads(bytes(part))
    except NotJson:
        return bytes(part).decode("utf-8", "replace")


def _name(head: Head) -> str:
    for name in (head.request_id, head.tool_call_id):
        if name and not name.isspace():
            return name
    raise Unusual


def _times(heads: list[Head]) -> list[datetime]:
    """As `moment` reads them, where they are written as usual."""
    written = [text for head in heads if (text := head.created_at) and text[4:5] == "-"]
    times = list(map(datetime.fromisoformat, written))
    if {when.tzinfo for when in times} != {UTC}:
        times = [when for told in times if (when := moment(told))]
    if len(times) < len(heads) or not 1900 < min(times).year <= max(times).year < 9000:
        raise Unusual
    return times
