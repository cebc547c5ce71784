"""The events of one task across any number of connections: each told once, and every reopening told as such.

Which answers end a stream: 401, 403, 404 and 204, on the first connection and on every later one. It ends too where no
request can be made. Whatever else goes wrong is tried again, a page in the place of the stream and 409 as well.

Which events are told once, although the server sends them again after a reconnect:

* An event with an id of its own is told once.
* Events without ids are compared, byte for byte and in order, with the last MAX_TOLD_HASHES of their kind that were
  told. As long as all that a connection has brought equals a stretch of them, it is withheld.
* It is a replay, and dropped, once it has reached the end of what was told, if that stretch occurs there only once and
  is long enough: MIN_REPLAY_EVENTS events, or fewer with one among them that has a time and is no piece of text.
* If another event comes before that, or none for MAX_WITHHELD_SECONDS, all that was withheld is told. So text that
  rightly repeats ("ha", "ha", "ha") is told; a short or ambiguous replay is told twice, which loses nothing.
* If the connection ends before that, a stretch that is long enough is dropped if the next one is a replay, else told.
* Events that were told although they may be a replay are not remembered a second time: what was told stays what the
  server would send again. Of a connection's greeting (`connected`) nothing is concluded.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, NotSupported, UnexpectedAnswer
from tui.client.events import Event
from tui.client.inflate import body_decoder
from tui.client.replay import MAX_WITHHELD_BYTES, Replay
from tui.client.responses import error_of_answer
from tui.client.retry import Backoff, Clock, SystemClock, retry_after
from tui.client.sse import SSEDecoder, SSEFrame

if TYPE_CHECKING:
    import httpx

PAUSE_SECONDS = 1 / 60
"""The pause between two readings of a connection that has little to tell at a time."""
MIN_READING_BYTES = 16_384
"""A reading of so many bytes is followed by the next one without a pause."""
MIN_RECONNECT_SECONDS = 0.25
"""Seconds between two connections at the least, whatever the server wishes."""
MAX_REMEMBERED_IDS = 50_000
"""How many events with ids are remembered, to know one that comes again."""
MAX_TOLD_HASHES = 20_000
"""How many events without ids are remembered, by their hashes, to recognise a replay."""
MAX_WITHHELD_SECONDS = 2.0
"""How long events that may be a replay are withheld while nothing more comes."""
ENDING_STATUSES = frozenset({204, 401, 403, 404})
"""Answers that end a stream for good; every other is tried again."""
CLOCK_JUMP_SECONDS = 5.0
"""Seconds by which the wall clock may run off before the machine is taken to have slept."""
TOO_LARGE_EVENT = b'{"type":"unreadable","data":{"reason":"larger than 16 MiB, left out"}}'


class LinkState(StrEnum):
    """How live what is shown is."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    POLLING = "polling"
    ENDED = "ended"


class Link(Struct, frozen=True):
    """The state of one task's stream, in the words of the chip that shows it."""

    state: LinkState
    reason: str = ""
    delay: float = 0.0
    attempt: int = 0

    def __str__(self) -> str:
        match self.state:
            case LinkState.RECONNECTING:
                return f"reconnecting {self.delay:.0f} s ({_ordinal(self.attempt)}): {self.reason}"
            case LinkState.POLLING:
                return f"polling {self.delay:.0f} s: {self.reason}"
            case LinkState.ENDED:
                return f"ended: {self.reason}"
            case _:
                return str(self.state)


class StreamOpened(Struct, frozen=True):
    """A connection stands; `away` is how long there was none, `asked` whether the server was asked to resume."""

    away: float | None
    asked: bool


class StreamResumed(Struct, frozen=True):
    """The first event after a reopening came: does it follow what was known, with nothing missing between?"""

    seamless: bool


StreamItem = Link | StreamOpened | StreamResumed | Event


