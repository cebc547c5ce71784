"""Workers of somebody's own, written with the official SDK: they register, are handed tasks, and send heartbeats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tui.local.data_dir import ORGANIZATION
from tui.local.sqlite_store import Json
from tui.local.task_service import Platform

KEEPALIVE_SECONDS = 15.0
"""Seconds between comments on a worker's channel."""


@dataclass(eq=False)
class Worker:
    """One worker that is connected."""

    id: str
    agent_id: str
    is_busy: bool = False
    inbox: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)


class Workers:
    """Who is connected, and what each is handed."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._workers: list[Worker] = []

    def begin(self, task: Json) -> Json | None:
        """Hand a task to a worker of its agent, when there is one; the answer is how it is being played."""
        found = [one for one in self._workers if one.agent_id == task["agent_id"]]
        wanted = [one for one in found if one.id == task["worker_id"]] or sorted(found, key=lambda one: one.is_busy)
        if not wanted:
            return None
        wanted[0].inbox.put_nowait(task)
        return {"worker": wanted[0].id}

    async def serve(self, agent_id: str) -> AsyncIterator[bytes]:
        """A worker's channel, from its registration until it goes."""
        platform = self._platform
        agent = platform.agent(agent_id)
        with platform.store.together():
            worker = Worker(platform.new_id(), agent_id)
        self._workers.append(worker)
        now = platform.now
        asset = {
            "id": worker.id, "name": f"worker of {agent['name']}", "organization_id": ORGANIZATION, "type": "worker",
            "created_at": now, "created_by": None, "last_heartbeat": now, "configuration": {},
            "dedicated_agent_id": agent_id, "parent_asset_id": None, "is_busy": False,
            "metadata": {"name": agent["name"], "unique_name": agent_id},
        }  # fmt: skip
        try:
            yield _frame("worker-registration", asset)
            self._hand_over_what_waited(agent_id)
            while True:
                try:
                    async with asyncio.timeout(KEEPALIVE_SECONDS):
                        task = await worker.inbox.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if task is None:
                    return
                yield _frame("agent-execution", task)
        finally:
            self._workers.remove(worker)

    def hear(self, worker_id: str, event: Json) -> None:
        """What a worker says of itself: that it lives, that it is busy."""
        data = event.get("data")
        for worker in self._workers:
            if worker.id == worker_id and isinstance(data, dict) and "is_busy" in data:
                worker.is_busy = bool(data["is_busy"])

    def close(self) -> None:
        """End every channel."""
        for worker in self._workers:
            worker.inbox.put_nowait(None)

    def _hand_over_what_waited(self, agent_id: str) -> None:
        """Tasks that nobody has begun go to the worker that has come."""
        store = self._platform.store
        for _, task_id, run in store.unfinished():
            task = self._platform.task(task_id)
            if task["agent_id"] == agent_id and task["status"] == "pending" and run is None:
                store.put_run(task_id, self.begin(task))


def _frame(event: str, data: Json) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
