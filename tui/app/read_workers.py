"""Runs as workers of the app what reads from the platform, and tells why something could not be read."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import Awaitable, Callable
from functools import partial

from textual.message import Message

from tui.app.access import AppAccess, Severity
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.screens.messages import ReadLog
from tui.screens.task_list import TaskListScreen
from tui.services.list_poller import ListPoller, error_sentence
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader
from tui.widgets.ui_context import UIContext

LATE_IMPORTS = (
    "tui.screens.task_detail",
    "tui.screens.review",
    "tui.screens.bulk_review",
    "tui.screens.confirm",
    "tui.screens.agent_picker",
    "tui.screens.copy_dialog",
    "tui.screens.message_editor",
    "tui.screens.answer",
    "tui.screens.palette",
    "tui.screens.command_line",
    "tui.screens.help",
    "tui.services.task_follower",
)
"""Modules that are imported once the lists are shown, which need none of them."""

Read = Callable[[], Awaitable[None]]


class ReadWorkers:
    """Starts and replaces the readings that the screens ask for."""

    def __init__(
        self, app: AppAccess, client: Client, store: StateStore, reader: TaskReader, lists: ListPoller, ui: UIContext
    ) -> None:
        self._app = app
        self._client = client
        self._store = store
        self._reader = reader
        self._lists = lists
        self._ui = ui
        self.followed = ""
        """The id of the task whose stream is followed."""

    def start(self) -> None:
        """Begin to read."""
        self._lists.on_first_round = self._import_late
        self.read_lists()

    def read_lists(self) -> None:
        """Read the lists from now on, beginning with a round at once."""
        self._app.run_worker(self._lists.run, group="lists", exclusive=True)

    def _import_late(self) -> None:
        """Import the modules that the first screen does not need."""
        self._app.run_worker(_import_late, group="later")

    def handle(self, event: Message) -> None:
        """Start the reading that a screen asks for."""
        match event:
            case TaskListScreen.Reload():
                self.read_lists()
            case TaskListScreen.More():
                self._start(self._lists.read_more, "No more could be read", "error", group="more")
            case TaskListScreen.ServerQueryChanged(query=query):
                reading = partial(self._lists.read_filtered, query)
                self._start(reading, "The platform was not asked", "information", group="wider", is_exclusive=True)
            case TaskListScreen.PreviewRequested(task_id=task_id, with_log=with_log):
                preview = partial(self._reader.read_preview, task_id, with_log=with_log)
                self._app.run_worker(preview, group="glance", exclusive=True)
            case ReadLog(task_id=task_id):
                self._app.run_worker(partial(self._read_log, task_id), group="below")

    def _start(self, reading: Read, title: str, severity: Severity, *, group: str, is_exclusive: bool = False) -> None:
        self._app.run_worker(partial(self._reported, reading, title, severity), group=group, exclusive=is_exclusive)

    async def _reported(self, reading: Read, title: str, severity: Severity) -> None:
        """Tell in a notice why a reading failed."""
        try:
            await reading()
        except (ApiError, BadAddress) as error:
            self._app.notify(self._ui.safe(error_sentence(error)), title=title, severity=severity, markup=False)

    async def _read_log(self, task_id: str) -> None:
        try:
            await self._reader.read_record_and_log(task_id)
        except (ApiError, BadAddress) as error:
            self._app.notify(self._ui.safe(str(error)), title="The sub-task could not be read", markup=False)

    def follow_topmost(self) -> None:
        """Follow the topmost task on the screens, and no other."""
        opened = [screen.followed_task for screen in self._app.screens if screen.followed_task]
        wanted = opened[-1] if opened else ""
        if wanted != self.followed:
            self.followed = wanted
            self._app.run_worker(partial(self._follow, wanted), group="follow", exclusive=True)

    async def _follow(self, task_id: str) -> None:
        """Follow a task until it ends; without one, only end the following before."""
        if not task_id:
            return
        importlib.import_module("markdown_it")  # before there is anything to draw with it
        from tui.services.task_follower import TaskFollower

        try:
            await TaskFollower(self._client, task_id, self._store.add, intervals=self._lists.intervals).run()
        except (ApiError, BadAddress) as error:
            for screen in self._app.screens:
                screen.follow_ended(task_id, error_sentence(error))


async def _import_late() -> None:
    """Import the late modules one by one, so that the loop runs other callbacks in between.

    All that was made until then stays for good: the garbage collector need no longer look at it.
    """
    for name in LATE_IMPORTS:
        importlib.import_module(name)
        await asyncio.sleep(0)
    gc.freeze()
