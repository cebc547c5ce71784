"""The nodes of an activity in order of time; entries of a large log are read when their node is first needed."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, overload

from msgspec import Struct

from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry, Message, ToolCall

NodeOrder = tuple[datetime, int, str]
"""The sort key of a node: the time, the ordinal of its log entry, and the entry's id."""


class SourcedEntry(Struct, frozen=True, gc=False):
    """An entry as one of the two sources reported it, and the time of the report."""

    at: datetime
    entry: Entry

    def supersedes(self, other: SourcedEntry) -> bool:
        """Return whether this report supersedes another one of the same source."""
        return self.at > other.at or (self.at == other.at and canonical(self.entry.raw) >= canonical(other.entry.raw))

    def merged_with(self, other: SourcedEntry) -> SourcedEntry:
        """Return both entries merged: each field from the later one that has a value, and the earlier creation time."""
        late, early = (self, other) if self.supersedes(other) else (other, self)
        raw = {**early.entry.raw, **_fields_with_value(late.entry)}
        times = [
            (entry.created_at, entry.raw.get("created_at")) for entry in (self.entry, other.entry) if entry.created_at
        ]
        if times:
            raw["created_at"] = min(times, key=operator.itemgetter(0))[1]
        return SourcedEntry(late.at, type(late.entry).from_value(raw))


def _fields_with_value(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.raw.items() if value is not None}


class Node(Struct, eq=False, gc=False):
    """A node of an activity: an entry merged from what the stream and the log reported of it."""

    entry: Entry
    order: NodeOrder
    live: SourcedEntry | None = None
    logged: SourcedEntry | None = None
    ordinal: int = 0
    """The index of the entry in the log."""
    version: int = 0
    """The version of the activity at which this node last changed."""

    @property
    def at(self) -> datetime:
        """The time at which it happened."""
        return self.order[0]

    @property
    def provenance(self) -> str:
        """The provenance: `live` if the stream reported it, `back-filled` if only the log did."""
        if self.live:
            return "live"
        return "back-filled"

    @property
    def seconds(self) -> float | None:
        """The seconds that a tool call took, if its start and end are known."""
        entry = self.entry
        if not isinstance(entry, ToolCall):
            return None
        begin = entry.started_at or entry.created_at
        if begin is None or entry.finished_at is None:
            return None
        return max((entry.finished_at - begin).total_seconds(), 0.0)

    @property
    def is_timed(self) -> bool:
        """True if a tool call is timed: its start was reported, not derived from the time of its entry."""
        return isinstance(self.entry, ToolCall) and self.entry.started_at is not None

    def add_live(self, report: SourcedEntry) -> None:
        """Add a live report of the entry."""
        if self.live is not None:
            report = self.live.merged_with(report)
        self.live = report

    def merge_sources(self) -> None:
        """Merge the entry from both sources: fields of the log replace those of the stream."""
        if self.logged is not None and self.live is not None:
            raw = {**self.live.entry.raw, **_fields_with_value(self.logged.entry)}
            self.entry = type(self.logged.entry).from_value(raw)
        elif self.logged is not None:
            self.entry = self.logged.entry
        elif self.live is not None:
            self.entry = self.live.entry


