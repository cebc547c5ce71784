"""Loads the review of a task: everything that a person must see before deciding."""

from __future__ import annotations

from tui.client.client import Client
from tui.domain.review import ReviewSnapshot, review_of


async def load_review(client: Client, task_id: str) -> ReviewSnapshot:
    """Load a task's record and then its log, and return the review of both."""
    task = await client.task(task_id)
    log = await client.log(task)
    return review_of(task, log)
