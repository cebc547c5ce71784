"""The dashboard's eyes: lists and the task on screen are read, and come to the screens as one board, step by step."""

from __future__ import annotations

import asyncio
import gc
import importlib
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from textual import events, work
from textual.css.query import NoMatches
from textual.screen import ModalScreen, Screen

from tui.app.serial_keys import Orderly
from tui.app.terminal import Terminal, notice, title
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, NotFound
from tui.client.json_values import EPOCH
from tui.client.task_facts import Status, WaitKind
from tui.client.task_rows import TaskQuery, TaskRow
from tui.domain.state import Board, Change, Known, LogSeen, Sighting, TaskGone, TasksSeen
from tui.screens.approval_base import Deciding
from tui.screens.base import OnTop
from tui.screens.task_list import TasksScreen
from tui.services.list_poller import PART, Rhythm, Watch
from tui.widgets.context import Desk

if TYPE_CHECKING:
    from tui.client.log_entries import Log
    from tui.client.models import Task
    from tui.screens.task_detail import TaskScreen

STEP = 1 / 30
"""Seconds between two steps of the board at the least."""
MOST = 500
"""Tasks, entries and events that are taken in by one step."""
FIRST = (Status.PAUSED, Status.EXECUTING, Status.PENDING)
"""What is asked for first: it may need a person."""
AT_ONCE = 10
"""How many tasks that have left the lists are read again in one round."""
NEWEST = 200
"""How many of the newest tasks are kept at hand beside these, and how many more come at a time."""
LATER = (
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
"""What is imported once the lists are there: to see them, nothing of it is needed."""


class Watching(Orderly):
    """An app that watches a platform, and rings when somebody is needed."""

    def __init__(self, client: Client, desk: Desk, rhythm: Rhythm | None, **more: Any) -> None:
        super().__init__(**more)
        self.terminal: Terminal | None = None
        self.board = Board()
        self._client = client
        self._desk = desk
        self._changes: list[Change] = []
        self._due: asyncio.Handle | None = None
        """The next step, while there is anything for it."""
        self._stepped_at = 0.0
        self._total: int | None = None
        self._is_whole = False
        """Whether the newest tasks were all there are: what may need a person is among them then."""
        self._waiting: frozenset[str] = frozenset()
        self._has_read = self._is_titled = False
        """Whether all lists were read once; who waited before that is no news."""
        self._has_focus = True
        self._watch = Watch(client, self._tell, rhythm=rhythm)
        client.transport.on_wait = self._waits
        self._looked_into: dict[str, datetime | None] = {}
        self._glanced_at: dict[tuple[str, bool], datetime | None] = {}
        self._deeper: AsyncGenerator[Any, None] | None = None
        """The pages behind those that are read again and again."""
        self._is_reading_more = False
        self._query: TaskQuery | None = None
        """What a filter wants of the platform itself, read again and again too."""

    def watch_the_platform(self) -> None:
        """Begin. What was made until now stays: the garbage collector need not look at it."""
        gc.freeze()
        self._read_lists()

    @property
    def _home(self) -> TasksScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, TasksScreen)), None)

    @property
    def _opened_tasks(self) -> list[TaskScreen]:
        """The screens of tasks, the topmost last."""
        from tui.screens.task_detail import TaskScreen

        return [screen for screen in self.screen_stack if isinstance(screen, TaskScreen)]

    # Steps

    def _tell(self, change: Change) -> None:
        """Collect a change; all that have come are applied in one step.

        Tasks come many at a time; anything else is shown at once where the last step was a while ago.
        """
        self._changes.append(change)
        if self._due is None:
            loop = asyncio.get_running_loop()
            left = STEP if isinstance(change, TasksSeen) else max(self._stepped_at + STEP - loop.time(), 0.0)
            self._due = loop.call_later(left, self.call_later, self._step)

    def _tell_log(self, task_id: str, log: Log, asked: datetime) -> None:
        for part in log.parts(PART):
            self._tell(LogSeen(task_id, part, asked))

    def _next(self) -> list[Change]:
        """The changes for one step: as many as do not hold up a key."""
        weight = count = 0
        for change in self._changes:
            weight += _weight(change)
            if count and weight > MOST:
                break
            count += 1
        taken, self._changes = self._changes[:count], self._changes[count:]
        return taken

    def _step(self) -> None:
        loop = asyncio.get_running_loop()
        self._stepped_at = loop.time()
        if self._due is not None:
            self._due.cancel()
            self._due = None
        changes = self._next()
        if self._changes:  # others have their turn in between
            self._due = loop.call_soon(self.call_later, self._step)
        self.board = self.board.after(changes)
        with suppress(NoMatches):  # the screens are being taken down
            self._show(changes)
        touched = self.board.touched.tasks | self.board.touched.logs
        waiting = (self._waiting - touched) | {
            one for one in touched if self.board.wait(one) and not self.board.is_gone(one)
        }
        if waiting != self._waiting or not self._is_titled:
            self._ring(waiting)

    def _show(self, changes: list[Change]) -> None:
        is_seen = True
        for screen in reversed(self.screen_stack):
            if isinstance(screen, TasksScreen):
                screen.board_changed(self.board, self._total, is_seen=is_seen)
            else:
                self._show_above(screen, changes, is_seen=is_seen)
            is_seen = is_seen and isinstance(screen, ModalScreen)

    def _show_above(self, screen: Screen[Any], changes: list[Change], *, is_seen: bool) -> None:
        from tui.screens.review import ReviewScreen
        from tui.screens.task_detail import TaskScreen

        if isinstance(screen, TaskScreen):
            screen.board_changed(self.board, is_seen=is_seen)
            screen.happened([change for change in changes if getattr(change, "task_id", None) == screen.task_id])
        elif isinstance(screen, ReviewScreen):
            screen.board_changed(self.board)

    def _ring(self, waiting: frozenset[str]) -> None:
        """Tell how many need a person, and that there is one more."""
        fresh, self._waiting = waiting - self._waiting, waiting
        words = f"{len(waiting)} need you · xp-tui" if waiting else "xp-tui"
        self._write(title(words))
        self._is_titled = True
        if self._has_read and fresh:
            if not self._has_focus:
                self.bell()
                self._write(notice(words))
            names = [task.name for task_id in sorted(fresh) if (task := self.board.task(task_id))]
            more = f", and {len(names) - 1} more" if len(names) > 1 else ""
            if names and not isinstance(self.screen, Deciding):  # nothing comes between somebody and a decision
                self.notify(f"{self._desk.safe(names[0], 60)}{more}", title="Needs you", markup=False)

    def _write(self, sequence: str) -> None:
        if self.terminal is not None:
            self.terminal.write(sequence)

    def on_app_blur(self, event: events.AppBlur) -> None:
        """The terminal is not looked at: what is new has to ring."""
        self._has_focus = False

    def on_app_focus(self, event: events.AppFocus) -> None:
        """Somebody looks again."""
        self._has_focus = True

    # Lists

    @work(exclusive=True, group="lists")
    async def _read_lists(self) -> None:
        """Read the lists again and again: what may need a person first, then the newest."""
        while True:
            try:
                if not self.board.agents:
                    await self._watch.agents()
                    self._step()
                asked = self._client.now
                if not self._is_whole:
                    await self._watch.tasks(TaskQuery(status=FIRST))
                newest = self._client.now
                self._total = await self._watch.tasks(at_most=NEWEST)
                self._step()
                self._is_whole = self._total < NEWEST and not await self._unseen_since(newest)
                if self._query is not None:
                    await self._watch.tasks(self._query, at_most=NEWEST)
                await self._look_into()
                await self._look_after(asked)
                if self._changes:
                    self._step()
                self._say("live", "running")
                if not self._has_read:
                    self._has_read = True
                    self._import_the_rest()
            except (ApiError, BadAddress) as error:
                self._say("offline", "failed", _words(error))
            await asyncio.sleep(self._watch.rhythm.lists)

    @work(group="later")
    async def _import_the_rest(self) -> None:
        """Import what other screens need and read their rules, and let others have their turn after each."""
        for name in LATER:
            importlib.import_module(name)
            await asyncio.sleep(0)

    def _waits(self, why: str, seconds: float) -> None:
        """A request did not get through, and is tried again."""
        self._say("trying again", "failed", why)

    async def _look_into(self) -> None:
        """Read the tasks that wait, where their rows have changed: why, only the record or the log tells."""
        for known in await self._active():
            task = known.task
            if task.status != Status.PAUSED or self._looked_into.get(task.id, EPOCH) == task.updated_at:
                continue
            if (record := await self._record(task.id)) is None:
                continue
            if record.wait and record.wait.kind is not WaitKind.APPROVAL:
                asked = self._client.now
                self._tell_log(task.id, await self._client.log(record), asked)
            self._looked_into[task.id] = task.updated_at

    async def _record(self, task_id: str) -> Task | None:
        """Read one task's record, and tell it; None when the platform knows the task no more."""
        asked = self._client.now
        try:
            record = await self._client.task(task_id)
        except NotFound as error:
            self._tell(TaskGone(task_id, self._client.now, error.message))
            return None
        except BadAddress:
            return None  # an id that cannot be asked for
        self._tell(TasksSeen((record,), asked))
        return record

    async def _look_after(self, asked: datetime) -> None:
        """Read again what was active and was not in the list of what is: it may have ended, or be gone."""
        for task_id in (await self._unseen_since(asked))[:AT_ONCE]:
            await self._record(task_id)

    async def _unseen_since(self, asked: datetime) -> list[str]:
        """What was active, and was not seen since."""
        return [
            known.task.id
            for known in await self._active()
            if max((seen.at for seen in known.sightings), default=EPOCH) < asked
        ]

    async def _active(self) -> list[Sighting | Known]:
        """What has not ended, and is not gone; all there is is looked at, and others have a turn meanwhile."""
        found = []
        for number, known in enumerate(self.board.tasks.values(), 1):
            if known.task.status in FIRST and not self.board.is_gone(known.task.id):
                found.append(known)
            if number % MOST == 0:
                await asyncio.sleep(0)
        return found

    @work(group="glance", exclusive=True)
    async def _glance(self, task_id: str, is_deep: bool) -> None:
        """Read the record of the task under the cursor, and its log, unless they are known as they are now."""
        task = self.board.task(task_id)
        if task is None or self._glanced_at.get((task_id, is_deep)) == (task.updated_at or task.created_at):
            return
        try:
            asked = self._client.now
            record = await self._client.task(task_id)
            self._tell(TasksSeen((record,), asked))
            if is_deep:
                asked = self._client.now
                self._tell_log(task_id, await self._client.log(record), asked)
        except (ApiError, BadAddress):
            return  # the list says when the platform is away
        self._glanced_at[task_id, is_deep] = record.updated_at or record.created_at

    def _say(self, words: str, look: str, why: str = "") -> None:
        if home := self._home:
            with suppress(NoMatches):
                home.state_changed(words, look, self._desk.safe(why), 3 * self._watch.rhythm.lists + 5)

    @work(group="more")
    async def _read_more(self) -> None:
        """Read the pages behind those that are known, as many as bring another screenful or so."""
        if self._is_reading_more:
            return
        self._is_reading_more = True
        if self._deeper is None:
            self._deeper = self._client.tasks()
        try:
            before = len(self.board.tasks)
            async for page in self._deeper:
                self._tell(TasksSeen(page.items, self._client.now))
                self._step()
                if len(self.board.tasks) >= before + NEWEST:
                    return
            self._deeper = None
        except (ApiError, BadAddress) as error:
            self._deeper = None
            self.notify(self._desk.safe(_words(error)), title="No more could be read", severity="error", markup=False)
        finally:
            self._is_reading_more = False

    @work(exclusive=True, group="wider")
    async def _read_wider(self, query: TaskQuery | None) -> None:
        """Ask the platform itself for what a filter wants, beyond what is loaded."""
        self._query = query
        if query is None:
            return
        try:
            total = await self._watch.tasks(query, at_most=NEWEST)
        except (ApiError, BadAddress) as error:
            self.notify(self._desk.safe(_words(error)), title="The platform was not asked", markup=False)
        else:
            if home := self._home:
                home.answered(query, total)

    # One task

    @work(group="follow", exclusive=True)
    async def _follow(self, task_id: str) -> None:
        """Follow the task on screen until it ends, or another is opened."""
        importlib.import_module("markdown_it")  # before there is anything to draw with it
        try:
            await self._watch.follow(task_id)
        except (ApiError, BadAddress) as error:
            for screen in self._opened_tasks:
                if screen.task_id == task_id:
                    screen.ended(_words(error))

    @work(group="below")
    async def _look_below(self, task_id: str) -> None:
        """Read a sub-task's record and log."""
        try:
            asked = self._client.now
            task = await self._client.task(task_id)
            self._tell(TasksSeen((task,), asked))
            asked = self._client.now
            self._tell_log(task_id, await self._client.log(task), asked)
        except (ApiError, BadAddress) as error:
            self.notify(self._desk.safe(str(error)), title="The sub-task could not be read", markup=False)

    async def _found(self, begin: str) -> TaskRow | None:
        """The task whose id is this, or the only one whose id begins so."""
        known = [task_id for task_id in self.board.tasks if task_id.startswith(begin)]
        if len(known) == 1 or begin in known:
            return self.board.task(begin if begin in known else known[0])
        try:
            task = await self._client.task(begin)
        except (ApiError, BadAddress):
            return None
        self._tell(TasksSeen((task,), self._client.now))
        self._step()
        return self.board.task(task.id)

    def screens_held(self, words: str) -> None:
        """Show on every screen what is held."""
        for screen in self.screen_stack:
            if isinstance(screen, OnTop):
                screen.held_changed(words)


def _weight(change: Change) -> int:
    """How many tasks, entries and events a change tells, that have to be looked at."""
    match change:
        case LogSeen(_, log) if isinstance(log.entries, tuple):
            return len(log.entries)
        case TasksSeen(tasks):
            return len(tasks)
        case _:
            return 1


def _words(error: ApiError | BadAddress) -> str:
    return error.sentence if isinstance(error, ApiError) else str(error)
