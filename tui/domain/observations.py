"""Observations of a task, and how several of them are merged into one task."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cmp_to_key
from typing import Any

from msgspec import Struct

from tui.client.json_codec import canonical
from tui.client.task_rows import AnyTask, TaskRow

MAX_AHEAD = timedelta(seconds=10)
"""How far ahead of the request an update time may be: the task changed meanwhile, or the clocks differ."""

FIELDS_OF_RUN = frozenset({"tokens", "deep_planning", "duration", "used_tools", "result", "finished_at", "updated_at"})
"""The fields that change while a turn runs: what they say in its middle is not true at its end, nor in another turn."""


class Observation(Struct, frozen=True):
    """An observation of a task at one moment; the newer of two counts. Most tasks are known from one observation."""

    task: TaskRow
    stamp: datetime
    """The time of the state that it reports."""
    at: datetime
    """The time of the request, or of the event."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The observations of the task itself: this one."""
        return (self,)

    @property
    def is_root(self) -> bool:
        """True if it reports the task as a root; a part of a record without a parent id says nothing about that."""
        return self.task.is_root

    def with_observation(self, other: Observation) -> Observation | MergedTask:
        """Return the task with another observation of itself."""
        if other.task.is_full is self.task.is_full:
            if other.is_newer_than(self):
                return other
            return self
        if other.task.is_full:
            return MergedTask.merge(self, other, None)
        return MergedTask.merge(other, self, None)

    def with_mention(self, mention: Observation) -> MergedTask:
        """Return the task with a mention of it in the stream of another task."""
        if self.task.is_full:
            return MergedTask.merge(None, self, mention)
        return MergedTask.merge(self, None, mention)

    def compare(self, other: Observation) -> int:
        """Compare for sorting: return 1 if this observation is newer, else -1."""
        return 1 if self.is_newer_than(other) else -1

    def is_newer_than(self, other: Observation) -> bool:
        """Return whether it is newer; with equal stamps a final status counts more, then the later request.

        If all of these are equal, the JSON decides, so that the order in which observations arrive never matters.
        """
        own_rank = (self.stamp, self.task.is_final, self.at)
        other_rank = (other.stamp, other.task.is_final, other.at)
        if own_rank != other_rank:
            return own_rank > other_rank
        return canonical(self.task.raw) > canonical(other.task.raw)


class MergedTask(Struct, frozen=True):
    """A task merged from the latest observation of each kind: row, record and mention."""

    task: TaskRow
    row: Observation | None
    """A row of a list, or an event of the task's own stream."""
    record: Observation | None
    """The task's own record."""
    mention: Observation | None
    """An event about a sub-task in the stream of another task; ignored if the task is a root."""

    @classmethod
    def merge(cls, row: Observation | None, record: Observation | None, mention: Observation | None) -> MergedTask:
        """Merge observations into one task: fields of newer ones replace those of older ones.

        What an older one says of a run that has ended since, or begun again, is left out.
        """
        oldest_first = [observation for observation in (row, record) if observation]
        if mention and not _is_root(oldest_first):
            oldest_first.append(mention)
        oldest_first.sort(key=cmp_to_key(Observation.compare))
        if len(oldest_first) == 1:
            return cls(oldest_first[0].task, row, record, mention)
        merged: dict[str, Any] = {}
        is_final = oldest_first[-1].task.is_final
        outdated_fields = FIELDS_OF_RUN
        if not is_final:  # another turn has begun
            outdated_fields |= {"started_at"}
        for observation in oldest_first:
            is_outdated = observation.task.is_final is not is_final
            for name, value in observation.task.raw.items():
                if is_outdated and name in outdated_fields:
                    continue
                # A null replaces nothing: a row has null for fields that only the record has.
                if value is not None or name not in merged:
                    merged[name] = value
        return cls(TaskRow.from_value(merged), row, record, mention)

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The observations of the task itself."""
        return tuple(observation for observation in (self.row, self.record) if observation)

    @property
    def is_root(self) -> bool:
        """True if the platform reports the task as a root."""
        return _is_root(self.observations)

    def with_observation(self, other: Observation) -> MergedTask:
        """Return the task with another observation of itself."""
        previous = self.record if other.task.is_full else self.row
        if previous and not other.is_newer_than(previous):
            return self
        if other.task.is_full:
            return MergedTask.merge(self.row, other, self.mention)
        return MergedTask.merge(other, self.record, self.mention)

    def with_mention(self, mention: Observation) -> MergedTask:
        """Return the task with a mention of it in the stream of another task."""
        if self.mention and not mention.is_newer_than(self.mention):
            return self
        return MergedTask.merge(self.row, self.record, mention)


def _is_root(own_observations: Sequence[Observation]) -> bool:
    """Return whether a task is a root: one of its own observations says so, and none names a parent."""
    is_reported_as_root = any(observation.is_root for observation in own_observations)
    has_parent = any(observation.task.parent_id for observation in own_observations)
    return is_reported_as_root and not has_parent


def observation_of(task: AnyTask, at: datetime, stamp: datetime) -> Observation:
    """Return the observation of a task, dated by its update time, or by `stamp` if it has none."""
    row = TaskRow.from_task(task)
    if row.updated_at is not None:
        stamp = min(row.updated_at, at + MAX_AHEAD)
    return Observation(row, stamp, at)
