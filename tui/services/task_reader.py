"""Reads single tasks, with or without their logs."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, Forbidden, NotFound, NotSupported, UnexpectedAnswer
from tui.client.task_rows import AnyTask
from tui.domain.state import AgentsSeen, TaskGone, TasksSeen
from tui.domain.waits import needs_agent, needs_log
from tui.services.state_store import StateStore

if TYPE_CHECKING:
    from tui.client.models import Task


class TaskReader:
    """The reader of tasks: reads records and logs, and adds them to the store."""

    def __init__(self, client: Client, store: StateStore) -> None:
        self._client = client
        self._store = store
        self._previewed_at: dict[tuple[str, bool], datetime | None] = {}
        """The time of the last update of each previewed task, by its id and by whether its log was read."""
        self._read_agents: set[str] = set()
        """The ids of the agents whose records were read for the nodes of their workflows."""

    async def read_record(self, task_id: str) -> Task:
        """Read one task's record."""
        asked_at = self._client.now
        task = await self._client.task(task_id)
        self._store.add(TasksSeen((task,), asked_at))
        return task

    async def read_wait_sources(self, task: Task) -> None:
        """Read what is needed besides its record to tell for what a task waits: its workflow's nodes, and its log."""
        if needs_agent(task):
            await self._read_agent_once(task.agent_id)
        if needs_log(task):
            await self.read_log(task)

    async def _read_agent_once(self, agent_id: str) -> None:
        if agent_id in self._read_agents:
            return
        asked_at = self._client.now
        with suppress(NotFound, Forbidden, NotSupported, UnexpectedAnswer, BadAddress):
            self._store.add(AgentsSeen((await self._client.agent(agent_id),), asked_at))
        self._read_agents.add(agent_id)

    async def read_log(self, task: Task) -> None:
        """Read one task's log."""
        asked_at = self._client.now
        self._store.add_log(task.id, await self._client.log(task), asked_at)

    async def read_record_and_log(self, task_id: str) -> None:
        """Read one task's record, then its log."""
        await self.read_log(await self.read_record(task_id))

    async def read_known(self, task_id: str) -> Task | None:
        """Read the record of a known task; return None, and mark it as gone, if the platform no longer has it."""
        try:
            return await self.read_record(task_id)
        except NotFound as error:
            self._store.add(TaskGone(task_id, self._client.now, error.message))
            return None
        except BadAddress:
            return None  # no request can be made for this id

    async def read_preview(self, task_id: str, *, with_log: bool) -> None:
        """Read the preview of a task, unless it was read since the task's last update."""
        task = self._store.state.task(task_id)
        if task is None:
            return
        updated_at = task.updated_at or task.created_at
        if self._previewed_at.get((task_id, with_log)) == updated_at:
            return
        try:
            record = await self.read_record(task_id)
            if with_log:
                await self.read_log(record)
        except (ApiError, BadAddress):
            return  # the list shows that the platform is offline
        self._previewed_at[task_id, with_log] = record.updated_at or record.created_at

    async def find(self, prefix: str) -> AnyTask | None:
        """Find a task by its id, by a prefix that only one loaded task has, or else by asking the platform."""
        state = self._store.state
        matching_ids = [task_id for task_id in state.tasks if task_id.startswith(prefix)]
        if prefix in matching_ids:
            return state.task(prefix)
        if len(matching_ids) == 1:
            return state.task(matching_ids[0])
        try:
            task = await self.read_record(prefix)
        except (ApiError, BadAddress):
            return None
        self._store.step()  # the task is in the state before its screen opens
        return task
