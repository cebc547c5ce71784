"""Shows the progress of the operator's actions: which are held, on every screen, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len
from textual.css.query import NoMatches

from tui.app.access import AppAccess, Severity
from tui.client.client import Client
from tui.domain import humanize
from tui.domain.action import DECISIONS, Action, Outcome, Phase, Verb
from tui.screens.base import HeldActions
from tui.services.actions import INTERRUPTED, ActionRunner, JournalWriter
from tui.services.confirmation import CREATED
from tui.services.state_store import StateStore
from tui.widgets.styled_text import fit
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.screens.confirm import ConfirmScreen

OUTCOME_NOTICE_SECONDS = 10
"""Seconds for which the notice about an outcome is shown."""
MAX_SUMMARY_CHARS = 100
"""Characters of the summary of an action."""
MIN_NAME_CELLS = 12
"""Cells that the line of held actions keeps for the name of the task, however long the summary is."""


class Ticker(Protocol):
    """A ticker that calls `ActionProgress.show_held` regularly while it is not paused."""

    def pause(self) -> None:
        """Pause the calls until `resume`."""

    def resume(self) -> None:
        """Resume the calls."""


class ActionProgress:
    """The unfinished actions, whose progress is shown on all screens."""

    def __init__(
        self, app: AppAccess, client: Client, journal: JournalWriter, store: StateStore, ui: UIContext
    ) -> None:
        self._app = app
        self.runner = ActionRunner(client, journal, self.update)
        self.runner.is_paused = self.is_hold_paused
        self.runner.place, self.runner.title_of = ui.place, self._title_of
        self._store = store
        self._ui = ui
        self.ticker: Ticker | None = None
        """Set when the app is mounted."""
        self.unfinished: dict[str, Action] = {}
        """Actions that were started and have not ended, by their ids."""
        self.interrupted: list[Action] = []
        """Actions that were sent and had not ended when the app was closed."""
        self._quit_dialog: ConfirmScreen | None = None

    @property
    def held(self) -> list[str]:
        """The ids of the held actions: those that can still be taken back."""
        return [action_id for action_id in self.unfinished if self.runner.can_take_back(action_id)]

    def is_hold_paused(self) -> bool:
        """Return whether the countdown of a hold is paused: while a dialog is open, and while the app shuts down."""
        screens = self._app.screens
        return not screens or screens[-1].is_modal

    def running_decision(self, task_id: str) -> Action | None:
        """Return the decision about a task that is under way; None if there is none."""
        decisions = (action for action in self.unfinished.values() if action.verb in DECISIONS)
        return next((action for action in decisions if action.target == task_id), None)

    def is_deciding(self, task_id: str) -> bool:
        """Return whether a decision about a task is under way."""
        return self.running_decision(task_id) is not None

    def take_back_all(self) -> None:
        """Take back all held actions."""
        for action_id in self.held:
            self.runner.take_back(action_id)

    def finish(self, action: Action) -> None:
        """Remove an action that has finished, failed or was cancelled from the unfinished ones."""
        self.unfinished.pop(action.id, None)

    def update(self, action: Action) -> None:
        """Update the screens about the task of an action; notify of its outcome where no screen shows it."""
        if action.words.startswith(INTERRUPTED):  # the screens are being removed
            self.interrupted.append(action)
            return
        if action.verb is Verb.STOP and action.phase is Phase.SENDING:
            self._app.notify("stop requested", markup=False)
        is_done = action.phase is Phase.DONE
        if is_done:
            self.finish(action)
        else:
            self._add_unfinished(action)
        is_shown = not self._is_behind_decision(action) and self._show_on_screens(action)
        if is_done and not is_shown:
            self._notify_outcome(action)

    def _add_unfinished(self, action: Action) -> None:
        self.unfinished[action.id] = action
        if self.ticker is not None:
            self.ticker.resume()

    def _is_behind_decision(self, action: Action) -> bool:
        """Return whether a decision about the same task is under way, which the screens keep showing."""
        return any(
            other.target == action.target and other.id != action.id and other.verb in DECISIONS
            for other in self.unfinished.values()
        )

    def _show_on_screens(self, action: Action) -> bool:
        """Give the action to every screen; return whether any of them shows it."""
        is_shown = False
        for screen in self._app.screens:
            try:
                is_shown = screen.update_action(action) or is_shown
            except NoMatches:  # the screen is about the task, and its widgets are being removed
                is_shown = True
        return is_shown

    def _notify_outcome(self, action: Action) -> None:
        text = self._ui.safe(f"{action.verb} {self.name_of(action.target)}: {action.words}")
        if action.verb is Verb.CREATE:
            text = self._ui.safe(self._creation_words(action))
        is_good = action.outcome in {Outcome.CONFIRMED, Outcome.TAKEN_BACK}
        severity: Severity = "information" if is_good else "error"
        self._app.notify(text, severity=severity, markup=False, timeout=OUTCOME_NOTICE_SECONDS)

    def _creation_words(self, action: Action) -> str:
        """Return the outcome of a new task, by its title where it was created, else by its agent."""
        if action.outcome is Outcome.CONFIRMED and action.task is not None:
            return f"created: {action.task.name}{action.words.removeprefix(CREATED)}"
        agent = self._store.state.agents.get(action.target)
        name = agent[1].name if agent else action.target
        return f"new task for {name}: {action.words}"

    def show_held(self) -> None:
        """Show the held actions on every screen, with the seconds that are left."""
        actions = [self.unfinished[action_id] for action_id in self.held]
        text = self._held_text(actions) if actions else ""
        held = HeldActions(text, self.runner.seconds_left, self.is_hold_paused())
        for screen in self._app.screens:
            screen.update_held(held)
        if not self.unfinished and self.ticker is not None:
            self.ticker.pause()
        self._update_quit_dialog()

    def _update_quit_dialog(self) -> None:
        if self._quit_dialog is None:
            return
        self._quit_dialog.show_text(self._consequences_of_quitting())
        if not self.unfinished:
            self._quit_dialog.dismiss(False)
            self._quit_dialog = None

    def _held_text(self, held: Sequence[Action]) -> str:
        """Return a line with the held actions, their countdown, and the keys that take them back."""
        action = held[0]
        summary = self._ui.safe(action.summary, MAX_SUMMARY_CHARS)
        keys = self._app.screens[-1].keys_to_take_back() if self._app.screens else ""
        end = f" {self._countdown(action)}   {keys} takes it back"
        if len(held) > 1:
            end = f" and {len(held) - 1} more{end}"
        name = self.name_of(action.target)
        available_cells = self._app.size.width - cell_len(f" ‖  {end} ")
        summary = _fit_at_most(summary, available_cells - min(cell_len(name), MIN_NAME_CELLS))
        return f"‖ {summary} {_fit_at_most(name, available_cells - cell_len(summary))}{end}"

    def _countdown(self, action: Action) -> str:
        if action.phase is Phase.CHECKING:
            return "is read again"
        left = humanize.countdown(self.runner.seconds_left.get(action.id, 0.0))
        if self.is_hold_paused():
            return f"stands still, {left} left"
        return f"in {left}"

    def _title_of(self, target: str) -> str:
        """Return the title of a task as it was last read; empty where the task is unknown."""
        task = self._store.state.task(target)
        if task is None:
            return ""
        return task.name

    def name_of(self, target: str) -> str:
        """Return the name of a task, safe to draw; the start of its id where the task is unknown."""
        task = self._store.state.task(target)
        return self._ui.safe(task.name, 50) if task else target[:8]

    async def confirm_quit(self) -> bool:
        """Ask the operator to confirm quitting while actions are unfinished; on yes, take back the held ones."""
        if not self.unfinished:
            return True
        from tui.screens.confirm import ConfirmScreen

        self._quit_dialog = ConfirmScreen("Quit now?", self._consequences_of_quitting(), yes="Quit", no="Stay")
        if not await self._app.push_screen_wait(self._quit_dialog):
            return False
        self.take_back_all()
        return True

    def _consequences_of_quitting(self) -> str:
        """Return a text with the consequence for each unfinished action if the app quits now."""
        lines = []
        for action in self.unfinished.values():
            consequence = "not sent yet: it is not sent then"
            if action.phase in {Phase.SENDING, Phase.SETTLING}:
                consequence = "being sent: what comes of it is not told"
            elif action.id in self.held:
                consequence = "held: it is not sent then"
            summary = self._ui.safe(action.summary, MAX_SUMMARY_CHARS)
            lines.append(f"{summary} {self.name_of(action.target)}\n  {consequence}")
        return "\n".join(lines)


def _fit_at_most(text: str, cells: int) -> str:
    """Return a text cut to a number of cells, if it has more."""
    return fit(text, max(min(cells, cell_len(text)), 1))
