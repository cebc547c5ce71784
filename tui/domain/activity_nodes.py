"""What happened in one task, in the order of time; in it a large log's entries wait until they are looked at."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import overload

from msgspec import Struct

from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry, ToolCall

NodeOrder = tuple[datetime, int, str]


class SourcedEntry(Struct, frozen=True, gc=False):
    """What was told of one thing by one of the two sources, and when that source told it."""

    at: datetime
    entry: Entry


class Node(Struct, eq=False, gc=False):
    """One thing that happened: what the stream said of it, what the log says, and both joined."""

    entry: Entry
    order: NodeOrder
    live: SourcedEntry | None = None
    logged: SourcedEntry | None = None
    ordinal: int = 0
    version: int = 0
    """The activity's version when this node changed last."""

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.order[0]

    @property
    def provenance(self) -> str:
        """`live` when the stream told of it, `back-filled` when only the log did."""
        return "live" if self.live else "back-filled"

    @property
    def seconds(self) -> float | None:
        """How long a tool call took, as far as both its ends are known."""
        entry = self.entry
        begun = (entry.started_at or entry.created_at) if isinstance(entry, ToolCall) else None
        if isinstance(entry, ToolCall) and begun and entry.finished_at:
            return max((entry.finished_at - begun).total_seconds(), 0.0)
        return None

    @property
    def is_timed(self) -> bool:
        """Whether the beginning of the call was told, and is not just the time of its entry."""
        return isinstance(self.entry, ToolCall) and self.entry.started_at is not None


class ActivityNodes(Sequence[Node]):
    """Nodes in order, and by the names that they go by.

    What a large log tells is a number until it is looked at: the place of the entry in that log.
    """

    def __init__(self) -> None:
        self.log: LazyEntries | None = None
        """The large log, where there was one."""
        self._read_at: datetime
        self._version = 0
        self._items: list[Node | int] = []
        self._read: set[int] = set()
        """The places in the log of what is a node."""
        self._by_key: dict[str, Node | int] = {}
        self._naming: dict[int, Node] = {}
        """The nodes that name the sub-task they started, by their `id()`."""

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, place: int) -> Node: ...

    @overload
    def __getitem__(self, place: slice) -> list[Node]: ...

    def __getitem__(self, place: int | slice) -> Node | list[Node]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        item = self._items[place]
        return self._made(place, item) if isinstance(item, int) else item

    def get(self, key: str) -> Node | None:
        """The node that goes by this name, whichever of its names it is."""
        item = self._by_key.get(key)
        return self[self._find(self._order(item))] if isinstance(item, int) else item

    def place_of(self, node: Node) -> int:
        """Where it is."""
        return len(self) - 1 if self._items[-1] is node else self._find(node.order)

    def of_kind(self, *kinds: type[Entry]) -> Iterator[Node]:
        """The nodes of these kinds, in order."""
        return (self[place] for place, kind in enumerate(self._kinds) if kind in kinds)

    def naming(self) -> Iterator[Node]:
        """The nodes that name the sub-task they started, in order."""
        if self.log:
            for place in self.log.with_child - self._read:
                self.get(self.log.ids[place])
        naming = [node for node in self._naming.values() if node.entry.started_task_id]
        return iter(sorted(naming, key=lambda node: node.order))

    def tally(self) -> tuple[Counter[type[Entry]], int]:
        """How many there are of each kind, and how many calls failed."""
        nodes = self._nodes
        kinds, failed = Counter(type(node.entry) for node in nodes), sum(_has_failed(node.entry) for node in nodes)
        if self.log:
            kinds += self.log.tally - Counter(self.log.kinds[place] for place in self._read)
            failed += len(self.log.failed - self._read)
        return kinds, failed

    # Changing

    def name(self, node: Node, keys: Iterable[str]) -> None:
        """It goes by these names, too."""
        for key in keys:
            self._by_key[key] = node
        self._note_naming(node)

    def _note_naming(self, node: Node) -> None:
        if node.entry.started_task_id:
            self._naming[id(node)] = node

    def put(self, node: Node) -> bool:
        """Put it where its time says; whether that is behind all others."""
        self._note_naming(node)
        is_last = not self._items or self._order(self._items[-1]) <= node.order
        self._items.insert(len(self) if is_last else bisect_right(self._items, node.order, key=self._order), node)
        return is_last

    def remove(self, node: Node) -> None:
        """Take it out; it keeps its names."""
        del self._items[self.place_of(node)]
        self._naming.pop(id(node), None)

    def adopt(self, log: LazyEntries, at: datetime, version: int, apart: Collection[int]) -> None:
        """Take in a large log as it was read at a moment, but for what is to be looked at apart."""
        mine, names = self[:], self._by_key
        self.log, self._read_at, self._version, self._read = log, at, version, {*apart}
        self._items = [place for place in log.order if place not in apart] if apart else [*log.order]
        self._by_key = dict(log.index_by_key)
        for place in apart:
            for key in log[place].keys:
                del self._by_key[key]
        self._by_key.update(names)
        for node in mine:
            self.put(node)

    # A later reading of the log

    def known_in(self, log: LazyEntries) -> set[int]:
        """The places in a log of what is known by name."""
        return {log.index_by_key[key] for key in self._by_key.keys() & log.index_by_key.keys()}

    def news_in(self, log: LazyEntries) -> set[int]:
        """The places in a later reading of the large log of all that was looked at, or is not as it was."""
        assert self.log is not None
        return {place for place in self._read if place < len(log)} | {*log.changed_indexes(self.log)}

    # Reading

    def _made(self, place: int, number: int) -> Node:
        """What stands there as a number, from now on as a node."""
        assert self.log is not None
        entry = self.log[number]
        heard = SourcedEntry(self._read_at, entry)
        node = self._items[place] = Node(entry, self._order(number), None, heard, number, self._version)
        self._read.add(number)
        self.name(node, entry.keys)
        return node

    def _find(self, order: NodeOrder) -> int:
        return bisect_left(self._items, order, key=self._order)  # no two have one order: an id has one node

    def _order(self, item: Node | int) -> NodeOrder:
        if isinstance(item, Node):
            return item.order
        assert self.log is not None
        return self.log.times[item], item, self.log.ids[item]

    @property
    def _nodes(self) -> list[Node]:
        if self.log and len(self) + len(self._read) == len(self.log):
            return []
        return [item for item in self._items if isinstance(item, Node)]

    @property
    def _kinds(self) -> list[type[Entry]]:
        unread = self.log.kinds if self.log else []
        return [unread[item] if isinstance(item, int) else type(item.entry) for item in self._items]


def _has_failed(entry: Entry) -> bool:
    return isinstance(entry, ToolCall) and entry.is_error
