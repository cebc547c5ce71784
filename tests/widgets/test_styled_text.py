"""Wrapping of styled text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.widgets.styled_text import StyledText, wrap


@given(st.text(max_size=200), st.integers(8, 60))
def test_wrapping_loses_no_character(text: str, width: int) -> None:
    lines = wrap([StyledText(text)], width)
    joined = "".join(piece.text for line in lines for piece in line)
    assert "".join(joined.split()) == "".join(text.split())
    assert all(cell_len("".join(piece.text for piece in line)) <= max(width, 2) for line in lines)
