"""How it looks where colours, glyphs or themes are chosen: the stylesheets, our themes, and plain ASCII."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_TWINS = {
    "‖": "=", "▶": ">", "·": ".", "✓": "v", "✗": "x", "■": "#", "▸": "+", "▾": "-", "▴": "^", "├": "|", "╰": "`",
    "█": "#", "▓": "#", "░": ".", "▒": ":", "─": "-", "│": "|", "…": "~", "●": "*", "▌": "|", "›": ">", "≈": "~",
    "×": "x", "⑂": "Y", "•": "*", "⟨": "<", "⟩": ">", "╭": "+", "╮": "+", "╯": "+", "┌": "+", "┐": "+",
    "└": "+", "┘": "+", "┤": "|", "▁": "_", "▔": "-", "▎": "|", "▊": "|", "▐": "|", "▏": "|", "▕": "|", "▀": "-",
    "▄": "_", "�": "?", "⏎": "<", "↳": ">", "→": ">", "↑": "^", "↓": "v", "←": "<",
}  # fmt: skip
"""Each glyph of ours, and of the borders, beside what stands for it in ASCII."""
_TABLE = str.maketrans(_TWINS) | {0x2400 + code: "?" for code in range(0x22)}


class Ascii(LineFilter):
    """Draws every glyph of ours in ASCII; what others wrote stays as they wrote it."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line, with twins for its glyphs."""
        return [Segment(text.translate(_TABLE), style, control) for text, style, control in segments]


def is_colourless() -> bool:
    """Whether no colours are wanted."""
    return "NO_COLOR" in os.environ


def styles() -> Path | None:
    """The stylesheets: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    places = (package / "styles", package.parent / "styles")
    return next((place for place in places if (place / "app.tcss").exists()), None)


def themes(home: Path) -> dict[str, dict[str, object]]:
    """Our themes, by name."""
    return tomllib.loads((home / "themes.toml").read_text(encoding="utf-8"))
