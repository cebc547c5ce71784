"""The help: all keys of a screen, and what they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NamedTuple

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

AREA_HEADINGS = {
    "app": "everywhere",
    "tasks": "the list",
    "task": "the task",
    "agent": "the agent",
    "facts": "the facts",
    "tree": "activity",
    "events": "events",
    "inspector": "inspector",
    "review": "the decision",
    "filter": "the filter",
    "bulk": "all of these",
}
"""The heading of each area; the area is the first part of a binding's id: `tasks` in `tasks.leave`."""
MOVEMENT_TITLES = {
    ("up", "down"): "Up, down",
    ("first", "last"): "First, last",
    ("half_down", "half_up"): "Half a page down, up",
    ("page_down", "page_up"): "A page down, up",
}
"""What the keys do that move the cursor, by the last parts of their bindings' ids."""
APP_DISTANCE = 2
"""The distance of the area whose keys work everywhere: it comes last."""
KEYS_COLUMN_CELLS = 16
MIN_COLUMNS_FOR_NAMES = 61
"""Columns from which each command is shown with its name, by which it is run on the command line: `:name`."""


class HelpRow(NamedTuple):
    """A row of the help: the keys of a command, and what it does."""

    keys: str
    title: str
    name: str = ""


class HelpList(VirtualList):
    """The list of the keys of a screen, in groups with a heading each."""

    def __init__(self, commands: Iterable[Command]) -> None:
        super().__init__(id="help")
        rows_by_area: dict[str, list[HelpRow]] = {}
        distances: dict[str, int] = {}
        for command in commands:
            row = HelpRow(command.keys, command.title, command.name)
            rows_by_area.setdefault(command.area, []).append(row)
            distances[command.area] = min(_distance(command), distances.get(command.area, APP_DISTANCE))
        self._rows: list[HelpRow | str] = []
        """The rows; a heading is a text."""
        for area in sorted(rows_by_area, key=distances.__getitem__):
            self._rows += [AREA_HEADINGS.get(area, area), *rows_by_area[area]]
        self._rows += ["moving", *self._general_rows()]

    def _general_rows(self) -> Iterator[HelpRow]:
        """Yield the rows for what works in every list: moving, folding, the next pane, copying."""
        for names, title in MOVEMENT_TITLES.items():
            keys = " ".join(displayed_keys(self, f"lines.{name}") for name in names)
            yield HelpRow(keys, title)
        prefix = key_name(self, "lines.folds")
        yield HelpRow(f"{prefix}M {prefix}R", "Fold all, unfold all")
        yield HelpRow("tab", "Next pane")
        yield HelpRow("^c", "Copy the selected text")

    def count(self) -> int:
        """Return the count of the rows (called by `VirtualList`)."""
        return len(self._rows)

    def can_hold_cursor(self, index: int) -> bool:
        """Return whether the cursor can be on a row: not on a heading (called by `VirtualList`)."""
        return not isinstance(self._rows[index], str)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text: a heading, or the keys of a command and its title."""
        row = self._rows[index]
        if isinstance(row, str):
            return [StyledText(f" {row}", "head")]
        name = ""
        if row.name and width >= MIN_COLUMNS_FOR_NAMES:
            name = f"  :{row.name}"
        keys = f"  {fit(row.keys, KEYS_COLUMN_CELLS)} "
        return [StyledText(keys, "accent"), StyledText(row.title), StyledText(name, "faint")]


def _distance(command: Command) -> int:
    """Return the distance of a command: 0 for one of the screen, more for one of a pane, most for one of the app."""
    if command.area == "app":
        return APP_DISTANCE
    return 0 if isinstance(command.node, Screen) else 1


class HelpScreen(Dialog[None]):
    """A dialog with the help: all keys of the screen that it was opened from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back", id="help.leave"),
    ]

    def __init__(self, opened_from: Screen[Any]) -> None:
        super().__init__()
        # The keys that decide are listed too; by name, on the command line, they cannot be run.
        self._commands = screen_commands(opened_from, with_deciding=True)

    def content(self) -> ComposeResult:
        """Yield the content of the dialog: a title and the list of keys (called by `Dialog`)."""
        with Vertical(id="dialog"):
            yield Static("Keys", id="question", markup=False)
            yield HelpList(self._commands.values())
