"""A LineFilter that replaces control characters and drops links in everything that is drawn."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

from tui.security.sanitize import sanitize_text

REPLACEMENT = "\ufffd"
"""The character that is drawn in place of one that is not safe."""


class SanitizeFilter(LineFilter):
    """A filter that sanitizes segments: no text can command the terminal, be a link, or run an action on a click."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Apply the filter to a line; segments that are already safe stay as they are."""
        return [segment if _is_safe(segment) else _sanitized(segment) for segment in segments]


def _is_safe(segment: Segment) -> bool:
    """Return whether a segment has neither control codes nor a link, and its text is safe to draw."""
    text, style, control = segment
    has_link = style is not None and style.link is not None
    if control is not None or has_link:
        return False
    return (text.isascii() and text.isprintable()) or _is_safe_text(text)


@lru_cache(4096)
def _is_safe_text(text: str) -> bool:
    return sanitize_text(text) == text and "\n" not in text


def _sanitized(segment: Segment) -> Segment:
    """Return the sanitized segment, as wide as it was."""
    safe_text = "".join(map(_sanitized_char, segment.text))
    return Segment(safe_text, _without_link(segment.style))


def _sanitized_char(char: str) -> str:
    """Return a safe character of the same width: an unsafe one is replaced, or dropped if it has no width."""
    if _is_safe_text(char):
        return char
    if cell_len(char) == 0:
        return ""
    return REPLACEMENT


def _without_link(style: Style | None) -> Style | None:
    if style is None or style.link is None:
        return style
    return style.update_link(None)
