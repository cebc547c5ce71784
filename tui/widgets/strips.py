"""A line of pieces as the compositor wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.css.styles import StylesBase
from textual.geometry import Size, Spacing
from textual.strip import Strip

from tui.plain import clean

_EFFECTS = ("outline_top", "outline_right", "outline_bottom", "outline_left", "hatch", "tint", "text_opacity")


class Piece(NamedTuple):
    """A text and how it stands out: the name of a component class, or nothing."""

    text: str
    look: str = ""


Pieces = Sequence[Piece]


@lru_cache(64)
def _paper(background: Color) -> Style:
    return Style(bgcolor=background.rich_color)


class AsTheyAre(StylesCache):
    """The lines of a widget with nothing around it and nothing laid over it, as the widget has made them.

    Textual makes each of them anew with every frame, and so it forgets what it found out about it: how it is cut where
    it meets other widgets, and what the filters make of it.
    """

    def render_line(
        self, styles: StylesBase, y: int, size: Size, content_size: Size, padding: Spacing, base_background: Color,
        background: Color, render_content_line: Callable[[int], Strip], border_title: Any, border_subtitle: Any,
        opacity: float, *more: Any,
    ) -> Strip:  # fmt: skip
        """One line."""
        if size == content_size and opacity == 1.0 and not any(map(styles.has_rule, _EFFECTS)):
            return render_content_line(y).adjust_cell_length(size.width, _paper(base_background + background))
        return super().render_line(
            styles, y, size, content_size, padding, base_background, background, render_content_line, border_title,
            border_subtitle, opacity, *more,
        )  # fmt: skip


def strip_of(pieces: Pieces, width: int, base: Style, style_of: Callable[[str], Style]) -> Strip:
    """A line as the compositor wants it. Whatever was missed before is made harmless here: the last door."""
    segments = []
    for text, look in pieces:
        safe = text if text.isascii() and text.isprintable() else clean(text).replace("\n", " ")
        segments.append(Segment(safe, base + style_of(look) if look else base))
    segments = list(Segment.simplify(segments))
    length = sum(segment.cell_length for segment in segments)
    if length < width:
        segments.append(Segment(" " * (width - length), base))
    strip = Strip(segments, max(length, width))
    if length <= width:
        return strip
    if width <= 0:
        return Strip([], 0)
    cut = strip.crop(0, width - 1).adjust_cell_length(width - 1, base)
    return Strip.join([cut, Strip([Segment("…", base)])])


def fit(text: str, width: int, *, right: bool = False) -> str:
    """A text in exactly so many cells; what is cut says so."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding
