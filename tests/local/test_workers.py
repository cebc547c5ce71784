"""Workers over real HTTP: they register, are handed tasks, and may come and go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.conftest import Serve, Served
from tui.local import workers
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.workers import Worker


@dataclass
class Channel:
    """The channel of a worker."""

    http: httpx.AsyncClient
    lines: AsyncIterator[str]
    id: str = ""

    async def next(self) -> tuple[str, Any]:
        """Return the next message: its name and data."""
        async with asyncio.timeout(10):
            name = ""
            async for line in self.lines:
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    return name, json.loads(line.removeprefix("data: "))
                elif line:
                    return "comment", line
        return "end", None

    async def task(self) -> str:
        """Return the id of the next task that is handed over."""
        name, told = await self.next()
        assert name == "agent-execution"
        return str(told["id"])

    async def says(self, **data: Any) -> None:
        """Report the state of the worker to the platform."""
        answer = await self.http.post(f"/events/{self.id}", json={"type": "heartbeat", "data": data})
        assert answer.json() == {"ok": True}


@asynccontextmanager
async def worker(here: Served, agent: str = "your-agent") -> AsyncIterator[Channel]:
    """Register a worker of an agent."""
    async with here.http() as http, http.stream("GET", f"/events/{agent}") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        channel = Channel(http, response.aiter_lines())
        name, asset = await channel.next()
        assert (name, asset["metadata"]["unique_name"], asset["is_busy"]) == ("worker-registration", agent, False)
        channel.id = asset["id"]
        yield channel


async def make(here: Served, agent: str = "your-agent", **more: Any) -> str:
    """Start a task."""
    async with here.http() as http:
        answer = await http.post(f"/agent-execution/{agent}", json={"input": {"text": "count"}, **more})
        return str(answer.json()["id"])


async def test_a_task_that_waited_for_a_worker_is_handed_over(here: Served) -> None:
    # Private: no route tells what a worker is about to get.
    await make(here, "writer")
    early = [await make(here), await make(here)]
    async with here.http() as http:
        await http.post(f"/v1/tasks/{await make(here)}/stop")  # this one is wanted no more
    async with worker(here) as first:
        assert sorted([await first.task(), await first.task()]) == sorted(early)
        await first.says(is_busy=True)
        assert [one.is_busy for one in here.local.workers._workers] == [True]
        async with worker(here):  # what the first has is handed to nobody else
            assert [one.inbox.empty() for one in here.local.workers._workers] == [True, True]


async def test_a_later_worker_gets_the_tasks_that_came_in_between(here: Served) -> None:
    # Private: no route tells when a worker has gone.
    async with worker(here):
        pass
    async with asyncio.timeout(10):
        while here.local.workers._workers:
            await asyncio.sleep(0)
    task = await make(here)
    assert here.local.store.run_state(task) is None
    async with worker(here) as other:
        assert await other.task() == task


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalPlatform]:
    """A platform whose agents do nothing."""
    made = LocalPlatform(ServerOptions(tmp_path, seed="test", arrivals=False, history=False), ":memory:")
    yield made
    made.store.close()


@dataclass
class Joined:
    """A worker that has just registered."""

    frames: AsyncIterator[bytes]
    worker: Worker


async def joined(local: LocalPlatform, agent: str = "your-agent") -> Joined:
    """Register a worker."""
    # Private: no route tells what a worker is about to get.
    frames = local.workers.channel(agent)
    assert b"worker-registration" in await anext(frames)
    return Joined(frames, local.workers._workers[-1])


def handed(local: LocalPlatform, *those: Joined, **request: Any) -> list[bool]:
    """Return the worker that gets a new task."""
    task = local.platform.create("your-agent", {"input": {"text": "count"}, **request})
    inboxes = [one.worker.inbox for one in those]
    return [not inbox.empty() and inbox.get_nowait() == task for inbox in inboxes]


async def test_an_idle_worker_gets_the_task_unless_one_is_named(local: LocalPlatform) -> None:
    writer, one, two = await joined(local, "writer"), await joined(local), await joined(local)
    local.workers.update_status(one.worker.id, {"data": {"is_busy": True}})
    local.workers.update_status(two.worker.id, {"data": {"mood": "busy"}})
    local.workers.update_status(two.worker.id, {"data": "is_busy"})
    local.workers.update_status("nobody", {"data": {"is_busy": True}})
    assert handed(local, writer, one, two) == [False, False, True]
    assert handed(local, writer, one, two, worker_id=one.worker.id) == [False, True, False]
    local.workers.update_status(one.worker.id, {"data": {"is_busy": False}})
    local.workers.update_status(two.worker.id, {"data": {"is_busy": True}})
    assert handed(local, writer, one, two) == [False, True, False]


async def test_a_task_of_a_worker_is_not_played_by_the_platform(local: LocalPlatform) -> None:
    # Private: no method tells whether a step is due.
    mine = await joined(local)
    assert handed(local, mine) == [True]
    while local.runner._queue:
        local.runner.play_next()
    assert [task["status"] for task in local.store.tasks({})] == ["pending"]


async def test_an_approved_call_goes_back_to_its_worker(local: LocalPlatform) -> None:
    # Private: no method tells whether a step is due.
    task = local.platform.create("your-agent", {"input": {"text": "count"}})
    mine = await joined(local)
    assert task["id"].encode() in await anext(mine.frames)
    local.platform.save(task["id"], {"status": "executing"})
    local.decisions.request_approval(task["id"], "Really?", None, None)
    while local.runner._queue:
        local.runner.play_next()
    local.decisions.decide(task["id"], True, None)
    while local.runner._queue:
        local.runner.play_next()
    assert local.platform.task(task["id"])["status"] == "executing"


async def test_a_silent_channel_is_kept_alive(here: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "KEEPALIVE_SECONDS", 0.01)
    async with worker(here) as mine:
        assert await mine.next() == ("comment", ": still here")
        assert await mine.next() == ("comment", ": still here")


async def test_channels_end_with_the_platform(serve: Serve) -> None:
    async with serve() as here, worker(here) as mine:
        here.local.close()
        assert await mine.next() == ("end", None)


async def test_an_unknown_agent_has_no_workers(here: Served) -> None:
    async with here.http() as http:
        assert (await http.get("/events/nobody")).status_code == 404
