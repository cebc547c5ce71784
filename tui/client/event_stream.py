"""The event stream of a task, across any number of connections: each event is emitted once, and each reconnect too.

The stream ends with an answer of 401, 403, 404 or 204, on the first connection or a later one, and if no request can
be made at all. Every other failure is retried, also 409 and a web page in place of the stream.

After a reconnect a server may send earlier events again: a replay. This is how its events are recognised:

* An event with its own id is emitted once.
* Events without ids are compared, byte for byte and in order, with the last MAX_EMITTED_HASHES events without ids that
  were emitted. While everything that a connection has brought equals a sequence of these, it is withheld.
* The withheld events are a replay, and dropped, once the sequence reaches the last emitted event, if it occurs only
  once among the emitted events and is long enough: MIN_REPLAY_EVENTS events, or fewer if one of them has a time and is
  not a chunk of text.
* If a different event comes before that, or none for MAX_WITHHELD_SECONDS, all withheld events are emitted. So text
  that really repeats ("ha", "ha", "ha") is emitted; a short or ambiguous replay is emitted twice, which loses nothing.
* If the connection ends before that, a sequence that is long enough is dropped if the next connection begins with a
  replay, and emitted otherwise.
* Events that were emitted although they may be a replay are not remembered a second time, so that the remembered
  events stay those that the server would send again. The greeting of a connection (`connected`) is not compared.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import aclosing
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from msgspec import Struct

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, NotSupported
from tui.client.events import Event
from tui.client.inflate import body_decoder
from tui.client.pacing import paced
from tui.client.replay import MAX_WITHHELD_BYTES, Replay, Verdict
from tui.client.responses import check_event_stream
from tui.client.retry import Backoff, Clock, SystemClock
from tui.client.sse import SSEDecoder, SSEFrame

if TYPE_CHECKING:
    import httpx

MIN_RECONNECT_SECONDS = 0.25
"""The shortest delay before a reconnect, even if the server asks for less."""
MAX_REMEMBERED_IDS = 50_000
"""Events with ids that are remembered, to recognise one that is sent again."""
MAX_EMITTED_HASHES = 20_000
"""Emitted events without ids that are remembered, by their hashes, to recognise a replay."""
MAX_WITHHELD_SECONDS = 2.0
"""How long events that may be a replay are withheld while no other event comes."""
ENDING_STATUSES = frozenset({204, 401, 403, 404})
"""Statuses that end a stream for good; any other failure is retried."""
CLOCK_JUMP_SECONDS = 5.0
"""A larger jump of the wall clock means that the machine was asleep."""
MAX_ID_DIGITS = 19
"""Digits of the longest event id that is compared as a number."""
TOO_LARGE_EVENT = b'{"type":"unreadable","data":{"reason":"larger than 16 MiB, left out"}}'


class LinkState(StrEnum):
    """The state of the link to a task: how its data reach the dashboard."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    POLLING = "polling"
    ENDED = "ended"


class Link(Struct, frozen=True):
    """The link to a task's events: its state, the reason for it, and the delay and number of the next attempt."""

    state: LinkState
    reason: str = ""
    delay: float = 0.0
    attempt: int = 0

    def __str__(self) -> str:
        """Return the state of the link for the screen, with its reason."""
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
    """The stream has been opened: a connection is up and its status was accepted."""

    seconds_offline: float | None
    """How long there was no connection; None for the first one."""
    resume_requested: bool
    """Whether the request asked the server to resume after the last id."""


class StreamResumed(Struct, frozen=True):
    """The stream has resumed: the first event after a reconnect is here."""

    is_seamless: bool
    """Whether that event is known to follow the earlier ones without a gap."""


StreamItem = Link | StreamOpened | StreamResumed | Event
Emit: TypeAlias = Callable[[StreamItem], None]


class _Disconnection(NamedTuple):
    """The end of a connection: its reason, and the seconds that the platform asks to wait before the next one."""

    reason: str
    requested_wait: float = 0.0


