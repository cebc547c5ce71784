"""Shows how many tasks wait for a person: in the window title, and with a bell and a notice for each new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tui.app.access import AppAccess
from tui.app.terminal import notification_sequence, window_title_sequence
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.state import Change, State
from tui.widgets.ui_context import UIContext


class WatchedApp(AppAccess, Protocol):
    """An app with a bell, and with the state of the focus of its terminal."""

    app_focus: bool

    def bell(self) -> None:
        """Ring the bell of the terminal."""


class WaitingNotifier:
    """The notifier of waiting tasks: keeps their ids, and notifies the operator of new ones."""

    def __init__(
        self, app: WatchedApp, ui: UIContext, write: Callable[[str], None], has_baseline: Callable[[], bool]
    ) -> None:
        self._app = app
        self._ui = ui
        self._write = write
        """Writes a control sequence to the terminal."""
        self._has_baseline = has_baseline
        """Returns whether all lists were read once: tasks that waited before are not new."""
        self.waiting: frozenset[str] = frozenset()
        """The ids of the waiting tasks: those that need a person."""
        self._link = ListLink.CONNECTING
        self._title = ""

    def update_status(self, status: ListStatus) -> None:
        """Update the window title with the status of the lists: it says when they are not read any more."""
        self._link = status.link
        self._show_title()

    def update(self, state: State, changes: Sequence[Change]) -> None:
        """Update the waiting tasks by those that the last step of the state has changed.

        A task counts once it is known for what it waits, which may be a machine, or once that could not be read.
        """
        changed = state.touched.tasks | state.touched.logs
        changed_and_waiting = {
            task_id
            for task_id in changed
            if state.needs_person(task_id) and not state.is_gone(task_id) and not state.awaits_reason(task_id)
        }
        waiting = (self.waiting - changed) | changed_and_waiting
        new_ids = waiting - self.waiting
        self.waiting = waiting
        self._show_title()
        if new_ids and self._has_baseline():
            self._notify(state, new_ids)

    def _show_title(self) -> None:
        """Show in the window title how many tasks need a person, and whether that is still being read."""
        need = f"{len(self.waiting)} need you" if self.waiting else ""
        if not self._has_baseline():
            need = f"{len(self.waiting)}+ need you" if self.waiting else "? need you"
        link = str(self._link) if self._link.is_lost else ""
        title = " · ".join(filter(None, (need, link, "xp-tui")))
        if title != self._title:
            self._title = title
            self._write(window_title_sequence(title))

    def _notify(self, state: State, new_ids: frozenset[str]) -> None:
        if not self._app.app_focus:
            self._app.bell()
            self._write(notification_sequence(self._title))
        self._show_notice(state, new_ids)

    def _show_notice(self, state: State, new_ids: frozenset[str]) -> None:
        tasks = map(state.task, sorted(new_ids))
        names = [task.name for task in tasks if task]
        if not names:
            return
        text = self._ui.safe(names[0], 60)
        if len(names) > 1:
            text += f", and {len(names) - 1} more"
        self._app.notify(text, title="Needs you", markup=False)
