"""The services of the dashboard around a stub of the app, on a platform over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.stub import StubApp
from tests.local.conftest import serve
from tests.memory_journal import MemoryJournal
from tests.wire.platform import Platform
from tui.app.composition import Services
from tui.client.client import Client
from tui.domain.action import Action
from tui.security.redact import Redactor
from tui.services.list_poller import PollIntervals
from tui.widgets.ui_context import UIContext

__all__ = ["serve"]


class Parts:
    """The services, with a stub of the app and a journal in memory."""

    def __init__(self, client: Client, platform: Platform, folder: Path) -> None:
        self.app: Any = StubApp()
        self.client = client
        self.platform = platform
        self.journal = MemoryJournal()
        self.drafts: dict[str, str] = {}
        self.written: list[str] = []
        """Control sequences for the terminal."""
        self.copied: list[str] = []
        self.services = Services(
            self.app, client, self.journal, self.drafts, UIContext(lambda: client.now, Redactor(), "test"),
            run_step=lambda step: step(), write=self.written.append, copy_text=self.copied.append,
            state_folder=folder, hold_seconds=0.0, intervals=PollIntervals(lists=3600.0),
        )  # fmt: skip

    @property
    def sent(self) -> list[str]:
        """The verbs and targets of the actions that were sent."""
        return [f"{line['verb']} {line['target']}" for line in self.journal.entries if line["kind"] == "sent"]

    @property
    def outcomes(self) -> list[str]:
        return [line["outcome"] for line in self.journal.entries if line["kind"] == "done"]

    async def load(self, *task_ids: str) -> None:
        """Load the records and logs of these tasks into the store."""
        for task_id in task_ids:
            await self.services.reader.read_record_and_log(task_id)
        while self.services.store.has_pending:
            self.services.store.step()

    async def run(self, event: Any) -> None:
        """Handle a command, and wait until it and the actions that it starts have ended."""
        self.services.commands.handle(event)
        await self.app.finished("dialogs", "actions")

    def started(self) -> list[Action]:
        """Keep the actions that are started from now on instead of running them."""
        actions: list[Action] = []
        commands = self.services.commands
        commands.start = lambda action, *drafts: actions.append(action)  # type: ignore[method-assign]
        commands._replies._start = commands.start  # private: it was given the method that is replaced here
        return actions


@pytest.fixture
async def parts(client: Client, platform: Platform, tmp_path: Path) -> AsyncIterator[Parts]:
    made = Parts(client, platform, tmp_path)
    yield made
    made.app.cancel()
    await made.services.commands.interrupted()
    made.services.close()
