"""Readers of event streams, each run in a process of its own: what reading costs it, as JSON.

python -m benchmarks.readers ours|bare|sdk '{"url": …, "ca": …}' EVENTS [STREAMS]
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import steady
from benchmarks.serving import KEY, ORGANIZATION, ROOT, Address

STEP = 1 / 30
"""Seconds between two steps of the board, as the dashboard takes them."""
SDK = ROOT / ".venv-interop/bin/python"
"""A Python with the vendor's SDK, which `make bench` sets up."""


@dataclass(slots=True)
class Count:
    """Counts events; its clock begins once every stream has told one, so that imports and connecting are left out."""

    wanted: int
    streams: int = 1
    heard: set[str] = field(default_factory=set)
    skipped: int = 0
    seen: int = 0
    cpu: float = 0.0
    wall: float = 0.0
    state: float = 0.0

    def one(self, stream: str) -> bool:
        """Count an event of a stream; whether it was the last."""
        self.seen += 1
        if len(self.heard) < self.streams:
            self.heard.add(stream)
            self.skipped, self.cpu, self.wall = self.seen, time.process_time(), time.perf_counter()
            self.state = 0.0
        if self.seen < self.wanted:
            return False
        self.cpu, self.wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return True

    def told(self) -> dict[str, float]:
        """CPU (of it the board's) and wall seconds of the events that were counted, their number, and the memory in MB."""
        events, mb = self.seen - self.skipped, resident(os.getpid())
        return {"cpu": self.cpu, "board": self.state, "wall": self.wall, "events": events, "mb": mb}


def resident(pid: int) -> float:
    """Memory of a process, in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ours(address: Address, count: Count) -> None:
    """What the dashboard reads with: its stream on its client; of several, into one board, 30 steps a second."""
    from tui.client.client import Client
    from tui.client.endpoints import Surfaces
    from tui.client.event_stream import EventStream, StreamItem
    from tui.client.events import Event
    from tui.client.secret import Secret
    from tui.client.session import PlatformSession
    from tui.domain.state import Change, EventSeen, State

    state, changes, done = State(), list[Change](), asyncio.Event()

    def take(task_id: str) -> Callable[[StreamItem], None]:
        def taken(told: StreamItem) -> None:
            if isinstance(told, Event):
                if count.streams > 1:
                    changes.append(EventSeen(task_id, told, client.now))
                if count.one(task_id):
                    done.set()
                    streams[task_id].stop()

        return taken

    async def step() -> None:
        nonlocal state
        while count.streams > 1:
            await asyncio.sleep(STEP)
            begun = time.process_time()
            state = state.after(changes)
            count.state += time.process_time() - begun
            changes.clear()

    surfaces = Surfaces(address.url, address.url, ORGANIZATION)
    async with Client(surfaces, PlatformSession(Secret(KEY), frozenset, ca=address.ca or None)) as client:
        streams = {f"t{n}": EventStream(client, f"t{n}") for n in range(count.streams)}
        jobs = [asyncio.create_task(stream.run(take(name))) for name, stream in streams.items()]
        jobs.append(asyncio.create_task(step()))
        await done.wait()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def bare(address: Address, count: Count) -> None:
    """The least that reading with httpx costs: the same pauses, and nothing of an event but its end is looked at."""
    import httpx

    from tui.client.network import tls_context
    from tui.client.pacing import paced

    done = asyncio.Event()

    async def read(client: httpx.AsyncClient, task: str) -> None:
        url = f"{address.url}/{ORGANIZATION}/agent-execution/{task}/events"
        async with client.stream("GET", url, headers={"x-api-key": KEY}) as response:
            response.raise_for_status()
            async for chunk in paced(response):
                for _ in range(chunk.count(b"\n\n")):
                    if count.one(task):
                        done.set()

    async with httpx.AsyncClient(verify=tls_context(address.ca or None), timeout=None) as client:
        jobs = [asyncio.create_task(read(client, f"t{n}")) for n in range(count.streams)]
        await done.wait()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def sdk(address: Address, count: Count) -> None:
    """What the SDK reads with."""
    from loguru import logger  # type: ignore[import-not-found]
    from xpander_sdk import Configuration  # type: ignore[import-not-found]
    from xpander_sdk.modules.tasks.sub_modules.task import Task  # type: ignore[import-not-found]

    logger.remove()
    configuration = Configuration(api_key=KEY, organization_id=ORGANIZATION, base_url=address.url)
    done = asyncio.Event()

    async def read(task: Any) -> None:
        async for _ in task.aevents():
            if count.one(task.id):
                done.set()
                return

    tasks = [await Task.aload(task_id=f"t{n}", configuration=configuration) for n in range(count.streams)]
    jobs = [asyncio.create_task(read(task)) for task in tasks]
    await done.wait()
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)


READERS: dict[str, Callable[[Address, Count], Awaitable[None]]] = {"ours": ours, "bare": bare, "sdk": sdk}


def reading(name: str, address: Address, events: int, streams: int = 1) -> dict[str, float]:
    """Run one reader."""
    python = str(SDK) if name == "sdk" else sys.executable
    command = [
        python,
        "-m",
        "benchmarks.readers",
        name,
        json.dumps(asdict(address)),
        str(events),
        str(streams),
    ]
    environ = os.environ | ({"SSL_CERT_FILE": address.ca} if address.ca else {})
    done = subprocess.run(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, timeout=300, check=True)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    """Read, and tell."""
    name, address, events, streams = sys.argv[1], Address(**json.loads(sys.argv[2])), *map(int, sys.argv[3:5])
    count = Count(events, streams)

    async def read() -> None:
        await READERS[name](address, count)

    steady.wait()
    asyncio.run(read())
    print(json.dumps(count.told() | {"steady": steady.is_quick()}))


if __name__ == "__main__":
    main()
