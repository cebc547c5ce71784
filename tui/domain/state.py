"""The state: everything the platform has reported, as one immutable value, and the reducer that applies changes to it.

The order in which changes are applied makes no difference to the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from immutables import Map
from msgspec import Struct, field

from tui.client.events import CHILD_EVENTS, Event
from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.task_facts import RUNNING_STATUSES, Wait, WaitKind
from tui.client.task_rows import AnyTask, TaskRow
from tui.domain.observations import MAX_AHEAD, MergedTask, Observation, observation_of
from tui.domain.waits import WaitSources, needs_agent, wait_of

if TYPE_CHECKING:
    from tui.client.event_stream import Link
    from tui.client.log_entries import Entry, Log
    from tui.client.models import Agent
    from tui.domain.activity_log import Activity, Gap

ECHO_WINDOW = timedelta(seconds=5)
"""The time by which an event that reports a task as active is dated back: it may echo a state from before its end."""


class AgentsSeen(Struct, frozen=True):
    """Agents as seen in a list."""

    agents: tuple[Agent, ...]
    at: datetime


class TasksSeen(Struct, frozen=True):
    """Tasks as seen in a list or in their own records; `at` is the time of the request."""

    tasks: tuple[AnyTask, ...]
    at: datetime


class TaskGone(Struct, frozen=True):
    """A task is gone: the platform no longer knows it."""

    task_id: str
    at: datetime
    reason: str


class LogSeen(Struct, frozen=True):
    """The whole activity log of a task as seen by its follower."""

    task_id: str
    log: Log
    at: datetime
    fresh: Sequence[Entry] = ()
    """The entries that were not known before."""


class WaitRead(Struct, frozen=True):
    """The reason of a task's wait was read, or could not be read; `until` is the time of the task's last change."""

    task_id: str
    until: datetime
    has_failed: bool = False


class EventSeen(Struct, frozen=True):
    """An event seen in a task's stream."""

    task_id: str
    event: Event
    at: datetime


class GapSeen(Struct, frozen=True):
    """A gap seen in a task's stream."""

    task_id: str
    gap: Gap


class LinkSeen(Struct, frozen=True):
    """The link of a task's stream as seen last."""

    task_id: str
    link: Link
    at: datetime


Change = AgentsSeen | TasksSeen | TaskGone | LogSeen | WaitRead | EventSeen | GapSeen | LinkSeen


class LogSnapshot(Struct, frozen=True):
    """A snapshot of a task's activity log: the activity is shared and grows, the version is fixed."""

    activity: Activity
    version: int


class ChangedIds(Struct, frozen=True):
    """The ids that the last step changed, so that views update nothing else."""

    agents: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    logs: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()