class EventStream:
    """One task's events. `run` goes on until the server refuses, `stop` is called, or it is cancelled."""

    def __init__(
        self, client: Client, task_id: str, *, clock: Clock | None = None, backoff: Backoff | None = None
    ) -> None:
        self._client = client
        self._task_id = task_id
        self._clock = clock or SystemClock()
        self._backoff = backoff or Backoff(each=2)  # back soon after a short outage, and no burden in a long one
        self._last_id = ""
        self._retry = 0.0
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()
        self._told: deque[int] = deque(maxlen=MAX_TOLD_HASHES)
        """The hashes of the events without ids that were told, in order."""
        self._replay: Replay | None = None
        """What this connection began with, as long as it may be a replay."""
        self._pending: list[Event] = []
        """What earlier connections began with, and ended before it was clear what it was."""
        self._pending_bytes = 0
        self._last_event_at = 0.0
        self._heard = False
        self._rejoining = False
        self._lost_at: float | None = None
        self._stopped = False
        self._why_given_up = ""
        """Why the connection is given up, once it is."""

    def stop(self) -> None:
        """End the stream with the event that is being told."""
        self._stopped = True

    async def run(self, tell: Callable[[StreamItem], None]) -> ApiError | BadAddress | None:
        """Tell everything that comes; the answer is why there is no more, or None when `stop` ended it."""
        attempt = 0
        tell(Link(LinkState.CONNECTING))
        while True:
            self._heard = False
            wish = 0.0
            try:
                await self._connect(tell)
                reason = "the platform closed the stream"
            except (BadAddress, NotSupported) as error:
                self._tell_withheld(tell)
                return error
            except ApiError as error:
                if error.status in ENDING_STATUSES:
                    self._tell_withheld(tell)
                    return error
                reason, wish = error.message, error.wait or 0.0
            except TimeoutError:
                reason = self._why_given_up
            self._end_replay(tell)
            if self._stopped:
                return None
            if self._lost_at is None:
                self._lost_at = self._clock.monotonic()
            attempt = 1 if self._heard else attempt + 1
            delay = self._backoff.delay(attempt, max(wish, self._retry, MIN_RECONNECT_SECONDS))
            tell(Link(LinkState.RECONNECTING, reason, delay, attempt))
            await self._clock.sleep(delay)

    async def _connect(self, tell: Callable[[StreamItem], None]) -> None:
        """One connection, from its opening to its end."""
        url = await self._client.events_url(self._task_id)
        silence = self._client.transport.silence
        self._why_given_up = f"nothing has come for {silence:g} s"
        async with asyncio.timeout(None) as limit, self._client.open_events(url, self._last_id) as response:
            limit.reschedule(asyncio.get_running_loop().time() + silence)
            await self._judge(response)
            away = None if self._lost_at is None else self._clock.monotonic() - self._lost_at
            self._rejoining = away is not None
            self._replay = Replay(self._told) if self._told and self._rejoining else None
            self._lost_at = None
            tell(Link(LinkState.LIVE))
            tell(StreamOpened(away, asked=bool(self._last_id)))
            drift = self._clock.time() - self._clock.monotonic()
            guard = asyncio.create_task(self._guard(limit, drift, tell))
            try:
                await self._read(response, limit, guard, tell)
            finally:
                if guard.done():
                    guard.result()  # what telling has raised
                guard.cancel()

    async def _read(
        self,
        response: httpx.Response,
        limit: asyncio.Timeout,
        guard: asyncio.Task[None],
        tell: Callable[[StreamItem], None],
    ) -> None:
        """Read what comes until there is no more, until `stop`, or until nothing has come for too long."""
        frames, unpacked = SSEDecoder(self._last_id), body_decoder(response.headers).feed
        loop, silence = asyncio.get_running_loop(), self._client.transport.silence
        extended_at = loop.time()
        async with aclosing(paced(response)) as chunks:
            async for chunk in chunks:
                if loop.time() - extended_at > silence / 10:  # to do so for every chunk costs more than reading it
                    extended_at = loop.time()
                    limit.reschedule(extended_at + silence)
                for piece in unpacked(chunk):
                    for frame in frames.feed(piece):
                        self._take(frame, tell)
                        if self._stopped:
                            return
                    self._last_id = frames.last_id
                    if frames.retry is not None:
                        self._retry = frames.retry / 1000
                if guard.done():
                    raise TimeoutError

    def _take(self, frame: SSEFrame, tell: Callable[[StreamItem], None]) -> None:
        """Tell one event, unless it was told before."""
        self._heard = True
        content, name, own_id = frame.content, frame.id, frame.own_id
        if not content and not frame.too_large:
            return
        event = Event.from_sse(content or TOO_LARGE_EVENT, name if own_id or frame.too_large else "")
        if own_id and name:
            self._take_with_id(name, content, event, tell)
        elif event.type == "connected":
            tell(event)
        elif self._replay is not None:
            self._compare(self._replay, content, event, tell)
        else:
            self._told.append(hash(content))
            if self._rejoining:
                self._rejoin(tell, is_seamless=False)
            tell(event)

    def _take_with_id(self, name: str, content: bytes, event: Event, tell: Callable[[StreamItem], None]) -> None:
        key = hash((name, content))
        is_known = key in self._seen or key in self._seen_before
        self._seen.add(key)
        if len(self._seen) > MAX_REMEMBERED_IDS:  # the older half is forgotten at once: one by one is slow
            self._seen, self._seen_before = set(), self._seen
        if self._replay is not None and not is_known:
            self._tell_withheld(tell)
        if self._rejoining:
            self._rejoin(tell, is_seamless=is_known or _follows(name, self._last_id))
        if not is_known and not self._stopped:
            tell(event)

    def _compare(self, replay: Replay, content: bytes, event: Event, tell: Callable[[StreamItem], None]) -> None:
        """Compare an event without an id with what was told; tell what is no replay."""
        self._last_event_at = self._clock.monotonic()
        is_replay = replay.take(content, event)
        if is_replay:
            self._replay, self._pending, self._pending_bytes = None, [], 0
            self._rejoin(tell, is_seamless=True)
        elif is_replay is False:
            self._tell_withheld(tell)

    def _tell_withheld(self, tell: Callable[[StreamItem], None]) -> None:
        """Tell what was withheld, of earlier connections first, and compare no more on this one."""
        events, self._pending, self._pending_bytes = self._pending, [], 0
        if self._replay is not None:
            events += (event for _, event in self._replay.withheld)
            self._told.extend(key for key, _ in self._replay.withheld[self._replay.overlap :])
            self._replay = None
        self._tell_all(events, tell)

    def _tell_all(self, events: Iterable[Event], tell: Callable[[StreamItem], None]) -> None:
        for event in events:
            self._rejoin(tell, is_seamless=False)
            if self._stopped:
                return
            tell(event)

    def _end_replay(self, tell: Callable[[StreamItem], None]) -> None:
        """Keep a long stretch of this connection until the next one shows what it was; tell a short one."""
        replay, self._replay = self._replay, None
        if replay is None:
            return
        events = [event for _, event in replay.withheld]
        if replay.is_long_enough and self._pending_bytes + replay.size <= MAX_WITHHELD_BYTES:
            self._pending += events
            self._pending_bytes += replay.size
        else:
            self._tell_all(events, tell)

    def _rejoin(self, tell: Callable[[StreamItem], None], *, is_seamless: bool) -> None:
        if self._rejoining:
            self._rejoining = False
            tell(StreamResumed(is_seamless))

    async def _guard(self, limit: asyncio.Timeout, drift: float, tell: Callable[[StreamItem], None]) -> None:
        """Break the connection when the wall clock runs off: the machine slept, and the link is as good as dead.

        Events that are withheld are told when nothing more comes.
        """
        try:
            while not self._stopped:
                await self._clock.sleep(1.0)
                if abs(self._clock.time() - self._clock.monotonic() - drift) > CLOCK_JUMP_SECONDS:
                    self._why_given_up = "this machine slept"
                    break
                self._tell_stale(tell)
        except Exception:
            limit.reschedule(asyncio.get_running_loop().time())
            raise
        limit.reschedule(asyncio.get_running_loop().time())

    def _tell_stale(self, tell: Callable[[StreamItem], None]) -> None:
        """Tell what was withheld for too long."""
        replay = self._replay
        if replay is None or self._clock.monotonic() - self._last_event_at <= MAX_WITHHELD_SECONDS:
            return
        if replay.withheld:
            replay.overlap = len(replay.withheld)
            self._tell_withheld(tell)

    async def _judge(self, response: httpx.Response) -> None:
        """Look at the status before anything else, then at the type; only an event stream is read."""
        status = response.status_code
        if status == 200:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                return
            raise UnexpectedAnswer(f"the platform answered with {kind or 'something'}, not with an event stream")
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > 65536:
                break
        if status < 400:
            raise UnexpectedAnswer(f"the platform has no events for this task ({status})", status=status)
        wait = retry_after(response.headers, self._clock.time())
        raise error_of_answer(status, bytes(content), wait)


async def paced(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield a body as it comes: at once what is there already; with a pause between readings that come close together.

    A mark in the event loop tells whether a chunk was waited for: it runs only if others had a turn meanwhile.
    """
    loop = asyncio.get_running_loop()
    mark: asyncio.Handle | None = None
    has_waited, size, last_wait = False, 0, -math.inf

    def note_wait() -> None:
        nonlocal has_waited
        has_waited = True

    try:
        async with aclosing(response.aiter_raw()) as chunks:  # type: ignore[type-var]
            while True:
                mark = mark or loop.call_soon(note_wait)
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                yield chunk
                size += len(chunk)
                if has_waited:
                    now = loop.time()
                    if size < MIN_READING_BYTES and now - last_wait < 2 * PAUSE_SECONDS:
                        await asyncio.sleep(PAUSE_SECONDS)
                    has_waited, size, last_wait, mark = False, 0, now, None
    finally:
        if mark is not None:
            mark.cancel()


def _follows(frame_id: str, last_id: str) -> bool:
    """Whether an id is the very next one after another; told only of ids that count."""
    counts = frame_id.isdecimal() and last_id.isdecimal() and len(frame_id) < 20
    return counts and int(frame_id) == int(last_id) + 1


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
