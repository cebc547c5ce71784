"""Reads for what a task waits: its record, and where that is not enough its workflow's nodes and its log."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.task_rows import AnyTask
from tui.domain.state import AgentsSeen, Change, LogSeen, TasksSeen
from tui.domain.waits import needs_agent, needs_log

if TYPE_CHECKING:
    from tui.client.models import Agent


async def read_wait(client: Client, task_id: str) -> list[Change]:
    """Read all that tells for what a task waits; a part that cannot be read is left out."""
    asked_at = client.now
    changes: list[Change] = []
    with suppress(ApiError, BadAddress):
        record = await client.task(task_id)
        changes.append(TasksSeen((record,), asked_at))
        agent = await read_agent_of_wait(client, record)
        if agent is not None:
            changes.append(AgentsSeen((agent,), asked_at))
        if needs_log(record):
            changes.append(LogSeen(task_id, await client.log(record), asked_at))
    return changes


async def read_agent_of_wait(client: Client, task: AnyTask) -> Agent | None:
    """Read the agent of a task that stands at a node of its workflow; None if it is not needed or not readable."""
    if not needs_agent(task):
        return None
    with suppress(ApiError, BadAddress):
        return await client.agent(task.agent_id)
    return None
