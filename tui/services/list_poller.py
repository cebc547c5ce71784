"""Polls the task lists at intervals that keep within the documented rate budget."""

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
from tui.client.errors import (
    ApiError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
)
from tui.client.json_values import EPOCH
from tui.client.retry import Clock, SystemClock
from tui.client.task_facts import Status
from tui.client.task_rows import TaskQuery
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.observations import MergedTask, Observation
from tui.domain.state import AgentsSeen, TasksSeen, WaitRead
from tui.services.state_store import MAX_CHANGES_PER_STEP, StateStore
from tui.services.task_reader import TaskReader

ACTIVE_STATUSES = (Status.PAUSED, Status.EXECUTING, Status.PENDING)
"""The statuses of active tasks, which are read first: they may need a person."""
MAX_MISSING_PER_ROUND = 10
"""How many tasks that are missing from the lists, or that have ended, are read one by one in a round."""
TASKS_PER_PAGE = 200
"""How many of the newest tasks a round reads, and how many `read_more` adds."""


class PollIntervals(Struct, frozen=True):
    """The intervals of polling in seconds; the documented budget is 100 requests a minute and 1,000 an hour."""

    lists: float = 20.0
    """Between two rounds over the lists."""
    polled: float = 5.0
    """Between two readings of a followed task without a stream."""
    streamed: float = 30.0
    """Between two readings of a followed task with a stream, in case the stream leaves something out."""
    min_pause: float = 1.5
    """Between two readings of one task at least."""
    resume_check: float = 2.0
    """From the resumption of a stream to the reading that checks that it left nothing out."""


