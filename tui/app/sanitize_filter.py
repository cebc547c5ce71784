"""A LineFilter that replaces control characters and drops links in everything that is drawn."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tui.security.sanitize import sanitize_text


class SanitizeFilter(LineFilter):
    """A filter that sanitizes segments: no text can command the terminal, be a link, or run an action on a click."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Apply the filter to a line; segments that are already safe stay as they are."""
        return [segment if _is_safe(segment) else _sanitized(segment) for segment in segments]


def _is_safe(segment: Segment) -> bool:
    text, style, control = segment
    if control is not None or (style is not None and style.link is not None):
        return False
    return (text.isascii() and text.isprintable()) or _is_safe_text(text)


@lru_cache(4096)
def _is_safe_text(text: str) -> bool:
    return sanitize_text(text) == text and "\n" not in text


def _sanitized(segment: Segment) -> Segment:
    """Return the sanitized segment, as wide as it was."""
    return Segment("".join(map(_sanitized_char, segment.text)), _without_link(segment.style))


def _sanitized_char(char: str) -> str:
    if _is_safe_text(char):
        return char
    return "\ufffd" if cell_len(char) else ""


def _without_link(style: Style | None) -> Style | None:
    if style is None or style.link is None:
        return style
    return style.update_link(None)
