"""Reads what a person decides about."""

from __future__ import annotations

from tui.client.client import Client
from tui.domain.review import Shown, shown_of


async def shown(client: Client, task_id: str) -> Shown:
    """Read what a person must see before deciding."""
    task = await client.task(task_id)
    log = await client.log(task)
    return shown_of(task, log)
