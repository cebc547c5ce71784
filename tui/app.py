"""The dashboard: owns client, watch and board, and grants what the screens wish."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePath
from typing import ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.theme import Theme

from tui import looks
from tui.api.client import Client, TaskQuery
from tui.api.entries import Questions
from tui.api.errors import ApiError
from tui.api.models import Status, Task, WaitKind
from tui.api.routes import BadAddress
from tui.board import Board, Change, LogSeen, TasksSeen
from tui.clipboard import copy
from tui.decision import Shown, shown
from tui.deeds import Deed, Deeds, Outcome, Phase, Verb, Writes
from tui.masks import Masks
from tui.plain import host_of, one_line
from tui.screens.compose import Compose
from tui.screens.confirm import Confirm
from tui.screens.copy import Copy
from tui.screens.review import ReviewScreen
from tui.screens.task import TaskScreen
from tui.screens.tasks import TasksScreen
from tui.screens.wishes import ReviewWanted, Wish
from tui.watch import Rhythm, Watch

STEP = 1 / 30
"""Seconds between two steps of the board at the least."""
FIRST = (Status.PAUSED, Status.EXECUTING, Status.PENDING)
"""What is asked for first: it may need a person."""
SHEETS = ("app", "tasks", "task", "review", "dialogs")
NEWEST = 200
"""How many of the newest tasks are kept at hand beside these."""


class XpTui(App[None]):
    """The operator's console."""

    TITLE = "xp-tui"
    CSS_PATH = [(looks.styles() or PurePath()) / f"{name}.tcss" for name in SHEETS]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", id="app.help"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        client: Client,
        journal: Writes,
        drafts: MutableMapping[str, str],
        *,
        masks: Masks,
        state: Path,
        place: str,
        hold: float = 5.0,
        rhythm: Rhythm | None = None,
    ) -> None:
        super().__init__()
        self._drafts = drafts
        self._state = state
        self._masks = masks
        self._hold = hold
        self._deeds = Deeds(client, journal, self._deed_changed)
        self.board = Board()
        self._client = client
        self._place = place
        self._changes: list[Change] = []
        self._is_due = False
        self._total: int | None = None
        self._told_waiting: int | None = None
        self._watch = Watch(client, self._tell, rhythm=rhythm)
        self._looked_into: dict[str, datetime | None] = {}
        if home := looks.styles():
            for name, colours in looks.themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        self.theme = "xp-dark"

    def on_mount(self) -> None:
        """Show the list, and begin to watch."""
        self.push_screen(TasksScreen(self._now, self._place, self._masks))
        self._read_lists()

    def _now(self) -> datetime:
        return self._client.now

    @property
    def _home(self) -> TasksScreen | None:
        return next((screen for screen in self.screen_stack if isinstance(screen, TasksScreen)), None)

    def action_help(self) -> None:
        """Show the keys of what has the focus, or hide them."""
        if self.screen.query("HelpPanel"):
            self.action_hide_help_panel()
        else:
            self.action_show_help_panel()

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
        with suppress(NoMatches):  # the screens are being taken down
            self._show(changes)
        waiting = sum(1 for task_id in self.board.tasks if self.board.wait(task_id))
        if waiting != self._told_waiting:
            self._ring(waiting)

    def _ring(self, waiting: int) -> None:
        """Tell how many need a person, and that there is one more."""
        title = f"{waiting} need you · xp-tui" if waiting else "xp-tui"
        if self._driver is not None and not self.is_headless:
            self._driver.write(f"\x1b]0;{title}\x07")
        if self._told_waiting is not None and waiting > self._told_waiting:
            self.bell()
            self.notify(title, markup=False)
        self._told_waiting = waiting

    def _show(self, changes: list[Change]) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, TasksScreen):
                screen.board_changed(self.board, self._total)
            elif isinstance(screen, TaskScreen):
                screen.board_changed(self.board)
                screen.happened([change for change in changes if getattr(change, "task_id", None) == screen.task_id])

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
        """Read the tasks that wait, where their rows have changed: why, only the record or the log tells."""
        for known in list(self.board.tasks.values()):
            task = known.task
            if task.status == Status.PAUSED and self._looked_into.get(task.id) != task.updated_at:
                self._looked_into[task.id] = task.updated_at
                asked = self._client.now
                record = await self._client.task(task.id)
                self._tell(TasksSeen((record,), asked))
                if record.wait and record.wait.kind is not WaitKind.APPROVAL:
                    asked = self._client.now
                    self._tell(LogSeen(task.id, await self._client.log(record), asked))

    def _safe(self, text: str) -> str:
        """A text of others, for one line: secrets masked, controls made visible."""
        return one_line(self._masks.text(text))

    def _say(self, words: str, look: str, why: str = "") -> None:
        why = self._safe(why)
        if home := self._home:
            with suppress(NoMatches):
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
        screen = TaskScreen(event.task_id, self._now, self._masks)
        self.push_screen(screen, self._task_left)
        screen.board_changed(self.board)
        self._follow(event.task_id)

    def _task_left(self, _: None) -> None:
        self.workers.cancel_group(self, "follow")

    # Deciding

    @on(ReviewWanted)
    def _review(self, event: ReviewWanted) -> None:
        read_only = "read-only mode: nothing is sent" if self._client.read_only else ""
        self.push_screen(ReviewScreen(event.task_id, self._now, self._place, self._masks, read_only=read_only))
        self._read_to_decide(event.task_id)

    @on(ReviewScreen.Wanted)
    def _review_another(self, event: ReviewScreen.Wanted) -> None:
        waiting = sorted((task_id for task_id in self.board.tasks if self.board.wait(task_id)), key=self._since)
        screen = self.screen
        if event.by and waiting and isinstance(screen, ReviewScreen):
            place = waiting.index(event.task_id) if event.task_id in waiting else -1
            screen.forget(waiting[(place + event.by) % len(waiting)])
        self._read_to_decide(screen.task_id if isinstance(screen, ReviewScreen) else event.task_id)

    def _since(self, task_id: str) -> tuple[bool, datetime, str]:
        wait = self.board.wait(task_id)
        since = wait.since if wait else None
        return since is None, since or self._now(), task_id

    @work(group="decide", exclusive=True)
    async def _read_to_decide(self, task_id: str) -> None:
        """Read what there is to decide, and show it where it is still wanted."""
        try:
            seen = await shown(self._client, task_id)
        except (ApiError, BadAddress) as error:
            if isinstance(self.screen, ReviewScreen) and self.screen.task_id == task_id:
                self.screen.fails(str(error))
            return
        self._tell(TasksSeen((seen.task,), self._now()))
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen) and screen.task_id == task_id:
                screen.shows(seen, self.board)

    @on(ReviewScreen.Decided)
    def _decided(self, event: ReviewScreen.Decided) -> None:
        self._carry_out(Deed(event.verb, event.task_id, event.digest, event.comment, hold=self._hold))

    @on(ReviewScreen.TakeBack)
    def _take_back(self, event: ReviewScreen.TakeBack) -> None:
        self._deeds.take_back(event.deed_id)

    @work(group="deeds")
    async def _carry_out(self, deed: Deed, *drafts: str) -> None:
        """Carry out a deed to its end, whatever else is begun meanwhile; what was written is kept until it is sent."""
        done = await self._deeds.carry_out(deed)
        if done.outcome is Outcome.CONFIRMED:
            for key in drafts:
                self._drafts.pop(key, None)
        if done.task is not None:
            self._tell(TasksSeen((done.task,), self._now()))
        if done.outcome is Outcome.CHANGED:
            self._read_to_decide(deed.target)
        self._read_lists()

    def _deed_changed(self, deed: Deed) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen) and screen.task_id == deed.target:
                screen.deed_changed(deed)
                return
        if deed.phase is Phase.DONE:
            good = deed.outcome in {Outcome.CONFIRMED, Outcome.TAKEN_BACK}
            words = self._safe(f"{deed.verb} {deed.target[:8]}: {deed.words}")
            self.notify(words, severity="information" if good else "error", markup=False, timeout=10)

    @on(ReviewScreen.Say)
    def _say_more(self, event: ReviewScreen.Say) -> None:
        seen = event.seen
        if seen.wait and seen.wait.kind is WaitKind.QUESTION and seen.held and Questions.of(seen.held).asked:
            self._answer(event.seen)
        else:
            self._grant("continue", event.seen.task)

    @work(group="wishes", exclusive=True)
    async def _answer(self, seen: Shown) -> None:
        """Ask for the answer to each question, and send them all."""
        card = Questions.of(seen.held)
        answers: list[dict[str, object]] = []
        keys = [f"answer {card.id} {place}" for place in range(len(card.asked))]
        for key, question in zip(keys, card.asked, strict=True):
            options = "".join(f"  {number}. {label}" for number, (_, label) in enumerate(question.options, 1))
            where = f"write it, or the number of one:{options}" if options else "write it"
            text = await self.push_screen_wait(Compose(question.text, where, key, self._drafts))
            if not text:
                return
            answers.append({"question_id": question.id, "answer": question.chosen(text)})
        body = {"decision_id": card.decision_id or card.id, "answers": answers}
        self._carry_out(Deed(Verb.ANSWER, seen.task.id, seen.digest, body=body), *keys)

    @on(ReviewScreen.Browse)
    def _browse(self, event: ReviewScreen.Browse) -> None:
        if host := host_of(event.url):
            self.notify(f"opening {host}", markup=False)
            self.open_url(event.url)
        else:
            self.notify("only http and https addresses are opened", severity="error", markup=False)

    # Stopping, saying more

    @on(Wish)
    def _wish(self, event: Wish) -> None:
        task = self.board.task(event.task_id)
        if task is not None and event.verb == "copy":
            self._copy(task)
        elif self._client.read_only:
            self.notify("read-only mode: nothing is sent", severity="warning", markup=False)
        elif task is not None:
            self._grant(event.verb, task)

    @work(group="wishes", exclusive=True)
    async def _copy(self, task: Task) -> None:
        """Ask what to copy, and copy it."""
        try:
            url = self._client.task_url(task.id)
        except (ApiError, BadAddress):
            url = None
        if text := await self.push_screen_wait(Copy(task, url, self._masks)):
            self.notify(copy(text, self.copy_to_clipboard, self._state / "copied.txt"), markup=False)

    @work(group="wishes", exclusive=True)
    async def _grant(self, verb: str, task: Task) -> None:
        """Ask, and do it when the answer is yes."""
        agent = self.board.agents.get(task.agent_id)
        name = agent[1].name if agent else task.agent_id
        if verb == "stop":
            if task.is_final:
                self.notify(f"it has ended: {self._safe(task.status)}", severity="warning", markup=False)
                return
            below = [child for child in self.board.children_of(task.id) if not child.is_final]
            along = "".join(f"\n  and with it: {self._safe(child.name)}" for child in below)
            text = f"{self._safe(task.name)}\n{task.id}{along}"
            if await self.push_screen_wait(Confirm("Stop this task?", text, yes="Stop it", no="Keep running")):
                self.notify("stop requested", markup=False)
                self._carry_out(Deed(Verb.STOP, task.id))
            return
        is_new = verb == "create"
        key = f"new {task.agent_id}" if is_new else task.thread_id
        title = "A new task" if is_new else f"Say more in: {self._safe(task.name)}"
        where = f"to {name}" if is_new else f"to {name}, thread {task.thread_id}"
        text = await self.push_screen_wait(Compose(title, where, key, self._drafts))
        if not text:
            return
        body: dict[str, object] = {"agent": task.agent_id, "input": {"text": text}, "source": "xp-tui"}
        if is_new:
            self._carry_out(Deed(Verb.CREATE, task.agent_id, body=body), key)
        else:
            self._carry_out(Deed(Verb.CONTINUE, task.id, body={**body, "id": task.thread_id}), key)

    # Reading beneath

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
            self.notify(self._safe(str(error)), title="The sub-task could not be read", markup=False)

    @on(TasksScreen.Reload)
    def _reload(self) -> None:
        self._read_lists()
