"""Base of the screen with the form of questions: letters on the form may be a text that was meant for the field."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from textual import events

from tui.domain.action import Action
from tui.screens.key_rhythm import TextRun
from tui.screens.task_decision import TaskDecisionScreen
from tui.widgets.keys import bound_keys
from tui.widgets.question_form import QuestionForm

LETTERS_BELOW = "letters go in the field below: tab"
NO_LETTERS = "letters do nothing here: this question takes one of its choices"
NOT_PICKED = "nothing picked: first move to a choice with an arrow, or press its digit"


class QuestionKeysScreen(TaskDecisionScreen):
    """The base of a screen with a form of questions, where a letter without a meaning pauses the keys of a text."""

    def __init__(
        self, task_id: str, running_action: Action | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(task_id, running_action, clock)
        self.text_run = TextRun()

    @property
    def form(self) -> QuestionForm:
        """The form of the questions."""
        return self.query_one("#form", QuestionForm)

    def refuse_text(self, choices_before: Mapping[int, int | None]) -> None:
        """Say where letters go, and restore the choices from before the first key of the text."""
        raise NotImplementedError

    def on_key(self, event: events.Key) -> None:
        """Pause the keys that write text after one that means nothing on the form."""
        if not self.form.has_focus or self._is_running or self._is_decided:
            return
        if event.key in {"tab", "shift+tab"}:
            self.rhythm.end_pause()  # the text goes on in the field
            return
        is_pick_key = event.key in bound_keys(self.form, "answer.pick")
        if not event.is_printable and not is_pick_key:
            return
        is_taken = self.takes_text_key(event.time)
        if self.actions.get(event.key) == "undo":
            return  # the key that takes back always works
        if is_taken and not is_pick_key and not self._means_something(event.key):
            self.rhythm.pause(event.time)
            self.refuse_text(self.text_run.end())
            is_taken = False
        if not is_taken:
            event.stop()
            event.prevent_default()

    def _means_something(self, key: str) -> bool:
        """Return whether a key does something on the form now."""
        binding = self.active_bindings.get(key)
        return binding is not None and binding.enabled

    def takes_text_key(self, pressed_at: float) -> bool:
        """Note a key that writes text on the form; return whether it works: in a pause none does."""
        self.note_other_key(pressed_at)
        self.text_run.note_key(pressed_at)
        if not self.rhythm.is_paused(pressed_at):
            return True
        self.rhythm.pause(pressed_at)
        return False
