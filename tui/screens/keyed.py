"""Screens whose keys tell why they do nothing, and whose every action has a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cached_property, partial
from typing import Any, ClassVar, NamedTuple

from textual import events
from textual.actions import parse
from textual.app import App, ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.containers import Horizontal, Vertical
from textual.dom import DOMNode
from textual.geometry import Region
from textual.message import Message
from textual.screen import ModalScreen, Screen, ScreenResultType
from textual.strip import Strip
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from tui.looks import sheet
from tui.widgets.bar import Bar
from tui.widgets.footer import Footer
from tui.widgets.frames import Frames
from tui.widgets.lines import Lines
from tui.widgets.strips import Piece, Pieces, fit


class OnTop(Screen[ScreenResultType]):
    """A screen that goes away only while it is on top, and takes no size but the terminal's own."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._compositor = Frames()

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Go away, with a result."""
        return super().dismiss(result) if self.is_current else AwaitComplete()

    def on_resize(self, event: events.Resize) -> None:
        """Only the size that is so now counts: of two that are under way, each would bring up the other, for ever."""
        if event.size != self.app.size:
            event.prevent_default()


class Dialog(OnTop[ScreenResultType], ModalScreen[ScreenResultType]):
    """A screen in front of another."""

    CSS_PATH = sheet("dialogs")


class Keyed(OnTop[ScreenResultType]):
    """A screen that greys what cannot work now, and tells the reason when its key is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("colon", "line", "Command line", show=False, id="app.line"),
    ]

    _hint = _held = ""

    def render_lines(self, crop: Region) -> list[Strip]:
        """What is behind all widgets has no lines of its own."""
        blank = Strip.blank(crop.width, self.rich_style)
        for line_filter in self.get_line_filters():
            blank = blank.apply_filter(line_filter, self.background_colors[1])
        return [blank] * crop.height

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Why an action cannot work now; empty when it can."""
        return ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot work now."""
        return None if self.why_not(action, parameters) else True

    @cached_property
    def actions(self) -> dict[str, str]:
        """The action of each key of this screen, with the operator's own keymap in it."""
        chain = dict(self._binding_chain)
        return {key: bound[0].action for key, bound in chain[self].key_to_bindings.items() if bound}

    def on_key(self, event: events.Key) -> None:
        """Tell why a grey key does nothing."""
        if self._hint:
            self.hint("")
        action = self.actions.get(event.key)
        if action and not action.startswith("app."):
            _, name, parameters = parse(action)
            if self.why_not(name, parameters):
                self.refuse(action)

    def refuse(self, action: str) -> None:
        """Tell why an action cannot work."""
        _, name, parameters = parse(action)
        self.hint(self.why_not(name, parameters))

    def hint(self, words: str) -> None:
        """Say something in the line above the footer; the next key takes it away."""
        self._hint = words
        self._draw_line()

    def action_line(self) -> None:
        """Open the command line."""
        self.app.push_screen(CommandLine(self))

    def held_changed(self, words: str) -> None:
        """A decision is held, for all to see; or it is no more."""
        if words != self._held:
            self._held = words
            self._draw_line()

    def _draw_line(self) -> None:
        for bar in self.query("#held").results(Bar):
            pieces = [(Piece(f" {self._held} ", "need"), "held")] if self._held else []
            pieces += [(Piece(f" {self._hint} ", "strong"), "")] if self._hint else []
            bar.show(pieces, [])
            bar.set_class(bool(pieces), "-shown")


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
        keys: dict[str, list[str]] = {}
        for key, binding in node._bindings:
            keys.setdefault(binding.id or "", []).append(screen.app.get_key_display(binding.with_key(key)))
        for _, binding in node._bindings:
            area, _, name = (binding.id or "").partition(".")
            if name and area not in {"", "lines"} and name not in found and (with_deciding or not _decides(binding)):
                pressed = " ".join(dict.fromkeys(keys[binding.id or ""]))
                found[name] = Command(name, binding.description, pressed, area, node, binding.action)
    return found


AREAS = {
    "app": "everywhere", "tasks": "the list", "task": "the task", "tree": "activity", "events": "events",
    "inspector": "inspector", "review": "the decision", "filter": "the filter", "bulk": "all of these",
}  # fmt: skip


def _moving(keys: str, about: str) -> Command:
    return Command("", about, keys, "", _NOBODY, "")


_NOBODY = DOMNode()
MOVING = (
    _moving("↑ ↓ j k", "up, down"), _moving("g G", "first, last"), _moving("^d ^u", "half a page down, up"),
    _moving("pgdn pgup", "a page down, up"), _moving("zM zR", "fold all, unfold all"), _moving("tab", "next pane"),
    _moving("^c", "copy the selected text"),
)  # fmt: skip


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
        self._rows += ["moving", *MOVING]

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

    def compose(self) -> ComposeResult:
        """The list."""
        with Vertical(id="dialog"):
            yield Static("Keys", id="question", markup=False)
            yield HelpLines(self._commands)
        yield Footer()


class CommandLine(Dialog[None]):
    """A command by its name, with what it needs behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "back", id="line.leave"),
        Binding("tab", "complete", "complete", id="line.complete", priority=True),
    ]
    WITH_WORDS: ClassVar[dict[str, str]] = {
        "filter": "the filter to use",
        "open": "a task's id, or how it begins",
        "theme": "a theme's name",
        "time": "relative, local or utc",
    }

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._commands = commands(below)

    def compose(self) -> ComposeResult:
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


class TooSmall(Dialog[None]):
    """Stands in front of everything while the terminal is too small for it."""

    LEAST = (60, 15)

    class Seen(Message):
        """It is in front now."""

    def compose(self) -> ComposeResult:
        """What there is and what is needed."""
        yield Static("", id="small", markup=False)

    def on_screen_resume(self) -> None:
        """Whatever was in front of it is gone: it may not be needed any more."""
        self.post_message(self.Seen())

    def on_resize(self, event: events.Resize) -> None:
        """Tell the size there is."""
        width, height = event.size
        least = "×".join(map(str, self.LEAST))
        self.query_one(Static).update(f"Too small: {width}×{height}\n{least} is the least\nctrl+q quits")
