"""The command line: runs a command by its name, with its argument."""

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

MIN_SIMILARITY = 0.4
"""How similar a command must be to be suggested, between 0 and 1."""


class CommandLineScreen(Dialog[None]):
    """A command line at the bottom of the screen below, whose commands it runs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", id="line.leave"),
        Binding("tab", "complete", "complete", id="line.complete", priority=True),
    ]
    LEAVE_BINDING = "line.leave"
    HAS_FOOTER = False
    ARGUMENTS: ClassVar[dict[str, str]] = {
        "agent": "an agent's id",
        "filter": "the filter to use",
        "open": "a task's id, or how it begins",
        "theme": "a theme's name",
        "time": "relative, local or utc",
    }
    """The commands that take an argument, each with a description of it."""

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = screen_commands(below)

    def content(self) -> ComposeResult:
        """Yield the content: the line of the input, and the line for errors above it."""
        names_with_argument = [f"{name} " for name in self.ARGUMENTS if name not in self._commands]
        names = [*self._commands, *names_with_argument]
        with Vertical(id="line"):
            yield Static("", id="wrong", markup=False)
            with Horizontal():
                yield Static(":", id="colon", markup=False)
                yield Input(placeholder="command", id="command", compact=True, suggester=SuggestFromList(names))

    def action_complete(self) -> None:
        """Complete the input with the suggestion."""
        self.query_one(Input).action_cursor_right()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run the command of the submitted input, or show what is wrong with it."""
        name, _, argument = event.value.strip().partition(" ")
        if not name:
            self.dismiss()
        elif argument and name in self.ARGUMENTS:
            self.dismiss()
            self.app.call_later(self.app.run_action, f"told({name!r}, {argument.strip()!r})")
        elif name in self._commands and not argument:
            self.dismiss()
            self.app.call_later(self._commands[name].run)
        else:
            self.query_one("#wrong", Static).update(self._error(name))

    def _error(self, name: str) -> str:
        """Return a sentence that explains the error: a missing or unwanted argument, or an unknown command."""
        if name in self.ARGUMENTS:
            return f"{name} needs {self.ARGUMENTS[name]}"
        if name in self._commands:
            return f"{name} takes nothing behind it"
        similar = difflib.get_close_matches(name, [*self._commands, *self.ARGUMENTS], n=1, cutoff=MIN_SIMILARITY)
        if similar:
            return f"there is no {name}, did you mean {similar[0]}?"
        return f"there is no {name}; ctrl+p lists all"
