"""The dashboard: owns client, watch and board, and grants what the screens wish."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import PurePath
from typing import ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from tui import looks
from tui.api.client import Client, TaskQuery
from tui.api.errors import ApiError
from tui.api.models import Status
from tui.api.routes import BadAddress
from tui.board import Board, Change, LogSeen, TasksSeen
from tui.plain import one_line
from tui.screens.task import TaskScreen
from tui.screens.tasks import TasksScreen
from tui.watch import Rhythm, Watch

STEP = 1 / 30
"""Seconds between two steps of the board at the least."""
FIRST = (Status.PAUSED, Status.EXECUTING, Status.PENDING)
"""What is asked for first: it may need a person."""
NEWEST = 200
"""How many of the newest tasks are kept at hand beside these."""


class XpTui(App[None]):
    """The operator's console."""

    TITLE = "xp-tui"
    CSS_PATH = [(looks.styles() or PurePath()) / f"{name}.tcss" for name in ("app", "tasks", "task")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, client: Client, *, place: str, rhythm: Rhythm | None = None) -> None:
        super().__init__()
        self.board = Board()
        self._client = client
        self._place = place
        self._changes: list[Change] = []
        self._is_due = False
        self._total: int | None = None
        self._told_waiting = 0
        self._watch = Watch(client, self._tell, rhythm=rhythm)
        self._looked_into: dict[str, datetime | None] = {}
        if home := looks.styles():
            for name, colours in looks.themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        self.theme = "xp-dark"

    def on_mount(self) -> None:
        """Show the list, and begin to watch."""
        self.push_screen(TasksScreen(self._now, self._place))
        self._read_lists()

    def _now(self) -> datetime:
        return self._client.now

    @property
    def _home(self) -> TasksScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, TasksScreen)), None)

    # Watching

    def _tell(self, change: Change) -> None:
        """Collect a change; all that have come are applied in one step."""
        self._changes.append(change)
        if not self._is_due:
            self._is_due = True
            self.set_timer(STEP, self._step)

    def _step(self) -> None:
        self._is_due = False
        changes, self._changes = self._changes, []
        self.board = self.board.after(changes)
        for screen in self.screen_stack:
            if isinstance(screen, TasksScreen):
                screen.board_changed(self.board, self._total)
            elif isinstance(screen, TaskScreen):
                screen.board_changed(self.board)
                screen.happened([change for change in changes if getattr(change, "task_id", None) == screen.task_id])
        waiting = sum(1 for task_id in self.board.tasks if self.board.wait(task_id))
        if waiting != self._told_waiting:
            self._told_waiting = waiting
            self.title = f"{waiting} need you · xp-tui" if waiting else "xp-tui"

    @work(exclusive=True, group="lists")
    async def _read_lists(self) -> None:
        """Read the lists again and again: what may need a person first, then the newest."""
        while True:
            try:
                if not self.board.agents:
                    await self._watch.agents()
                await self._watch.tasks(TaskQuery(status=FIRST))
                self._total = await self._watch.tasks(at_most=NEWEST)
                await self._look_into()
                self._say("live", "running")
            except (ApiError, BadAddress) as error:
                words = error.sentence if isinstance(error, ApiError) else str(error)
                self._say("offline", "failed", words)
            await asyncio.sleep(self._watch.rhythm.lists)

    async def _look_into(self) -> None:
        """Read the tasks that wait, where their records have changed: a row does not say why."""
        for known in list(self.board.tasks.values()):
            task = known.task
            if task.status == Status.PAUSED and self._looked_into.get(task.id) != task.updated_at:
                self._looked_into[task.id] = task.updated_at
                asked = self._client.now
                self._tell(TasksSeen((await self._client.task(task.id),), asked))

    def _say(self, words: str, look: str, why: str = "") -> None:
        if home := self._home:
            home.state_changed(words, look, why)

    @work(group="follow", exclusive=True)
    async def _follow(self, task_id: str) -> None:
        """Follow the task on screen until it ends, or another is opened."""
        try:
            await self._watch.follow(task_id)
        except (ApiError, BadAddress) as error:
            words = error.sentence if isinstance(error, ApiError) else str(error)
            for screen in self.screen_stack:
                if isinstance(screen, TaskScreen):
                    screen.ended(words)

    # Granting

    @on(TasksScreen.Opened)
    def _open(self, event: TasksScreen.Opened) -> None:
        screen = TaskScreen(event.task_id, self._now)
        self.push_screen(screen, self._left_task)
        screen.board_changed(self.board)
        self._follow(event.task_id)

    def _left_task(self, _: None) -> None:
        self.workers.cancel_group(self, "follow")

    @on(TaskScreen.ChildWanted)
    def _read_child(self, event: TaskScreen.ChildWanted) -> None:
        self._look_below(event.task_id)

    @work(group="below")
    async def _look_below(self, task_id: str) -> None:
        """Read a sub-task's record and log."""
        try:
            asked = self._client.now
            task = await self._client.task(task_id)
            self._tell(TasksSeen((task,), asked))
            asked = self._client.now
            self._tell(LogSeen(task_id, await self._client.log(task), asked))
        except (ApiError, BadAddress) as error:
            self.notify(one_line(str(error)), title="The sub-task could not be read", markup=False)

    @on(TasksScreen.Reload)
    def _reload(self) -> None:
        self._read_lists()
