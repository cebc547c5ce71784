"""The log and the live events of one task, joined into one list of what happened, each thing once."""

from __future__ import annotations

import operator
from bisect import insort
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct, field

from tui.client.events import Event
from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import (
    Confirmation,
    Decision,
    Delegation,
    Entry,
    Log,
    Message,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)
from tui.client.models import ContextStatus, Plan, PlanStep
from tui.client.task_facts import Wait, WaitKind
from tui.client.task_rows import AnyTask
from tui.domain.activity_nodes import ActivityNodes, Node, SourcedEntry

SAME_CALL_WINDOW = timedelta(seconds=30)
"""How far apart the live event and the log's entry of one call may lie when their ids do not agree."""
MIN_STREAMED_PIECES = 2000
"""How many pieces of the text being streamed are kept at the least: its end is what is shown."""
MAX_NODES_LOOKED_BACK = 64
"""How many of the latest nodes are looked at for such a call."""


class Gap(Struct, frozen=True):
    """A time without a stream; `filled` is how many entries the log knew of it, None while that is not known."""

    at: datetime
    seconds: float
    filled: int | None = None


class Activity(Struct, eq=False):
    """What happened in one task, in the order of time. It only grows; its version counts the changes."""

    task_id: str
    nodes: ActivityNodes = field(default_factory=ActivityNodes)
    version: int = 0
    shape: int = 0
    """Counts the changes that are more than another node behind the last, or another word about one."""
    plan: Plan | None = None
    context: ContextStatus | None = None
    gaps: dict[datetime, Gap] = field(default_factory=dict)
    is_partial: bool = False
    _chunks: list[tuple[datetime, str, str]] = field(default_factory=list)
    _told: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _unlogged: dict[int, Node] = field(default_factory=dict)
    _open: tuple[Node | None] | None = None
    """What waits for a person, once it was looked for; a piece of text changes nothing of it."""

    def __len__(self) -> int:
        return len(self.nodes)

    def __bool__(self) -> bool:
        """There may be a plan, or text on its way, before there is any entry."""
        return True

    def get(self, key: str) -> Node | None:
        """The node that goes by this id, whichever of its ids it is."""
        return self.nodes.get(key)

    # Growing

    def read(self, log: Log, at: datetime) -> None:
        """Take in the log, or a part of it, as it was at a moment."""
        previous = log.since or EPOCH
        self.is_partial = log.is_partial
        if isinstance(log.entries, LazyEntries):
            self._read_large(log.entries, at)
        else:
            for ordinal, entry in enumerate(log.entries, log.first):
                previous = entry.created_at or previous
                self._add(entry, SourcedEntry(at, entry), previous, ordinal, logged=True)
        self.version += 1

    def _read_large(self, log: LazyEntries, at: datetime) -> None:
        """Look at what is known from elsewhere, or was looked at before; all else is only put in its place."""
        self._open = None
        if self.nodes.log is None:
            apart = self.nodes.known_in(log)
            if unlogged := [node.at for node in self._unlogged.values()]:
                apart.update(log.between(min(unlogged) - SAME_CALL_WINDOW, max(unlogged) + SAME_CALL_WINDOW))
            self.nodes.adopt(log, at, self.version + 1, apart)
            self.shape += 1
            if self._chunks and (reply := next(filter(_is_reply, reversed(self.nodes)), None)):
                self._forget_pieces(reply)
        else:
            apart = self.nodes.news_in(log)
        for place in sorted(apart):
            entry = log[place]
            self._add(entry, SourcedEntry(at, entry), log.times[place], place, logged=True)

    def hear(self, event: Event, at: datetime) -> None:
        """Take in one event; `at` stands in for a time that the event does not tell."""
        when = event.time or at
        self.version += 1
        if (piece := event.chunk) is not None:
            insort(self._chunks, (when, event.frame_id.rjust(20), piece))
            if len(self._chunks) > 2 * MIN_STREAMED_PIECES:
                del self._chunks[:MIN_STREAMED_PIECES]
        elif entry := event.entry:
            self._add(entry, SourcedEntry(when, entry), entry.created_at or when, 2**31, logged=False)
        elif (plan := event.plan) and self._is_news("plan", when, plan.raw):
            self.plan = plan
            self.shape += 1
        elif (context := event.context) and self._is_news("context", when, context.raw):
            self.context = context

    def gap(self, gap: Gap) -> None:
        """Take in that the stream was away; told again once it is known how much was filled."""
        known = self.gaps.get(gap.at)
        if known is None or known.filled is None or (gap.filled or 0) > known.filled:
            self.gaps[gap.at] = gap
            self.version += 1
            self.shape += 1

    def _is_news(self, name: str, when: datetime, raw: Mapping[str, Any]) -> bool:
        stamp = (when, canonical(raw))
        if stamp <= self._told.get(name, (EPOCH, "")):
            return False
        self._told[name] = stamp
        return True

    def _add(self, entry: Entry, heard: SourcedEntry, when: datetime, ordinal: int, *, logged: bool) -> None:
        self._open = None
        known = {id(node): node for key in entry.keys if (node := self.nodes.get(key))}
        if logged and not known and not self._unlogged:
            self._enter(entry, heard, when, ordinal)
            return
        node, *others = known.values() or [self._alike(entry, when, logged) or self._new(entry, when, ordinal)]
        for other in others:
            self._absorb(node, other)
        if logged:
            if node.logged and not _supersedes(heard, node.logged):
                heard = node.logged
            elif node.logged and node.ordinal == ordinal and node.logged.entry.has_same_json(heard.entry):
                node.logged = SourcedEntry(heard.at, node.logged.entry)
                return
            node.logged, node.ordinal = heard, ordinal
            self._unlogged.pop(id(node), None)
        else:
            node.live = _joined(node.live, heard)
            if node.logged is None:
                self._unlogged[id(node)] = node
        self._settle(node, entry.keys)

    def _enter(self, entry: Entry, heard: SourcedEntry, when: datetime, ordinal: int) -> None:
        """What only the log tells, and for the first time."""
        node = Node(entry, (when, ordinal, entry.id), None, heard, ordinal, self.version + 1)
        self.nodes.name(node, entry.keys)
        self._forget_pieces(node)
        self._note_child(node)
        self._place(node)

    def _new(self, entry: Entry, when: datetime, ordinal: int) -> Node:
        node = Node(entry, (when, ordinal, entry.id))
        self._place(node)
        return node

    def _settle(self, node: Node, keys: Iterable[str]) -> None:
        """Make the node's entry from what both sources said, and put it where its time says."""
        node.entry = _combined(node)
        node.version = self.version + 1
        self.nodes.name(node, (*keys, *node.entry.keys))
        self._forget_pieces(node)
        self._note_child(node)
        ordinal = node.ordinal if node.logged else 2**31
        order = (node.entry.created_at or node.at, ordinal, node.entry.id)
        if order != node.order:
            self.shape += 1
            self.nodes.remove(node)
            node.order = order
            self._place(node)

    def _note_child(self, node: Node) -> None:
        """What starts a sub-task has its log beneath it."""
        self.shape += isinstance(node.entry, Delegation | Decision)

    def _forget_pieces(self, node: Node) -> None:
        """What was streamed before a reply is in it."""
        if self._chunks and _is_reply(node):
            self._chunks = [chunk for chunk in self._chunks if chunk[0] > node.at]

    def _place(self, node: Node) -> None:
        self.shape += not self.nodes.put(node)

    def _absorb(self, node: Node, other: Node) -> None:
        """Two nodes turn out to be one thing."""
        self.shape += 1
        self.nodes.remove(other)
        self._unlogged.pop(id(other), None)
        self.nodes.name(node, other.entry.keys)
        if other.live:
            node.live = _joined(node.live, other.live)
        if other.logged and (node.logged is None or _supersedes(other.logged, node.logged)):
            node.logged, node.ordinal = other.logged, other.ordinal

    def _alike(self, entry: Entry, when: datetime, logged: bool) -> Node | None:
        """A node of the other source that must be the same call, although it goes by another id."""
        if not isinstance(entry, ToolCall | Reasoning | Delegation | SignIn):
            return None
        if logged:
            candidates: Iterable[Node] = self._unlogged.values()
        else:
            candidates = (node for node in reversed(self.nodes[-MAX_NODES_LOOKED_BACK:]) if node.live is None)
        near = [
            node for node in candidates if abs(node.at - when) <= SAME_CALL_WINDOW and type(node.entry) is type(entry)
        ]
        if not near:
            return None
        wanted = _signature(entry)
        return next((node for node in near if _signature(node.entry) == wanted), None)

    # Looking

    @property
    def streaming(self) -> str:
        """The text being streamed now: what came since the agent's last message and since the last gap."""
        ends = [gap.at for gap in self.gaps.values()]
        ends += [node.at for node in self.nodes[-MAX_NODES_LOOKED_BACK:] if _is_reply(node)]
        since = max(ends, default=EPOCH)
        return "".join(piece for when, _, piece in self._chunks if when > since)

    @property
    def open_node(self) -> Node | None:
        """The latest entry that waits for a person: a sign-in, a question, a card, a held tool call."""
        if self._open is None:
            self._open = (_open_of(islice(reversed(self.nodes), 4 * MAX_NODES_LOOKED_BACK)),)
        return self._open[0]

    @property
    def wait(self) -> Wait | None:
        """A wait that only the log tells of."""
        node = self.open_node
        return Wait(_KINDS.get(type(node.entry), WaitKind.APPROVAL), node.at) if node else None


