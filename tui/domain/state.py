"""All that the platform has told us, as one immutable value, and the one way it goes on from change to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from immutables import Map
from msgspec import Struct, field

from tui.client.events import CHILD_EVENTS, Event
from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.task_facts import RUNNING_STATUSES, Wait, WaitKind
from tui.client.task_rows import AnyTask, TaskRow

if TYPE_CHECKING:
    from tui.client.event_stream import Link
    from tui.client.log_entries import Entry, Log
    from tui.client.models import Agent
    from tui.domain.activity_log import Activity, Gap

ECHO_WINDOW = timedelta(seconds=5)
"""An event that calls a task active counts as this much older: it may be an echo from before the task's end."""


MAX_AHEAD = timedelta(seconds=10)
"""How far a task may have been updated after it was asked for: as it was on its way, or by another clock."""


class AgentsSeen(Struct, frozen=True):
    """Agents, as a list told them."""

    agents: tuple[Agent, ...]
    at: datetime


class TasksSeen(Struct, frozen=True):
    """Tasks, as a list or their own records told them; `at` is when they were asked for."""

    tasks: tuple[AnyTask, ...]
    at: datetime


class TaskGone(Struct, frozen=True):
    """The platform no longer knows a task."""

    task_id: str
    at: datetime
    reason: str


class LogSeen(Struct, frozen=True):
    """A task's whole activity log; `fresh` is how many of its entries nobody had told of before."""

    task_id: str
    log: Log
    at: datetime
    fresh: Sequence[Entry] = ()


class EventSeen(Struct, frozen=True):
    """One event of a task's stream."""

    task_id: str
    event: Event
    at: datetime


class GapSeen(Struct, frozen=True):
    """The stream of a task was away."""

    task_id: str
    gap: Gap


class LinkSeen(Struct, frozen=True):
    """How live a task's stream is."""

    task_id: str
    link: Link
    at: datetime


Change = AgentsSeen | TasksSeen | TaskGone | LogSeen | EventSeen | GapSeen | LinkSeen


class Observation(Struct, frozen=True):
    """A task as it was told at one moment; the later one of two counts. One is all that is known of most tasks."""

    task: TaskRow
    stamp: datetime
    at: datetime

    @property
    def sightings(self) -> tuple[Observation, ...]:
        """Itself, as all that the platform told of this task."""
        return (self,)

    @property
    def is_root(self) -> bool:
        """Whether it says that the task is nobody's sub-task; a part of a task that names no parent says nothing."""
        return self.task.is_root

    def with_sighting(self, seen: Observation) -> Observation | MergedTask:
        """What is known with one more sighting."""
        if seen.task.is_full is self.task.is_full:
            return seen if seen.is_newer_than(self) else self
        return MergedTask.merge(*((self, seen) if seen.task.is_full else (seen, self)), None)

    def with_mention(self, seen: Observation) -> MergedTask:
        """What is known with what the stream of another task says of this one."""
        row, record = (None, self) if self.task.is_full else (self, None)
        return MergedTask.merge(row, record, seen)

    def compare(self, other: Observation) -> int:
        """1 where this one is the later, -1 where it is not."""
        return 1 if self.is_newer_than(other) else -1

    def is_newer_than(self, other: Observation) -> bool:
        """Whether this one is the later; of two at the same moment an end counts, then what was asked later."""
        mine = (self.stamp, self.task.is_final, self.at)
        theirs = (other.stamp, other.task.is_final, other.at)
        return mine > theirs or (mine == theirs and canonical(self.task.raw) > canonical(other.task.raw))


class MergedTask(Struct, frozen=True):
    """What is known of a task that was told of in several ways: the latest of each way, and all of it as one task."""

    task: TaskRow
    row: Observation | None
    """A row of a list or an event of the task's own stream."""
    record: Observation | None
    """The task's own record."""
    mention: Observation | None
    """An event about a sub-task, from the stream of another task: it says nothing of a task that is a root."""

    @classmethod
    def merge(cls, row: Observation | None, record: Observation | None, mention: Observation | None) -> MergedTask:
        """One task from all that counts: the fields of what is later before those of what is earlier."""
        own = [seen for seen in (row, record) if seen]
        heard = [mention] if mention and not _is_root(own) else []
        counting = sorted([*own, *heard], key=cmp_to_key(Observation.compare))
        if len(counting) == 1:
            return cls(counting[0].task, row, record, mention)
        raw: dict[str, Any] = {}
        for seen in counting:
            raw |= {name: told for name, told in seen.task.raw.items() if told is not None or name not in raw}
        return cls(TaskRow.from_value(raw), row, record, mention)

    @property
    def sightings(self) -> tuple[Observation, ...]:
        """What the platform told of this task itself."""
        return tuple(seen for seen in (self.row, self.record) if seen)

    @property
    def is_root(self) -> bool:
        """Whether the platform says that the task is nobody's sub-task."""
        return _is_root(self.sightings)

    def with_sighting(self, seen: Observation) -> MergedTask:
        """The same with one more sighting."""
        before = self.record if seen.task.is_full else self.row
        if before and not seen.is_newer_than(before):
            return self
        if seen.task.is_full:
            return MergedTask.merge(self.row, seen, self.mention)
        return MergedTask.merge(seen, self.record, self.mention)

    def with_mention(self, seen: Observation) -> MergedTask:
        """The same with what the stream of another task says of this one."""
        if self.mention and not seen.is_newer_than(self.mention):
            return self
        return MergedTask.merge(self.row, self.record, seen)


