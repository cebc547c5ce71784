"""The dashboard: it watches a platform, and grants what the screens wish."""

from __future__ import annotations

import os
import signal
import sys
import termios
import time
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.command import CommandPalette, Provider
from textual.filter import LineFilter
from textual.geometry import Size
from textual.screen import Screen
from textual.theme import Theme

from tui.app import themes
from tui.app.operator_commands import Acting
from tui.app.sanitize_filter import Door
from tui.app.terminal import InputFailed, Terminal
from tui.app.textual_workarounds import tells_crashes_without_locals
from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.json_codec import pretty
from tui.client.task_rows import TaskRow
from tui.screens import stylesheets
from tui.screens.base import Keyed, OnTop, TooSmall
from tui.screens.messages import CopyWanted, Wish
from tui.screens.task_list import TasksScreen
from tui.security.redact import Masks
from tui.security.sanitize import clean
from tui.services.actions import JournalWriter, Phase
from tui.services.clipboard import copy
from tui.services.crash_report import report
from tui.services.list_poller import Rhythm
from tui.widgets.context import TIMES, Desk

if TYPE_CHECKING:
    from tui.screens.confirm import Confirm
    from tui.screens.review import ReviewScreen
    from tui.screens.task_detail import TaskScreen

THEME = "xp-dark"


def _palette() -> type[Provider]:
    from tui.screens.palette import Palette

    return Palette


