"""The Textual app: its key bindings, its screens, and the handlers that pass messages to the services."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
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
from tui.app.ascii_filter import AsciiFilter
from tui.app.browser import missing_browser
from tui.app.composition import Services
from tui.app.sanitize_filter import SanitizeFilter
from tui.app.serial_keys import SerialKeys
from tui.app.terminal import InputFailed, Terminal, check_terminal, write_to_terminal
from tui.app.textual_workarounds import reports_crashes_without_locals
from tui.client.client import Client
from tui.screens import stylesheets
from tui.screens.approval_base import ApprovalScreen
from tui.screens.base import AppScreen, SizeNotice
from tui.screens.decision_screen import DecisionScreen
from tui.screens.messages import (
    AgentPageWanted,
    AnswerDecided,
    CopyWanted,
    FactsWanted,
    OpenReviewedTask,
    OpenUrl,
    ReadAgent,
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
"""Seconds between two updates of the countdown of held actions."""
PRESENCE_INTERVAL_SECONDS = 1.0
"""Seconds between two updates of the locks that tell other processes which reviews are open here."""
TERMINAL_INTERVAL_SECONDS = 2.0
"""Seconds between two checks that the terminal still exists."""


def _palette_provider() -> type[Provider]:
    from tui.screens.palette import CommandProvider

    return CommandProvider


def _ui_context(
    client: Client, redactor: Redactor, place: str, memory: MutableMapping[str, str], is_still: bool
) -> UIContext:
    """Return the context that all screens share."""
    read_only = "read-only mode: nothing is sent" if client.read_only else ""
    no_browser = cache(partial(missing_browser, os.environ))
    return UIContext(
        lambda: client.now, redactor, place, memory, read_only=read_only, no_browser=no_browser, is_still=is_still
    )


@reports_crashes_without_locals(lambda app, error: write_crash_report(error, app.state_folder, app.ui.redactor))
class XpTui(SerialKeys):
    """The xp-tui app: a dashboard for the operator of agent tasks."""

    terminal: Terminal | None = None
    """The terminal driver, which sets this; None where there is no terminal."""
    TITLE = "xp-tui"
    CSS_PATH = [stylesheets.stylesheet("app"), stylesheets.stylesheet("tasks")]
    COMMANDS = {_palette_provider}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", "help", id="app.help"),
        Binding("u", "take_back", "Take back what is held", show=False, id="app.take_back"),
        Binding("J", "next('wait', 1)", "Next task that waits", show=False, id="app.next_wait"),
        Binding("K", "next('wait', -1)", "Previous task that waits", show=False, id="app.previous_wait"),
        Binding("F", "next('failure', 1)", "Next failed task", show=False, id="app.next_failure"),
        Binding("f6", "notices", "Notices", show=False, id="app.notices"),
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
        state_folder: Path,
        place: str,
        hold: float = 5.0,
        intervals: PollIntervals | None = None,
        memory: MutableMapping[str, str] | None = None,
        initial_filter: str = "",
        leftovers: Sequence[Mapping[str, Any]] = (),
        keys: Mapping[str, str] | None = None,
        theme: str = "",
        is_ascii: bool = False,
        is_still: bool = False,
    ) -> None:
        self._readable_themes: dict[str, Theme] = {}  # by name; super().__init__ looks up themes already
        super().__init__(ansi_color=True if themes.is_colourless() else None, driver_class=Terminal)
        memory = {} if memory is None else memory
        self.ui = _ui_context(client, redactor, place, memory, is_still)
        self.client, self.state_folder = client, state_folder
        self._task_list = TaskListScreen(self.ui, initial_filter)
        self._leftovers = leftovers  # journal lines of actions that an earlier session did not finish
        self.services = Services(
            self, client, journal, drafts, self.ui,
            run_step=self.call_later, write=partial(write_to_terminal, self), copy_text=super().copy_to_clipboard,
            state_folder=state_folder, hold_seconds=hold, intervals=intervals,
        )  # fmt: skip
        self._task_list.wait_cursor.is_deciding = self.services.progress.is_deciding
        themes.register_themes(self, theme or memory.get("theme", ""))
        self.chosen_keys = dict(keys or {})  # by the ids of the bindings
        self.set_keymap(self.chosen_keys)
        self._sanitize_filter, self._ascii_filter = SanitizeFilter(), AsciiFilter() if is_ascii else None
        self.set_class(is_ascii, "-ascii")
        if is_still:
            self.animation_level = "none"

    # Screens

    @property
    def screens(self) -> Sequence[AppScreen[Any]]:
        """The screens on the stack, the topmost last; all of them are AppScreens."""
        return cast("list[AppScreen[Any]]", self.screen_stack)

    @property
    def task_list(self) -> TaskListScreen | None:
        """The task list below all other screens; None while the app shuts down."""
        return self._task_list if self._task_list in self.screen_stack else None

    def get_default_screen(self) -> Screen[Any]:
        """Return the task list as the default screen, below all others."""
        return self._task_list

    def open_task(self, task_id: str) -> None:
        """Open the screen of a task, and follow the task while the screen is open."""
        from tui.screens.task_detail import TaskScreen

        def follow_task_below(_: None) -> None:
            self.call_later(self.services.read_workers.follow_topmost)

        screen = TaskScreen(task_id, self.ui)
        self.push_screen(screen, follow_task_below)
        screen.update_state(self.services.store.state, ())
        self.services.read_workers.follow_topmost()

    def on_resize(self) -> None:
        """Check after a resize whether the terminal is large enough."""
        self.call_later(self._update_size_notice)

    @on(SizeNotice.Resumed)
    async def _update_size_notice(self) -> None:
        """Show the size notice while the terminal is too small for the other screens.

        Awaits each change of the stack, so that many resizes in a row cannot stack several notices.
        """
        min_width, min_height = SizeNotice.MIN_SIZE
        is_small = self.size.width < min_width or self.size.height < min_height
        top = self.screens[-1]
        if is_small and not top.IS_SIZE_NOTICE:
            await self.push_screen(SizeNotice())
        elif not is_small and top.IS_SIZE_NOTICE:
            await top.dismiss(None)

    # Startup and shutdown

    def on_mount(self) -> None:
        """Start the timers once the app is mounted, and report the leftovers of an earlier session."""
        services = self.services
        self.set_interval(PRESENCE_INTERVAL_SECONDS, services.reviews.update_presence)
        ticker = self.set_interval(HELD_INTERVAL_SECONDS, services.progress.show_held, pause=True)
        services.progress.ticker = ticker
        if not self.is_headless:
            self.set_interval(TERMINAL_INTERVAL_SECONDS, partial(check_terminal, self))
        services.commands.report_leftovers(self._leftovers)

    def on_ready(self) -> None:
        """Start reading once the app is ready and has drawn a frame: importing the network client takes time."""
        # The refresh of the task list, because the topmost screen may be dismissed before its own.
        self._task_list.call_after_refresh(self.services.read_workers.start)

    def on_unmount(self) -> None:
        """Close the services when the app is unmounted."""
        self.services.close()

    @work(group="quit", exclusive=True)
    async def action_quit(self) -> None:  # type: ignore[override]
        """Quit; ask first while actions are unfinished."""
        if await self.services.progress.confirm_quit():
            self.exit()

    @on(InputFailed)
    def _input_failed(self, event: InputFailed) -> None:
        """Fail with the error of the input thread: without input, the app cannot be used."""
        raise event.error

    # The terminal

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Return the filters of every line that is drawn: the sanitizer first, the ASCII filter last."""
        filters = [self._sanitize_filter, *super().get_line_filters()]
        if self._ascii_filter:
            filters.append(self._ascii_filter)
        return filters

    @contextmanager
    def batch_update(self) -> Generator[None]:
        """Batch updates, then draw the whole screen: Textual counts a frame that was skipped in between as drawn."""
        with super().batch_update():
            yield
        if self.screen_stack:
            self.screen.refresh()

    @on(Terminal.SignalResume)
    def _draw_all(self) -> None:
        """Draw all after another program has used the terminal."""
        self.refresh(layout=True)

    def copy_to_clipboard(self, text: str) -> None:
        """Copy the selected text to the clipboard, in whatever way works on this terminal."""
        self.services.copying.copy("the selection", text)

    def notify(
        self, message: str, *, title: str = "", timeout: float | None = None, is_logged: bool = True, **more: Any
    ) -> None:  # fmt: skip
        """Notify the operator, unless the same notice is shown already.

        A screen that no toast may cover shows the message in its notice line. The list of notices has those that are
        logged.
        """
        if not is_logged:
            super().notify(message, title=title, timeout=timeout, **more)
            return
        seconds = self.NOTIFICATION_TIMEOUT if timeout is None else timeout
        text = f"{title}: {message}" if title else message
        top = self.screens[-1] if self.screens else None
        if self.services.notices.add(text, seconds, is_reviewing=top is not None and top.IS_APPROVAL):
            super().notify(message, title=title, timeout=timeout, **more)
        if top is not None and top.HAS_NOTICE_LINE:
            top.show_notice(text, seconds)

    def action_notices(self) -> None:
        """Show the latest notices."""
        from tui.screens.notice_list import NoticesScreen

        self.push_screen(NoticesScreen(self.services.notices.latest))

    # Themes

    def get_theme(self, theme_name: str) -> Theme | None:
        """Return a theme by its name; the themes of Textual are made readable on first use."""
        readable = self._readable_themes.get(theme_name)
        if readable is not None:
            return readable
        theme = super().get_theme(theme_name)
        if theme is None:
            return None
        if "faint" not in theme.variables:  # not one of ours
            theme = themes.readable_theme(theme)
        self._readable_themes[theme_name] = theme
        return theme

    def action_theme(self) -> None:
        """Switch to the next theme."""
        names = list(self.available_themes)
        themes.use_theme(self, self.ui, names[(names.index(self.theme) + 1) % len(names)])

    def search_themes(self) -> None:
        """Search the themes by name, in a palette."""
        from tui.screens.palette import PaletteScreen

        self.push_screen(PaletteScreen([ThemeProvider], placeholder="Search for themes…"))

    # Actions

    def action_command_palette(self) -> None:
        """Open the command palette, unless it is open: Textual fails while another one is being dismissed."""
        if not any(screen.IS_PALETTE for screen in self.screens):
            from tui.screens.palette import PaletteScreen

            self.push_screen(PaletteScreen())

    def action_help(self) -> None:
        """Show the help: all keys of the current screen."""
        if self.screens[-1].HAS_COMMANDS:
            from tui.screens.help import HelpScreen

            self.push_screen(HelpScreen(self.screens[-1]))

    def action_line(self) -> None:
        """Open the command line of the current screen."""
        from tui.screens.command_line import CommandLineScreen

        self.push_screen(CommandLineScreen(self.screens[-1]))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available; to take back, only while something is held."""
        if action == "take_back":
            return bool(self.services.progress.held)
        return super().check_action(action, parameters)

    def action_take_back(self) -> None:
        """Take back all held actions."""
        self.services.progress.take_back_all()

    def action_next(self, kind: str, by: int) -> None:
        """Go to the next task of a kind."""
        self.services.next_commands.go_to(kind, by)

    async def action_told(self, name: str, argument: str) -> None:
        """Run the action `told`: a command that was entered on the command line with an argument."""
        match name:
            case "theme":
                themes.use_theme(self, self.ui, argument)
            case "time" if argument in TIME_FORMATS:
                self.ui.memory["time"] = argument
                self.screen.refresh(layout=True)
            case "filter" if self.task_list:
                while len(self.screen_stack) > 1:
                    self.screen.dismiss(None)
                self._task_list.filter(argument)
            case "agent":
                self.services.agent_pages.open(argument)
            case "open":
                await self.services.commands.find_and_open(argument)
            case _:
                self.services.commands.warn(f"{name} does not take {argument!r}")

    # Messages of the screens

    @on(TaskListScreen.Reload)
    @on(TaskListScreen.More)
    @on(TaskListScreen.ServerQueryChanged)
    @on(TaskListScreen.PreviewRequested)
    @on(ReadLog)
    @on(ReviewWanted)
    @on(ReadReview)
    @on(ShowNextReview)
    @on(DecisionScreen.Closed)
    @on(ApprovalScreen.Decided)
    @on(ApprovalScreen.TakeBack)
    @on(ReplyWanted)
    @on(AnswerDecided)
    @on(OpenUrl)
    @on(TaskListScreen.AgentsWanted)
    @on(TaskCommand)
    @on(CopyWanted)
    @on(AgentPageWanted)
    @on(ReadAgent)
    @on(FactsWanted)
    def _handle_message(self, event: Message) -> None:
        """Handle a message of a screen with the service that it is for."""
        self.services.handle(event)

    @on(TaskListScreen.Opened)
    @on(OpenReviewedTask)
    def _handle_open(self, event: TaskListScreen.Opened | OpenReviewedTask) -> None:
        """Open a task; close its review first, and return to the task's screen where that lies below."""
        if event.task_id in self.screens[-1].open_tasks:
            self.pop_screen()
        if self.screens[-1].followed_task != event.task_id:
            self.open_task(event.task_id)
