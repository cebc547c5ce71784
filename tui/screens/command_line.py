"""The command line: a command by its name, with what it needs behind it."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui.screens.base import Dialog
from tui.screens.palette import screen_commands


class CommandLineScreen(Dialog[None]):
    """A command by its name, with what it needs behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", id="line.leave"),
        Binding("tab", "complete", "complete", id="line.complete", priority=True),
    ]
    LEFT_BY = "line.leave"
    HAS_FOOTER = False
    WITH_WORDS: ClassVar[dict[str, str]] = {
        "filter": "the filter to use",
        "open": "a task's id, or how it begins",
        "theme": "a theme's name",
        "time": "relative, local or utc",
    }

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = screen_commands(below)

    def content(self) -> ComposeResult:
        """One line, and what is wrong with it."""
        names = [*self._commands, *(f"{name} " for name in self.WITH_WORDS if name not in self._commands)]
        with Vertical(id="line"):
            yield Static("", id="wrong", markup=False)
            with Horizontal():
                yield Static(":", id="colon", markup=False)
                yield Input(placeholder="command", id="command", compact=True, suggester=SuggestFromList(names))

    def action_complete(self) -> None:
        """Take the rest that is suggested."""
        self.query_one(Input).action_cursor_right()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do what it says, if there is such a thing."""
        name, _, rest = event.value.strip().partition(" ")
        if not name:
            self.dismiss()
        elif rest and name in self.WITH_WORDS:
            self.dismiss()
            self.app.call_later(self.app.run_action, f"told({name!r}, {rest.strip()!r})")
        elif (command := self._commands.get(name)) and not rest:
            self.dismiss()
            self.app.call_later(command.run)
        else:
            self._tell(name)

    def _tell(self, name: str) -> None:
        if name in self.WITH_WORDS:
            words = f"{name} needs {self.WITH_WORDS[name]}"
        elif name in self._commands:
            words = f"{name} takes nothing behind it"
        else:
            near = difflib.get_close_matches(name, [*self._commands, *self.WITH_WORDS], 1, 0.4)
            words = f"there is no {name}" + (f", did you mean {near[0]}?" if near else "; ctrl+p lists all")
        self.query_one("#wrong", Static).update(words)
