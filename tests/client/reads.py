"""The reading operations of a client, for tests that run with each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tui.client.client import Client
from tui.client.task_rows import TaskQuery

RUNNING_RECORD = {"id": "t1", "agent_id": "a1", "status": "executing"}
Operation = Callable[[Client], Awaitable[Any]]


async def pages(client: Client) -> list[Any]:
    return [page async for page in client.tasks(TaskQuery())]


async def events(client: Client) -> int:
    async with client.open_events(await client.events_url("t1"), "") as response:
        return response.status_code


READS: dict[str, Operation] = {"record": lambda client: client.task("t1"), "pages": pages, "events": events}
