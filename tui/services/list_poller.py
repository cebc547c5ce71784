"""A platform in, changes out: lists are polled with manners, and a task can be followed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.client import Client
from tui.client.retry import Backoff, Clock, SystemClock
from tui.client.task_rows import TaskQuery
from tui.domain.state import AgentsSeen, Change, TasksSeen

if TYPE_CHECKING:
    from tui.client.models import Task

Tell = Callable[[Change], None]
PART = 500
"""Entries of a log that are told at once."""


class Rhythm(Struct, frozen=True):
    """How often is asked, in seconds; the documented budget is 100 requests a minute and 1,000 an hour."""

    lists: float = 20.0
    polled: float = 5.0
    """A followed task without a stream."""
    streamed: float = 30.0
    """A followed task beside its stream, in case the stream says less than it should."""
    least: float = 1.5
    """Between two readings of one task, whatever happens."""
    proof: float = 2.0
    """How long a resumed stream has to show that it left nothing out."""


class Watch:
    """Follows what happens on a platform, and tells it."""

    def __init__(
        self,
        client: Client,
        tell: Tell,
        *,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self.client = client
        self.tell = tell
        self.clock = clock or SystemClock()
        self.backoff = backoff
        self.rhythm = rhythm or Rhythm()

    async def agents(self) -> None:
        """Tell all agents once."""
        async with aclosing(self.client.agents()) as pages:
            async for page in pages:
                self.tell(AgentsSeen(page.items, self.client.now))

    async def tasks(self, query: TaskQuery | None = None, *, at_most: int | None = None) -> int:
        """Tell the tasks that match once, or the first so many of them; the answer is how many there are in all."""
        told = 0
        total = 0
        asked = self.client.now
        async with aclosing(self.client.tasks(query)) as pages:
            async for page in pages:
                self.tell(TasksSeen(page.items, asked))
                told += len(page.items)
                total = max(total, told, page.total or 0)
                if at_most is not None and told >= at_most:
                    break
                asked = self.client.now
        return total

    async def follow(self, task_id: str) -> Task:
        """Tell everything of one task until it is final, and its log is read once more after that."""
        from tui.services.task_follower import Follower

        return await Follower(self, task_id).run()
