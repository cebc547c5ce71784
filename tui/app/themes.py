"""How it looks where colours, glyphs or themes are chosen: the stylesheets, our themes, and plain ASCII."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual.app import App
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from tui.screens import stylesheets
from tui.widgets.ui_context import UIContext

DEFAULT_THEME = "xp-dark"

_TWINS = {
    "‖": "=", "▶": ">", "·": ".", "✓": "v", "✗": "x", "■": "#", "▸": "+", "▾": "-", "▴": "^", "├": "|", "╰": "`",
    "█": "#", "▓": "#", "░": ".", "▒": ":", "─": "-", "│": "|", "…": "~", "●": "*", "▌": "|", "›": ">", "≈": "~",
    "×": "x", "⑂": "Y", "•": "*", "⟨": "<", "⟩": ">", "╭": "+", "╮": "+", "╯": "+", "┌": "+", "┐": "+",
    "└": "+", "┘": "+", "┤": "|", "▁": "_", "▂": "_", "▃": "_", "▅": "#", "▆": "#", "▇": "#",
    "▔": "-", "▎": "|", "▊": "|", "▐": "|", "▏": "|", "▕": "|", "▀": "-", "▄": "_",
    "�": "?", "⏎": "<", "↳": ">", "→": ">", "↑": "^", "↓": "v", "←": "<",
}  # fmt: skip
"""Each glyph of ours, and of the borders, beside what stands for it in ASCII."""
_TABLE = str.maketrans(_TWINS) | {0x2400 + code: "?" for code in range(0x22)}


class AsciiFilter(LineFilter):
    """Draws every glyph that we use in ASCII, wherever it stands; all else that others wrote stays as it is."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line, with twins for its glyphs."""
        return [Segment(text.translate(_TABLE), style, control) for text, style, control in segments]


MIN_CONTRAST = 4.55
"""The contrast that every text has with what it is drawn on: 4.5, and a little for what is lost in rounding."""
_TEXTS = ("primary", "secondary", "accent", "warning", "error", "success", "foreground")


def contrast_ratio(one: Color, other: Color) -> float:
    """How well one colour is read on another, from 1 to 21."""
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


def _light(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable_theme(theme: Theme) -> Theme:
    """A theme of others with the faint colour that ours have, and each colour as far from its ground as text is."""
    told = theme.to_color_system().generate()
    grounds = [Color.parse(told[name]).rgb for name in ("background", "surface", "panel")]
    ends = Color.parse("#ffffff" if theme.dark else "#000000")

    def far_enough(colour: Color) -> str:
        for step in range(21):
            found = Color.parse(colour.blend(ends, step / 20).hex6)
            if all(contrast_ratio(found, Color(*ground)) >= MIN_CONTRAST for ground in grounds):
                return found.hex6
        return ends.hex6

    colours = {name: far_enough(Color.parse(told[name])) for name in _TEXTS}
    faint = Color.parse(colours["foreground"]).blend(Color(*grounds[0]), 0.35)
    surfaces = {
        name: Color(*ground).hex6 for name, ground in zip(("background", "surface", "panel"), grounds, strict=True)
    }
    variables = {**theme.variables, "faint": far_enough(faint)}
    return Theme(name=theme.name, dark=theme.dark, variables=variables, **colours, **surfaces)  # type: ignore[arg-type]


def is_colourless() -> bool:
    """Whether no colours are wanted."""
    return "NO_COLOR" in os.environ


def register_themes(app: App[Any], chosen: str) -> None:
    """Register our themes, and use the chosen one; without it, our own dark one."""
    if home := stylesheets.styles_directory():
        for name, colours in own_themes(home).items():
            app.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
    for name, theme in list(app.available_themes.items()):
        if theme.ansi:  # what its colours are, only the terminal knows
            app.unregister_theme(name)
    app.theme = chosen if chosen in app.available_themes else DEFAULT_THEME


def use_theme(app: App[Any], ui: UIContext, name: str) -> None:
    """Use a theme from now on, and keep the choice for the next session."""
    if name not in app.available_themes:
        words = f"there is no theme {name}; there is: {', '.join(app.available_themes)}"
        app.notify(ui.safe(words), severity="warning", markup=False)
        return
    app.theme = ui.memory["theme"] = name
    app.notify(f"theme {name}", markup=False, timeout=2)


def own_themes(home: Path) -> dict[str, dict[str, object]]:
    """Our themes, by name. Warm is for one thing: a human is needed. Red is failure, the cool tone is running."""
    told: dict[str, dict[str, object]] = json.loads((home / "themes.json").read_text(encoding="utf-8"))
    return told