class EventStream:
    """The event stream of a task. `run` returns when the server refuses, or after `stop`; it can also be cancelled."""

    def __init__(
        self, client: Client, task_id: str, *, clock: Clock | None = None, backoff: Backoff | None = None
    ) -> None:
        """Create the stream of a task; it opens no connection before `run`."""
        self._client = client
        self._task_id = task_id
        self._clock = clock or SystemClock()
        # Reconnect quickly after a short outage, without being a burden in a long one.
        self._backoff = backoff or Backoff(failures_per_step=2)
        self._last_id = ""
        self._server_retry_seconds = 0.0
        self._recent_keys: set[int] = set()
        """Hashes of the recent events with ids: the id and the content of each."""
        self._older_keys: set[int] = set()
        self._emitted_hashes: deque[int] = deque(maxlen=MAX_EMITTED_HASHES)
        """Hashes of the emitted events without ids, in order."""
        self._replay: Replay | None = None
        """The first events of this connection, while they may be a replay."""
        self._undecided: list[Event] = []
        """Events of earlier connections that ended before it was clear whether these were a replay."""
        self._undecided_bytes = 0
        self._last_event_at = 0.0
        self._has_received = False
        self._is_rejoining = False
        """Whether this is a later connection, of which no event has been emitted yet."""
        self._disconnected_at: float | None = None
        self._is_stopped = False
        self._timeout_reason = ""
        """The reason to report when the connection times out."""

    def stop(self) -> None:
        """Stop the stream after the event that is being emitted."""
        self._is_stopped = True

    async def run(self, emit: Emit) -> ApiError | BadAddress | None:
        """Run the stream: emit all its items; return the error that ended it, or None after `stop`."""
        attempt = 0
        emit(Link(LinkState.CONNECTING))
        while True:
            self._has_received = False
            try:
                disconnection = await self._connect_until_end(emit)
            except (ApiError, BadAddress) as error:
                self._emit_withheld(emit)
                return error
            self._end_replay(emit)
            if self._is_stopped:
                return None
            if self._disconnected_at is None:
                self._disconnected_at = self._clock.monotonic()
            if self._has_received:
                attempt = 0
            attempt += 1
            shortest_delay = max(disconnection.requested_wait, self._server_retry_seconds, MIN_RECONNECT_SECONDS)
            delay = self._backoff.delay(attempt, shortest_delay)
            emit(Link(LinkState.RECONNECTING, disconnection.reason, delay, attempt))
            await self._clock.sleep(delay)

    async def _connect_until_end(self, emit: Emit) -> _Disconnection:
        """Connect, and return why the connection ended; raise the error if it ends the stream for good."""
        try:
            await self._connect(emit)
        except NotSupported:
            raise
        except ApiError as error:
            if error.status in ENDING_STATUSES:
                raise
            return _Disconnection(error.message, error.wait or 0.0)
        except TimeoutError:
            return _Disconnection(self._timeout_reason)
        return _Disconnection("the platform closed the stream")

    async def _connect(self, emit: Emit) -> None:
        """Open a connection and read it to its end; raise TimeoutError when nothing has come for too long."""
        url = await self._client.events_url(self._task_id)
        silence = self._client.transport.silence
        self._timeout_reason = f"nothing has come for {silence:g} s"
        async with asyncio.timeout(None) as timeout, self._client.open_events(url, self._last_id) as response:
            timeout.reschedule(asyncio.get_running_loop().time() + silence)
            await check_event_stream(response, self._clock.time())
            self._note_connected(emit)
            clock_offset = self._clock.time() - self._clock.monotonic()
            watchdog = asyncio.create_task(self._watch_clock(timeout, clock_offset, emit))
            try:
                await self._read_events(response, timeout, watchdog, emit)
            finally:
                if watchdog.done():
                    watchdog.result()  # raises what `emit` has raised
                watchdog.cancel()

    def _note_connected(self, emit: Emit) -> None:
        """Note that a connection is up, and emit it; after a reconnect, its first events may be a replay."""
        seconds_offline = None
        if self._disconnected_at is not None:
            seconds_offline = self._clock.monotonic() - self._disconnected_at
        self._is_rejoining = seconds_offline is not None
        self._replay = None
        if self._is_rejoining and self._emitted_hashes:
            self._replay = Replay(self._emitted_hashes)
        self._disconnected_at = None
        emit(Link(LinkState.LIVE))
        emit(StreamOpened(seconds_offline, resume_requested=bool(self._last_id)))

    async def _read_events(
        self, response: httpx.Response, timeout: asyncio.Timeout, watchdog: asyncio.Task[None], emit: Emit
    ) -> None:
        """Read events until the connection ends, `stop` is called, or nothing has come for too long."""
        decoder = SSEDecoder(self._last_id)
        decompress = body_decoder(response.headers).feed
        loop = asyncio.get_running_loop()
        silence = self._client.transport.silence
        extension_interval = silence / 10  # to extend the timeout for every chunk costs more than reading the chunk
        extended_at = loop.time()
        async with aclosing(paced(response)) as chunks:
            async for chunk in chunks:
                if loop.time() - extended_at > extension_interval:
                    extended_at = loop.time()
                    timeout.reschedule(extended_at + silence)
                for piece in decompress(chunk):
                    for frame in decoder.feed(piece):
                        self._handle_frame(frame, emit)
                        if self._is_stopped:
                            return
                    self._last_id = decoder.last_id
                    if decoder.retry is not None:
                        self._server_retry_seconds = decoder.retry / 1000
                if watchdog.done():
                    raise TimeoutError

    def _handle_frame(self, frame: SSEFrame, emit: Emit) -> None:
        """Emit the event of a frame, unless it was emitted before or may be a replay."""
        self._has_received = True
        content = frame.content
        if not content and not frame.is_too_large:
            return
        has_own_id = frame.has_own_id
        event_id = ""
        if has_own_id or frame.is_too_large:  # the id of the event before tells where a large one was left out
            event_id = frame.id
        event = Event.from_sse(content or TOO_LARGE_EVENT, event_id)
        if has_own_id and event_id:
            self._handle_event_with_id(event_id, content, event, emit)
        elif event.type == "connected":
            emit(event)
        elif self._replay is not None:
            self._handle_possible_replay(self._replay, content, event, emit)
        else:
            self._emitted_hashes.append(hash(content))
            if self._is_rejoining:
                self._emit_resumed(emit, is_seamless=False)
            emit(event)

    def _handle_event_with_id(self, event_id: str, content: bytes, event: Event, emit: Emit) -> None:
        """Emit an event with an id, unless it was emitted before; with other content the same id is another event."""
        key = hash((event_id, content))
        is_known = key in self._recent_keys or key in self._older_keys
        self._recent_keys.add(key)
        if len(self._recent_keys) > MAX_REMEMBERED_IDS:  # forget the older half at once: one by one is slow
            self._older_keys = self._recent_keys
            self._recent_keys = set()
        if self._replay is not None and not is_known:
            self._emit_withheld(emit)
        if self._is_rejoining:
            self._emit_resumed(emit, is_seamless=is_known or _is_next_id(event_id, self._last_id))
        if not is_known and not self._is_stopped:
            emit(event)

    def _handle_possible_replay(self, replay: Replay, content: bytes, event: Event, emit: Emit) -> None:
        """Compare an event without an id with the emitted ones; emit all withheld events if they are not a replay."""
        self._last_event_at = self._clock.monotonic()
        verdict = replay.compare(content, event)
        if verdict is Verdict.REPLAY:
            self._replay = None
            self._undecided = []
            self._undecided_bytes = 0
            self._emit_resumed(emit, is_seamless=True)
        elif verdict is Verdict.NO_REPLAY:
            self._emit_withheld(emit)

    def _emit_withheld(self, emit: Emit) -> None:
        """Emit the withheld events, those of earlier connections first, and compare no more on this connection."""
        events = self._undecided
        self._undecided = []
        self._undecided_bytes = 0
        if self._replay is not None:
            withheld = self._replay.withheld
            events += (event for _, event in withheld)
            self._emitted_hashes.extend(event_hash for event_hash, _ in withheld[self._replay.overlap :])
            self._replay = None
        self._emit_all(events, emit)

    def _emit_all(self, events: Iterable[Event], emit: Emit) -> None:
        """Emit events that turned out to be new, until `stop` is called."""
        for event in events:
            self._emit_resumed(emit, is_seamless=False)
            if self._is_stopped:
                return
            emit(event)

    def _end_replay(self, emit: Emit) -> None:
        """End the comparison with the connection: keep a long sequence undecided for the next one, emit a short one."""
        replay = self._replay
        self._replay = None
        if replay is None:
            return
        events = [event for _, event in replay.withheld]
        if replay.is_long_enough and self._undecided_bytes + replay.size <= MAX_WITHHELD_BYTES:
            self._undecided += events
            self._undecided_bytes += replay.size
        else:
            self._emit_all(events, emit)

    def _emit_resumed(self, emit: Emit, *, is_seamless: bool) -> None:
        """Emit StreamResumed before the first event after a reconnect."""
        if self._is_rejoining:
            self._is_rejoining = False
            emit(StreamResumed(is_seamless))

    async def _watch_clock(self, timeout: asyncio.Timeout, clock_offset: float, emit: Emit) -> None:
        """Watch the wall clock: break the connection when it jumps, because a machine that slept has lost the link.

        Also emit the withheld events when no other event comes.
        """
        try:
            while not self._is_stopped:
                await self._clock.sleep(1.0)
                if abs(self._clock.time() - self._clock.monotonic() - clock_offset) > CLOCK_JUMP_SECONDS:
                    self._timeout_reason = "this machine slept"
                    break
                self._emit_stale(emit)
        except Exception:
            _expire_now(timeout)
            raise
        _expire_now(timeout)

    def _emit_stale(self, emit: Emit) -> None:
        """Emit the withheld events once they are stale: withheld for MAX_WITHHELD_SECONDS."""
        replay = self._replay
        if replay is None or self._clock.monotonic() - self._last_event_at <= MAX_WITHHELD_SECONDS:
            return
        if replay.withheld:
            replay.overlap = len(replay.withheld)
            self._emit_withheld(emit)


def _is_next_id(event_id: str, last_id: str) -> bool:
    """Return whether an id is the next number after another; False for ids that are not numbers."""
    are_numbers = event_id.isdecimal() and last_id.isdecimal() and len(event_id) <= MAX_ID_DIGITS
    return are_numbers and int(event_id) == int(last_id) + 1


def _expire_now(timeout: asyncio.Timeout) -> None:
    """Let a timeout expire now, so that the reading that it limits ends."""
    timeout.reschedule(asyncio.get_running_loop().time())


def _ordinal(number: int) -> str:
    """Return the ordinal of a number, such as 1st, 2nd or 11th."""
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    if 10 <= number % 100 <= 20:
        suffix = "th"
    return f"{number}{suffix}"
