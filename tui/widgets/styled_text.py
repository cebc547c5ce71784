"""Styled text: fitted to a width, wrapped, and turned into a strip."""

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
    """A text with a style: the last part of a component class's name, or empty."""

    text: str
    style: str = ""


StyledLine = Sequence[StyledText]
_WORDS_AND_SPACES = re.compile(r"\s+|\S+")


def fold_glyph(is_open: bool) -> str:
    """Return the glyph of something that can be folded."""
    return "▾" if is_open else "▸"


def make_strip(styled_line: StyledLine, width: int, base: Style, style_of: Callable[[str], Style]) -> Strip:
    """Make a strip of a line; its texts are sanitized once more, in case a caller has not done so."""
    segments = []
    cells = 0
    for text, style in styled_line:
        safe_text = text
        if not (text.isascii() and text.isprintable()):
            safe_text = sanitize_text(text).replace("\n", " ")
        segments.append(Segment(safe_text, base + style_of(style) if style else base))
        cells += cell_len(safe_text)
    if cells < width:
        segments.append(Segment(" " * (width - cells), base))
    strip = Strip(Segment.simplify(segments), max(cells, width))
    if cells <= width:
        return strip
    if width <= 0:
        return Strip([], 0)
    # The cut may fall within a wide character, which leaves a cell to be filled before the ellipsis.
    cut = strip.crop(0, width - 1).adjust_cell_length(width - 1, base)
    return Strip.join([cut, Strip([Segment("…", base)])])


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Fit a text into exactly so many cells: pad it with spaces, or cut it and add an ellipsis."""
    cells = cell_len(text)
    if cells > width:
        if width <= 0:
            return ""
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - cells)
    if right:
        return padding + text
    return text + padding


def wrap(styled_line: StyledLine, width: int) -> list[list[StyledText]]:
    """Wrap a line to a width: break it at spaces, and break words that are longer than a line."""
    is_ascii = all(text.isascii() for text, _ in styled_line)
    if is_ascii and sum(len(text) for text, _ in styled_line) <= width:
        return [list(styled_line)]
    lines: list[list[StyledText]] = [[]]
    used_cells = 0
    for text, style in styled_line:
        for word in _WORDS_AND_SPACES.findall(text):
            word_cells = cell_len(word)
            if used_cells + word_cells <= width:
                lines[-1].append(StyledText(word, style))
                used_cells += word_cells
            elif word.isspace() and used_cells:  # the break replaces the spaces
                lines.append([])
                used_cells = 0
            elif word_cells <= width:
                lines.append([StyledText(word, style)])
                used_cells = word_cells
            else:
                for part in chop_cells(word, width):
                    if used_cells:
                        lines.append([])
                    lines[-1].append(StyledText(part, style))
                    used_cells = cell_len(part)
    return lines
