"""A line of pieces as the compositor wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.security.sanitize import clean


class Piece(NamedTuple):
    """A text and how it stands out: the name of a component class, or nothing."""

    text: str
    look: str = ""


Pieces = Sequence[Piece]


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
