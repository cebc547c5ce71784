"""The dashboard: its keys, its screens, and the services behind them."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

from textual import on, work
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen
from textual.theme import Theme, ThemeProvider

from tui.app import themes
from tui.app.composition import Services
from tui.app.sanitize_filter import SanitizeFilter
from tui.app.serial_keys import SerialKeys
from tui.app.terminal import InputFailed, Terminal, check_terminal, write_to_terminal
from tui.app.textual_workarounds import tells_crashes_without_locals
from tui.client.client import Client
from tui.screens import stylesheets
from tui.screens.approval_base import ApprovalScreen
from tui.screens.base import AppScreen, SizeNotice
from tui.screens.messages import (
    CopyWanted,
    OpenReviewedTask,
    OpenUrl,
    ReadLog,
    ReadReview,
    ReplyWanted,
    ReviewWanted,
    ShowNextReview,
    TaskCommand,
)
from tui.screens.task_list import TaskListScreen
from tui.security.redact import Redactor
from tui.services.actions import JournalWriter
from tui.services.crash_report import write_crash_report
from tui.services.list_poller import PollIntervals
from tui.widgets.ui_context import TIME_FORMATS, UIContext

HELD_INTERVAL_SECONDS = 0.2
"""How often the time of a hold is shown anew."""
PRESENCE_INTERVAL_SECONDS = 1.0
"""How often other processes are told what is open for a decision."""
TERMINAL_INTERVAL_SECONDS = 2.0
"""How often it is looked whether the terminal is still there."""


def _palette() -> type[Provider]:
    from tui.screens.palette import CommandProvider

    return CommandProvider


@tells_crashes_without_locals(lambda app, error: write_crash_report(error, app.state_folder, app.ui.redactor))
class XpTui(SerialKeys):
    """The operator's console."""

    terminal: Terminal | None = None
    """Set by the driver, where there is a terminal."""
    TITLE = "xp-tui"
    CSS_PATH = [stylesheets.stylesheet("app"), stylesheets.stylesheet("tasks")]
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
        redactor: Redactor,
        state: Path,
        place: str,
        hold: float = 5.0,
        intervals: PollIntervals | None = None,
        memory: MutableMapping[str, str] | None = None,
        begin_with: str = "",
        left: Sequence[Mapping[str, Any]] = (),
        keys: Mapping[str, str] | None = None,
        theme: str = "",
        is_ascii: bool = False,
        is_still: bool = False,
    ) -> None:
        self._readable: dict[str, Theme] = {}  # each theme that was used, by its name
        super().__init__(ansi_color=True if themes.is_colourless() else None, driver_class=Terminal)
        why = "read-only mode: nothing is sent" if client.read_only else ""
        memory = {} if memory is None else memory
        self.ui = UIContext(lambda: client.now, redactor, place, memory, read_only=why, is_still=is_still)
        self.client, self.state_folder = client, state
        self._home = TaskListScreen(self.ui, begin_with)
        self._shown_until: dict[tuple[str, str], float] = {}  # of each notice, by its title and words
        self._leftovers = left  # lines of the journal about actions that an earlier session has not ended
        self.services = Services(
            self, client, journal, drafts, self.ui,
            run_step=self.call_later, write=partial(write_to_terminal, self), copy_text=super().copy_to_clipboard,
            state_folder=state, hold_seconds=hold, intervals=intervals,
        )  # fmt: skip
        themes.register_themes(self, theme or self.ui.memory.get("theme", ""))
        self.chosen_keys = dict(keys or {})  # by the ids of the bindings
        self.set_keymap(self.chosen_keys)
        self._door, self._ascii = SanitizeFilter(), themes.AsciiFilter() if is_ascii else None
        self.set_class(is_ascii, "-ascii")
        if is_still:
            self.animation_level = "none"

    # Screens

    @property
    def screens(self) -> Sequence[AppScreen[Any]]:
        """The screens on the stack, the topmost last: all of them are ours."""
        return cast("list[AppScreen[Any]]", self.screen_stack)

    @property
    def task_list(self) -> TaskListScreen | None:
        """The list below all other screens; None while the app ends."""
        return self._home if self._home in self.screen_stack else None

    def get_default_screen(self) -> Screen[Any]:
        """Return the list, which lies below all other screens."""
        return self._home

    def open_task(self, task_id: str) -> None:
        """Open a task, and follow it while it is open."""
        from tui.screens.task_detail import TaskScreen

        def follow_what_is_below(_: None) -> None:
            self.call_later(self.services.readings.follow_topmost)

        screen = TaskScreen(task_id, self.ui)
        self.push_screen(screen, follow_what_is_below)
        screen.update_state(self.services.store.state, ())
        self.services.readings.follow_topmost()

    def on_resize(self) -> None:
        """There may be too little room now, or enough again."""
        self.call_later(self._make_room)

    @on(SizeNotice.Seen)
    async def _make_room(self) -> None:
        """Where there is no room for the screens, say so until there is; one comes after the other in a storm."""
        is_small = self.size.width < SizeNotice.LEAST[0] or self.size.height < SizeNotice.LEAST[1]
        top = self.screens[-1]
        if is_small and not top.IS_SIZE_NOTICE:
            await self.push_screen(SizeNotice())
        elif not is_small and top.IS_SIZE_NOTICE:
            await top.dismiss(None)

    # Beginning and ending

    def on_mount(self) -> None:
        """Start the timers, and tell what an earlier session has left."""
        services = self.services
        self.set_interval(PRESENCE_INTERVAL_SECONDS, services.reviews.update_presence)
        ticker = self.set_interval(HELD_INTERVAL_SECONDS, services.progress.show_held, pause=True)
        services.progress.ticker = ticker
        if not self.is_headless:
            self.set_interval(TERMINAL_INTERVAL_SECONDS, partial(check_terminal, self))
        services.commands.report_leftovers(self._leftovers)

    def on_ready(self) -> None:
        """Begin to read once there is something to see: what speaks with the network takes its time to import."""
        self._home.call_after_refresh(self.services.readings.start)  # any screen in front of it may go again

    def on_unmount(self) -> None:
        """End what the services keep open."""
        self.services.close()

    @work(group="quit", exclusive=True)
    async def action_quit(self) -> None:  # type: ignore[override]
        """Leave; where an action is under way, ask first."""
        if await self.services.progress.confirm_quit():
            self.exit()

    @on(InputFailed)
    def _input_failed(self, event: InputFailed) -> None:
        """Fail with what has ended the reading of keys: nobody could use the screens any more."""
        raise event.error

    # The terminal

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes on its way to the terminal: first it is made harmless, last it becomes ASCII."""
        filters = [self._door, *super().get_line_filters()]
        return [*filters, self._ascii] if self._ascii else filters

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

    def copy_to_clipboard(self, text: str) -> None:
        """Copy what is selected."""
        self.services.copying.copy("the selection", text)

    def notify(self, message: str, *, title: str = "", timeout: float | None = None, **more: Any) -> None:
        """Show a notice, unless the same is shown already; where it would cover a decision, in a line of the screen."""
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        now = time.monotonic()
        if self._shown_until.get((title, message), now) <= now:
            self._shown_until[title, message] = now + seconds
            super().notify(message, title=title, timeout=timeout, **more)
        screens = self.screens
        if screens and screens[-1].HAS_NOTICE_LINE:
            screens[-1].show_notice(f"{title}: {message}" if title else message, seconds)

    # Themes

    def get_theme(self, theme_name: str) -> Theme | None:
        """A theme by its name; those of others are made readable when they are first used."""
        known = self._readable.get(theme_name)
        if known is None and (theme := super().get_theme(theme_name)) is not None:
            known = self._readable[theme_name] = theme if "faint" in theme.variables else themes.readable_theme(theme)
        return known

    def action_theme(self) -> None:
        """The next theme."""
        names = list(self.available_themes)
        themes.use_theme(self, self.ui, names[(names.index(self.theme) + 1) % len(names)])

    def search_themes(self) -> None:
        """Open the palette with the names of the themes."""
        from tui.screens.palette import PaletteScreen

        self.push_screen(PaletteScreen([ThemeProvider], placeholder="Search for themes…"))

    # Actions

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open; Textual itself fails where another one is on its way out."""
        if not any(screen.IS_PALETTE for screen in self.screens):
            from tui.screens.palette import PaletteScreen

            self.push_screen(PaletteScreen())

    def action_help(self) -> None:
        """Show every key of this screen."""
        if self.screens[-1].HAS_COMMANDS:
            from tui.screens.help import HelpScreen

            self.push_screen(HelpScreen(self.screens[-1]))

    def action_line(self) -> None:
        """Open the command line of this screen."""
        from tui.screens.command_line import CommandLineScreen

        self.push_screen(CommandLineScreen(self.screens[-1]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be taken back where nothing is held."""
        return bool(self.services.progress.held) if action == "take_back" else super().check_action(action, parameters)

    def action_take_back(self) -> None:
        """Take back what is held, wherever one is."""
        self.services.progress.take_back_all()

    async def action_told(self, name: str, rest: str) -> None:
        """Run what was written on the command line with words behind it."""
        match name:
            case "theme":
                themes.use_theme(self, self.ui, rest)
            case "time" if rest in TIME_FORMATS:
                self.ui.memory["time"] = rest
                self.screen.refresh(layout=True)
            case "filter" if self.task_list:
                while len(self.screen_stack) > 1:
                    self.screen.dismiss(None)
                self._home.filter(rest)
            case "open":
                await self.services.commands.find_and_open(rest)
            case _:
                self.services.commands.warn(f"{name} does not take {rest!r}")

    # Messages of the screens

    @on(TaskListScreen.Reload)
    @on(TaskListScreen.More)
    @on(TaskListScreen.ServerQueryChanged)
    @on(TaskListScreen.PreviewRequested)
    @on(ReadLog)
    def _read(self, event: Message) -> None:
        self.services.readings.handle(event)

    @on(ReviewWanted)
    @on(ReadReview)
    @on(ShowNextReview)
    def _review(self, event: Message) -> None:
        self.services.reviews.handle(event)

    @on(ApprovalScreen.Decided)
    @on(ApprovalScreen.TakeBack)
    @on(ReplyWanted)
    @on(OpenUrl)
    @on(TaskListScreen.AgentsWanted)
    @on(TaskCommand)
    @on(CopyWanted)
    def _command(self, event: Message) -> None:
        self.services.commands.handle(event)

    @on(TaskListScreen.Opened)
    @on(OpenReviewedTask)
    def _open(self, event: TaskListScreen.Opened | OpenReviewedTask) -> None:
        """Open a task, in the place of its review where that is shown, unless the task is the screen below that."""
        if event.task_id in self.screens[-1].open_tasks:
            self.pop_screen()
        if self.screens[-1].followed_task != event.task_id:
            self.open_task(event.task_id)
