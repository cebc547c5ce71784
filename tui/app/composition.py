"""Creates the services of the app and connects them with the screens."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from textual.css.query import NoMatches
from textual.message import Message

from tui.app.action_progress import ActionProgress
from tui.app.agent_pages import AgentPages
from tui.app.copy_commands import CopyCommands
from tui.app.next_commands import NextCommands
from tui.app.operator_commands import OperatorCommands
from tui.app.read_workers import ReadWorkers
from tui.app.review_manager import ReviewManager
from tui.app.waiting_notifier import WaitingNotifier, WatchedApp
from tui.client.client import Client
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.notice_log import NoticeLog
from tui.domain.state import Change, State
from tui.screens.base import MAX_NOTICE_CHARS
from tui.screens.decision_screen import DecisionScreen
from tui.screens.messages import (
    AgentPageWanted,
    FactsWanted,
    ReadAgent,
    ReadLog,
    ReadReview,
    ReviewWanted,
    ShowNextReview,
)
from tui.screens.task_list import TaskListScreen
from tui.security.sanitize import one_line
from tui.services.actions import JournalWriter
from tui.services.list_poller import ListPoller, PollIntervals
from tui.services.review_presence import ReviewPresence
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader
from tui.widgets.keys import key_name
from tui.widgets.ui_context import UIContext

ENDED_NOTICE_SECONDS = 86_400.0
"""How long the notice that the local platform has ended is shown: until the operator quits."""


class Services:
    """The services of one session, and the parts of the app that connect them with the screens."""

    has_platform_ended: Callable[[], bool] = staticmethod(lambda: False)
    """Returns whether the local platform that this process started has ended."""

    def __init__(
        self,
        app: WatchedApp,
        client: Client,
        journal: JournalWriter,
        drafts: MutableMapping[str, str],
        ui: UIContext,
        *,
        run_step: Callable[[Callable[[], None]], object],
        write: Callable[[str], None],
        copy_text: Callable[[str], None],
        state_folder: Path,
        hold_seconds: float,
        intervals: PollIntervals | None,
    ) -> None:
        self._app, self._ui = app, ui
        self.notices = NoticeLog(ui.now)
        self.store = store = StateStore(run_step)
        self.reader = reader = TaskReader(client, store)
        self.lists = ListPoller(client, store, reader, intervals=intervals, on_status=self._update_list_status)
        client.transport.on_wait = self.lists.note_retry
        self.read_workers = ReadWorkers(app, client, store, reader, self.lists, ui)
        self.progress = ActionProgress(app, client, journal, store, ui)
        self.actions = self.progress.runner
        self.notifier = WaitingNotifier(app, ui, write, lambda: self.lists.has_read_all)
        self.reviews = ReviewManager(
            app, client, store, ui,
            runner=self.actions, progress=self.progress, notifier=self.notifier,
            presence=ReviewPresence(state_folder / "open"), drafts=drafts,
        )  # fmt: skip
        self.next_commands = NextCommands(app, store, lambda: self.notifier.waiting, self.reviews)
        self.copying = CopyCommands(app, client, store, ui, copy_text, state_folder / "copied.txt")
        self.agent_pages = AgentPages(app, client, store, ui)
        self.commands = OperatorCommands(
            app, client, store, ui,
            runner=self.actions, progress=self.progress, reviews=self.reviews, read_workers=self.read_workers,
            reader=reader, copying=self.copying, drafts=drafts, journal=journal, hold_seconds=hold_seconds,
        )  # fmt: skip
        store.subscribe(self._update_screens)
        store.subscribe(self.notifier.update)

    def _update_screens(self, state: State, changes: Sequence[Change]) -> None:
        """Update every screen with the new state, the topmost first."""
        with suppress(NoMatches):  # the widgets of a screen are being removed
            for screen in reversed(self._app.screens):
                screen.update_state(state, changes)

    def _update_list_status(self, status: ListStatus) -> None:
        """Update every screen, and the window title, with the new status of the task list."""
        if status.link.is_troubled and self.has_platform_ended():
            problem = f"the local platform has ended: quit ({self._quit_key}) and start xp-tui again; nothing is lost"
            status = replace(status, link=ListLink.OFFLINE, reason=problem)
            self._app.notify(problem, timeout=ENDED_NOTICE_SECONDS, markup=False)
        self.notifier.update_status(status)
        self.reviews.update_list_status(status)
        with suppress(NoMatches):
            for screen in self._app.screens:
                screen.update_list_status(status)

    @property
    def _quit_key(self) -> str:
        return key_name(self._app.screens[-1].app, "app.quit") if self._app.screens else "ctrl+q"

    def handle(self, event: Message) -> None:
        """Handle a message of a screen with the service that it is for."""
        match event:
            case ReviewWanted() | ReadReview() | ShowNextReview():
                self.reviews.handle(event)
            case TaskListScreen.Reload() | TaskListScreen.More() | TaskListScreen.ServerQueryChanged():
                self.read_workers.handle(event)
            case TaskListScreen.PreviewRequested() | ReadLog():
                self.read_workers.handle(event)
            case AgentPageWanted() | ReadAgent():
                self.agent_pages.handle(event)
            case FactsWanted(task_id=task_id):
                self._show_facts(task_id)
            case DecisionScreen.Closed(seen_notices=seen_notices):
                self.notices.note_seen(lambda text: one_line(text, longest=MAX_NOTICE_CHARS) in seen_notices)
                self._report_missed_notices()
            case _:
                self.commands.handle(event)

    def _show_facts(self, task_id: str) -> None:
        """Show the facts of a task."""
        from tui.screens.facts import FactsScreen  # not imported before the first frame

        screen = FactsScreen(task_id, self._ui)
        screen.update_state(self.store.state, ())
        self._app.push_screen(screen)

    def _report_missed_notices(self) -> None:
        """Report the notices that came and went unseen while something was decided; the others are still shown."""
        screens = self._app.screens
        if not screens or any(screen.IS_APPROVAL for screen in screens):
            return
        if count := self.notices.take_missed():
            plural = "s" if count > 1 else ""
            key = key_name(screens[-1].app, "app.notices")
            text = f"{count} notice{plural} came while you reviewed: {key} shows what"
            self._app.notify(text, markup=False, is_logged=False)

    def close(self) -> None:
        """Close the state store and the locks of the open reviews."""
        self.store.close()
        self.reviews.close()
