"""Base of a screen on which one task is decided about: its held action, and the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.domain.action import DECISIONS, Action, Phase
from tui.screens.approval_base import UNDECIDED_OUTCOMES
from tui.screens.base import HeldActions
from tui.screens.decision_screen import IN_A_BURST, DecisionScreen


class TaskDecisionScreen(DecisionScreen):
    """The base of a screen on which one task is decided about."""

    def __init__(
        self, task_id: str, running_action: Action | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(clock)
        self.task_id = task_id
        self._action = running_action
        """The last action for the task, with its progress."""

    def update_action(self, action: Action) -> bool:
        """Show the progress of a decision; return whether it is about this task. Other actions have notices."""
        if action.target != self.task_id or action.verb not in DECISIONS:
            return False
        is_new = self._action is None or self._action.id != action.id
        if action.phase is Phase.HELD and is_new and self._is_burst:
            # Keys that came in a burst were not meant: the action is taken back while it is held.
            self._note = IN_A_BURST
            self.post_message(self.TakeBack(action.id))
        self._action = action
        if action.phase is Phase.DONE:
            if self._note != IN_A_BURST:
                self._note = ""
            self.arm()
        self.refresh_bindings()
        self.draw()
        return True

    def update_held(self, held: HeldActions) -> None:
        """Update the line of held actions, unless this task's own is held, which the status line shows."""
        if self._is_retractable:
            held = held._replace(text="")
        super().update_held(held)

    @property
    def open_tasks(self) -> tuple[str]:
        """The id of the task that is open here."""
        return (self.task_id,)

    @property
    def _is_running(self) -> bool:
        return self._action is not None and self._action.phase is not Phase.DONE

    @property
    def _is_decided(self) -> bool:
        """Whether the task was decided about, whatever the outcome."""
        action = self._action
        return action is not None and action.phase is Phase.DONE and action.outcome not in UNDECIDED_OUTCOMES

    @property
    def _is_retractable(self) -> bool:
        """Whether the answer is retractable: held, and not sent yet."""
        return self._action is not None and self.can_take_back(self._action.id)

    def take_back(self) -> bool:
        """Take back the held answer; return whether there was one."""
        if self._action is None or not self._is_retractable:
            return False
        self.post_message(self.TakeBack(self._action.id))
        return True