class ActivityNodes(Sequence[Node]):
    """The nodes of an activity in order, and by the keys of their entries.

    An entry of a large log is stored as its ordinal, the index in that log, until its node is first needed.
    """

    def __init__(self) -> None:
        self.log: LazyEntries | None = None
        """The large log, if the task has one."""
        self._log_read_at: datetime
        self._version = 0
        self._items: list[Node | int] = []
        """In order, a node, or the ordinal of a log entry that is still unread."""
        self._read_ordinals: set[int] = set()
        """The ordinals of the log entries that are nodes."""
        self._by_key: dict[str, Node | int] = {}
        self._with_started_task: dict[int, Node] = {}
        """The nodes that name the sub-task they started, by their `id()`."""

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Node: ...

    @overload
    def __getitem__(self, index: slice) -> list[Node]: ...

    def __getitem__(self, index: int | slice) -> Node | list[Node]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        item = self._items[index]
        if isinstance(item, int):
            return self._read_node(index, item)
        return item

    def get(self, key: str) -> Node | None:
        """Get the node that has this key; None if there is none."""
        item = self._by_key.get(key)
        if isinstance(item, int):
            return self[self._index_at(self._order_of(item))]
        return item

    def index_of(self, node: Node) -> int:
        """Return the index of a node."""
        if self._items[-1] is node:
            return len(self) - 1
        return self._index_at(node.order)

    def of_kind(self, *kinds: type[Entry]) -> Iterator[Node]:
        """Yield the nodes of these kinds, in order."""
        return (self[index] for index, kind in enumerate(self._kinds) if kind in kinds)

    def with_started_task(self) -> Iterator[Node]:
        """Yield the nodes that name the sub-task they started, in order."""
        if self.log:
            for ordinal in self.log.with_child - self._read_ordinals:
                self.get(self.log.ids[ordinal])
        nodes = [node for node in self._with_started_task.values() if node.entry.started_task_id]
        return iter(sorted(nodes, key=lambda node: node.order))

    def count_kinds(self, since: datetime = EPOCH) -> tuple[Counter[type[Entry]], int]:
        """Count the nodes of each kind since a moment, and the failed tool calls."""
        if since > EPOCH:
            return self._count_kinds_of(self._items[self._first_index_since(since) :])
        nodes = self._read_nodes
        kinds = Counter(type(node.entry) for node in nodes)
        failed = sum(_has_failed(node.entry) for node in nodes)
        if self.log:
            kinds += self.log.tally - Counter(self.log.kinds[ordinal] for ordinal in self._read_ordinals)
            failed += len(self.log.failed - self._read_ordinals)
        return kinds, failed

    def _count_kinds_of(self, items: list[Node | int]) -> tuple[Counter[type[Entry]], int]:
        """Count the items of each kind, and the failed tool calls, without reading any."""
        failed_ordinals: Collection[int] = ()
        if self.log:
            failed_ordinals = self.log.failed
        failed = 0
        for item in items:
            if isinstance(item, int):
                failed += item in failed_ordinals
            else:
                failed += _has_failed(item.entry)
        return Counter(map(self._kind_of, items)), failed

    def has_work_before(self, moment: datetime) -> bool:
        """Return whether the agent did something before a moment: anything with a time but a message of the user."""
        first_with_time = self._first_index_since(EPOCH + timedelta.resolution)
        return any(map(self._is_work, self._items[first_with_time : self._first_index_since(moment)]))

    def _is_work(self, item: Node | int) -> bool:
        if isinstance(item, Node) and isinstance(item.entry, Message):
            return item.entry.role == "agent"
        return self._kind_of(item) is not Message

    def _first_index_since(self, moment: datetime) -> int:
        return bisect_left(self._items, (moment, -1, ""), key=self._order_of)

    # Changes

    def add_keys(self, node: Node, keys: Iterable[str]) -> None:
        """Add keys that a node can be found by."""
        for key in keys:
            self._by_key[key] = node
        self._note_started_task(node)

    def _note_started_task(self, node: Node) -> None:
        if node.entry.started_task_id:
            self._with_started_task[id(node)] = node

    def insert(self, node: Node) -> bool:
        """Insert a node in order; return whether it is the last one."""
        self._note_started_task(node)
        is_last = not self._items or self._order_of(self._items[-1]) <= node.order
        if is_last:
            self._items.append(node)
        else:
            self._items.insert(bisect_right(self._items, node.order, key=self._order_of), node)
        return is_last

    def remove(self, node: Node) -> None:
        """Remove a node from the order; its keys remain."""
        del self._items[self.index_of(node)]
        self._with_started_task.pop(id(node), None)

    def add_log(self, log: LazyEntries, at: datetime, version: int, excluded: Collection[int]) -> None:
        """Add a large log that was read at a moment, without the ordinals that the caller adds as nodes."""
        nodes, nodes_by_key = self[:], self._by_key
        self.log, self._log_read_at, self._version = log, at, version
        self._read_ordinals = {*excluded}
        self._items = [*log.order]
        if excluded:
            self._items = [ordinal for ordinal in log.order if ordinal not in excluded]
        self._by_key = dict(log.index_by_key)
        for ordinal in excluded:
            for key in log[ordinal].keys:
                del self._by_key[key]
        self._by_key.update(nodes_by_key)
        for node in nodes:
            self.insert(node)

    # Comparison with another reading of the log

    def known_ordinals(self, log: LazyEntries) -> set[int]:
        """Return the ordinals of the entries of a log that are known by one of their keys."""
        return {log.index_by_key[key] for key in self._by_key.keys() & log.index_by_key.keys()}

    def changed_ordinals(self, log: LazyEntries) -> set[int]:
        """Return the ordinals of a later reading of the log that may have changed: those read before or not equal."""
        assert self.log is not None
        return {ordinal for ordinal in self._read_ordinals if ordinal < len(log)} | {*log.changed_indexes(self.log)}

    # Reading of single entries

    def _read_node(self, index: int, ordinal: int) -> Node:
        """Read the log entry that is stored at an index as its ordinal, and store its node there."""
        assert self.log is not None
        entry = self.log[ordinal]
        logged = SourcedEntry(self._log_read_at, entry)
        node = self._items[index] = Node(entry, self._order_of(ordinal), None, logged, ordinal, self._version)
        self._read_ordinals.add(ordinal)
        self.add_keys(node, entry.keys)
        return node

    def _index_at(self, order: NodeOrder) -> int:
        return bisect_left(self._items, order, key=self._order_of)  # unique: each id has only one node

    def _order_of(self, item: Node | int) -> NodeOrder:
        if isinstance(item, Node):
            return item.order
        assert self.log is not None
        return self.log.times[item], item, self.log.ids[item]

    @property
    def _read_nodes(self) -> list[Node]:
        if self.log and len(self) + len(self._read_ordinals) == len(self.log):
            return []
        return [item for item in self._items if isinstance(item, Node)]

    @property
    def _kinds(self) -> list[type[Entry]]:
        return [self._kind_of(item) for item in self._items]

    def _kind_of(self, item: Node | int) -> type[Entry]:
        if isinstance(item, Node):
            return type(item.entry)
        assert self.log is not None
        return self.log.kinds[item]


def _has_failed(entry: Entry) -> bool:
    return isinstance(entry, ToolCall) and entry.is_error
