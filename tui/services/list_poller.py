"""Reads the task lists again and again, within the documented rate budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.json_values import EPOCH
from tui.client.retry import Clock, SystemClock
from tui.client.task_facts import Status, WaitKind
from tui.client.task_rows import TaskQuery
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.observations import MergedTask, Observation
from tui.domain.state import AgentsSeen, TasksSeen
from tui.services.state_store import MAX_CHANGES_PER_STEP, StateStore
from tui.services.task_reader import TaskReader

ACTIVE_STATUSES = (Status.PAUSED, Status.EXECUTING, Status.PENDING)
"""Statuses that are asked for first: such a task may need a person."""
MAX_MISSING_PER_ROUND = 10
"""Tasks that have left the lists and are read by themselves in one round."""
TASKS_PER_PAGE = 200
"""How many of the newest tasks each round reads, and how many `read_more` adds."""


class PollIntervals(Struct, frozen=True):
    """How often is asked, in seconds; the documented budget is 100 requests a minute and 1,000 an hour."""

    lists: float = 20.0
    polled: float = 5.0
    """A followed task without a stream."""
    streamed: float = 30.0
    """A followed task beside its stream, in case the stream says less than it should."""
    least: float = 1.5
    """Between two readings of one task, whatever happens."""
    proof: float = 2.0
    """How long a resumed stream has to show that it left nothing out."""


class ListPoller:
    """Reads the agents and the task lists into the store, and publishes how live they are."""

    def __init__(
        self,
        client: Client,
        store: StateStore,
        reader: TaskReader,
        *,
        intervals: PollIntervals | None = None,
        clock: Clock | None = None,
        on_status: Callable[[ListStatus], None] = lambda status: None,
    ) -> None:
        self.intervals = intervals or PollIntervals()
        self.status = ListStatus(max_age_seconds=3 * self.intervals.lists + 5)
        self.has_read_all = False
        """Whether all lists were read once."""
        self.on_first_round: Callable[[], object] = lambda: None
        """Called when they were."""
        self._client = client
        self._store = store
        self._reader = reader
        self._clock = clock or SystemClock()
        self._on_status = on_status
        self._is_whole = False
        """Whether the newest tasks are all there are: those that may need a person are among them then."""
        self._query: TaskQuery | None = None
        """The part of the filter that the platform itself applies; read in each round too."""
        self._read_waits: dict[str, datetime | None] = {}
        """Of which update a paused task's record was read, by its id."""
        self._more_pages: AsyncGenerator[Any, None] | None = None
        """The pages behind those that each round reads."""
        self._is_reading_more = False

    async def run(self) -> None:
        """Read the lists round by round, without an end."""
        while True:
            try:
                await self.read_round()
            except (ApiError, BadAddress) as error:
                self._set_link(ListLink.OFFLINE, error_sentence(error))
            await self._clock.sleep(self.intervals.lists)

    async def read_round(self) -> None:
        """Read everything once: first what may need a person, then the newest tasks."""
        if not self._store.state.agents:
            await self._read_agents()
            self._store.step()
        round_began = self._client.now
        if not self._is_whole:
            await self.read_tasks(TaskQuery(status=ACTIVE_STATUSES))
        newest_asked = self._client.now
        total = await self.read_tasks(at_most=TASKS_PER_PAGE)
        self._publish(replace(self.status, total=total))
        self._store.step()
        self._is_whole = total < TASKS_PER_PAGE and not await self._unseen_since(newest_asked)
        if self._query is not None:
            await self.read_tasks(self._query, at_most=TASKS_PER_PAGE)
        await self._read_waiting()
        await self._reread_missing(round_began)
        if self._store.has_pending:
            self._store.step()
        self._set_link(ListLink.LIVE)
        if not self.has_read_all:
            self.has_read_all = True
            self.on_first_round()

    async def read_tasks(self, query: TaskQuery | None = None, *, at_most: int | None = None) -> int:
        """Read the tasks that match, or the first pages of them; return how many there are in all."""
        count = total = 0
        asked_at = self._client.now
        async with aclosing(self._client.tasks(query)) as pages:
            async for page in pages:
                self._store.add(TasksSeen(page.items, asked_at))
                count += len(page.items)
                total = max(total, count, page.total or 0)
                if at_most is not None and count >= at_most:
                    break
                asked_at = self._client.now
        return total

    async def read_more(self) -> None:
        """Read pages behind those that are loaded, until as many tasks as a page of the list has were added."""
        if self._is_reading_more:
            return
        self._is_reading_more = True
        if self._more_pages is None:
            self._more_pages = self._client.tasks()
        is_at_end = True
        try:
            before = len(self._store.state.tasks)
            async for page in self._more_pages:
                self._store.add(TasksSeen(page.items, self._client.now))
                self._store.step()
                if len(self._store.state.tasks) >= before + TASKS_PER_PAGE:
                    is_at_end = False
                    return
        finally:
            self._is_reading_more = False
            if is_at_end:
                self._more_pages = None

    async def read_filtered(self, query: TaskQuery | None) -> None:
        """Ask the platform itself for the tasks of a filter, now and in each round; None ends that."""
        self._query = query
        self.status = replace(self.status, filtered=None)
        if query is not None:
            total = await self.read_tasks(query, at_most=TASKS_PER_PAGE)
            self._publish(replace(self.status, filtered=(query, total)))

    def note_retry(self, reason: str, seconds: float) -> None:
        """Note that a request failed, and is sent again after so many seconds."""
        self._set_link(ListLink.RETRYING, reason)

    async def _read_agents(self) -> None:
        async with aclosing(self._client.agents()) as pages:
            async for page in pages:
                self._store.add(AgentsSeen(page.items, self._client.now))

    async def _read_waiting(self) -> None:
        """Read the paused tasks that were updated: why one waits, only its record or its log tells."""
        for known in await self._active():
            task = known.task
            if task.status != Status.PAUSED or self._read_waits.get(task.id, EPOCH) == task.updated_at:
                continue
            record = await self._reader.read_known(task.id)
            if record is None:
                continue
            if record.wait and record.wait.kind is not WaitKind.APPROVAL:
                await self._reader.read_log(record)
            self._read_waits[task.id] = task.updated_at

    async def _reread_missing(self, since: datetime) -> None:
        """Read active tasks that the lists of this round did not have: they may have ended, or be gone."""
        for task_id in (await self._unseen_since(since))[:MAX_MISSING_PER_ROUND]:
            await self._reader.read_known(task_id)

    async def _unseen_since(self, since: datetime) -> list[str]:
        """Return the active tasks that nothing has told of since."""
        return [
            known.task.id
            for known in await self._active()
            if max((seen.at for seen in known.observations), default=EPOCH) < since
        ]

    async def _active(self) -> list[Observation | MergedTask]:
        """Return the tasks that have not ended and are not gone; pause between slices of a long list."""
        state, active = self._store.state, []
        for number, known in enumerate(state.tasks.values(), 1):
            if known.task.status in ACTIVE_STATUSES and not state.is_gone(known.task.id):
                active.append(known)
            if number % MAX_CHANGES_PER_STEP == 0:
                await asyncio.sleep(0)
        return active

    def _set_link(self, link: ListLink, reason: str = "") -> None:
        self._publish(replace(self.status, link=link, reason=reason, checked_at=self._client.now))

    def _publish(self, status: ListStatus) -> None:
        self.status = status
        self._on_status(status)


def error_sentence(error: ApiError | BadAddress) -> str:
    """Return an error as a sentence."""
    return error.sentence if isinstance(error, ApiError) else str(error)
