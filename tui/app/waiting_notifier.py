"""Tells how many tasks need a person: in the window's title, and with a bell and a notice when there is one more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from tui.app.access import AppAccess
from tui.app.terminal import notification_sequence, window_title_sequence
from tui.domain.state import Change, State
from tui.widgets.ui_context import UIContext


class WatchedApp(AppAccess, Protocol):
    """An app that can ring, and knows whether somebody looks at its terminal."""

    app_focus: bool

    def bell(self) -> None:
        """Ring the bell of the terminal."""


class WaitingNotifier:
    """Keeps which tasks need a person, and notifies of new ones."""

    def __init__(
        self, app: WatchedApp, ui: UIContext, write: Callable[[str], None], has_baseline: Callable[[], bool]
    ) -> None:
        self._app = app
        self._ui = ui
        self._write = write
        """Writes a control sequence to the terminal."""
        self._has_baseline = has_baseline
        """Tells whether all lists were read once: who waited before that is no news."""
        self.waiting: frozenset[str] = frozenset()
        """The ids of the tasks that need a person."""
        self._has_title = False

    def update(self, state: State, changes: Sequence[Change]) -> None:
        """Look at the tasks that the last step changed."""
        touched = state.touched.tasks | state.touched.logs
        now_waiting = {task_id for task_id in touched if state.wait(task_id) and not state.is_gone(task_id)}
        waiting = (self.waiting - touched) | now_waiting
        if waiting != self.waiting or not self._has_title:
            self._notify(state, waiting)

    def _notify(self, state: State, waiting: frozenset[str]) -> None:
        fresh, self.waiting = waiting - self.waiting, waiting
        words = f"{len(waiting)} need you · xp-tui" if waiting else "xp-tui"
        self._write(window_title_sequence(words))
        self._has_title = True
        if not self._has_baseline() or not fresh:
            return
        if not self._app.app_focus:
            self._app.bell()
            self._write(notification_sequence(words))
        names = [task.name for task_id in sorted(fresh) if (task := state.task(task_id))]
        more = f", and {len(names) - 1} more" if len(names) > 1 else ""
        is_interrupting = bool(self._app.screens) and self._app.screens[-1].IS_APPROVAL
        if names and not is_interrupting:
            self._app.notify(f"{self._ui.safe(names[0], 60)}{more}", title="Needs you", markup=False)
