"""A stream cut a thousand times: what arrives here, and what arrives at the official SDK from the same server.

python -m benchmarks.cuts [path of a Python that has xpander-sdk]
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from tests.conftest import FastClock, make_client
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Server
from tui.client.event_stream import EventStream, StreamItem
from tui.client.events import Event
from tui.client.retry import Backoff
from tui.domain.state import Change, GapSeen, State
from tui.local.data_dir import ORGANIZATION as ORG
from tui.services.list_poller import PollIntervals
from tui.services.task_follower import TaskFollower

CUTS = 1_000
SDK = """
import asyncio, json, sys
from loguru import logger
logger.remove()
from xpander_sdk import Configuration
from xpander_sdk.modules.tasks.sub_modules.task import Task
async def main():
    config = Configuration(api_key=sys.argv[2], organization_id=sys.argv[3], base_url=sys.argv[1])
    task = await Task.aload(task_id="t1", configuration=config)
    seen = []
    while True:
        try:
            async for event in task.aevents():
                seen.append((event.data or {}).get("request_id") if isinstance(event.data, dict) else None)
                if event.type.value == "task_finished":
                    break
            break
        except Exception as error:
            break
    print(json.dumps(seen))
asyncio.run(main())
"""


def cutting(platform: Platform, dice: random.Random) -> Counter[str]:
    """Make a platform cut its streams at random places of random frames, so many times in all."""
    count: Counter[str] = Counter()

    async def cut(connection: Connection, frame: bytes) -> bool:
        if count["cuts"] >= CUTS or dice.random() < 0.5:
            await connection.chunk(frame)
            return True
        count["cuts"] += 1
        await connection.chunk(frame[: dice.randrange(len(frame))])
        if dice.random() < 0.5:
            connection.reset()
        return False

    platform.stream_hook = cut
    return count


async def resuming() -> None:
    """Ours against a server that resumes by id: every event once and in order."""
    platform = Platform("by id")
    platform.agent("a1", "A")
    platform.task("t1")
    for number in range(1_500):
        await platform.push("t1", "tool_call_request", {"request_id": f"r{number}", "operation_id": "x"})
    count = cutting(platform, random.Random(1))
    ids: list[int] = []
    clock = FastClock(factor=2_000.0)
    begun = time.monotonic()
    async with Server(platform.handle) as server, make_client(server.url, clock=clock) as client:
        stream = EventStream(client, "t1", clock=clock, backoff=Backoff(rng=random.Random(2)))

        def take(told: StreamItem) -> None:
            if isinstance(told, Event):
                ids.append(int(told.frame_id))
                if len(ids) == 1_500:
                    stream.stop()

        async with asyncio.timeout(300):
            await stream.run(take)
    right = ids == list(range(1, 1_501))
    print(f"resuming server: {count['cuts']} cuts, {len(ids)} of 1500 events, once and in order: {right}, "
          f"{time.monotonic() - begun:.1f} s")  # fmt: skip


async def live_only() -> None:
    """Ours against a server that tells only what is new: every entry of the log once, every hole settled or shown."""
    platform = Platform("live only")
    platform.agent("a1", "A")
    platform.task("t1")
    count = cutting(platform, random.Random(3))
    changes: list[Change] = []
    clock = FastClock(factor=1_000.0)
    calls = 0
    begun = time.monotonic()
    async with Server(platform.handle) as server, make_client(server.url, clock=clock) as client:
        job = asyncio.create_task(
            TaskFollower(client, "t1", changes.append, clock=clock, intervals=PollIntervals()).run()
        )
        while count["cuts"] < CUTS and not job.done() and time.monotonic() - begun < 300:
            await platform.tool("t1", f"r{calls}", "search", {"q": calls}, {"hits": calls})
            calls += 1
            await asyncio.sleep(0.002)
        await platform.finish("t1")
        async with asyncio.timeout(60):
            await job
    activity = State().after(changes).activity("t1")
    assert activity is not None
    told = Counter(node.entry.id for node in activity.nodes if node.entry.kind == "tool")
    lost = [number for number in range(calls) if told[f"r{number}"] == 0]
    twice = [key for key, times in told.items() if times > 1]
    gaps = list(activity.gaps.values())
    filled = [node for node in activity.nodes if node.provenance == "back-filled"]
    print(f"live-only server: {count['cuts']} cuts, {calls} calls: {len(lost)} lost, {len(twice)} twice; {len(gaps)} gaps, "
          f"{sum(gap.filled is None for gap in gaps)} unfilled, {len(filled)} nodes back-filled; shown {sum(isinstance(c, GapSeen) for c in changes)} times, "
          f"{time.monotonic() - begun:.1f} s")  # fmt: skip


async def sdk(python: str) -> None:
    """The SDK's aevents() against the same two servers, with one cut: it does not reconnect."""
    for resume in ("by id", "live only"):
        platform = Platform(resume)
        platform.agent("a1", "A")
        platform.task("t1")
        cutting(platform, random.Random(1))
        async with Server(platform.handle) as server:
            pipe = asyncio.subprocess.PIPE
            job = await asyncio.create_subprocess_exec(
                python, "-c", SDK, server.url, KEY, ORG, stdout=pipe, stderr=pipe
            )
            while not any("/events" in request.path for request in server.requests) and job.returncode is None:
                await asyncio.sleep(0.05)
            for number in range(750):
                await platform.tool("t1", f"r{number}", "search", {"q": number}, {"hits": number})
                await asyncio.sleep(0.001)
            async with asyncio.timeout(60):
                out, err = await job.communicate()
        seen = json.loads(out) if out.strip() else err.decode()[-300:]
        print(f"the SDK, {resume}: {len(seen)} of 1500 events" if isinstance(seen, list) else f"the SDK failed: {seen}")


async def main() -> None:
    """All of it."""
    await resuming()
    await live_only()
    if len(sys.argv) > 1 and Path(sys.argv[1]).exists():
        await sdk(sys.argv[1])


if __name__ == "__main__":
    asyncio.run(main())
