"""Replaces the glyphs of this program by ASCII, for terminals that cannot draw them."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

ASCII_GLYPHS = {
    "‖": "=", "▶": ">", "·": ".", "✓": "v", "✗": "x", "■": "#", "▸": "+", "▾": "-", "▴": "^", "├": "|", "╰": "`",
    "█": "#", "▓": "#", "░": ".", "▒": ":", "─": "-", "│": "|", "…": "~", "●": "*", "▌": "|", "›": ">", "≈": "~",
    "×": "x", "⑂": "Y", "•": "*", "⟨": "<", "⟩": ">", "╭": "+", "╮": "+", "╯": "+", "┌": "+", "┐": "+",
    "└": "+", "┘": "+", "┤": "|", "▁": "_", "▂": "_", "▃": "_", "▅": "#", "▆": "#", "▇": "#",
    "▔": "-", "▎": "|", "▊": "|", "▐": "|", "▏": "|", "▕": "|", "▀": "-", "▄": "_",
    "�": "?", "⏎": "<", "↳": ">", "→": ">", "↑": "^", "↓": "v", "←": "<", "◇": "@", "○": "o",
}  # fmt: skip
"""The glyphs of this program and of Textual's borders, each with the ASCII character that replaces it."""
CONTROL_PICTURES = {0x2400 + code: "?" for code in range(0x22)}
"""The symbols that stand for control characters in sanitized text."""
_TRANSLATION = str.maketrans(ASCII_GLYPHS) | CONTROL_PICTURES


class AsciiFilter(LineFilter):
    """A filter that draws the glyphs of this program in ASCII; all other characters of a text stay unchanged."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Apply the translation to the segments of a line."""
        return [Segment(text.translate(_TRANSLATION), style, control) for text, style, control in segments]
