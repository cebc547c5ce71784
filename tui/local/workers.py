"""The workers that are connected to the local platform.

A worker is a program of the operator that uses the official SDK; it registers over an event stream and is sent tasks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tui.local.data_dir import ORGANIZATION
from tui.local.sqlite_store import Json
from tui.local.task_service import Platform

KEEPALIVE_SECONDS = 15.0
"""Seconds of silence after which a comment keeps a worker's connection open."""


@dataclass(eq=False)
class Worker:
    """A connected worker."""

    id: str
    agent_id: str
    is_busy: bool = False
    inbox: asyncio.Queue[Json | None] = field(default_factory=asyncio.Queue)
    """Tasks to send to the worker; None ends its channel."""


class Workers:
    """The connected workers, and the tasks that are assigned to them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._workers: list[Worker] = []

    def assign(self, task: Json) -> Json | None:
        """Send a task to the requested worker, else to an idle one of its agent, else to a busy one.

        Return the run state, which the caller stores; None if no worker of the agent is connected.
        """
        workers = [worker for worker in self._workers if worker.agent_id == task["agent_id"]]
        requested = [worker for worker in workers if worker.id == task["worker_id"]]
        idle_first = sorted(workers, key=lambda worker: worker.is_busy)
        candidates = requested or idle_first
        if not candidates:
            return None
        worker = candidates[0]
        worker.inbox.put_nowait(task)
        return {"worker": worker.id}

    async def channel(self, agent_id: str) -> AsyncIterator[bytes]:
        """Register a worker and yield the SSE frames of its channel, until it disconnects or `close` is called."""
        platform = self._platform
        agent = platform.agent(agent_id)
        with platform.store.transaction():  # a new id counts up a number in the store
            worker_id = platform.new_id()
        worker = Worker(worker_id, agent_id)
        self._workers.append(worker)
        try:
            yield _frame("worker-registration", _registration(worker, agent, platform.now))
            self._assign_waiting_tasks(agent_id)
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

    def update_status(self, worker_id: str, event: Json) -> None:
        """Note whether a worker is busy, if an event of it says so; its other events are ignored."""
        data = event.get("data")
        for worker in self._workers:
            if worker.id == worker_id and isinstance(data, dict) and "is_busy" in data:
                worker.is_busy = bool(data["is_busy"])

    def close(self) -> None:
        """Close every channel."""
        for worker in self._workers:
            worker.inbox.put_nowait(None)

    def _assign_waiting_tasks(self, agent_id: str) -> None:
        """Assign the agent's waiting tasks, which were created while no worker was connected."""
        store = self._platform.store
        for unfinished in store.unfinished_tasks():
            task = self._platform.task(unfinished.id)
            is_waiting = task["status"] == "pending" and unfinished.run is None
            if task["agent_id"] == agent_id and is_waiting:
                store.put_run_state(unfinished.id, self.assign(task))


def _registration(worker: Worker, agent: Json, now: str) -> Json:
    """Return the data of the frame that tells a worker its id."""
    return {
        "id": worker.id, "name": f"worker of {agent['name']}", "organization_id": ORGANIZATION, "type": "worker",
        "created_at": now, "created_by": None, "last_heartbeat": now, "configuration": {},
        "dedicated_agent_id": worker.agent_id, "parent_asset_id": None, "is_busy": False,
        "metadata": {"name": agent["name"], "unique_name": worker.agent_id},
    }  # fmt: skip


def _frame(event: str, data: Json) -> bytes:
    return f"event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
