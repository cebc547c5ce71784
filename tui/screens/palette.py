"""Everything that can be done on a screen, by its name: the palette, the command line, and the help."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual.actions import parse
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.screen import Screen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui.screens.base import Dialog, Keyed
from tui.widgets.keys import bound_keys, key_name, named_bindings
from tui.widgets.styled_text import Piece, Pieces, fit
from tui.widgets.virtual_list import Lines


class Command(NamedTuple):
    """Something that can be done, by its name."""

    name: str
    about: str
    keys: str
    area: str
    node: DOMNode
    action: str

    async def run(self) -> None:
        """Do it, or tell why it cannot be done."""
        app: App[object] = self.node.app
        _, name, parameters = parse(self.action)
        if isinstance(self.node, Keyed) and self.node.why_not(name, parameters):
            self.node.refuse(self.action)
        else:
            await app.run_action(self.action, default_namespace=self.node)


def commands(screen: Screen[Any], *, with_deciding: bool = False) -> dict[str, Command]:
    """Everything that can be done on a screen, what has the focus first; moving about is left to its keys."""
    found: dict[str, Command] = {}
    focused = screen.focused
    nodes: list[DOMNode] = [*(focused.ancestors_with_self if focused else ()), *screen.query("*"), screen, screen.app]
    for node in nodes:
        for binding in named_bindings(type(node)):
            area, _, name = (binding.id or "").partition(".")
            if name and area not in {"", "lines"} and name not in found and (with_deciding or not _decides(binding)):
                pressed = _displayed(node, binding.id or "")
                found[name] = Command(name, binding.description, pressed, area, node, binding.action)
    return found


AREAS = {
    "app": "everywhere", "tasks": "the list", "task": "the task", "tree": "activity", "events": "events",
    "inspector": "inspector", "review": "the decision", "filter": "the filter", "bulk": "all of these",
}  # fmt: skip


MOVING = {
    ("up", "down"): "up, down",
    ("first", "last"): "first, last",
    ("half_down", "half_up"): "half a page down, up",
    ("page_down", "page_up"): "a page down, up",
}
"""What moves the cursor: the ends of the bindings' ids, and what they do."""


def _displayed(node: DOMNode, binding_id: str) -> str:
    """Return all keys of an action of a node, as the footer shows them."""
    keys = [node.app.get_key_display(Binding(key, "")) for key in bound_keys(node, binding_id)]
    return " ".join(dict.fromkeys(keys))


def moving(lines: Lines) -> list[Command]:
    """Return the keys that move about in lines, and what they do."""
    told = {" ".join(_displayed(lines, f"lines.{end}") for end in ends): about for ends, about in MOVING.items()}
    prefix = key_name(lines, "lines.folds")
    told |= {f"{prefix}M {prefix}R": "fold all, unfold all", "tab": "next pane", "^c": "copy the selected text"}
    return [Command("", about, keys, "", lines, "") for keys, about in told.items()]


def _decides(binding: Binding) -> bool:
    """Whether Enter on its name would decide: what decides has keys of its own, and nothing else."""
    return binding.action.startswith("decide(")


class Palette(Provider):
    """The palette: every action of the screen, with its key."""

    def _all(self) -> Iterator[Command]:
        yield from commands(self.screen).values()

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._all():
            yield DiscoveryHit(_title(command), partial(command.run), help=f"{command.keys}  :{command.name}")

    async def search(self, query: str) -> Hits:
        """What sounds like it."""
        matcher = self.matcher(query)
        for command in self._all():
            if (score := matcher.match(f"{_title(command)} {command.name}")) > 0:
                shown = matcher.highlight(_title(command))
                yield Hit(score, shown, partial(command.run), help=f"{command.keys}  :{command.name}")


class PaletteScreen(CommandPalette):
    """The palette on the screen, without the pages of a list that has no room for a line: Textual fails there."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow every action but a page up or down where no command is in sight."""
        if action == "command_list" and parameters and str(parameters[0]).startswith("page_"):
            return bool(self.query_one(CommandList).scrollable_content_region)
        return super().check_action(action, parameters)


def _title(command: Command) -> str:
    return command.about[:1].upper() + command.about[1:]


class HelpLines(Lines):
    """The keys of a screen, in groups."""

    def __init__(self, found: dict[str, Command]) -> None:
        super().__init__(id="help")
        areas: dict[str, list[Command]] = {}
        for command in found.values():
            areas.setdefault(command.area, []).append(command)
        self._rows: list[Command | str] = []
        for area, told in areas.items():
            self._rows += [AREAS.get(area, area), *told]
        self._rows += ["moving", *moving(self)]

    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def can_rest(self, index: int) -> bool:
        """Not on a title."""
        return not isinstance(self._rows[index], str)

    def pieces(self, index: int, width: int) -> Pieces:
        """A title, or keys and what they do."""
        row = self._rows[index]
        if isinstance(row, str):
            return [Piece(f" {row}", "head")]
        name = f"  :{row.name}" if row.name and width > 60 else ""
        return [Piece(f"  {fit(row.keys, 16)} ", "accent"), Piece(_title(row)), Piece(name, "faint")]


class Help(Dialog[None]):
    """Every key of the screen below, and what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "back", id="help.leave"),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = commands(below, with_deciding=True)

    def content(self) -> ComposeResult:
        """The list."""
        with Vertical(id="dialog"):
            yield Static("Keys", id="question", markup=False)
            yield HelpLines(self._commands)


class CommandLine(Dialog[None]):
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
        self._commands = commands(below)

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
