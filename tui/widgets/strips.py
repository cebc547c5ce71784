"""A line of pieces as the compositor wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual._styles_cache import StylesCache
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

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

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """Some lines."""
        styles, width = widget.styles, widget.region.width
        if styles.gutter or widget.opacity < 1.0 or any(map(styles.has_rule, _EFFECTS)):
            return super().render_widget(widget, crop)
        if width != self._width:
            self.clear()
            self._width = width
        base, background = widget.background_colors
        paper, filters, (begin, end) = _paper(base + background), widget.get_line_filters(), crop.column_span
        strips = []
        for y in crop.line_range:
            strip = self._cache.get(y)
            if strip is None or y in self._dirty_lines:
                strip = self._cache[y] = widget.render_line(y)
            strip = strip.extend_cell_length(end, paper)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip.crop(begin, end))
        self._dirty_lines.difference_update(crop.line_range)
        return strips


def strip_of(pieces: Pieces, width: int, base: Style, style_of: Callable[[str], Style]) -> Strip:
    """A line as the compositor wants it. Whatever was missed before is made harmless here: the last door."""
    segments, length = [], 0
    for text, look in pieces:
        safe = text if text.isascii() and text.isprintable() else clean(text).replace("\n", " ")
        segments.append(Segment(safe, base + style_of(look) if look else base))
        length += cell_len(safe)
    if length < width:
        segments.append(Segment(" " * (width - length), base))
    strip = Strip(Segment.simplify(segments), max(length, width))
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
