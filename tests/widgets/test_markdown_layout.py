"""Markdown as styled lines, without control characters."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.widgets.markdown_layout import markdown_lines
from tui.widgets.styled_text import StyledText


@given(st.text(max_size=300))
@settings(deadline=None)
def test_any_text_can_be_laid_out_as_markdown(text: str) -> None:
    for line in markdown_lines(text, 40):
        for piece in line:
            assert "\x1b" not in piece.text
            assert "\n" not in piece.text


def test_markdown_is_laid_out() -> None:
    lines = markdown_lines(
        "# Head\n\nsome **bold** `code` [l](http://evil.example)\n\n- a\n  - b\n\n1. x\n\n> q\n\n```\nc  d\n```", 60
    )
    text = ["".join(piece.text for piece in line).rstrip() for line in lines]
    assert text[0] == "Head"
    assert text[2] == "some bold code l (http://evil.example)"
    assert text[4:] == ["- a", "  - b", "", "1. x", "", "│ q", "", "│ c  d"]
    assert StyledText("bold", "strong") in lines[2]


def test_an_entity_cannot_smuggle_a_control_character() -> None:
    assert "\x1b" not in str(markdown_lines("&#27;[31m &#x1b;]0;x&#7;", 60))
