"""Follows one task: its stream, polling where there is none, and the repair of gaps from its log."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.client.errors import ApiError, NotFound, NotSupported, UnexpectedAnswer
from tui.client.event_stream import EventStream, Link, LinkState, StreamItem, StreamOpened, StreamResumed
from tui.client.events import END_EVENTS, TASK_EVENTS, Event
from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry
from tui.client.retry import Backoff, Clock, SystemClock
from tui.client.session import is_retryable
from tui.domain.activity_log import Gap
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen, TaskGone, TasksSeen
from tui.services.list_poller import PollIntervals
from tui.services.state_store import MAX_ENTRIES_PER_CHANGE

if TYPE_CHECKING:
    from tui.client.models import Task


class TaskFollower:
    """Follows one task: reads its stream if it has one, and its record and log when they are due."""

    def __init__(
        self,
        client: Client,
        task_id: str,
        tell: Callable[[Change], None],
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        intervals: PollIntervals | None = None,
    ) -> None:
        self._client = client
        self._task_id = task_id
        self._tell = tell
        self._clock = clock or SystemClock()
        self._intervals = intervals or PollIntervals()
        self._stream = EventStream(client, task_id, clock=self._clock, backoff=backoff)
        self._known: dict[str, object] = {}
        """The names of all entries that were told of; a large log's own come in as they are."""
        self._holes: list[Gap] = []
        """Times without a stream that no reading of the log has covered yet; the last may still prove to be none."""
        self._maybe: Gap | None = None
        self._due = self._last = self._clock.monotonic() - self._intervals.least
        self._woken = asyncio.Event()
        self._interval = self._intervals.polled
        self._polling = ""
        self._failures = 0

    async def run(self) -> Task:
        """Follow until the task is final."""
        task = await self._client.task(self._task_id)
        self._tell_task(task, self._client.now)
        listening: asyncio.Task[None] | None = None
        if not task.is_final and task.events_streaming:
            listening = asyncio.create_task(self._listen(), name=f"stream {self._task_id}")
            self._due = self._clock.monotonic() + self._intervals.least  # the stream first, the log second
        elif not task.is_final:
            self._poll("the task was made without a stream")
        try:
            while True:
                await self._until_due()
                if listening is not None and listening.done():
                    listening.result()  # what nobody foresaw is not kept quiet
                if (final := await self._read()) is not None:
                    await _cancelled(listening)
                    if self._holes:  # one opened while the log was being read
                        await self._read()
                    return final
        finally:
            await _cancelled(listening)

    async def _listen(self) -> None:
        error = await self._stream.run(self._take)
        if error is not None:
            reason = error.message if isinstance(error, ApiError) else str(error)
            if isinstance(error, NotSupported | NotFound):
                self._poll(reason)
            else:
                self._link(Link(LinkState.ENDED, reason))
                self._interval = self._intervals.polled
                self._hurry(0.0)

    def _poll(self, reason: str) -> None:
        self._polling = reason
        self._interval = self._intervals.polled
        self._link(Link(LinkState.POLLING, reason, self._interval))
        self._hurry(0.0)

    def _take(self, told: StreamItem) -> None:
        """What the stream tells."""
        intervals = self._intervals
        match told:
            case Link():
                self._interval = intervals.streamed if told.state is LinkState.LIVE else intervals.polled
                self._link(told)
            case StreamOpened(away, asked):
                if away is not None:
                    lost = self._client.now - timedelta(seconds=away)
                    self._maybe = Gap(lost, away)
                self._hurry(intervals.proof if asked else 0.0)
                if not asked and away is not None:
                    self._open_hole()
            case StreamResumed(seamless):
                if seamless:
                    self._maybe = None
                else:
                    self._open_hole()
                    self._hurry(0.0)
            case Event():
                self._hear(told)

    def _hear(self, event: Event) -> None:
        if entry := event.entry:
            self._known |= dict.fromkeys(entry.keys)
        self._tell(EventSeen(self._task_id, event, self._client.now))
        if event.type in END_EVENTS:
            self._hurry(0.0)
        elif event.type in TASK_EVENTS:
            self._hurry(self._intervals.least)

    def _open_hole(self) -> None:
        if self._maybe is not None:
            self._tell(GapSeen(self._task_id, self._maybe))
            self._holes.append(self._maybe)
            self._maybe = None

    async def _read(self) -> Task | None:
        """Read the record and then the log; the answer is the task once it is final and its log complete."""
        holes, maybe = tuple(self._holes), self._maybe
        self._last = self._clock.monotonic()
        self._due = self._last + self._interval
        try:
            asked = self._client.now
            task = await self._client.task(self._task_id)
            self._tell_task(task, asked)
            asked = self._client.now
            log = await self._client.log(task)
        except NotFound as error:
            self._tell(TaskGone(self._task_id, self._client.now, error.message))
            raise
        except ApiError as error:
            if not is_retryable(error) and not isinstance(error, UnexpectedAnswer):
                raise
            self._failures += 1
            if self._polling:
                self._link(Link(LinkState.RECONNECTING, error.message, self._interval, self._failures))
            return None
        if self._polling and self._failures:
            self._link(Link(LinkState.POLLING, self._polling, self._interval))
        self._failures = 0
        fresh: list[Sequence[Entry]] = []
        for part in log.parts(MAX_ENTRIES_PER_CHANGE):
            fresh.append(found := self._fresh(part.entries))
            self._tell(LogSeen(self._task_id, part, asked, found))
            await asyncio.sleep(0)
        if maybe is not None and self._maybe is maybe:
            self._maybe = None
            holes += (maybe,) if any(fresh) else ()
        if holes:
            self._settle(holes, chain.from_iterable(fresh), log.is_partial)
        return task if task.is_final else None

    def _settle(self, holes: tuple[Gap, ...], fresh: Iterable[Entry], is_partial: bool) -> None:
        """Tell of each hole how many entries the log had for it: an entry belongs to the last one that began before."""
        counts = Counter(
            next((hole.at for hole in reversed(holes) if entry.created_at and entry.created_at >= hole.at), None)
            for entry in fresh
        )
        for place, hole in enumerate(holes):
            filled = counts[hole.at] + (counts[None] if place == 0 else 0)
            self._tell(GapSeen(self._task_id, Gap(hole.at, hole.seconds, None if is_partial else filled)))
        self._holes = [hole for hole in self._holes if hole not in holes]

    def _fresh(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The entries that neither the stream nor an earlier reading told of."""
        if isinstance(entries, LazyEntries):
            return entries.unknown_to(self._known)
        fresh = tuple(entry for entry in entries if self._known.keys().isdisjoint(entry.keys))
        for entry in fresh:
            self._known |= dict.fromkeys(entry.keys)
        return fresh

    def _tell_task(self, task: Task, at: datetime) -> None:
        self._tell(TasksSeen((task,), at))

    def _link(self, link: Link) -> None:
        self._tell(LinkSeen(self._task_id, link, self._client.now))

    def _hurry(self, delay: float) -> None:
        """Make the next reading due no later than this."""
        soon = max(self._clock.monotonic() + delay, self._last + self._intervals.least)
        self._due = min(self._due, soon)
        self._woken.set()

    async def _until_due(self) -> None:
        while (left := self._due - self._clock.monotonic()) > 0:
            self._woken.clear()
            sleep = asyncio.ensure_future(self._clock.sleep(left))
            wake = asyncio.ensure_future(self._woken.wait())
            try:
                await asyncio.wait((sleep, wake), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleep.cancel()
                wake.cancel()


async def _cancelled(job: asyncio.Task[None] | None) -> None:
    if job is not None:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
