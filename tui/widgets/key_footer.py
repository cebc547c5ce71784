"""The keys at the bottom of a screen."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from tui.widgets.styled_text import StyledText, fit, make_strip


class FooterKey(NamedTuple):
    """A key, what it does, and whether it can do that now."""

    key: str
    name: str
    about: str
    can_work: bool

    @property
    def width(self) -> int:
        """How many cells it takes."""
        return cell_len(f" {self.name} {self.about} ")


class KeyFooter(Widget):
    """One line, drawn as one: a widget for each key has to be made, styled and laid out whenever the focus moves."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"footer--key", "footer--grey-key", "footer--grey", "footer--bar"}
    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom;
        height: 1;
        & > .footer--key { color: $footer-key-foreground; text-style: bold; }
        & > .footer--grey-key { color: $footer-key-foreground; text-style: bold dim; }
        & > .footer--grey { text-style: dim; }
        & > .footer--bar { color: $panel-lighten-2; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[FooterKey] = []
        self._palette: list[FooterKey] = []
        """The key of the palette, at the right."""

    def on_mount(self) -> None:
        """Be told when other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._take)

    def on_unmount(self) -> None:
        """Be told no more."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _take(self, screen: Screen[object]) -> None:
        if not (self.is_attached and screen.is_attached) or not self.app.app_focus:
            return  # the screen is going away, or the terminal is elsewhere: what was so stays
        found: dict[str, FooterKey] = {}
        palette: list[FooterKey] = []
        for key, (_, binding, can_work, _) in screen.active_bindings.items():
            shown = FooterKey(binding.key, self.app.get_key_display(binding), binding.description, can_work)
            if key == self.app.COMMAND_PALETTE_BINDING:
                palette = [shown]
            elif binding.show:
                found.setdefault(binding.action, shown)
        keys = list(found.values())
        if (keys, palette) != (self._keys, self._palette):
            self._keys, self._palette = keys, palette
            self.refresh()

    def _room(self) -> int:
        """Cells for the keys at the left."""
        return self.size.width - sum(shown.width for shown in self._palette)

    def render_line(self, y: int) -> Strip:
        """The line."""
        pieces: list[StyledText] = []
        room = self._room()
        for shown in self._keys:
            if shown.width > room:
                pieces.append(StyledText(fit(" …", room), "grey"))
                room = 0
                break
            pieces += _pieces(shown)
            room -= shown.width
        pieces.append(StyledText(" " * room))
        for shown in self._palette:
            pieces += [StyledText("▏", "bar"), *_pieces(shown, "")]
        return make_strip(pieces, self.size.width, self.rich_style, self._style_of)

    def _style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"footer--{style}", partial=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click on a key is that key."""
        at, room = event.x, self._room()
        keys = self._keys if at < room else self._palette
        at -= 0 if at < room else room
        for shown in keys:
            if 0 <= at < shown.width:
                self.app.simulate_key(shown.key) if shown.can_work else self.app.bell()
                return
            at -= shown.width


def _pieces(shown: FooterKey, before: str = " ") -> list[StyledText]:
    if shown.can_work:
        return [StyledText(f"{before}{shown.name} ", "key"), StyledText(f"{shown.about} ")]
    return [StyledText(f"{before}{shown.name} ", "grey-key"), StyledText(f"{shown.about} ", "grey")]