class State(Struct, frozen=True):
    """The state of all agents, tasks, logs and links."""

    agents: Map[str, tuple[datetime, Agent]] = field(default_factory=Map)
    tasks: Map[str, Observation | MergedTask] = field(default_factory=Map)
    children: Map[str, frozenset[str]] = field(default_factory=Map)
    """The reported sub-tasks of each task."""
    parents: Map[str, frozenset[str]] = field(default_factory=Map)
    """The reported parents of each task."""
    logs: Map[str, LogSnapshot] = field(default_factory=Map)
    links: Map[str, tuple[datetime, Link]] = field(default_factory=Map)
    gone: Map[str, tuple[datetime, str]] = field(default_factory=Map)
    waits_read: Map[str, tuple[datetime, bool]] = field(default_factory=Map)
    """Until which change of each task the reason of its wait was read, and whether that has succeeded."""
    touched: ChangedIds = ChangedIds()

    def after(self, changes: Iterable[Change]) -> State:
        """Return the state after these changes, in any order."""
        reducer = _Reducer(self)
        for change in changes:
            reducer.apply(change)
        return reducer.state()

    def task(self, task_id: str) -> TaskRow | None:
        """Return a task, merged from everything that was reported about it."""
        known = self.tasks.get(task_id)
        if known is None:
            return None
        return known.task

    def is_gone(self, task_id: str) -> bool:
        """Return whether a task is gone: the platform no longer knows it, and has not reported it since."""
        if (gone := self.gone.get(task_id)) is None:
            return False
        known = self.tasks.get(task_id)
        return known is None or all(observation.at < gone[0] for observation in known.observations)

    def activity(self, task_id: str) -> Activity | None:
        """Return the activity of a task."""
        log = self.logs.get(task_id)
        if log is None:
            return None
        return log.activity

    def children_of(self, task_id: str) -> tuple[TaskRow, ...]:
        """Return the children of a task: its reported sub-tasks, unless their own records say otherwise."""
        reported = (self.tasks.get(child) for child in sorted(self.children.get(task_id, ())))
        accepted_parents = {None, task_id}
        return tuple(
            known.task for known in reported if known and not known.is_root and known.task.parent_id in accepted_parents
        )

    def wait(self, task_id: str) -> Wait | None:
        """Return the wait of a task, for a person or a machine: from all that is known about it."""
        task = self.task(task_id)
        if task is None or task.is_final:
            return None
        activity, agent = self.activity(task_id), self.agents.get(task.agent_id)
        wait = wait_of(task, WaitSources(activity.wait if activity else None, agent[1] if agent else None))
        if wait is not None and wait.kind is WaitKind.UNKNOWN and self._wait_read(task_id, wait) is not True:
            return Wait(wait.kind, wait.since, wait.until, is_being_read=True)
        return wait

    def awaits_reason(self, task_id: str) -> bool:
        """Return whether it is not known yet for what a task waits, and no read of the reason has failed either."""
        task, wait = self.task(task_id), self.wait(task_id)
        if task is None or wait is None:
            return False
        may_be_another = wait.kind is WaitKind.UNKNOWN or (wait.kind is WaitKind.APPROVAL and needs_agent(task))
        return may_be_another and self._wait_read(task_id, wait) is None

    def _wait_read(self, task_id: str, wait: Wait) -> bool | None:
        """Return whether the read of the reason of a wait has succeeded; None if it was not read yet."""
        if (read := self.waits_read.get(task_id)) is None:
            return None
        until, has_succeeded = read
        return has_succeeded if wait.since is None or wait.since <= until else None

    def needs_person(self, task_id: str) -> bool:
        """Return whether a task waits for a person."""
        wait = self.wait(task_id)
        return wait is not None and wait.needs_person

    def waiting_below(self, task_id: str) -> Iterator[str]:
        """Yield the tasks at and below a task that wait for a person, nearest first."""
        visited = {task_id}
        level = [task_id]
        while level:
            yield from filter(self.needs_person, level)
            level = sorted({child.id for task in level for child in self.children_of(task)} - visited)
            visited.update(level)


