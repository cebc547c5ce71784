"""The help: all keys of a screen, and what they do."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import Static

from tui.screens.base import Dialog
from tui.screens.palette import Command, displayed_keys, screen_commands
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.virtual_list import VirtualList

KEY_AREAS = {
    "app": "everywhere", "tasks": "the list", "task": "the task", "tree": "activity", "events": "events",
    "inspector": "inspector", "review": "the decision", "filter": "the filter", "bulk": "all of these",
}  # fmt: skip
"""The headings of the help, by the first part of the bindings' ids."""
MOVEMENT_KEYS = {
    ("up", "down"): "up, down",
    ("first", "last"): "first, last",
    ("half_down", "half_up"): "half a page down, up",
    ("page_down", "page_up"): "a page down, up",
}
"""Descriptions of the keys that move the cursor, by the last parts of the bindings' ids."""


MIN_COLUMNS_FOR_NAMES = 60
"""Columns above which the names of the commands are shown."""


def movement_keys(lines: VirtualList) -> list[Command]:
    """Return the keys for movement in a list, and what they do."""
    descriptions = {
        " ".join(displayed_keys(lines, f"lines.{name}") for name in names): description
        for names, description in MOVEMENT_KEYS.items()
    }
    prefix = key_name(lines, "lines.folds")
    descriptions[f"{prefix}M {prefix}R"] = "fold all, unfold all"
    descriptions["tab"] = "next pane"
    descriptions["^c"] = "copy the selected text"
    return [Command("", description, keys, "", lines, "") for keys, description in descriptions.items()]


class HelpLines(VirtualList):
    """The lines of the help: the keys of a screen, in groups."""

    def __init__(self, commands: dict[str, Command]) -> None:
        super().__init__(id="help")
        commands_by_area: dict[str, list[Command]] = {}
        for command in commands.values():
            commands_by_area.setdefault(command.area, []).append(command)
        self._rows: list[Command | str] = []
        """Commands, and the headings of their groups."""
        for area, area_commands in commands_by_area.items():
            self._rows += [KEY_AREAS.get(area, area), *area_commands]
        self._rows += ["moving", *movement_keys(self)]

    def count(self) -> int:
        """Return the count of the lines."""
        return len(self._rows)

    def can_rest(self, index: int) -> bool:
        """Return whether the cursor can rest on a line: not on a heading."""
        return not isinstance(self._rows[index], str)

    def pieces(self, index: int, width: int) -> StyledLine:
        """Return the styled pieces of a line: a heading, or the keys of a command and its title."""
        row = self._rows[index]
        if isinstance(row, str):
            return [StyledText(f" {row}", "head")]
        name = ""
        if row.name and width > MIN_COLUMNS_FOR_NAMES:
            name = f"  :{row.name}"
        return [StyledText(f"  {fit(row.keys, 16)} ", "accent"), StyledText(row.title), StyledText(name, "faint")]


class HelpScreen(Dialog[None]):
    """A dialog with the help: all keys of the screen below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back", id="help.leave"),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = screen_commands(below, with_deciding=True)

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: the list of keys."""
        with Vertical(id="dialog"):
            yield Static("Keys", id="question", markup=False)
            yield HelpLines(self._commands)