class ListPoller:
    """The poller of the lists: reads agents and tasks into the store, and publishes the status of the lists."""

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
        """Whether a whole round was read."""
        self.on_first_round: Callable[[], object] = lambda: None
        """Called after the first round."""
        self._client = client
        self._store = store
        self._reader = reader
        self._clock = clock or SystemClock()
        self._on_status = on_status
        self._is_one_page = False
        """Whether the newest tasks are all tasks, so that the active ones need not be read separately."""
        self._query: TaskQuery | None = None
        """The part of the filter that the platform applies; each round reads the tasks that match it."""
        self._read_waits: dict[str, datetime | None] = {}
        """The time of the last update of each paused task whose record was read, by the task's id."""
        self._active_ids: frozenset[str] = frozenset()
        """The ids of the tasks that were active after the last round, or whose end was not read yet."""
        self._more_pages: AsyncGenerator[Any, None] | None = None
        """The pages of `read_more`, while there are more."""
        self._is_reading_more = False
        self._are_all_read = False
        """Whether `read_more` has come to the end of all pages."""

    async def run(self) -> None:
        """Run rounds over the lists until cancelled."""
        while True:
            try:
                await self.read_round()
            except (ApiError, BadAddress) as error:
                self._set_link(link_after(error), error_sentence(error))
            await self._clock.sleep(self.intervals.lists)

    async def read_round(self) -> None:
        """Read one round: the active tasks, the newest tasks, and each waiting task whose record is outdated."""
        if not self._store.state.agents:
            await self._read_agents()
            self._store.step()
        round_started_at = self._client.now
        if not self._is_one_page:
            await self.read_tasks(TaskQuery(status=ACTIVE_STATUSES))
        newest_asked_at = self._client.now
        total = await self.read_tasks(at_most=TASKS_PER_PAGE)
        self._store.step()
        is_short = total is not None and total < TASKS_PER_PAGE
        self._is_one_page = is_short and not await self._unseen_since(newest_asked_at)
        if total is None and self._are_all_read:
            total = len(self._store.state.tasks)
        self._publish(replace(self.status, total=total))
        if self._query is not None:
            await self._read_query(self._query)
        await self._read_waiting()
        await self._reread_missing(round_started_at)
        await self._read_ended()
        if self._store.has_pending:
            self._store.step()
        is_first_round = not self.has_read_all
        self.has_read_all = True
        self.status = replace(self.status, read_at=self._client.now)
        self._set_link(ListLink.LIVE)
        if is_first_round:
            self.on_first_round()

    async def read_tasks(self, query: TaskQuery | None = None, *, at_most: int | None = None) -> int | None:
        """Read the tasks that match the query, or the first pages of them; return how many tasks match in all.

        Return None if not all of them were read and the platform does not tell their number.
        """
        count = total = 0
        asked_at = self._client.now
        async with aclosing(self._client.tasks(query)) as pages:
            async for page in pages:
                self._store.add(TasksSeen(page.items, asked_at))
                count += len(page.items)
                total = max(total, count, page.total or 0)
                if at_most is not None and count >= at_most:
                    return total if page.total is not None else None
                asked_at = self._client.now
        return total

    async def read_more(self) -> None:
        """Read more pages until `TASKS_PER_PAGE` tasks were added that were not loaded before."""
        if self._is_reading_more:
            return
        self._is_reading_more = True
        if self._more_pages is None:
            self._more_pages = self._client.tasks()
        is_at_end = True
        try:
            count_before = len(self._store.state.tasks)
            async for page in self._more_pages:
                self._store.add(TasksSeen(page.items, self._client.now))
                self._store.step()
                if len(self._store.state.tasks) >= count_before + TASKS_PER_PAGE:
                    is_at_end = False
                    return
        finally:
            self._is_reading_more = False
            if is_at_end:
                self._more_pages = None
        self._are_all_read = is_at_end
        if self.status.total is None:
            self._publish(replace(self.status, total=len(self._store.state.tasks)))

    async def read_filtered(self, query: TaskQuery | None) -> None:
        """Read the tasks that match a filter's query, now and in each round; None stops that."""
        self._query = query
        self._publish(replace(self.status, filtered=None, refused=None))
        if query is not None:
            total = await self._read_query(query)
            if query == self._query:
                self._publish(replace(self.status, filtered=(query, total)))

    async def _read_query(self, query: TaskQuery) -> int | None:
        """Read the tasks that match a filter's query; return how many match, None if that is not told.

        A query that the platform does not take is a mistake in the filter, not in the link: it is not asked again.
        """
        try:
            return await self.read_tasks(query, at_most=TASKS_PER_PAGE)
        except Invalid as error:
            if query == self._query:
                self._query = None
                self._publish(replace(self.status, refused=(query, error_sentence(error))))
            return None

    def note_retry(self, reason: str, seconds: float) -> None:
        """Note a retry: a request failed, and is sent again after so many seconds."""
        self._set_link(ListLink.RETRYING, reason)

    async def _read_agents(self) -> None:
        async with aclosing(self._client.agents()) as pages:
            async for page in pages:
                self._store.add(AgentsSeen(page.items, self._client.now))

    async def _read_waiting(self) -> None:
        """Read waiting tasks that were updated: only its record, its log or its agent tells why it waits."""
        for observed in await self._active_tasks():
            task = observed.task
            if task.status != Status.PAUSED or self._read_waits.get(task.id, EPOCH) == task.updated_at:
                continue
            changed_at = task.changed_at or EPOCH
            try:
                record = await self._reader.read_known(task.id)
                if record is None:
                    continue
                await self._reader.read_wait_sources(record)
            except ApiError:
                self._store.add(WaitRead(task.id, changed_at, has_failed=True))
                raise
            self._store.add(WaitRead(task.id, max(changed_at, record.changed_at or EPOCH)))
            self._read_waits[task.id] = task.updated_at

    async def _reread_missing(self, since: datetime) -> None:
        """Reread active tasks that are missing from the lists of this round: they may have ended, or be gone."""
        for task_id in (await self._unseen_since(since))[:MAX_MISSING_PER_ROUND]:
            await self._reader.read_known(task_id)

    async def _read_ended(self) -> None:
        """Read the records of tasks that have ended since the last round: a list may lack their final numbers."""
        state = self._store.state
        active_ids = frozenset(observed.task.id for observed in await self._active_tasks())
        ended = sorted(self._active_ids - active_ids)
        for task_id in ended[:MAX_MISSING_PER_ROUND]:
            if not state.is_gone(task_id):
                await self._reader.read_known(task_id)
        self._active_ids = active_ids.union(ended[MAX_MISSING_PER_ROUND:])

    async def _unseen_since(self, since: datetime) -> list[str]:
        """Return the ids of active tasks that were not seen since a time."""
        return [
            observed.task.id
            for observed in await self._active_tasks()
            if max((observation.at for observation in observed.observations), default=EPOCH) < since
        ]

    async def _active_tasks(self) -> list[Observation | MergedTask]:
        """Return the active tasks that are not gone; let the event loop run between slices of a long list."""
        state = self._store.state
        active_tasks = []
        for number, observed in enumerate(state.tasks.values(), 1):
            if observed.task.status in ACTIVE_STATUSES and not state.is_gone(observed.task.id):
                active_tasks.append(observed)
            if number % MAX_CHANGES_PER_STEP == 0:
                await asyncio.sleep(0)
        return active_tasks

    def _set_link(self, link: ListLink, reason: str = "") -> None:
        self._publish(replace(self.status, link=link, reason=reason, checked_at=self._client.now))

    def _publish(self, status: ListStatus) -> None:
        self.status = status
        self._on_status(status)


def link_after(error: ApiError | BadAddress) -> ListLink:
    """Return the state of the link after an error."""
    match error:
        case Unauthorized() | Forbidden():
            return ListLink.NOT_AUTHORIZED
        case ServerError() | RateLimited() | UnexpectedAnswer() | NotFound() | Invalid():
            return ListLink.REFUSED
        case _:
            return ListLink.OFFLINE


def error_sentence(error: ApiError | BadAddress) -> str:
    """Return a sentence about an error."""
    if isinstance(error, ApiError):
        return error.sentence
    return str(error)
