"""The palette: every command of a screen by its name, with its keys."""

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


class Command(NamedTuple):
    """Something that can be done, by its name."""

    name: str
    about: str
    keys: str
    area: str
    node: DOMNode
    action: str

    @property
    def title(self) -> str:
        """What it does, as a title: with a capital letter."""
        return self.about[:1].upper() + self.about[1:]

    async def run(self) -> None:
        """Do it, or tell why it cannot be done."""
        app: App[object] = self.node.app
        _, name, parameters = parse(self.action)
        if isinstance(self.node, BaseScreen) and self.node.disabled_reason(name, parameters):
            self.node.refuse(self.action)
        else:
            await app.run_action(self.action, default_namespace=self.node)


def screen_commands(screen: Screen[Any], *, with_deciding: bool = False) -> dict[str, Command]:
    """Everything that can be done on a screen, what has the focus first; moving about is left to its keys."""
    found: dict[str, Command] = {}
    focused = screen.focused
    nodes: list[DOMNode] = [*(focused.ancestors_with_self if focused else ()), *screen.query("*"), screen, screen.app]
    for node in nodes:
        for binding in named_bindings(type(node)):
            area, _, name = (binding.id or "").partition(".")
            if name and area not in {"", "lines"} and name not in found and (with_deciding or not _decides(binding)):
                pressed = displayed_keys(node, binding.id or "")
                found[name] = Command(name, binding.description, pressed, area, node, binding.action)
    return found


def displayed_keys(node: DOMNode, binding_id: str) -> str:
    """Return all keys of an action of a node, as the footer shows them."""
    keys = [node.app.get_key_display(Binding(key, "")) for key in bound_keys(node, binding_id)]
    return " ".join(dict.fromkeys(keys))


def _decides(binding: Binding) -> bool:
    """Whether Enter on its name would decide: what decides has keys of its own, and nothing else."""
    return binding.action.startswith("decide(")


class CommandProvider(Provider):
    """The palette: every action of the screen, with its key."""

    def _all(self) -> Iterator[Command]:
        yield from screen_commands(self.screen).values()

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for command in self._all():
            yield DiscoveryHit(command.title, partial(command.run), help=f"{command.keys}  :{command.name}")

    async def search(self, query: str) -> Hits:
        """What sounds like it."""
        matcher = self.matcher(query)
        for command in self._all():
            if (score := matcher.match(f"{command.title} {command.name}")) > 0:
                shown = matcher.highlight(command.title)
                yield Hit(score, shown, partial(command.run), help=f"{command.keys}  :{command.name}")


class PaletteScreen(CommandPalette, AppScreen[None]):
    """The palette on the screen, without the pages of a list that has no room for a line: Textual fails there."""

    IS_PALETTE = True

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Allow every action but a page up or down where no command is in sight."""
        if action == "command_list" and parameters and str(parameters[0]).startswith("page_"):
            return bool(self.query_one(CommandList).scrollable_content_region)
        return super().check_action(action, parameters)
