"""The activity log of one task: its log and its live events merged into one list of nodes, each entry once."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec import Struct, field

from tui.client.events import Event
from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Decision, Delegation, Entry, Log, Message
from tui.client.models import ContextStatus, Plan
from tui.client.task_facts import Wait
from tui.domain.activity_nodes import ActivityNodes, Node, SourcedEntry
from tui.domain.open_entries import find_held_call, find_open_node, wait_of_node
from tui.domain.same_entry import SAME_ENTRY_WINDOW, earliest_log_time, find_same_entry

MIN_STREAMED_PIECES = 2000
"""Pieces of streamed text that are kept at least: the latest ones, because the end of the text is shown."""
MAX_NODES_LOOKED_BACK = 64
"""Latest nodes that are searched for the same entry."""
LIVE_ORDINAL = 2**31
"""The ordinal of an entry that is not in the log, greater than every index in a log."""


class Gap(Struct, frozen=True):
    """A gap in the stream; `filled` is the number of entries that the log had for it, None while unknown."""

    at: datetime
    seconds: float
    filled: int | None = None


class Activity(Struct, eq=False):
    """The activity of one task, in order of time. It only grows; its version counts the changes."""

    task_id: str
    nodes: ActivityNodes = field(default_factory=ActivityNodes)
    version: int = 0
    shape: int = 0
    """Counts changes of the structure: any change but a node appended at the end, or new content of a node."""
    plan: Plan | None = None
    context: ContextStatus | None = None
    gaps: dict[datetime, Gap] = field(default_factory=dict)
    is_partial: bool = False
    _chunks: list[tuple[datetime, str, str]] = field(default_factory=list)
    """The pieces of streamed text, with their time and their frame's id."""
    _latest: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    """The latest report of the plan and of the context: its time and content."""
    _unlogged: dict[int, Node] = field(default_factory=dict)
    """The nodes that are not in the log, by their `id()`."""
    _cached_open_node: tuple[Node | None] | None = None
    """The open node, if it was searched for since an entry was added."""

    def __len__(self) -> int:
        return len(self.nodes)

    def __bool__(self) -> bool:
        """Return True: an activity may have a plan, or streamed text, before it has nodes."""
        return True

    def get(self, key: str) -> Node | None:
        """Get the node that has this key; None if there is none."""
        return self.nodes.get(key)

    # Changes

    def add_log(self, log: Log, at: datetime) -> None:
        """Add the log, or a part of it, that was read at a moment."""
        previous = log.since or EPOCH
        self.is_partial = log.is_partial
        if isinstance(log.entries, LazyEntries):
            self._add_lazy_log(log.entries, at)
        else:
            for ordinal, entry in enumerate(log.entries, log.first):
                previous = entry.created_at or previous
                self._add_entry(entry, SourcedEntry(at, entry), previous, ordinal, is_logged=True)
        self.version += 1

    def _add_lazy_log(self, log: LazyEntries, at: datetime) -> None:
        """Add a large log: read the entries that may be known or changed, store all others unread."""
        self._cached_open_node = None
        if self.nodes.log is None:
            ordinals = self.nodes.known_ordinals(log)
            if unlogged := self._unlogged.values():
                earliest = min(map(earliest_log_time, unlogged))
                ordinals.update(log.between(earliest, max(node.at for node in unlogged) + SAME_ENTRY_WINDOW))
            self.nodes.add_log(log, at, self.version + 1, ordinals)
            self.shape += 1
            if self._chunks:
                reply = next(filter(_is_reply, reversed(self.nodes)), None)
                if reply is not None:
                    self._forget_chunks_before(reply)
        else:
            ordinals = self.nodes.changed_ordinals(log)
        for ordinal in sorted(ordinals):
            entry = log[ordinal]
            self._add_entry(entry, SourcedEntry(at, entry), log.times[ordinal], ordinal, is_logged=True)

    def add_event(self, event: Event, at: datetime) -> None:
        """Add one event; `at` is its time if the event has none."""
        when = event.time or at
        self.version += 1
        if (piece := event.chunk) is not None:
            insort(self._chunks, (when, event.frame_id.rjust(20), piece))
            if len(self._chunks) > 2 * MIN_STREAMED_PIECES:
                del self._chunks[:MIN_STREAMED_PIECES]
        elif entry := event.entry:
            self._add_entry(entry, SourcedEntry(when, entry), entry.created_at or when, LIVE_ORDINAL, is_logged=False)
        elif (plan := event.plan) and self._is_latest("plan", when, plan.raw):
            self.plan = plan
            self.shape += 1
        elif (context := event.context) and self._is_latest("context", when, context.raw):
            self.context = context

    def add_gap(self, gap: Gap) -> None:
        """Add a gap of the stream, or replace it once it is known how much of it was filled."""
        known = self.gaps.get(gap.at)
        if known is None or known.filled is None or (gap.filled or 0) > known.filled:
            self.gaps[gap.at] = gap
            self.version += 1
            self.shape += 1

    def _is_latest(self, name: str, when: datetime, raw: Mapping[str, Any]) -> bool:
        report = (when, canonical(raw))
        if report <= self._latest.get(name, (EPOCH, "")):
            return False
        self._latest[name] = report
        return True

    def _add_entry(self, entry: Entry, sourced: SourcedEntry, when: datetime, ordinal: int, *, is_logged: bool) -> None:
        self._cached_open_node = None
        nodes = {id(node): node for node in map(self.nodes.get, entry.keys) if node}
        if is_logged and not nodes and not self._unlogged:
            self._add_logged_node(entry, sourced, when, ordinal)
            return
        if nodes:
            node, *duplicates = nodes.values()
            for duplicate in duplicates:
                self._merge_duplicate(node, duplicate)
        else:
            node = self._find_same_entry(entry, when, is_logged) or self._new_node(entry, when, ordinal)
        if is_logged:
            if node.logged and not sourced.supersedes(node.logged):
                sourced = node.logged
            elif node.logged and node.ordinal == ordinal and node.logged.entry.has_same_json(sourced.entry):
                node.logged = SourcedEntry(sourced.at, node.logged.entry)
                return
            node.logged, node.ordinal = sourced, ordinal
            self._unlogged.pop(id(node), None)
        else:
            node.add_live(sourced)
            if node.logged is None:
                self._unlogged[id(node)] = node
            else:  # it has been joined with a logged duplicate
                self._unlogged.pop(id(node), None)
        self._update_node(node, entry.keys)

    def _add_logged_node(self, entry: Entry, sourced: SourcedEntry, when: datetime, ordinal: int) -> None:
        """Add a node for an entry that is new and that only the log has reported."""
        node = Node(entry, (when, ordinal, entry.id), None, sourced, ordinal, self.version + 1)
        self.nodes.add_keys(node, entry.keys)
        self._forget_chunks_before(node)
        self._note_trigger(node)
        self._insert(node)

    def _new_node(self, entry: Entry, when: datetime, ordinal: int) -> Node:
        node = Node(entry, (when, ordinal, entry.id))
        self._insert(node)
        return node

    def _update_node(self, node: Node, keys: Iterable[str]) -> None:
        """Update the entry of a node from both sources, and its position from its time."""
        node.merge_sources()
        node.version = self.version + 1
        self.nodes.add_keys(node, (*keys, *node.entry.keys))
        self._forget_chunks_before(node)
        self._note_trigger(node)
        ordinal = LIVE_ORDINAL
        if node.logged:
            ordinal = node.ordinal
        order = (node.entry.created_at or node.at, ordinal, node.entry.id)
        if order != node.order:
            self.shape += 1
            self.nodes.remove(node)
            node.order = order
            self._insert(node)

    def _note_trigger(self, node: Node) -> None:
        """Note a change of the structure if the node may be a trigger: a sub-task's log is shown below it."""
        self.shape += isinstance(node.entry, Delegation | Decision)

    def _forget_chunks_before(self, node: Node) -> None:
        """Forget the chunks that were streamed before a reply, because the reply contains their text."""
        if self._chunks and _is_reply(node):
            self._chunks = [chunk for chunk in self._chunks if chunk[0] > node.at]

    def _insert(self, node: Node) -> None:
        self.shape += not self.nodes.insert(node)

    def _merge_duplicate(self, node: Node, duplicate: Node) -> None:
        """Merge a duplicate into a node: an entry has the keys of both."""
        self.shape += 1
        self.nodes.remove(duplicate)
        self._unlogged.pop(id(duplicate), None)
        self.nodes.add_keys(node, duplicate.entry.keys)
        if duplicate.live:
            node.add_live(duplicate.live)
        if duplicate.logged and (node.logged is None or duplicate.logged.supersedes(node.logged)):
            node.logged, node.ordinal = duplicate.logged, duplicate.ordinal

    def _find_same_entry(self, entry: Entry, when: datetime, is_logged: bool) -> Node | None:
        """Find the node of the other source that has the same entry under another id."""
        candidates: Iterable[Node] = self._unlogged.values()
        if not is_logged:
            candidates = (node for node in self.nodes[-MAX_NODES_LOOKED_BACK:] if node.live is None)
        return find_same_entry(entry, when, candidates, is_logged=is_logged)

    # Queries

    @property
    def streaming(self) -> str:
        """The text that is streaming now: everything since the agent's last reply and the last gap.

        The end of that reply is no new text: its pieces had times of another clock.
        """
        replies = [node for node in self.nodes[-MAX_NODES_LOOKED_BACK:] if _is_reply(node)]
        ends = [gap.at for gap in self.gaps.values()]
        ends += [node.at for node in replies]
        since = max(ends, default=EPOCH)
        text = "".join(piece for when, _, piece in self._chunks if when > since)
        if replies and replies[-1].entry.label.rstrip().endswith(text.strip()):
            return ""
        return text

    @property
    def open_node(self) -> Node | None:
        """The latest open node, with which the task waits: a sign-in, a question, a card or a held tool call."""
        if self._cached_open_node is None:
            self._cached_open_node = (find_open_node(islice(reversed(self.nodes), 4 * MAX_NODES_LOOKED_BACK)),)
        return self._cached_open_node[0]

    @property
    def open_entry(self) -> Entry | None:
        """The entry that tells what the task waits for: that of the open node, or the call that its card holds."""
        node = self.open_node
        if node is None:
            return None
        return find_held_call(node.entry, self.nodes[-MAX_NODES_LOOKED_BACK:]) or node.entry

    @property
    def wait(self) -> Wait | None:
        """The wait according to the log."""
        node = self.open_node
        if node is None:
            return None
        return wait_of_node(node)


def _is_reply(node: Node) -> bool:
    return isinstance(node.entry, Message) and node.entry.role == "agent"