def _open_of(latest: Iterable[Node]) -> Node | None:
    for node in latest:
        match node.entry:
            case SignIn() | Questions() | Confirmation() as entry:
                return node if entry.is_open else None
            case ToolCall(approval_request_id=str()):
                return node
            case Message(role="user"):
                return None
    return None


class TreeRow(NamedTuple):
    """A line of the tree at its depth: a node, a plan step, or a sub-task whose trigger is not known."""

    depth: int
    task_id: str
    node: Node | None = None
    step: PlanStep | None = None
    child_id: str | None = None
    is_known: bool = False
    """The sub-task is shown elsewhere, or is one of its own ancestors: it is named and not opened again."""


def match_triggers(activity: Activity, children: Iterable[AnyTask]) -> dict[str, str]:
    """Which sub-task each trigger started: by the id it names, else by agent and the nearest time before."""
    left = {child.id: child for child in sorted(children, key=lambda task: (task.created_at or EPOCH, task.id))}
    nodes = activity.nodes
    triggers = list(filter(_is_trigger, nodes.of_kind(Delegation, Decision)) if left else nodes.naming())
    found: dict[str, str] = {}
    for node in triggers:
        if named := node.entry.started_task_id:
            left.pop(named, None)
            found[node.entry.id] = named
    for node in reversed(triggers):
        if node.entry.id in found:
            continue
        mine = [child for child in left.values() if child.agent_id == node.entry.agent_id and _began(child) >= node.at]
        if mine:
            found[node.entry.id] = mine[0].id
            del left[mine[0].id]
    return found


