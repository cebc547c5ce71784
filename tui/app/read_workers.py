"""Runs the reads from the platform as workers of the app, and reports the reads that fail."""

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
    "tui.screens.agent_page",
    "tui.screens.copy_dialog",
    "tui.screens.message_editor",
    "tui.screens.answer",
    "tui.screens.palette",
    "tui.screens.command_line",
    "tui.screens.help",
    "tui.services.task_follower",
)
"""Modules that are imported after the task list is shown, so that the first frame does not wait for them."""

Read = Callable[[], Awaitable[None]]


class ReadWorkers:
    """The workers that read what the screens ask for."""

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
        """The id of the followed task; empty where none is followed."""

    def start(self) -> None:
        """Start reading the task list."""
        self._freeze_objects()
        self._lists.on_first_round = self._start_late_imports
        self.read_lists()

    def read_lists(self) -> None:
        """Read the lists at once, and regularly from then on."""
        self._app.run_worker(self._lists.run, group="lists", exclusive=True)

    def _start_late_imports(self) -> None:
        self._app.run_worker(self._import_late, group="imports")

    async def _import_late(self) -> None:
        """Import the late modules one by one, so that the event loop runs other callbacks in between."""
        for name in LATE_IMPORTS:
            importlib.import_module(name)
            await asyncio.sleep(0)
        self._freeze_objects()

    def _freeze_objects(self) -> None:
        """Keep the objects that exist now out of garbage collections.

        A screen that is open besides the task list would never be freed, so nothing is frozen then.
        """
        if len(self._app.screens) <= 1:
            gc.freeze()

    def handle(self, event: Message) -> None:
        """Handle a message of a screen by starting the read that it asks for."""
        match event:
            case TaskListScreen.Reload():
                self.read_lists()
            case TaskListScreen.More():
                self._start_read(self._lists.read_more, "No more could be read", "error", group="more")
            case TaskListScreen.ServerQueryChanged(query=query):
                read = partial(self._lists.read_filtered, query)
                self._start_read(read, "The platform was not asked", "information", group="filter", is_exclusive=True)
            case TaskListScreen.PreviewRequested(task_id=task_id, with_log=with_log):
                preview = partial(self._reader.read_preview, task_id, with_log=with_log)
                self._app.run_worker(preview, group="preview", exclusive=True)
            case ReadLog(task_id=task_id, is_asked=is_asked):
                self._app.run_worker(partial(self._read_log, task_id, is_asked), group="logs")

    def _start_read(
        self, read: Read, title: str, severity: Severity, *, group: str, is_exclusive: bool = False
    ) -> None:
        """Start a read in the background; the title and the severity are those of a notice that it has failed."""
        work = partial(self._read_or_notify, read, title, severity)
        self._app.run_worker(work, group=group, exclusive=is_exclusive)

    async def _read_or_notify(self, read: Read, title: str, severity: Severity) -> None:
        """Read, or notify the operator of the reason why the read failed."""
        try:
            await read()
        except (ApiError, BadAddress) as error:
            self._app.notify(self._ui.safe(error_sentence(error)), title=title, severity=severity, markup=False)

    async def _read_log(self, task_id: str, is_asked: bool) -> None:
        try:
            await self._reader.read_record_and_log(task_id)
        except (ApiError, BadAddress) as error:
            if not is_asked:
                return
            self._app.notify(self._ui.safe(str(error)), title="The sub-task could not be read", markup=False)

    def follow_topmost(self) -> None:
        """Follow the task of the topmost task screen, and no other."""
        topmost_first = reversed(self._app.screens)
        followed_tasks = [screen.followed_task for screen in topmost_first if screen.followed_task]
        task_id = followed_tasks[0] if followed_tasks else ""
        if task_id != self.followed:
            self.followed = task_id
            self._app.run_worker(partial(self._follow, task_id), group="follow", exclusive=True)

    async def _follow(self, task_id: str) -> None:
        """Follow a task until it ends; with an empty id, follow none."""
        if not task_id:
            return
        importlib.import_module("markdown_it")  # before the first Markdown has to be drawn
        from tui.services.task_follower import TaskFollower

        try:
            await TaskFollower(self._client, task_id, self._store.add, intervals=self._lists.intervals).run()
        except (ApiError, BadAddress) as error:
            for screen in self._app.screens:
                screen.follow_ended(task_id, error_sentence(error))
