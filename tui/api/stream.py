"""The events of one task across any number of connections: each told once, and every reopening told as such."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.api.answers import error_of
from tui.api.client import Client
from tui.api.errors import ApiError, Lost, NotUnderstood
from tui.api.events import Event
from tui.api.frames import LARGEST, Frame, Frames
from tui.api.pace import Backoff, Clock, SystemClock, retry_after
from tui.api.routes import BadAddress
from tui.api.transport import is_passing

if TYPE_CHECKING:
    import httpx

SHORTEST_PAUSE = 0.25
"""Seconds between two connections at the least, whatever the server wishes."""
REMEMBERED = 50_000
"""How many events are remembered, to know one that comes again."""
CLOCK_JUMP = 5.0
"""Seconds by which the wall clock may run off before the machine is taken to have slept."""
SWELLING = 200
TOO_LARGE = b'{"type":"unreadable","data":{"reason":"larger than 16 MiB, left out"}}'


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


class Opened(Struct, frozen=True):
    """A connection stands; `away` is how long there was none, `asked` whether the server was asked to resume."""

    away: float | None
    asked: bool


class Rejoined(Struct, frozen=True):
    """The first event after a reopening came: does it follow what was known, with nothing missing between?"""

    seamless: bool


Told = Link | Opened | Rejoined | Event


class Stream:
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
        self._seen: dict[int, int] = {}
        self._seen_before: dict[int, int] = {}
        self._connection = 0
        self._heard = False
        self._rejoining = False
        self._lost_at: float | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the stream with the event that is being told."""
        self._stopped = True

    async def run(self, tell: Callable[[Told], None]) -> ApiError | BadAddress | None:
        """Tell everything that comes; the answer is why there is no more, or None when `stop` ended it."""
        attempt = 0
        tell(Link(LinkState.CONNECTING))
        while True:
            self._heard = False
            wish, before = 0.0, self._connection
            try:
                await self._connect(tell)
                reason = "the platform closed the stream"
            except BadAddress as error:
                return error
            except ApiError as error:
                # Where there was a stream before, a page in its place is a proxy's or a portal's, for a moment.
                is_page = isinstance(error, NotUnderstood) and 0 < self._connection == before
                if not is_passing(error) and not is_page:
                    return error
                reason, wish = error.message, error.wait or 0.0
            except TimeoutError:
                reason = "this machine slept"
            if self._stopped:
                return None
            if self._lost_at is None:
                self._lost_at = self._clock.monotonic()
            attempt = 1 if self._heard else attempt + 1
            delay = self._backoff.delay(attempt, max(wish, self._retry, SHORTEST_PAUSE))
            tell(Link(LinkState.RECONNECTING, reason, delay, attempt))
            await self._clock.sleep(delay)

    async def _connect(self, tell: Callable[[Told], None]) -> None:
        """One connection, from its opening to its end."""
        from tui.api import body  # and httpx with it: not before a task is open

        url = await self._client.events_url(self._task_id)
        frames = Frames(self._last_id)

        def take(chunk: bytes) -> bool:
            for piece in unpacked(chunk):
                for frame in frames.feed(piece):
                    self._take(frame, tell)
                    if self._stopped:
                        return False
                self._last_id = frames.last_id
                if frames.retry is not None:
                    self._retry = frames.retry / 1000
            return True

        async with asyncio.timeout(None) as limit, self._client.open_events(url, self._last_id) as response:
            await self._judge(response)
            unpacked = _unpacking(response)
            away = None if self._lost_at is None else self._clock.monotonic() - self._lost_at
            self._connection += 1
            self._rejoining = away is not None
            self._lost_at = None
            tell(Link(LinkState.LIVE))
            tell(Opened(away, asked=bool(self._last_id)))
            guard = asyncio.create_task(self._guard(limit, self._clock.time() - self._clock.monotonic()))
            try:
                await body.read(response, take)
            finally:
                guard.cancel()

    def _take(self, frame: Frame, tell: Callable[[Told], None]) -> None:
        """Tell one event, unless it was told before."""
        self._heard = True
        content, name, own_id = frame.content, frame.id, frame.own_id
        if not content and not frame.too_large:
            return
        key = hash((name if own_id else None, content))
        seen = self._seen
        known = seen.get(key) or self._seen_before.get(key)
        seen[key] = self._connection
        if len(seen) > REMEMBERED:  # the older half is forgotten at once: one by one is slow
            self._seen, self._seen_before = {}, seen
        event = Event.of_frame(content or TOO_LARGE, name if own_id or frame.too_large else "")
        if known is None and not self._rejoining:
            tell(event)
            return
        # A piece of text without an id may rightly come twice; anything else that does is the server repeating itself.
        nameless = not own_id and (event.type == "chunk" or known == self._connection)
        again = known is not None and not nameless
        if self._rejoining:
            self._rejoining = False
            tell(Rejoined(again or (own_id and _follows(name, self._last_id))))
        if not again:
            tell(event)

    async def _guard(self, limit: asyncio.Timeout, drift: float) -> None:
        """Break the connection when the wall clock runs off: the machine slept, and the link is as good as dead."""
        while True:
            await self._clock.sleep(1.0)
            if abs(self._clock.time() - self._clock.monotonic() - drift) > CLOCK_JUMP:
                limit.reschedule(asyncio.get_running_loop().time())
                return

    async def _judge(self, response: httpx.Response) -> None:
        """Look at the status before anything else, then at the type; only an event stream is read."""
        status = response.status_code
        if status == 200:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "text/event-stream":
                return
            raise NotUnderstood(f"the platform answered with {kind or 'something'}, not with an event stream")
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > 65536:
                break
        if status < 400:
            raise NotUnderstood(f"the platform has no events for this task ({status})", status=status)
        wait = retry_after(response.headers, self._clock.time())
        raise error_of(status, bytes(content), wait)


def _follows(frame_id: str, last_id: str) -> bool:
    """Whether an id is the very next one after another; told only of ids that count."""
    counts = frame_id.isdecimal() and last_id.isdecimal() and len(frame_id) < 20
    return counts and int(frame_id) == int(last_id) + 1


def _unpacking(response: httpx.Response) -> Callable[[bytes], Iterable[bytes]]:
    """What makes plain bytes of those of the body, which may be compressed against our wish."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"identity", ""}:
        return lambda chunk: (chunk,)
    if encoding not in {"gzip", "deflate"}:
        raise NotUnderstood(f"the event stream is encoded as {encoding}, which was not asked for")
    return Inflated().feed


class Inflated:
    """A compressed body, inflated piece by piece and within bounds."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._taken = self._given = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces of these bytes."""
        self._taken += len(chunk)
        while chunk:
            try:
                piece = self._inflate.decompress(chunk, 65536)
            except zlib.error as error:
                raise Lost("the event stream is compressed and damaged") from error
            chunk = self._inflate.unconsumed_tail
            if self._inflate.eof:
                chunk, self._inflate = self._inflate.unused_data, zlib.decompressobj(zlib.MAX_WBITS | 32)
            self._given += len(piece)
            if self._given > LARGEST and self._given > SWELLING * self._taken:
                raise NotUnderstood("the event stream swells beyond all measure when it is unpacked")
            yield piece


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