class _Reducer:
    """Applies the changes of one step to a state."""

    def __init__(self, state: State) -> None:
        self._agents = state.agents.mutate()
        self._tasks = state.tasks.mutate()
        self._children = state.children.mutate()
        self._parents = state.parents.mutate()
        self._logs = state.logs.mutate()
        self._links = state.links.mutate()
        self._gone = state.gone.mutate()
        self._waits_read = state.waits_read.mutate()
        self._touched: dict[str, set[str]] = {"agents": set(), "tasks": set(), "logs": set(), "links": set()}

    def state(self) -> State:
        """Return the state after the step."""
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
            self._waits_read.finish(),
            touched,
        )

    def apply(self, change: Change) -> None:
        """Apply one change."""
        match change:
            case TasksSeen(tasks, at):
                for task in tasks:
                    self._add_observation(observation_of(task, at, at))
            case EventSeen(task_id, event, at):
                self._add_event(task_id, event, at)
            case LogSeen(task_id, log, at):
                self._activity_to_change(task_id).add_log(log, at)
                for child_id, child_log in log.child_logs():
                    self._activity_to_change(child_id).add_log(child_log, at)
            case WaitRead(task_id, until, has_failed) if task_id in self._tasks:
                read = until, not has_failed
                if read > self._waits_read.get(task_id, (EPOCH, False)):
                    self._waits_read[task_id] = read
                    self._touched["tasks"].add(task_id)
            case GapSeen(task_id, gap):
                self._activity_to_change(task_id).add_gap(gap)
            case LinkSeen(task_id, link, at):
                if (at, str(link)) > _link_order(self._links.get(task_id)):
                    self._links[task_id] = (at, link)
                    self._touched["links"].add(task_id)
            case AgentsSeen(agents, at):
                for agent in agents:
                    known = self._agents.get(agent.id)
                    if known is None or _agent_rank(at, agent) > _agent_rank(*known):
                        self._agents[agent.id] = (at, agent)
                        self._touched["agents"].add(agent.id)
            case TaskGone(task_id, at, reason) if (at, reason) > self._gone.get(task_id, (EPOCH, "")):
                self._gone[task_id] = (at, reason)
                self._touched["tasks"].add(task_id)

    def _add_event(self, task_id: str, event: Event, at: datetime) -> None:
        """Add an event of a task's stream, which may report on this task and its sub-tasks only."""
        task = event.task
        if task is not None and (task.id == task_id or event.type in CHILD_EVENTS):
            reported_at = min(event.time or at, at + MAX_AHEAD)
            is_possible_echo = task.status in RUNNING_STATUSES and event.type != "task_created"
            stamp = reported_at
            if is_possible_echo:
                stamp -= ECHO_WINDOW
            observation = observation_of(task, reported_at, stamp)
            if task.id == task_id:
                self._add_observation(observation)
            else:
                self._add_mention(task_id, observation)
        self._activity_to_change(task_id).add_event(event, at)

    def _add_observation(self, observation: Observation) -> None:
        """Add an observation of a task itself."""
        self._add_relatives(observation.task)
        before = self._tasks.get(observation.task.id)
        if before is None:
            self._set_task(None, observation)
        else:
            self._set_task(before, before.with_observation(observation))

    def _add_mention(self, task_id: str, mention: Observation) -> None:
        """Add a mention of a sub-task in the stream of a task."""
        self._add_relatives(mention.task)
        if mention.task.parent_id is None:
            self._add_child(task_id, mention.task.id)
        before = self._tasks.get(mention.task.id)
        if before is None:
            self._set_task(None, MergedTask.merge(None, None, mention))
        else:
            self._set_task(before, before.with_mention(mention))

    def _set_task(self, before: Observation | MergedTask | None, after: Observation | MergedTask) -> None:
        if after is before:
            return
        task_id = after.task.id
        self._tasks[task_id] = after
        is_unchanged = before is not None and after.task.has_same_json(before.task)
        if not is_unchanged or task_id in self._gone:
            self._touched["tasks"].add(task_id)

    def _add_relatives(self, task: TaskRow) -> None:
        """Add the relatives that a task names: its parent and its sub-tasks."""
        if task.parent_id:
            self._add_child(task.parent_id, task.id)
        for child in task.sub_executions:
            self._add_child(task.id, child)

    def _add_child(self, parent: str, child: str) -> None:
        children = self._children.get(parent, frozenset())
        if child not in children:
            self._children[parent] = children | {child}
            self._parents[child] = self._parents.get(child, frozenset()) | {parent}
            self._touched["tasks"].add(parent)

    def _activity_to_change(self, task_id: str) -> Activity:
        """Return a task's activity for a change: it is created where there is none, and its id is noted as changed."""
        from tui.domain.activity_log import Activity  # it imports pydantic: the first frame has no activity

        known = self._logs.get(task_id)
        activity = known.activity if known else Activity(task_id)
        self._logs[task_id] = LogSnapshot(activity, activity.version)
        self._touched["logs"].add(task_id)
        return activity


def _link_order(known: tuple[datetime, Link] | None) -> tuple[datetime, str]:
    if known is None:
        return EPOCH, ""
    return known[0], str(known[1])


def _agent_rank(at: datetime, agent: Agent) -> tuple[bool, datetime, str]:
    """Return the rank of an agent as it was seen: a row of a list does not replace a record with workflow nodes."""
    return "orchestration_nodes" in agent.raw, at, canonical(agent.raw)
