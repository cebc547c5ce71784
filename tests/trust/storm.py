"""A stream and its log through a thousand faults, compared with a naive client on the same faults.

python -m tests.trust.storm [SEEDS] [FAULTS]
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.conftest import FastClock, make_client
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server, head
from tui.client.event_stream import LinkState
from tui.client.retry import Backoff
from tui.domain.state import Change, LinkSeen, State
from tui.local.data_dir import ORGANIZATION
from tui.services.list_poller import PollIntervals
from tui.services.task_follower import TaskFollower

AT_A_TIME = 50
"""Faults in the life of one task; then comes the next one."""
FACTOR = float(os.environ.get("XP_PACE", "50"))
"""Virtual seconds in a real one: the fewer, the less a busy machine weighs."""
SILENCE = 3.0 / FACTOR
"""Seconds, real ones, after which the client takes a stream for dead."""


@dataclass
class Storm:
    """Faults on a platform: they affect frames, answers, and the whole server."""

    platform: Platform
    dice: random.Random
    clock: FastClock
    left: int
    count: Counter[str] = field(default_factory=Counter)
    well_since: float | None = None
    """When the last fault was over that broke the link."""
    _is_begun: bool = False
    """Whether the first stream was opened; before that nothing is bad."""
    _down_until: float = 0.0
    _kept: bytes = b""
    """A frame that changes places with the next."""

    def __post_init__(self) -> None:
        self.platform.stream_hook = self.frame
        self.platform.before_reply = self.answer

    def _strikes(self, chance: float) -> bool:
        if self.left <= 0 or self.dice.random() > chance:
            return False
        self.left -= 1
        return True

    def _broken(self, after: float = 0.0) -> None:
        self.well_since = self.clock.monotonic() + after

    # Frames

    async def frame(self, connection: Connection, frame: bytes) -> bool:
        """Send a frame with a fault; return False if that ends the stream."""
        kept, self._kept = self._kept, b""
        if self.clock.monotonic() < self._down_until:
            return False
        name = "" if not self._strikes(0.25) else self.dice.choice(sorted(FRAME_FAULTS))
        if not name:
            await connection.chunk(frame + kept)
            return True
        self.count[name] += 1
        return await FRAME_FAULTS[name](self, connection, frame + kept)

    async def _fin_after(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame)
        self._broken()
        return False

    async def _fin_within(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame[: self.dice.randrange(len(frame))])
        self._broken()
        return False

    async def _reset_after(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame)
        connection.reset()
        self._broken()
        return False

    async def _reset_within(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame[: self.dice.randrange(len(frame))])
        connection.reset()
        self._broken()
        return False

    async def _within_a_chunk(self, connection: Connection, frame: bytes) -> bool:
        await connection.raw(b"%x\r\n%s" % (len(frame), frame[: len(frame) // 2]))
        self._broken()
        return False

    async def _bad_chunk(self, connection: Connection, frame: bytes) -> bool:
        await connection.raw(b"zz\r\n" + frame)
        self._broken()
        return False

    async def _deaf(self, connection: Connection, frame: bytes) -> bool:
        await connection.gone()
        self._broken()
        return False

    async def _left_out(self, connection: Connection, frame: bytes) -> bool:
        return True

    async def _twice(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame + frame)
        return True

    async def _swapped(self, connection: Connection, frame: bytes) -> bool:
        self._kept = frame
        return True

    async def _no_json(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(b'data: {"type": "tool_call_re\n\n')
        return True

    async def _no_utf8(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(b"data: \xff\xfe\xc3\x28\n\n" + frame)
        return True

    async def _slices(self, connection: Connection, frame: bytes) -> bool:
        for place in range(0, len(frame), 9):
            await connection.chunk(frame[place : place + 9])
        return True

    async def _comments(self, connection: Connection, frame: bytes) -> bool:
        await connection.chunk(b": nothing\n" * 300 + frame)
        return True

    async def _goes_down(self, connection: Connection, frame: bytes) -> bool:
        away = self.dice.uniform(0.2, 2.0)
        self._down_until = self.clock.monotonic() + away
        connection.reset()
        self._broken(away)
        return False

    # Answers

    async def answer(self, request: Request, connection: Connection) -> bool:
        """Answer a request with a fault, or leave it to the platform."""
        is_stream = request.path.endswith("/events")
        if self.clock.monotonic() < self._down_until:
            connection.reset()
            return True
        if not (self._is_begun and self._strikes(0.1)):
            self._is_begun = self._is_begun or is_stream
            return False
        name = self.dice.choice(sorted(ANSWER_FAULTS))
        self.count[name] += 1
        handled = await ANSWER_FAULTS[name](self, connection)
        if is_stream and handled:
            self._broken(1.0 if name == "throttled" else 0.0)
        return handled

    async def refuse(self, connection: Connection, status: int, **headers: str) -> bool:
        await connection.reply(status, {"detail": "not now"}, headers)
        return True

    async def _reset(self, connection: Connection) -> bool:
        connection.reset()
        return True

    async def _no_answer(self, connection: Connection) -> bool:
        connection.close()
        return True

    async def _cut_short(self, connection: Connection) -> bool:
        await connection.raw(head(200, {"Content-Length": "999"}) + b'{"id":')
        connection.close()
        return True

    async def _page(self, connection: Connection) -> bool:
        await connection.reply(200, b"<html>sign in to the network</html>", {"Content-Type": "text/html"})
        return True

    async def _slow(self, connection: Connection) -> bool:
        await asyncio.sleep(0.5 / FACTOR)
        return False


FRAME_FAULTS: dict[str, Callable[[Storm, Connection, bytes], Awaitable[bool]]] = {
    "closed after a frame": Storm._fin_after,
    "closed within a frame": Storm._fin_within,
    "reset after a frame": Storm._reset_after,
    "reset within a frame": Storm._reset_within,
    "closed within a chunk": Storm._within_a_chunk,
    "broken chunk": Storm._bad_chunk,
    "half-open": Storm._deaf,
    "frame left out": Storm._left_out,
    "frame twice": Storm._twice,
    "frames swapped": Storm._swapped,
    "frame without JSON": Storm._no_json,
    "frame without UTF-8": Storm._no_utf8,
    "frame in slices": Storm._slices,
    "flood of comments": Storm._comments,
    "server down": Storm._goes_down,
}
ANSWER_FAULTS: dict[str, Callable[[Storm, Connection], Awaitable[bool]]] = {
    "platform error": lambda storm, connection: storm.refuse(connection, 500),
    "not available": lambda storm, connection: storm.refuse(connection, 503),
    "request timeout": lambda storm, connection: storm.refuse(connection, 408),
    "throttled": lambda storm, connection: storm.refuse(connection, 429, **{"Retry-After": "1"}),
    "reset before an answer": Storm._reset,
    "closed before an answer": Storm._no_answer,
    "answer cut short": Storm._cut_short,
    "a page instead": Storm._page,
    "slow answer": Storm._slow,
}


@dataclass
class Result:
    """The result of one seed."""

    faults: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    lost: int = 0
    twice: int = 0
    resyncs: list[float] = field(default_factory=list)
    """Seconds from the end of each fault that broke the link until it was live again."""
    requests: int = 0
    seconds: float = 0.0

    def take(self, ids: Counter[str], calls: int) -> None:
        """Count how often each call arrived."""
        self.calls += calls
        self.lost += sum(ids[f"r{number}"] == 0 for number in range(calls))
        self.twice += sum(times > 1 for times in ids.values())


Client = Callable[[str, "Storm", FastClock, random.Random, Result], Awaitable[Counter[str]]]


async def ours(url: str, storm: Storm, clock: FastClock, dice: random.Random, result: Result) -> Counter[str]:
    """Follow the task to its end with our client; return how often each call is in its activity."""
    changes: list[Change] = []

    def tell(change: Change) -> None:
        changes.append(change)
        is_live = isinstance(change, LinkSeen) and change.link.state is LinkState.LIVE
        if is_live and storm.well_since is not None:
            result.resyncs.append(max(clock.monotonic() - storm.well_since, 0.0))
            storm.well_since = None

    async with make_client(url, clock=clock, silence=SILENCE) as client:
        backoff = Backoff(failures_per_step=2, rng=dice)
        await TaskFollower(client, "t1", tell, clock=clock, backoff=backoff, intervals=PollIntervals()).run()
    activity = State().after(changes).activity("t1")
    assert activity is not None
    return Counter(node.entry.id for node in activity.nodes if node.entry.kind == "tool")


async def naive(url: str, storm: Storm, clock: FastClock, dice: random.Random, result: Result) -> Counter[str]:
    """Follow the task with a naive client: read lines, and reconnect when the connection breaks."""
    ids: Counter[str] = Counter()
    async with httpx.AsyncClient(headers={"x-api-key": KEY}, timeout=httpx.Timeout(5.0, read=SILENCE)) as http:
        while True:
            with suppress(httpx.HTTPError, UnicodeDecodeError):
                async with http.stream("GET", f"{url}/{ORGANIZATION}/agent-execution/t1/events") as answer:
                    async for line in answer.aiter_lines():
                        with suppress(ValueError):
                            event = json.loads(line.removeprefix("data: "))
                            if event.get("type") == "tool_call_request":
                                ids[event["data"]["request_id"]] += 1
                            elif event.get("type") == "task_finished":
                                return ids
            await clock.sleep(0.5)
            with suppress(httpx.HTTPError, ValueError):
                task = await http.get(f"{url}/v1/tasks/t1")
                if task.json().get("status") == "completed":
                    return ids


async def life(client: Client, platform: Platform, dice: random.Random, faults: int, result: Result) -> None:
    """Run one task from its start to its end, through this many faults."""
    clock = FastClock(factor=FACTOR)
    platform.agent("a1", "A")
    platform.task("t1")
    storm = Storm(platform, dice, clock, faults)
    begun, calls = clock.monotonic(), 0
    async with asyncio.timeout(300), Server(platform.handle) as server:
        job = asyncio.ensure_future(client(server.url, storm, clock, random.Random(dice.random()), result))
        while storm.left > 0 and not job.done():
            await platform.tool("t1", f"r{calls}", "search", {"q": calls}, {"hits": calls})
            calls += 1
            await clock.sleep(dice.uniform(0.1, 0.4))
        await platform.finish("t1")
        ids = await job
        result.requests += len(server.requests)
    result.seconds += clock.monotonic() - begun
    result.faults += storm.count
    result.take(ids, calls)


async def run(client: Client, seed: int, faults: int) -> Result:
    """Run this many faults, one task after another."""
    dice, result = random.Random(seed), Result()
    while (left := faults - result.faults.total()) > 0:
        with closing(Platform("live only")) as platform:
            await life(client, platform, dice, min(AT_A_TIME, left), result)
    return result


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0


def told(name: str, result: Result) -> str:
    """Return a line about a result."""
    rate = result.requests / result.seconds
    return (
        f"{name}: {result.faults.total():,} faults of {len(result.faults)} kinds, {result.calls:,} calls: "
        f"{result.lost} lost, {result.twice} twice; back after {percentile(result.resyncs, 0.5):.2f} s (p50), "
        f"{percentile(result.resyncs, 0.99):.2f} s (p99); {rate:.2f} requests a second"
    )


async def main(seeds: int, faults: int) -> None:
    """Print the results."""
    for seed in range(seeds):
        for client in (ours, naive):
            result: Any = await run(client, seed, faults)
            sys.stdout.write(f"{told(f'seed {seed}, {client.__name__}', result)}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10, int(sys.argv[2]) if len(sys.argv) > 2 else 1000))
