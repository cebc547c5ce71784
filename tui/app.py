"""The dashboard: it watches a platform, and grants what the screens wish."""

from __future__ import annotations

import asyncio
import signal
import sys
import termios
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, ClassVar

from rich.segment import Segment, Segments
from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.theme import Theme

from tui import looks
from tui.api.client import Client
from tui.api.entries import Questions
from tui.api.errors import ApiError
from tui.api.models import Task, WaitKind
from tui.api.routes import BadAddress
from tui.api.wirejson import pretty
from tui.board import TasksSeen
from tui.clipboard import copy
from tui.crash import report
from tui.decision import Shown, shown
from tui.deeds import Deed, Deeds, Outcome, Phase, Verb, Writes
from tui.desk import TIMES, Desk
from tui.door import Door
from tui.masks import Masks
from tui.plain import clean, host_of
from tui.private import NotPrivate
from tui.screens.agents import Agents
from tui.screens.bulk import BulkScreen
from tui.screens.compose import Compose, Written
from tui.screens.confirm import Confirm
from tui.screens.copy import Copy
from tui.screens.deciding import QUIET
from tui.screens.keyed import Help, Keyed, Palette, TooSmall
from tui.screens.review import ReviewScreen
from tui.screens.task import TaskScreen
from tui.screens.tasks import TasksScreen
from tui.screens.wishes import CopyWanted, ReviewWanted, Wish
from tui.watch import Rhythm
from tui.watching import Watching

SHEETS = ("app", "tasks", "task", "review", "dialogs")
THEME = "xp-dark"


