"""Reads what a person decides about."""

from __future__ import annotations

from tui.client.client import Client
from tui.domain.review import ReviewSnapshot, review_of


async def load_review(client: Client, task_id: str) -> ReviewSnapshot:
    """Read what a person must see before deciding."""
    task = await client.task(task_id)
    log = await client.log(task)
    return review_of(task, log)
