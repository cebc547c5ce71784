"""The command palette: the commands of a screen, with their names and keys."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.dom import DOMNode
from textual.screen import Screen

from tui.screens.base import AppScreen, BaseScreen
from tui.widgets.keys import bound_keys, named_bindings

MOVEMENT_AREA = "lines"
"""The area of the bindings that move a cursor; the area is the first part of a binding's id."""


class Command(NamedTuple):
    """A command that can be run by its name: an action of a screen, a widget or the app."""

    name: str
    description: str
    keys: str
    area: str
    node: DOMNode
    action: str

    @property
    def title(self) -> str:
        """The description as a title: with a capital letter."""
        return self.description[:1].upper() + self.description[1:]

    async def run(self) -> None:
        """Run the command, or show why it is disabled."""
        app: App[object] = self.node.app
        _, name, parameters = parse(self.action)
        if isinstance(self.node, BaseScreen) and self.node.disabled_reason(name, parameters):
            self.node.refuse(self.action)
        else:
            await app.run_action(self.action, default_namespace=self.node)


def screen_commands(screen: Screen[Any], *, with_deciding: bool = False) -> dict[str, Command]:
    """Return the commands of a screen by name, those of the focused widget first, without those that move a cursor."""
    nodes: list[DOMNode] = [*screen.query("*"), screen, screen.app]
    if screen.focused:
        nodes = [*screen.focused.ancestors_with_self, *nodes]
    commands: dict[str, Command] = {}
    for node in nodes:
        for binding in named_bindings(type(node)):
            binding_id = binding.id or ""
            area, _, name = binding_id.partition(".")
            is_command = bool(name) and area not in {"", MOVEMENT_AREA}
            is_allowed = with_deciding or not _is_deciding(binding)
            if is_command and is_allowed and name not in commands:
                keys = displayed_keys(node, binding_id)
                commands[name] = Command(name, binding.description, keys, area, node, binding.action)
    return commands


def displayed_keys(node: DOMNode, binding_id: str) -> str:
    """Return all keys of a binding, as the footer displays them."""
    keys = [node.app.get_key_display(Binding(key, "")) for key in bound_keys(node, binding_id)]
    return " ".join(dict.fromkeys(keys))


def _is_deciding(binding: Binding) -> bool:
    """Return whether a binding is for deciding: approvals and rejections are done with keys, never by name."""
    return binding.action.startswith("decide(")


class CommandProvider(Provider):
    """The provider of the palette's commands: those of the screen below, each with its keys."""

    def _commands(self) -> Iterator[Command]:
        yield from screen_commands(self.screen).values()

    async def discover(self) -> Hits:
        """Yield all commands to discover before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(command.title, partial(command.run), help=f"{command.keys}  :{command.name}")

    async def search(self, query: str) -> Hits:
        """Yield the commands that match the search query."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(f"{command.title} {command.name}")
            if score > 0:
                title = matcher.highlight(command.title)
                yield Hit(score, title, partial(command.run), help=f"{command.keys}  :{command.name}")


class PaletteScreen(CommandPalette, AppScreen[None]):
    """The screen of the command palette."""

    IS_PALETTE = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: paging is not in a list without visible lines, where Textual fails."""
        if action == "command_list" and parameters and str(parameters[0]).startswith("page_"):
            return bool(self.query_one(CommandList).scrollable_content_region)
        return super().check_action(action, parameters)