class XpTui(Watching):
    """The operator's console."""

    TITLE = "xp-tui"
    CSS_PATH = [(looks.styles() or PurePath()) / f"{name}.tcss" for name in SHEETS]
    COMMANDS = {Palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", id="app.help"),
        Binding("u", "take_back", "Take back what is held", show=False, id="app.take_back"),
        Binding("f9", "theme", "Next theme", show=False, id="app.next_theme"),
        Binding("f10", "change_theme", "Choose a theme", show=False, id="app.themes"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
    ]

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
        memory: MutableMapping[str, str] | None = None,
        begin_with: str = "",
        left: Sequence[Mapping[str, Any]] = (),
        keys: Mapping[str, str] | None = None,
        theme: str = "",
        is_ascii: bool = False,
        is_still: bool = False,
    ) -> None:
        why = "read-only mode: nothing is sent" if client.read_only else ""
        desk = Desk(
            lambda: client.now, masks, place, {} if memory is None else memory, read_only=why, is_still=is_still
        )
        super().__init__(client, desk, rhythm, ansi_color=True if looks.is_colourless() else None)
        self._drafts = drafts
        self._state = state
        self._hold = hold
        self._deeds = Deeds(client, journal, self._deed_changed)
        self._begin_with = begin_with
        """The filter to begin with."""
        self._left = left
        """What was under way when an earlier session ended."""
        self._journal = journal
        self._leaving: Confirm | None = None
        """The question whether to quit while something is held."""
        self._held: dict[str, tuple[Deed, datetime]] = {}
        self._unfinished: dict[str, Deed] = {}
        """What was begun and has not come to an end, by target."""
        self._few = asyncio.Semaphore(4)
        """No more than so many tasks are read at once."""
        self._followed = ""
        """The task whose stream is followed."""
        if home := looks.styles():
            for name, colours in looks.themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        for name, other in list(self.available_themes.items()):
            if other.ansi:  # what its colours are, only the terminal knows
                self.unregister_theme(name)
        chosen = theme or desk.memory.get("theme", THEME)
        self.theme = chosen if chosen in self.available_themes else THEME
        self.set_keymap(dict(keys or {}))
        self._filters.insert(0, Door())
        if is_ascii:
            self._filters.append(looks.Ascii())
            self.set_class(True, "-ascii")
        if is_still:
            self.animation_level = "none"

    def on_mount(self) -> None:
        """Show the list, and begin to watch."""
        self.push_screen(TasksScreen(self._desk, self._begin_with))
        self.set_interval(0.2, self._show_held)
        if not self.is_headless:
            self.set_interval(2.0, self._look_for_the_terminal)
        self.watch_the_platform()
        if self._left:
            self._ask_about_what_was_left()

    def _look_for_the_terminal(self) -> None:
        """Without a terminal there is nobody to show anything: nothing is asked in anybody's name any more."""
        try:
            termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
        except (termios.error, OSError, ValueError):
            self.exit(None, 128 + signal.SIGHUP)

    def on_resize(self, event: events.Resize) -> None:
        """Where there is no room for the screens, say so until there is."""
        width, height = event.size
        is_small = width < TooSmall.LEAST[0] or height < TooSmall.LEAST[1]
        if is_small and not isinstance(self.screen, TooSmall):
            self.push_screen(TooSmall())
        elif not is_small and isinstance(self.screen, TooSmall):
            self.screen.dismiss(None)

    # What belongs to all screens

    def action_help(self) -> None:
        """Show every key of this screen."""
        if isinstance(self.screen, Keyed):
            self.push_screen(Help(self.screen))

    def notify(self, message: str, *, title: str = "", **more: Any) -> None:
        """Show a notice, unless the same is shown already."""
        if not any((one.message, one.title) == (message, title) for one in self._notifications):
            super().notify(message, title=title, **more)

    def get_theme(self, theme_name: str) -> Theme | None:
        """A theme by its name; those of others are made readable when they are first used."""
        theme = super().get_theme(theme_name)
        if theme is None or "faint" in theme.variables:
            return theme
        self.register_theme(theme := looks.readable(theme))
        return theme

    def action_theme(self) -> None:
        """The next theme."""
        names = list(self.available_themes)
        self._use_theme(names[(names.index(self.theme) + 1) % len(names)])

    def _use_theme(self, name: str) -> None:
        if name not in self.available_themes:
            self._warn(f"there is no theme {name}; there is: {', '.join(self.available_themes)}")
            return
        self.theme = self._desk.memory["theme"] = name
        self.notify(f"theme {name}", markup=False, timeout=2)

    async def action_told(self, name: str, rest: str) -> None:
        """What was written on the command line, with words behind it."""
        match name:
            case "theme":
                self._use_theme(rest)
            case "time" if rest in TIMES:
                self._desk.memory["time"] = rest
                self.screen.refresh(layout=True)
            case "filter" if self._home:
                self._back_home()
                self._home.filter(rest)
            case "open":
                if task := await self._found(rest):
                    self.open_task(task.id)
                else:
                    self._warn(f"no task is called {rest}")
            case _:
                self._warn(f"{name} does not take {rest!r}")

    def _back_home(self) -> None:
        while len(self.screen_stack) > 2 and not isinstance(self.screen, TasksScreen):
            self.screen.dismiss(None)

    def _warn(self, words: str) -> None:
        self.notify(self._desk.safe(words), severity="warning", markup=False)

    @work(group="quit", exclusive=True)
    async def action_quit(self) -> None:  # type: ignore[override]
        """Leave; where a decision is held, ask first: it is not sent then."""
        if self._unfinished:
            lines = []
            for deed in self._unfinished.values():
                fate = (
                    "held: it is not sent then" if deed.id in self._held else "being sent: what comes of it is not told"
                )
                lines.append(f"{deed.verb} {self._called(deed.target)}\n  {fate}")
            text = "\n".join(lines) + "\nIt goes on while you read this."
            self._leaving = Confirm("Quit now?", text, yes="Quit", no="Stay")
            if not await self.push_screen_wait(self._leaving):
                return
            for deed_id in list(self._held):
                self._deeds.take_back(deed_id)
        self.exit()

    def _fatal_error(self) -> None:
        """Something nobody foresaw: the terminal is given back, with one sentence and no values of variables."""
        error = sys.exc_info()[1] or self._exception or RuntimeError("unknown")
        self.bell()
        sentence = report(error, self._state, self._desk.masks)
        self._exit_renderables.append(Segments([Segment(f"{sentence}\n")]))
        self._close_messages_no_wait()

    @work(group="left")
    async def _ask_about_what_was_left(self) -> None:
        """Tell what an earlier session has held or sent and not seen to its end; nothing is sent by itself."""
        for line in self._left:
            verb, target = str(line.get("verb")), str(line.get("target"))
            was_held = line.get("kind") == "held"
            fate = "was held when xp-tui ended, and was not sent." if was_held else (
                "was being sent when xp-tui ended: whether it was done, only the task tells."
            )  # fmt: skip
            await self._found(target)
            text = f"{verb} {self._called(target)}\n{fate}"
            yes = "Review it" if was_held else "Open the task"
            wants = await self.push_screen_wait(Confirm("From the last session", text, yes=yes, no="Leave it"))
            outcome = Outcome.NOT_SENT if was_held else Outcome.UNKNOWN
            about = {name: line.get(name) for name in ("deed", "verb", "target", "digest")}
            self._journal.write(
                "done", **about, outcome=str(outcome), words=f"xp-tui ended while it {fate.split(' when')[0]}"
            )
            if wants and was_held:
                self.post_message(ReviewWanted(target))
            elif wants:
                self.open_task(target)

    # Opening

    @on(TasksScreen.Opened)
    def _opened(self, event: TasksScreen.Opened) -> None:
        self.open_task(event.task_id)

    @on(ReviewScreen.Opened)
    def _opened_after_deciding(self, event: ReviewScreen.Opened) -> None:
        if isinstance(self.screen, ReviewScreen):
            self.pop_screen()
        if not (isinstance(self.screen, TaskScreen) and self.screen.task_id == event.task_id):
            self.open_task(event.task_id)

    def open_task(self, task_id: str) -> None:
        """Open a task, and follow it while it is open."""
        screen = TaskScreen(task_id, self._desk)
        self.push_screen(screen, self._task_left)
        screen.board_changed(self.board)
        self._follow_what_is_open()

    def _task_left(self, _: None) -> None:
        self.call_later(self._follow_what_is_open)

    def _follow_what_is_open(self) -> None:
        """The topmost task on screen is followed, and no other."""
        opened = [screen.task_id for screen in self.screen_stack if isinstance(screen, TaskScreen)]
        wanted = opened[-1] if opened else ""
        if wanted == self._followed:
            return
        self._followed = wanted
        self.workers.cancel_group(self, "follow")
        if wanted:
            self._follow(wanted)

    @on(TaskScreen.ChildWanted)
    def _child_wanted(self, event: TaskScreen.ChildWanted) -> None:
        self._look_below(event.task_id)

    @on(TasksScreen.Reload)
    def _reload(self) -> None:
        self._read_lists()

    @on(TasksScreen.More)
    def _more_wanted(self) -> None:
        self._read_more()

    @on(TasksScreen.Wider)
    def _wider_wanted(self, event: TasksScreen.Wider) -> None:
        self._read_wider(event.query)

    @on(TasksScreen.Glanced)
    def _glanced(self, event: TasksScreen.Glanced) -> None:
        self._glance(event.task_id, event.is_deep)

    @on(TasksScreen.AgentsWanted)
    def _agents_wanted(self) -> None:
        self._choose_agent(is_new=False)

    @work(group="wishes", exclusive=True)
    async def _choose_agent(self, *, is_new: bool, begin_at: str | None = None) -> None:
        """Choose an agent, to see its tasks or to start a new one."""
        agents = sorted((agent for _, agent in self.board.agents.values()), key=lambda one: one.name.casefold())
        counts: dict[str, int] = {}
        for known in self.board.tasks.values():
            counts[known.task.agent_id] = counts.get(known.task.agent_id, 0) + 1
        choice = await self.push_screen_wait(Agents(self._desk, agents, counts, is_new=is_new, begin_at=begin_at))
        if choice and choice.is_new:
            await self._create(choice.agent.id, choice.agent.name)
        elif choice and self._home:
            name = choice.agent.name
            self._home.filter(
                f'agent:"{name if name == self._desk.safe(name) and chr(34) not in name else choice.agent.id}"'
            )

    # Deciding

    @on(ReviewWanted)
    def _review(self, event: ReviewWanted) -> None:
        if len(event.task_ids) == 1:
            task_id = event.task_ids[0]
            self.push_screen(ReviewScreen(task_id, self._desk, begun=self._unfinished.get(task_id)))
            self._read_to_decide(task_id)
            return
        screen = BulkScreen([task for one in event.task_ids if (task := self.board.task(one))], self._desk)
        self.push_screen(screen)
        self._read_to_decide(*screen.tasks)

    @on(ReviewScreen.Wanted)
    def _review_another(self, event: ReviewScreen.Wanted) -> None:
        waiting = sorted(self._waiting, key=self._since)
        for screen in self.screen_stack:
            if isinstance(screen, ReviewScreen):
                if event.by and waiting:
                    place = waiting.index(event.task_id) if event.task_id in waiting else -1
                    chosen = waiting[(place + event.by) % len(waiting)]
                    screen.forget(chosen, self._unfinished.get(chosen))
                self._read_to_decide(screen.task_id)

    def _since(self, task_id: str) -> tuple[bool, datetime, str]:
        wait = self.board.wait(task_id)
        since = wait.since if wait else None
        return since is None, since or self._desk.now(), task_id

    def _read_to_decide(self, *task_ids: str) -> None:
        """Read what there is to decide, of each task by itself."""
        for task_id in task_ids:
            self.run_worker(self._read_one(task_id), group=f"decide {task_id}", exclusive=True)

    async def _read_one(self, task_id: str) -> None:
        """Read what one task waits for, and show it where it is still wanted."""
        try:
            async with self._few:
                seen = await shown(self._client, task_id)
        except (ApiError, BadAddress) as error:
            with suppress(NoMatches):  # the screen is being taken down
                for screen in self._deciding(task_id):
                    screen.fails(task_id, str(error))
            return
        self._tell(TasksSeen((seen.task,), self._desk.now()))
        with suppress(NoMatches):
            for screen in self._deciding(task_id):
                screen.shows(seen, self.board)

    def _deciding(self, task_id: str) -> list[ReviewScreen | BulkScreen]:
        """The screens on which a task is decided about."""
        return [
            screen
            for screen in self.screen_stack
            if (isinstance(screen, ReviewScreen) and screen.task_id == task_id)
            or (isinstance(screen, BulkScreen) and task_id in screen.tasks)
        ]

    @on(ReviewScreen.Decided)
    def _decided(self, event: ReviewScreen.Decided) -> None:
        self._carry_out(Deed(event.verb, event.task_id, event.digest, event.comment, hold=max(self._hold, QUIET)))

    @on(BulkScreen.Decided)
    def _all_decided(self, event: BulkScreen.Decided) -> None:
        for task_id, digest in event.digests.items():
            hold = max(self._hold, QUIET)
            self._carry_out(Deed(Verb(event.verb), task_id, digest, event.comment, hold=hold))

    @on(ReviewScreen.TakeBack)
    def _take_back(self, event: ReviewScreen.TakeBack) -> None:
        self._deeds.take_back(event.deed_id)

    @on(BulkScreen.TakeBack)
    def _take_all_back(self, event: BulkScreen.TakeBack) -> None:
        for deed_id in event.deed_ids:
            self._deeds.take_back(deed_id)

    def action_take_back(self) -> None:
        """Take back what is held, wherever one is."""
        for deed_id in list(self._held):
            self._deeds.take_back(deed_id)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be taken back where nothing is held."""
        return bool(self._held) if action == "take_back" else super().check_action(action, parameters)

    @work(group="deeds")
    async def _carry_out(self, deed: Deed, *drafts: str) -> None:
        """Carry out a deed to its end, whatever else is begun meanwhile; what was written is kept until it was sent."""
        texts = {key: self._drafts.pop(key) for key in drafts if key in self._drafts}
        for key, text in texts.items():
            self._drafts[f"sending {key}"] = text  # kept, and not offered again while it is on its way
        try:
            done = await self._deeds.carry_out(deed)
        except (OSError, NotPrivate) as error:
            self._unfinished.pop(deed.target, None)
            self._held.pop(deed.id, None)
            self._warn(f"{deed.verb}: the journal cannot be written ({error}); read the task before you go on")
            return
        for key, text in texts.items():
            self._drafts.pop(f"sending {key}", None)
            if done.outcome is not Outcome.CONFIRMED:
                self._drafts.setdefault(key, text)
        if deed.verb is Verb.CREATE and done.task is not None and self._home:
            self._home.select(done.task.id)
        if done.task is not None:
            self._tell(TasksSeen((done.task,), self._desk.now()))
        if done.outcome is Outcome.CHANGED:
            self._read_to_decide(deed.target)
        self._read_lists()

    def _deed_changed(self, deed: Deed) -> None:
        if deed.phase is Phase.HELD and deed.hold > 0:
            self._held[deed.id] = (deed, self._desk.now())
        else:
            self._held.pop(deed.id, None)
        if deed.phase is Phase.DONE:
            self._unfinished.pop(deed.target, None)
        else:
            self._unfinished[deed.target] = deed
        shown_on = self._deciding(deed.target)
        with suppress(NoMatches):
            for screen in shown_on:
                screen.deed_changed(deed)
        if deed.phase is Phase.DONE and not shown_on:
            good = deed.outcome in {Outcome.CONFIRMED, Outcome.TAKEN_BACK}
            words = self._desk.safe(f"{deed.verb} {self._called(deed.target)}: {deed.words}")
            self.notify(words, severity="information" if good else "error", markup=False, timeout=10)

    def _show_held(self) -> None:
        """What is held is told on every screen, with the time that is left."""
        words = ""
        if not self._unfinished and self._leaving is not None:
            self._leaving.dismiss(False)  # there is nothing left to ask about
            self._leaving = None
        if self._held:
            deed, since = next(iter(self._held.values()))
            left = max(deed.hold - (self._desk.now() - since).total_seconds(), 0.0)
            more = f" and {len(self._held) - 1} more" if len(self._held) > 1 else ""
            words = f"‖ {deed.verb} {self._called(deed.target)}{more} in {left:.0f} s   u takes it back"
        self.screens_held(words)

    def _called(self, target: str) -> str:
        task = self.board.task(target)
        return self._desk.safe(task.name, 50) if task else target[:8]

    @on(ReviewScreen.Say)
    def _say_more(self, event: ReviewScreen.Say) -> None:
        self._continue(event.seen.task)

    @work(group="wishes", exclusive=True)
    async def _continue(self, task: Task) -> None:
        """Answer what the task asks, where it asks; else say more in its thread."""
        wait = self.board.wait(task.id)
        if wait is not None and wait.kind is WaitKind.QUESTION:
            try:
                seen = await shown(self._client, task.id)
            except (ApiError, BadAddress) as error:
                self._warn(f"the question could not be read: {error}")
                return
            if seen.held and Questions.of(seen.held).asked:
                await self._answer(seen)
                return
        await self._say_in_thread(task)

    async def _answer(self, seen: Shown) -> None:
        """Ask for the answer to each question, and send them all."""
        card = Questions.of(seen.held)
        answers: list[dict[str, object]] = []
        keys = [f"answer {card.id} {place}" for place in range(len(card.asked))]
        for key, question in zip(keys, card.asked, strict=True):
            options = "".join(f"  {number}. {label}" for number, (_, label) in enumerate(question.options, 1))
            where = f"write it, or the number of one:{options}" if options else "write it"
            words = self._desk.masks.text
            written = await self.push_screen_wait(Compose(words(question.text), words(where), key, self._drafts))
            if written is None:
                return
            answers.append({"question_id": question.id, "answer": question.chosen(written.text)})
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
        tasks = [task for one in event.task_ids if (task := self.board.task(one))]
        if event.verb == "copy" and tasks:
            self._copy(self._texts_of(tasks))
        elif self._desk.read_only:
            self._warn(self._desk.read_only)
        elif event.verb == "create" and (isinstance(self.screen, TasksScreen) or not tasks):
            self._choose_agent(is_new=True, begin_at=tasks[0].agent_id if tasks else None)
        elif event.verb == "stop" and tasks:
            self._stop(tasks)
        elif tasks and event.verb == "continue":
            self._continue(tasks[0])
        elif tasks:
            self._begin_anew(tasks[0])

    def _texts_of(self, tasks: list[Task]) -> dict[str, str]:
        """What of tasks there is to copy."""
        masks = self._desk.masks
        texts = {
            "id": "\n".join(task.id for task in tasks),
            "title": "\n".join(self._desk.safe(task.name, 10_000) for task in tasks),
            "result": "\n\n".join(clean(masks.text(task.result), longest=sys.maxsize) for task in tasks if task.result),
            "record": "\n".join(pretty(masks.json(task.raw)) for task in tasks),
        }
        try:
            urls = [self._client.task_url(task.id) for task in tasks]
        except (ApiError, BadAddress):
            return texts
        curls = [f"curl -H \"x-api-key: $XPANDER_API_KEY\" '{url}'" for url in urls]
        return {**texts, "link": "\n".join(urls), "curl": "\n".join(curls)}

    @on(CopyWanted)
    def _copy_wanted(self, event: CopyWanted) -> None:
        tasks = [screen.task_id for screen in self.screen_stack if isinstance(screen, TaskScreen)]
        found = [task for one in tasks[-1:] if (task := self.board.task(one))]
        self._copy({**event.texts, **self._texts_of(found)})

    @work(group="wishes", exclusive=True)
    async def _copy(self, texts: Mapping[str, str]) -> None:
        """Ask what to copy, and copy it."""
        if name := await self.push_screen_wait(Copy(texts)):
            self._copied(name, texts[name])

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is selected."""
        self._copied("the selection", text)

    def _copied(self, name: str, text: str) -> None:
        """Copy by whichever way there is, and tell which it was."""
        how = copy(text, super().copy_to_clipboard, self._state / "copied.txt")
        self.notify(f"{name}: {how}", markup=False, timeout=4)

    @work(group="wishes", exclusive=True)
    async def _stop(self, tasks: list[Task]) -> None:
        """Ask, and stop them when the answer is yes."""
        running = [task for task in tasks if not task.is_final]
        if not running:
            self._warn(f"it has ended: {tasks[0].status}" if len(tasks) == 1 else "all of them have ended")
            return
        lines = []
        for task in running:
            lines.append(f"{self._desk.safe(task.name)}  {task.id}")
            lines += [
                f"  and with it: {self._desk.safe(child.name)}" for child in self._below(task) if not child.is_final
            ]
        many = len(running) > 1
        title = f"Stop these {len(running)} tasks?" if many else "Stop this task?"
        yes = "Stop them" if many else "Stop it"
        if await self.push_screen_wait(Confirm(title, "\n".join(lines), yes=yes, no="Keep running")):
            if many:
                self.push_screen(BulkScreen(running, self._desk, stops=True))
            self.notify("stop requested", markup=False)
            for task in running:
                self._carry_out(Deed(Verb.STOP, task.id))

    def _below(self, task: Task) -> list[Task]:
        """All sub-tasks, however deep, each once."""
        found: dict[str, Task] = {}
        left = [task.id]
        while left:
            for child in self.board.children_of(left.pop()):
                if child.id not in found and child.id != task.id:
                    found[child.id] = child
                    left.append(child.id)
        return list(found.values())

    @work(group="wishes", exclusive=True)
    async def _begin_anew(self, task: Task) -> None:
        """A new task for the same agent."""
        await self._create(task.agent_id, self._agent_name(task.agent_id))

    def _agent_name(self, agent_id: str) -> str:
        agent = self.board.agents.get(agent_id)
        return self._desk.safe(agent[1].name if agent else agent_id)

    async def _say_in_thread(self, task: Task) -> None:
        """Ask for the words, and send them."""
        name = self._agent_name(task.agent_id)
        title = f"Say more in: {self._desk.safe(task.name)}"
        where = f"to {name}, thread {task.thread_id}"
        written = await self.push_screen_wait(Compose(title, where, task.thread_id, self._drafts))
        if written:
            body = {**_body(task.agent_id, written), "id": task.thread_id}
            self._carry_out(Deed(Verb.CONTINUE, task.id, body=body), task.thread_id)

    async def _create(self, agent_id: str, name: str) -> None:
        """Ask for the words of a new task, and send them."""
        key = f"new {agent_id}"
        compose = Compose("A new task", f"to {self._desk.safe(name)}", key, self._drafts, has_options=True)
        if written := await self.push_screen_wait(compose):
            self._carry_out(Deed(Verb.CREATE, agent_id, body=_body(agent_id, written)), key)


def _body(agent_id: str, written: Written) -> dict[str, Any]:
    """The request for what was written."""
    options = dict(written.options)
    told: dict[str, Any] = {"text": written.text}
    if files := options.pop("files", None):
        told["files"] = files
    return {"agent": agent_id, "input": told, "source": "xp-tui", **options}
