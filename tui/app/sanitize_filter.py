"""The last door: whatever a widget draws passes here on its way to the terminal."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tui.security.sanitize import sanitize_text


class SanitizeFilter(LineFilter):
    """Text that could command the terminal is made visible, and no text is a link or runs an action when clicked."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line, harmless."""
        return [
            segment if _is_harmless(segment) else Segment(_harmless(segment.text), _unlinked(segment.style))
            for segment in segments
        ]


def _is_harmless(segment: Segment) -> bool:
    text, style, control = segment
    if control is not None or (style is not None and style.link is not None):
        return False
    return (text.isascii() and text.isprintable()) or _is_plain(text)


@lru_cache(4096)
def _is_plain(text: str) -> bool:
    return sanitize_text(text) == text and "\n" not in text


def _harmless(text: str) -> str:
    """The same in as many cells: what is not plain is replaced, what takes no room is left out."""
    return "".join(char if _is_plain(char) else "\ufffd" if cell_len(char) else "" for char in text)


def _unlinked(style: Style | None) -> Style | None:
    return style.update_link(None) if style is not None and style.link is not None else style