def walk_tree(
    activities: Mapping[str, Activity], children: Mapping[str, tuple[AnyTask, ...]], root: str, *, by_plan: bool = False
) -> Iterator[TreeRow]:
    """The tree, line by line: each sub-agent's log under its trigger, each task opened once, whatever points to it."""

    def lines(task_id: str, depth: int) -> Iterator[TreeRow]:
        return _lines(activities.get(task_id, Activity(task_id)), children.get(task_id, ()), depth, by_plan)

    opened = {root}
    under_way = [lines(root, 0)]
    while under_way:
        row = next(under_way[-1], None)
        if row is None:
            under_way.pop()
        elif row.child_id is None:
            yield row
        elif row.child_id in opened:
            yield row._replace(is_known=True)
        else:
            yield row
            opened.add(row.child_id)
            under_way.append(lines(row.child_id, row.depth + 1))


def _lines(activity: Activity, children: tuple[AnyTask, ...], depth: int, by_plan: bool) -> Iterator[TreeRow]:
    started = match_triggers(activity, children)
    steps = activity.plan.steps if by_plan and activity.plan else ()
    named = {step.id for step in steps}
    for step in (None, *steps):
        if step is not None:
            yield TreeRow(depth, activity.task_id, step=step)
        for node in activity.nodes:
            place = node.entry.plan_task_id if node.entry.plan_task_id in named else None
            if place == (step.id if step else None):
                child = started.get(node.entry.id)
                yield TreeRow(depth + (step is not None), activity.task_id, node, child_id=child)
    for child in sorted({child.id for child in children} - set(started.values())):
        yield TreeRow(depth, activity.task_id, child_id=child)


_KINDS: dict[type[Entry], WaitKind] = {SignIn: WaitKind.SIGN_IN, Questions: WaitKind.QUESTION}


def _began(task: AnyTask) -> datetime:
    return task.created_at or EPOCH


def _is_trigger(node: Node) -> bool:
    return isinstance(node.entry, Delegation) or bool(node.entry.started_task_id)


def _is_reply(node: Node) -> bool:
    return isinstance(node.entry, Message) and node.entry.role == "agent"


def _supersedes(new: SourcedEntry, old: SourcedEntry) -> bool:
    return new.at > old.at or (new.at == old.at and canonical(new.entry.raw) >= canonical(old.entry.raw))


def _joined(one: SourcedEntry | None, other: SourcedEntry) -> SourcedEntry:
    """Two things the stream said of one call: each field from the one that knows it, the earlier time of the two."""
    if one is None:
        return other
    late, early = (one, other) if _supersedes(one, other) else (other, one)
    raw = {**early.entry.raw, **{name: value for name, value in late.entry.raw.items() if value is not None}}
    begun = [(entry.created_at, entry.raw.get("created_at")) for entry in (one.entry, other.entry) if entry.created_at]
    if begun:
        raw["created_at"] = min(begun, key=operator.itemgetter(0))[1]
    return SourcedEntry(late.at, type(late.entry).from_value(raw))


def _combined(node: Node) -> Entry:
    """The entry of both sources: the log's fields before the stream's."""
    if node.logged is None or node.live is None:
        heard = node.logged or node.live
        return heard.entry if heard else node.entry
    told = {name: value for name, value in node.logged.entry.raw.items() if value is not None}
    return type(node.logged.entry).from_value({**node.live.entry.raw, **told})


def _signature(entry: Entry) -> str:
    match entry:
        case ToolCall():
            return canonical([entry.name, entry.arguments])
        case Reasoning():
            return canonical([entry.type, entry.title, entry.thought])
        case Delegation():
            return canonical([entry.agent_id, entry.query])
        case SignIn():
            return canonical([entry.type, entry.data])
        case _:
            return canonical([entry.kind, entry.id])
