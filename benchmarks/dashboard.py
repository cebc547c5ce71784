"""The dashboard itself in this process, on a platform that answers the same at any time."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

from benchmarks.onscreen import Painted
from tests.screens.fixed_platforms import FixedPlatform
from tui.app.app import XpTui
from tui.client.client import Client
from tui.domain.state import State, TasksSeen
from tui.screens.task_list import TaskListScreen
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.services.list_poller import PollIntervals
from tui.storage.json_store import JsonStore

SELDOM = PollIntervals(lists=3600.0, polled=3600.0, streamed=3600.0)
"""Nothing is read that nobody has asked for."""
AGENTS = [{"id": f"a{n}", "name": f"Agent {n}"} for n in range(7)]


class Dashboard(Painted, XpTui):
    """The dashboard, painted as for a terminal."""

    @property
    def home(self) -> TaskListScreen:
        """Its list."""
        return next(screen for screen in self.screen_stack if isinstance(screen, TaskListScreen))


@asynccontextmanager
async def dashboard(client: Client | None = None) -> AsyncIterator[Dashboard]:
    """Run it."""
    no_check = patch("tui.app.app.check_terminal")  # there is no terminal that could go away
    with tempfile.TemporaryDirectory() as name, no_check:
        place = Path(name)
        async with client or FixedPlatform(agents=AGENTS).client() as told:
            app = Dashboard(
                told, Journal(place / "journal.jsonl"), JsonStore(place / "drafts.json"),
                redactor=Redactor(), state_folder=place, place="benchmarks", intervals=SELDOM,
            )  # fmt: skip
            async with app.running():
                while not app.services.lists.has_read_all:
                    await asyncio.sleep(0.01)
                yield app


async def listed(app: Dashboard, state: State, per_step: int = 2_000) -> None:
    """Let it take in all tasks of a board, page by page."""
    tasks = [known.task for known in state.tasks.values()]
    for at in range(0, len(tasks), per_step):
        await app.within(lambda: app.services.store.add(TasksSeen(tuple(tasks[at : at + per_step]), app.client.now)))
    while app.home.list_pane.listing.loaded < len(tasks):
        await asyncio.sleep(0.05)
    await app.quiet()
