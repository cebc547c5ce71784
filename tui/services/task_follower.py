"""Follows one task: reads its event stream, polls it where it has none, and fills gaps of the stream from its log."""

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
from tui.client.log_entries import Entry, Log
from tui.client.retry import Backoff, Clock, SystemClock
from tui.client.session import is_retryable
from tui.domain.activity_log import Gap
from tui.domain.state import Change, EventSeen, GapSeen, LinkSeen, LogSeen, TaskGone, TasksSeen
from tui.services.list_poller import PollIntervals
from tui.services.state_store import MAX_ENTRIES_PER_CHANGE

if TYPE_CHECKING:
    from tui.client.models import Task


class TaskFollower:
    """The follower of one task: reads its stream if it has one, and its record and log when a reading is due.

    `on_change` gets each change.
    """

    def __init__(
        self,
        client: Client,
        task_id: str,
        on_change: Callable[[Change], None],
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        intervals: PollIntervals | None = None,
    ) -> None:
        self._client = client
        self._task_id = task_id
        self._on_change = on_change
        self._clock = clock or SystemClock()
        self._intervals = intervals or PollIntervals()
        self._stream = EventStream(client, task_id, clock=self._clock, backoff=backoff)
        self._known_keys: dict[str, object] = {}
        """The keys of all entries that the stream or the log had; `LazyEntries` adds its own."""
        self._open_gaps: list[Gap] = []
        """Gaps of the stream that the log was not yet read for."""
        self._possible_gap: Gap | None = None
        """The time without a stream that just ended: no gap if the stream sends all that was missed."""
        self._read_at = self._clock.monotonic() - self._intervals.min_pause
        self._due_at = self._read_at
        self._is_due_sooner = asyncio.Event()
        self._interval = self._intervals.polled
        self._polling_reason = ""
        """The reason why the task is polled; empty while it has a stream."""
        self._failures = 0

    async def run(self) -> Task:
        """Run the follower until the task is final; return its record."""
        task = await self._client.task(self._task_id)
        self._publish_task(task, self._client.now)
        listening: asyncio.Task[None] | None = None
        if not task.is_final and task.events_streaming:
            listening = asyncio.create_task(self._listen(), name=f"stream {self._task_id}")
            # The log is read after the stream has opened, so that nothing is missed between the two.
            self._due_at = self._clock.monotonic() + self._intervals.min_pause
        elif not task.is_final:
            self._start_polling("the task was made without a stream")
        try:
            return await self._read_until_final(listening)
        finally:
            await _cancel(listening)

    async def _read_until_final(self, listening: asyncio.Task[None] | None) -> Task:
        """Read the task whenever a reading is due, until it is final; return its record."""
        while True:
            await self._wait_until_due()
            if listening is not None and listening.done():
                listening.result()  # raises an unexpected exception of the stream
            final_task = await self._read_task()
            if final_task is not None:
                await _cancel(listening)
                if self._open_gaps:  # a gap that opened while the log was read
                    await self._read_task()
                return final_task

    async def _listen(self) -> None:
        """Listen to the stream until it ends; then poll."""
        error = await self._stream.run(self._handle_item)
        if error is None:
            return
        reason = error.message if isinstance(error, ApiError) else str(error)
        if isinstance(error, NotSupported | NotFound):
            self._start_polling(reason)
        else:
            self._publish_link(Link(LinkState.ENDED, reason))
            self._interval = self._intervals.polled
            self._read_within(0.0)

    def _start_polling(self, reason: str) -> None:
        """Start polling the task, for this reason."""
        self._polling_reason = reason
        self._interval = self._intervals.polled
        self._publish_link(Link(LinkState.POLLING, reason, self._interval))
        self._read_within(0.0)

    def _handle_item(self, item: StreamItem) -> None:
        """Handle an item of the stream."""
        match item:
            case Link():
                self._interval = self._intervals.polled
                if item.state is LinkState.LIVE:
                    self._interval = self._intervals.streamed
                self._publish_link(item)
            case StreamOpened(seconds_away, was_asked_to_resume):
                self._handle_opened(seconds_away, is_resuming=was_asked_to_resume)
            case StreamResumed(is_seamless):
                if is_seamless:
                    self._possible_gap = None
                else:
                    self._open_gap()
                    self._read_within(0.0)
            case Event():
                self._handle_event(item)

    def _handle_opened(self, seconds_away: float | None, *, is_resuming: bool) -> None:
        """Note a possible gap; it is a gap at once if the platform was not asked to resume the stream."""
        if seconds_away is not None:
            lost_at = self._client.now - timedelta(seconds=seconds_away)
            self._possible_gap = Gap(lost_at, seconds_away)
        self._read_within(self._intervals.resume_check if is_resuming else 0.0)
        if not is_resuming and seconds_away is not None:
            self._open_gap()

    def _handle_event(self, event: Event) -> None:
        """Publish an event; one that tells a new state of the task makes a reading due."""
        entry = event.entry
        if entry:
            self._known_keys |= dict.fromkeys(entry.keys)
        self._on_change(EventSeen(self._task_id, event, self._client.now))
        if event.type in END_EVENTS:
            self._read_within(0.0)
        elif event.type in TASK_EVENTS:
            self._read_within(self._intervals.min_pause)

    def _open_gap(self) -> None:
        """Publish the possible gap as a gap, which is open until the log was read for it."""
        if self._possible_gap is not None:
            self._on_change(GapSeen(self._task_id, self._possible_gap))
            self._open_gaps.append(self._possible_gap)
            self._possible_gap = None

    async def _read_task(self) -> Task | None:
        """Read the task's record and then its log; return the task if it is final and its log was read."""
        gaps = tuple(self._open_gaps)  # those that open during the requests are for the next reading
        possible_gap = self._possible_gap
        self._read_at = self._clock.monotonic()
        self._due_at = self._read_at + self._interval
        try:
            asked_at = self._client.now
            task = await self._client.task(self._task_id)
            self._publish_task(task, asked_at)
            asked_at = self._client.now
            log = await self._client.log(task)
        except NotFound as error:
            self._on_change(TaskGone(self._task_id, self._client.now, error.message))
            raise
        except ApiError as error:
            if not is_retryable(error) and not isinstance(error, UnexpectedAnswer):
                raise
            self._note_failure(error)
            return None
        if self._polling_reason and self._failures:
            self._publish_link(Link(LinkState.POLLING, self._polling_reason, self._interval))
        self._failures = 0
        new_entries = await self._publish_log(log, asked_at)
        if possible_gap is not None and self._possible_gap is possible_gap:
            self._possible_gap = None
            if any(new_entries):  # the log has what the stream did not send
                gaps = (*gaps, possible_gap)
        if gaps:
            self._fill_gaps(gaps, chain.from_iterable(new_entries), log.is_partial)
        return task if task.is_final else None

    def _note_failure(self, error: ApiError) -> None:
        """Note that a reading has failed, and publish that a polled task is not live."""
        self._failures += 1
        if self._polling_reason:
            self._publish_link(Link(LinkState.RECONNECTING, error.message, self._interval, self._failures))

    async def _publish_log(self, log: Log, asked_at: datetime) -> list[Sequence[Entry]]:
        """Publish a log in parts; return the new entries of each."""
        new_entries: list[Sequence[Entry]] = []
        for part in log.parts(MAX_ENTRIES_PER_CHANGE):
            new_in_part = self._new_entries(part.entries)
            new_entries.append(new_in_part)
            self._on_change(LogSeen(self._task_id, part, asked_at, new_in_part))
            await asyncio.sleep(0)
        return new_entries

    def _fill_gaps(self, gaps: tuple[Gap, ...], entries: Iterable[Entry], is_partial: bool) -> None:
        """Publish how many entries the log had for each of the gaps; a partial log cannot tell.

        An entry belongs to the last gap that began before it, or to the first if it has no time or is older than all.
        """
        counts = Counter(_gap_start(gaps, entry) for entry in entries)
        for index, gap in enumerate(gaps):
            filled: int | None = counts[gap.at]
            if index == 0:
                filled = counts[gap.at] + counts[None]
            if is_partial:
                filled = None
            self._on_change(GapSeen(self._task_id, Gap(gap.at, gap.seconds, filled)))
        self._open_gaps = [gap for gap in self._open_gaps if gap not in gaps]

    def _new_entries(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Return the new entries: neither the stream nor an earlier reading of the log had them."""
        if isinstance(entries, LazyEntries):
            return entries.unknown_to(self._known_keys)
        new_entries = tuple(entry for entry in entries if self._known_keys.keys().isdisjoint(entry.keys))
        for entry in new_entries:
            self._known_keys |= dict.fromkeys(entry.keys)
        return new_entries

    def _publish_task(self, task: Task, at: datetime) -> None:
        self._on_change(TasksSeen((task,), at))

    def _publish_link(self, link: Link) -> None:
        self._on_change(LinkSeen(self._task_id, link, self._client.now))

    def _read_within(self, delay: float) -> None:
        """Make the next reading due within so many seconds, but not before the shortest pause between two is over."""
        soonest = max(self._clock.monotonic() + delay, self._read_at + self._intervals.min_pause)
        self._due_at = min(self._due_at, soonest)
        self._is_due_sooner.set()

    async def _wait_until_due(self) -> None:
        """Wait until a reading is due; the wait begins anew whenever a reading becomes due sooner."""
        while True:
            delay = self._due_at - self._clock.monotonic()
            if delay <= 0:
                return
            self._is_due_sooner.clear()
            sleep = asyncio.ensure_future(self._clock.sleep(delay))
            due_sooner = asyncio.ensure_future(self._is_due_sooner.wait())
            try:
                await asyncio.wait((sleep, due_sooner), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleep.cancel()
                due_sooner.cancel()


def _gap_start(gaps: tuple[Gap, ...], entry: Entry) -> datetime | None:
    """Return the start of the last gap that began before an entry; None if there is none, or the entry has no time."""
    if not entry.created_at:
        return None
    for gap in reversed(gaps):
        if entry.created_at >= gap.at:
            return gap.at
    return None


async def _cancel(job: asyncio.Task[None] | None) -> None:
    """Cancel a job, if there is one, and wait for its end."""
    if job is not None:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
