"""The help: every key of a screen, and what it does."""

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
MOVEMENT_KEYS = {
    ("up", "down"): "up, down",
    ("first", "last"): "first, last",
    ("half_down", "half_up"): "half a page down, up",
    ("page_down", "page_up"): "a page down, up",
}
"""What moves the cursor: the ends of the bindings' ids, and what they do."""


def movement_keys(lines: VirtualList) -> list[Command]:
    """Return the keys that move about in lines, and what they do."""
    told = {
        " ".join(displayed_keys(lines, f"lines.{end}") for end in ends): about for ends, about in MOVEMENT_KEYS.items()
    }
    prefix = key_name(lines, "lines.folds")
    told |= {f"{prefix}M {prefix}R": "fold all, unfold all", "tab": "next pane", "^c": "copy the selected text"}
    return [Command("", about, keys, "", lines, "") for keys, about in told.items()]


class HelpLines(VirtualList):
    """The keys of a screen, in groups."""

    def __init__(self, found: dict[str, Command]) -> None:
        super().__init__(id="help")
        areas: dict[str, list[Command]] = {}
        for command in found.values():
            areas.setdefault(command.area, []).append(command)
        self._rows: list[Command | str] = []
        for area, told in areas.items():
            self._rows += [KEY_AREAS.get(area, area), *told]
        self._rows += ["moving", *movement_keys(self)]

    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def can_hold_cursor(self, index: int) -> bool:
        """Not on a title."""
        return not isinstance(self._rows[index], str)

    def pieces(self, index: int, width: int) -> StyledLine:
        """A title, or keys and what they do."""
        row = self._rows[index]
        if isinstance(row, str):
            return [StyledText(f" {row}", "head")]
        name = f"  :{row.name}" if row.name and width > 60 else ""
        return [StyledText(f"  {fit(row.keys, 16)} ", "accent"), StyledText(row.title), StyledText(name, "faint")]


class HelpScreen(Dialog[None]):
    """Every key of the screen below, and what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back", id="help.leave"),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = screen_commands(below, with_deciding=True)

    def content(self) -> ComposeResult:
        """The list."""
        with Vertical(id="dialog"):
            yield Static("Keys", id="question", markup=False)
            yield HelpLines(self._commands)
