"""Shows how far the operator's actions are: which are held on every screen, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from rich.cells import cell_len
from textual.css.query import NoMatches

from tui.app.access import AppAccess
from tui.client.client import Client
from tui.domain.action import Action, Outcome, Phase, Verb
from tui.screens.base import HeldActions
from tui.services.actions import INTERRUPTED, ActionRunner, JournalWriter
from tui.services.state_store import StateStore
from tui.widgets.styled_text import fit
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.screens.confirm import ConfirmScreen


class Ticker(Protocol):
    """A timer that calls `ActionProgress.show_held` while it is not paused."""

    def pause(self) -> None:
        """Call no more until `resume`."""

    def resume(self) -> None:
        """Go on calling."""


class ActionProgress:
    """Keeps the actions that have not ended, and shows on all screens how far they are."""

    def __init__(
        self, app: AppAccess, client: Client, journal: JournalWriter, store: StateStore, ui: UIContext
    ) -> None:
        self._app = app
        self.runner = ActionRunner(client, journal, self.update)
        self.runner.is_paused = self.is_hold_paused
        self._store = store
        self._ui = ui
        self.ticker: Ticker | None = None
        """Set once the app runs."""
        self.unfinished: dict[str, Action] = {}
        """Actions that have begun and not ended, by their ids."""
        self.interrupted: list[Action] = []
        """Actions that were sent and had not ended when the app was left."""
        self._quit_dialog: ConfirmScreen | None = None

    @property
    def held(self) -> list[str]:
        """The ids of the actions that can still be taken back."""
        return [action_id for action_id in self.unfinished if self.runner.can_take_back(action_id)]

    def is_hold_paused(self) -> bool:
        """Return whether a dialog is open, or the app ends: the time of a hold stands still then."""
        screens = self._app.screens
        return not screens or screens[-1].is_modal

    def running_for(self, task_id: str) -> Action | None:
        """Return the action that is under way for a task."""
        return next((action for action in self.unfinished.values() if action.target == task_id), None)

    def take_back_all(self) -> None:
        """Take back every action that is held."""
        for action_id in self.held:
            self.runner.take_back(action_id)

    def finish(self, action: Action) -> None:
        """Forget an action that is no longer carried out, however that came."""
        self.unfinished.pop(action.id, None)

    def update(self, action: Action) -> None:
        """Show how far an action is, on the screens that are about its task; else tell its outcome in a notice."""
        if action.words.startswith(INTERRUPTED):  # the screens are being taken down
            self.interrupted.append(action)
            return
        if action.verb is Verb.STOP and action.phase is Phase.SENDING:
            self._app.notify("stop requested", markup=False)
        if action.phase is Phase.DONE:
            self.unfinished.pop(action.id, None)
        else:
            self.unfinished[action.id] = action
            if self.ticker is not None:
                self.ticker.resume()
        is_shown = False
        screens = self._app.screens if self._may_show(action) else ()
        for screen in screens:
            try:
                is_shown = screen.update_action(action) or is_shown
            except NoMatches:  # the screen is about the task, and is being taken down
                is_shown = True
        if action.phase is Phase.DONE and not is_shown:
            is_good = action.outcome in {Outcome.CONFIRMED, Outcome.TAKEN_BACK}
            words = self._ui.safe(f"{action.verb} {self.name_of(action.target)}: {action.words}")
            self._app.notify(words, severity="information" if is_good else "error", markup=False, timeout=10)

    def _may_show(self, action: Action) -> bool:
        """Return whether no other action is under way for the same task: that one stays what is shown."""
        return not any(one.target == action.target and one.id != action.id for one in self.unfinished.values())

    def show_held(self) -> None:
        """Show on every screen which actions are held, with the time that is left."""
        actions = [self.unfinished[action_id] for action_id in self.held]
        words = self._held_words(actions) if actions else ""
        held = HeldActions(words, self.runner.seconds_left, self.is_hold_paused())
        for screen in self._app.screens:
            screen.update_held(held)
        if not self.unfinished and self.ticker is not None:
            self.ticker.pause()
        if self._quit_dialog is not None:
            self._quit_dialog.show_text(self._fates())
            if not self.unfinished:
                self._quit_dialog.dismiss(False)
                self._quit_dialog = None

    def _held_words(self, held: Sequence[Action]) -> str:
        """Return which actions are held, for how long, and the keys that take them back."""
        action = held[0]
        more = f" and {len(held) - 1} more" if len(held) > 1 else ""
        left = f"{self.runner.seconds_left.get(action.id, 0.0):.0f} s"
        when = f"stands still, {left} left" if self.is_hold_paused() else f"in {left}"
        if action.phase is Phase.CHECKING:
            when = "is read again"
        keys = self._app.screens[-1].keys_to_take_back() if self._app.screens else ""
        end = f"{more} {when}   {keys} takes it back"
        name = self.name_of(action.target)
        room = max(self._app.size.width - cell_len(f" ‖ {action.verb} {end} "), 1)
        return f"‖ {action.verb} {fit(name, min(room, cell_len(name)))}{end}"

    def name_of(self, target: str) -> str:
        """Return the name of a task, safe to draw; else the beginning of the id."""
        task = self._store.state.task(target)
        return self._ui.safe(task.name, 50) if task else target[:8]

    async def confirm_quit(self) -> bool:
        """Ask whether to quit while actions are under way; the held ones are taken back where the answer is yes."""
        if not self.unfinished:
            return True
        from tui.screens.confirm import ConfirmScreen

        self._quit_dialog = ConfirmScreen("Quit now?", self._fates(), yes="Quit", no="Stay")
        if not await self._app.push_screen_wait(self._quit_dialog):
            return False
        self.take_back_all()
        return True

    def _fates(self) -> str:
        """Return what becomes of each action, if the dashboard is left now."""
        lines = []
        for action in self.unfinished.values():
            fate = "not sent yet: it is not sent then"
            if action.phase in {Phase.SENDING, Phase.SETTLING}:
                fate = "being sent: what comes of it is not told"
            elif action.id in self.held:
                fate = "held: it is not sent then"
            lines.append(f"{action.verb} {self.name_of(action.target)}\n  {fate}")
        return "\n".join(lines)