@tells_crashes_without_locals(lambda app, error: app.crash_sentence(error))
class XpTui(Acting):
    """The operator's console."""

    TITLE = "xp-tui"
    CSS_PATH = [stylesheets.sheet("app"), stylesheets.sheet("tasks")]
    COMMANDS = {_palette}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", id="app.help"),
        Binding("u", "take_back", "Take back what is held", show=False, id="app.take_back"),
        Binding("f9", "theme", "Next theme", show=False, id="app.next_theme"),
        Binding("f10", "change_theme", "Choose a theme", show=False, id="app.themes"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True, id="app.quit"),
        Binding("ctrl+z", "suspend_process", "To the shell, until fg", show=False, priority=True, id="app.suspend"),
    ]

    def __init__(
        self,
        client: Client,
        journal: JournalWriter,
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
        self._readable: dict[str, Theme] = {}
        """The themes that were asked for, by name: that is done for every widget that is styled."""
        desk = Desk(
            lambda: client.now, masks, place, {} if memory is None else memory, read_only=why, is_still=is_still
        )
        colourless = True if themes.is_colourless() else None
        super().__init__(
            client,
            desk,
            rhythm,
            journal,
            drafts,
            state=state,
            hold=hold,
            left=left,
            ansi_color=colourless,
            driver_class=Terminal,
        )
        self._shown_until: dict[tuple[str, str], float] = {}
        """Until when each notice is shown, by its title and words."""
        self._begin_with = begin_with
        """The filter to begin with."""
        self._leaving: Confirm | None = None
        """The question whether to quit while something is under way."""
        self._followed = ""
        """The task whose stream is followed."""
        if home := stylesheets.styles():
            for name, colours in themes.themes(home).items():
                self.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
        for name, other in list(self.available_themes.items()):
            if other.ansi:  # what its colours are, only the terminal knows
                self.unregister_theme(name)
        chosen = theme or desk.memory.get("theme", THEME)
        self.theme = chosen if chosen in self.available_themes else THEME
        self.chosen_keys = dict(keys or {})
        """The keys that the settings choose, by the ids of the bindings."""
        self.set_keymap(self.chosen_keys)
        self._door, self._ascii = Door(), themes.Ascii() if is_ascii else None
        self.set_class(is_ascii, "-ascii")
        if is_still:
            self.animation_level = "none"

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes on its way to the terminal: first it is made harmless, last it becomes ASCII."""
        filters = [self._door, *super().get_line_filters()]
        return [*filters, self._ascii] if self._ascii else filters

    def on_mount(self) -> None:
        """Look about from time to time."""
        self.set_interval(1.0, self._tell_others)
        if not self.is_headless:
            self.set_interval(2.0, self._look_for_the_terminal)
        if self._left:
            self._ask_about_what_was_left()

    def on_ready(self) -> None:
        """Begin to watch once there is something to see: what speaks with the network takes its time to import."""
        if home := self._home:  # whatever is in front of it by now may go again, it does not
            home.call_after_refresh(self.watch_the_platform)

    @contextmanager
    def batch_update(self) -> Generator[None]:
        """Suspend repaints, and draw all afterwards: Textual takes a frame that comes meanwhile for drawn."""
        with super().batch_update():
            yield
        if self.screen_stack:
            self.screen.refresh()

    @on(Terminal.SignalResume)
    def _draw_all(self) -> None:
        """Somebody else had the terminal meanwhile."""
        self.refresh(layout=True)

    def _look_for_the_terminal(self) -> None:
        """Without a terminal there is nobody to show anything: nothing is asked in anybody's name any more."""
        try:
            termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
            size = Size(*os.get_terminal_size(sys.__stdout__.fileno()))  # type: ignore[union-attr]
            if size != self.size:  # nobody has told
                self.post_message(events.Resize(size, size))
        except (termios.error, OSError, ValueError):
            self.exit(None, 128 + signal.SIGHUP)

    def get_default_screen(self) -> Screen[Any]:
        """The list lies below all others."""
        return TasksScreen(self._desk, self._begin_with)

    def on_resize(self) -> None:
        """There may be too little room now, or enough again."""
        self.call_later(self._make_room)

    @on(TooSmall.Seen)
    async def _make_room(self) -> None:
        """Where there is no room for the screens, say so until there is; one comes after the other in a storm."""
        is_small = self.size.width < TooSmall.LEAST[0] or self.size.height < TooSmall.LEAST[1]
        if is_small and not isinstance(self.screen, TooSmall):
            await self.push_screen(TooSmall())
        elif not is_small and isinstance(self.screen, TooSmall):
            await self.screen.dismiss(None)

    # What belongs to all screens

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open; Textual itself fails where another one is on its way out."""
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            from tui.screens.palette import PaletteScreen

            self.push_screen(PaletteScreen())

    def action_help(self) -> None:
        """Show every key of this screen."""
        if isinstance(self.screen, Keyed):
            from tui.screens.help import Help

            self.push_screen(Help(self.screen))

    def notify(self, message: str, *, title: str = "", timeout: float | None = None, **more: Any) -> None:
        """Show a notice, unless the same is shown already; where it would cover a decision, in a line of the screen."""
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        now = time.monotonic()
        if self._shown_until.get((title, message), now) <= now:
            self._shown_until[title, message] = now + seconds
            super().notify(message, title=title, timeout=timeout, **more)
        screen = self.screen_stack[-1] if self.screen_stack else None
        if isinstance(screen, OnTop) and screen.HAS_NOTICE_LINE:
            words = f"{title}: {message}" if title else message
            screen.show_notice(words, seconds)

    def get_theme(self, theme_name: str) -> Theme | None:
        """A theme by its name; those of others are made readable when they are first used."""
        known = self._readable.get(theme_name)
        if known is None and (theme := super().get_theme(theme_name)) is not None:
            known = self._readable[theme_name] = theme if "faint" in theme.variables else themes.readable(theme)
        return known

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
        while len(self.screen_stack) > 1 and not isinstance(self.screen, TasksScreen):
            self.screen.dismiss(None)

    @work(group="quit", exclusive=True)
    async def action_quit(self) -> None:  # type: ignore[override]
        """Leave; where a decision is held, ask first: it is not sent then."""
        if self._unfinished:
            from tui.screens.confirm import Confirm

            self._leaving = Confirm("Quit now?", self._fates(), yes="Quit", no="Stay")
            if not await self.push_screen_wait(self._leaving):
                return
            self.action_take_back()
        self.exit()

    def _fates(self) -> str:
        """What becomes of each thing that is under way, if the dashboard is left now."""
        lines = []
        for deed in self._unfinished.values():
            fate = "not sent yet: it is not sent then"
            if deed.phase in {Phase.SENDING, Phase.SETTLING}:
                fate = "being sent: what comes of it is not told"
            elif deed.id in self._held:
                fate = "held: it is not sent then"
            lines.append(f"{deed.verb} {self._called(deed.target)}\n  {fate}")
        return "\n".join(lines)

    def _show_held(self) -> None:
        """What is held is told; once nothing is, the question whether to quit has come to its end."""
        super()._show_held()
        if self._leaving is None:
            return
        self._leaving.show_text(self._fates())
        if not self._unfinished:
            self._leaving.dismiss(False)
            self._leaving = None

    def crash_sentence(self, error: BaseException) -> str:
        """Write a crash down; return the sentence about it."""
        return report(error, self._state, self._desk.masks)

    @on(InputFailed)
    def _input_failed(self, event: InputFailed) -> None:
        """Fail with what has ended the reading of keys: nobody could use the screens any more."""
        raise event.error

    # Opening

    @on(TasksScreen.Opened)
    def _opened(self, event: TasksScreen.Opened) -> None:
        self.open_task(event.task_id)

    def on_review_screen_opened(self, event: ReviewScreen.Opened) -> None:
        """After deciding, the task itself."""
        from tui.screens.review import ReviewScreen

        if isinstance(self.screen, ReviewScreen):
            self.pop_screen()
        if not any(one is self.screen and one.task_id == event.task_id for one in self._opened_tasks):
            self.open_task(event.task_id)

    def open_task(self, task_id: str) -> None:
        """Open a task, and follow it while it is open."""
        from tui.screens.task_detail import TaskScreen

        screen = TaskScreen(task_id, self._desk)
        self.push_screen(screen, self._task_left)
        screen.board_changed(self.board)
        self._follow_what_is_open()

    def _task_left(self, _: None) -> None:
        self.call_later(self._follow_what_is_open)

    def _follow_what_is_open(self) -> None:
        """The topmost task on screen is followed, and no other."""
        opened = self._opened_tasks
        wanted = opened[-1].task_id if opened else ""
        if wanted == self._followed:
            return
        self._followed = wanted
        self.workers.cancel_group(self, "follow")
        if wanted:
            self._follow(wanted)

    def on_task_screen_child_wanted(self, event: TaskScreen.ChildWanted) -> None:
        """A sub-task is to be read."""
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

    # Copying

    @on(Wish)
    def _copy_wish(self, event: Wish) -> None:
        tasks = [task for one in event.task_ids if (task := self.board.task(one))]
        if event.verb == "copy" and tasks:
            self._copy(self._texts_of(tasks))

    def _texts_of(self, tasks: list[TaskRow]) -> dict[str, str]:
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
        found = [task for one in self._opened_tasks[-1:] if (task := self.board.task(one.task_id))]
        self._copy({**event.texts, **self._texts_of(found)})

    @work(group="wishes", exclusive=True)
    async def _copy(self, texts: Mapping[str, str]) -> None:
        """Ask what to copy, and copy it."""
        from tui.screens.copy_dialog import Copy

        if name := await self.push_screen_wait(Copy(texts)):
            self._copied(name, texts[name])

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is selected."""
        self._copied("the selection", text)

    def _copied(self, name: str, text: str) -> None:
        """Copy by whichever way there is, and tell which it was."""
        how = copy(text, super().copy_to_clipboard, self._state / "copied.txt")
        self.notify(f"{name}: {how}", markup=False, timeout=4)