class LogSnapshot(Struct, frozen=True):
    """A task's activity as far as this board knows it: the list is shared and grows, the version is fixed."""

    activity: Activity
    version: int


class ChangedIds(Struct, frozen=True):
    """What the last step changed, so that a view looks at nothing else."""

    agents: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    logs: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


class State(Struct, frozen=True):
    """Agents, tasks, logs and links."""

    agents: Map[str, tuple[datetime, Agent]] = field(default_factory=Map)
    tasks: Map[str, Observation | MergedTask] = field(default_factory=Map)
    children: Map[str, frozenset[str]] = field(default_factory=Map)
    """The sub-tasks that anybody has told of, by the task that they are said to be of."""
    parents: Map[str, frozenset[str]] = field(default_factory=Map)
    """The same the other way round."""
    logs: Map[str, LogSnapshot] = field(default_factory=Map)
    links: Map[str, tuple[datetime, Link]] = field(default_factory=Map)
    gone: Map[str, tuple[datetime, str]] = field(default_factory=Map)
    touched: ChangedIds = ChangedIds()

    def after(self, changes: Iterable[Change]) -> State:
        """The board once these changes are known; their order does not matter."""
        step = _Reducer(self)
        for change in changes:
            step.take(change)
        return step.state()

    def task(self, task_id: str) -> TaskRow | None:
        """A task, from all that was told of it."""
        known = self.tasks.get(task_id)
        return known.task if known else None

    def is_gone(self, task_id: str) -> bool:
        """Whether the platform has said, after all else it said of this task, that it does not know it."""
        if (gone := self.gone.get(task_id)) is None:
            return False
        known = self.tasks.get(task_id)
        return all(seen.at < gone[0] for seen in (known.sightings if known else ()))

    def activity(self, task_id: str) -> Activity | None:
        """What happened in a task."""
        log = self.logs.get(task_id)
        return log.activity if log else None

    def children_of(self, task_id: str) -> tuple[TaskRow, ...]:
        """A task's sub-tasks: those that are said to be, and do not say themselves that they are none of it."""
        found = (self.tasks.get(child) for child in sorted(self.children.get(task_id, ())))
        mine = {None, task_id}
        return tuple(known.task for known in found if known and not known.is_root and known.task.parent_id in mine)

    def wait(self, task_id: str) -> Wait | None:
        """Why a task needs a person: what its record says, made exact by its log."""
        task = self.task(task_id)
        if task is None or task.is_final:
            return None
        told = task.wait
        activity = self.activity(task_id)
        logged = activity.wait if activity else None
        if told and told.kind is WaitKind.UNKNOWN and logged:
            return logged
        if told is None and task.status in RUNNING_STATUSES and logged and logged.kind is WaitKind.SIGN_IN:
            return logged
        return told

    def waiting_below(self, task_id: str) -> Iterator[str]:
        """The task and its descendants that wait for a person, nearest first."""
        seen = {task_id}
        level = [task_id]
        while level:
            yield from (task for task in level if self.wait(task))
            level = sorted({child.id for task in level for child in self.children_of(task)} - seen)
            seen.update(level)


