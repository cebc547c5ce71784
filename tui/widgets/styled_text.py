"""Styled text: cut and padded to a width, wrapped, and as a strip for the compositor."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.security.sanitize import sanitize_text


class StyledText(NamedTuple):
    """A text and how it stands out: the name of a component class, or nothing."""

    text: str
    style: str = ""


StyledLine = Sequence[StyledText]
_WORDS = re.compile(r"\s+|\S+")


def make_strip(pieces: StyledLine, width: int, base: Style, style_of: Callable[[str], Style]) -> Strip:
    """A line as the compositor wants it. Whatever was missed before is made harmless here: the last door."""
    segments, length = [], 0
    for text, style in pieces:
        safe = text if text.isascii() and text.isprintable() else sanitize_text(text).replace("\n", " ")
        segments.append(Segment(safe, base + style_of(style) if style else base))
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


def wrap(pieces: StyledLine, width: int) -> list[list[StyledText]]:
    """Pieces as lines of a width: broken at blanks, words that are too long within."""
    if sum(len(piece.text) for piece in pieces) <= width and all(piece.text.isascii() for piece in pieces):
        return [list(pieces)]
    lines: list[list[StyledText]] = [[]]
    used = 0
    for text, style in pieces:
        for word in _WORDS.findall(text):
            length = cell_len(word)
            if used + length <= width:
                lines[-1].append(StyledText(word, style))
                used += length
            elif word.isspace() and used:
                lines.append([])
                used = 0
            elif length <= width:
                lines.append([StyledText(word, style)])
                used = length
            else:
                for part in chop_cells(word, width):
                    if used:
                        lines.append([])
                    lines[-1].append(StyledText(part, style))
                    used = cell_len(part)
    return lines
