"""The footer: the keys of the current screen in one line."""

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
    """A key in the footer: how it is displayed, its description, and whether it is enabled now."""

    key: str
    display_name: str
    description: str
    is_enabled: bool

    @property
    def width(self) -> int:
        """The width in cells."""
        return cell_len(f" {self.display_name} {self.description} ")


class KeyFooter(Widget):
    """A footer drawn as a single line.

    Textual's own footer has a widget for each key, and creates, styles and lays out all of them whenever the focus
    moves.
    """

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
        self._palette_keys: list[FooterKey] = []
        """The key of the command palette, at the right edge."""
        self._hidden: frozenset[str] = frozenset()

    def hide(self, actions: frozenset[str]) -> None:
        """Hide the keys of these actions, which work all the same, and show all others."""
        if actions != self._hidden:
            self._hidden = actions
            self._update_keys(self.screen)

    def on_mount(self) -> None:
        """Subscribe to changes of the screen's bindings."""
        self.screen.bindings_updated_signal.subscribe(self, self._update_keys)

    def on_unmount(self) -> None:
        """Unsubscribe from changes of the screen's bindings."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _update_keys(self, screen: Screen[object]) -> None:
        """Update the keys from the screen's active bindings, and refresh the footer if they have changed."""
        is_closing = not (self.is_attached and screen.is_attached)
        if is_closing or not self.app.app_focus:
            return  # without the terminal's focus, the footer stays as it is
        keys: dict[str, FooterKey] = {}
        palette_keys: list[FooterKey] = []
        for key, (_, binding, is_enabled, _) in screen.active_bindings.items():
            footer_key = FooterKey(binding.key, self.app.get_key_display(binding), binding.description, is_enabled)
            if key == self.app.COMMAND_PALETTE_BINDING:
                palette_keys = [footer_key]
            elif binding.show and binding.action not in self._hidden:
                keys.setdefault(binding.action, footer_key)
        new_keys = list(keys.values())
        if (new_keys, palette_keys) != (self._keys, self._palette_keys):
            self._keys = new_keys
            self._palette_keys = palette_keys
            self.refresh()

    def _keys_width(self) -> int:
        """Return the width in cells of the keys at the left."""
        return self.size.width - sum(key.width for key in self._palette_keys)

    def render_line(self, y: int) -> Strip:
        """Render the line: as many keys as there is room for, and the key of the command palette at the right edge."""
        styled_line: list[StyledText] = []
        cells_left = self._keys_width()
        for key in self._keys:
            if key.width > cells_left:
                styled_line.append(StyledText(fit(" …", cells_left), "grey"))
                cells_left = 0
                break
            styled_line += _styled_key(key)
            cells_left -= key.width
        styled_line.append(StyledText(" " * cells_left))
        for key in self._palette_keys:
            styled_line += [StyledText("▏", "bar"), *_styled_key(key, prefix="")]
        return make_strip(styled_line, self.size.width, self.rich_style, self._rich_style_of)

    def _rich_style_of(self, style: str) -> Style:
        return self.get_component_rich_style(f"footer--{style}", partial=True)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the mouse; ring the bell if it is disabled."""
        key = self._key_at(event.x)
        if key is None:
            return
        if key.is_enabled:
            self.app.simulate_key(key.key)
        else:
            self.app.bell()

    def _key_at(self, x: int) -> FooterKey | None:
        """Return the key that is displayed at a cell of the line."""
        keys = self._keys
        end = 0
        keys_width = self._keys_width()
        if x >= keys_width:
            keys = self._palette_keys
            end = keys_width
        for key in keys:
            end += key.width
            if x < end:
                return key
        return None


def _styled_key(key: FooterKey, prefix: str = " ") -> list[StyledText]:
    """Return a key and its description as styled texts."""
    if key.is_enabled:
        return [StyledText(f"{prefix}{key.display_name} ", "key"), StyledText(f"{key.description} ")]
    return [StyledText(f"{prefix}{key.display_name} ", "grey-key"), StyledText(f"{key.description} ", "grey")]