class _Reducer:
    """One step of the board under way."""

    def __init__(self, state: State) -> None:
        self._agents = state.agents.mutate()
        self._tasks = state.tasks.mutate()
        self._children = state.children.mutate()
        self._parents = state.parents.mutate()
        self._logs = state.logs.mutate()
        self._links = state.links.mutate()
        self._gone = state.gone.mutate()
        self._touched: dict[str, set[str]] = {"agents": set(), "tasks": set(), "logs": set(), "links": set()}

    def state(self) -> State:
        """The board after the step."""
        for task_id in self._touched["logs"]:
            activity = self._logs[task_id].activity
            self._logs[task_id] = LogSnapshot(activity, activity.version)
        touched = ChangedIds(**{name: frozenset(ids) for name, ids in self._touched.items()})
        return State(
            self._agents.finish(),
            self._tasks.finish(),
            self._children.finish(),
            self._parents.finish(),
            self._logs.finish(),
            self._links.finish(),
            self._gone.finish(),
            touched,
        )

    def take(self, change: Change) -> None:
        """Take in one change."""
        match change:
            case TasksSeen(tasks, at):
                for task in tasks:
                    self._see(_sighting(task, at, at))
            case EventSeen(task_id, event, at):
                self._hear(task_id, event, at)
            case LogSeen(task_id, log, at):
                self._activity(task_id).read(log, at)
                for child_id, child_log in log.child_logs():
                    self._activity(child_id).read(child_log, at)
            case GapSeen(task_id, gap):
                self._activity(task_id).gap(gap)
            case LinkSeen(task_id, link, at):
                if (at, str(link)) > _stamp(self._links.get(task_id)):
                    self._links[task_id] = (at, link)
                    self._touched["links"].add(task_id)
            case AgentsSeen(agents, at):
                for agent in agents:
                    known = self._agents.get(agent.id)
                    if known is None or (at, canonical(agent.raw)) > (known[0], canonical(known[1].raw)):
                        self._agents[agent.id] = (at, agent)
                        self._touched["agents"].add(agent.id)
            case TaskGone(task_id, at, reason) if (at, reason) > self._gone.get(task_id, (EPOCH, "")):
                self._gone[task_id] = (at, reason)
                self._touched["tasks"].add(task_id)

    def _hear(self, task_id: str, event: Event, at: datetime) -> None:
        """Take in an event of a task's stream, which tells of this task and its sub-tasks and of no other."""
        task = event.task
        if task is not None and (task.id == task_id or event.type in CHILD_EVENTS):
            told = min(event.time or at, at + MAX_AHEAD)
            is_echo = task.status in RUNNING_STATUSES and event.type != "task_created"
            seen = _sighting(task, told, told - ECHO_WINDOW if is_echo else told)
            if task.id == task_id:
                self._see(seen)
            else:
                self._mention(task_id, seen)
        self._activity(task_id).hear(event, at)

    def _see(self, seen: Observation) -> None:
        """Take in what the platform told of a task itself."""
        self._adopt_all(seen.task)
        before = self._tasks.get(seen.task.id)
        self._know(before, before.with_sighting(seen) if before else seen)

    def _mention(self, task_id: str, seen: Observation) -> None:
        """Take in what the stream of a task told of a sub-task."""
        self._adopt_all(seen.task)
        if seen.task.parent_id is None:
            self._adopt(task_id, seen.task.id)
        before = self._tasks.get(seen.task.id)
        self._know(before, before.with_mention(seen) if before else MergedTask.merge(None, None, seen))

    def _know(self, before: Observation | MergedTask | None, after: Observation | MergedTask) -> None:
        if after is before:
            return
        task_id = after.task.id
        self._tasks[task_id] = after
        if before is None or not after.task.has_same_json(before.task) or task_id in self._gone:
            self._touched["tasks"].add(task_id)  # else it was seen again, and is as it was

    def _adopt_all(self, task: TaskRow) -> None:
        """Note the parent and the sub-tasks that a task names."""
        if task.parent_id:
            self._adopt(task.parent_id, task.id)
        for child in task.sub_executions:
            self._adopt(task.id, child)

    def _adopt(self, parent: str, child: str) -> None:
        children = self._children.get(parent, frozenset())
        if child not in children:
            self._children[parent] = children | {child}
            self._parents[child] = self._parents.get(child, frozenset()) | {parent}
            self._touched["tasks"].add(parent)

    def _activity(self, task_id: str) -> Activity:
        """The activity that is about to change."""
        from tui.domain.activity_log import Activity  # it imports pydantic: the first frame has no activity

        known = self._logs.get(task_id)
        activity = known.activity if known else Activity(task_id)
        self._logs[task_id] = LogSnapshot(activity, activity.version)
        self._touched["logs"].add(task_id)
        return activity


def _is_root(own: Sequence[Observation]) -> bool:
    """Whether one of a task's own sightings says that it is nobody's sub-task, and none names a parent."""
    return any(seen.is_root for seen in own) and not any(seen.task.parent_id for seen in own)


def _sighting(task: AnyTask, at: datetime, otherwise: datetime) -> Observation:
    """Return a task as told at a moment: it says itself as of when, but no later than it can have been told."""
    row = TaskRow.from_task(task)
    if row.updated_at is None:
        return Observation(row, otherwise, at)
    return Observation(row, min(row.updated_at, at + MAX_AHEAD), at)


def _stamp(known: tuple[datetime, Link] | None) -> tuple[datetime, str]:
    return (known[0], str(known[1])) if known else (EPOCH, "")
