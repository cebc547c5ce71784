"""Themes: every text has enough contrast on its background."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tests.local.conftest import Serve
from tests.screens.operator import dashboard_with_invoice
from tui.app import themes
from tui.screens.stylesheets import styles_directory

HOME = styles_directory()
assert HOME
THEMES = themes.own_themes(HOME)
TEXTS = ("foreground", "faint", "warning", "error", "accent", "primary")


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours by WCAG."""

    def light(colour: str) -> float:
        parts = [
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
            for part in Color.parse(colour).normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("ground", ["background", "surface", "panel"])
@pytest.mark.parametrize("text", TEXTS)
def test_text_has_enough_contrast_on_every_background(name: str, ground: str, text: str) -> None:
    theme = {**THEMES[name], **THEMES[name]["variables"]}  # type: ignore[dict-item]
    assert contrast(str(theme[text]), str(theme[ground])) >= 4.5


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize(("colour", "share"), [("primary", 0.32), ("accent", 0.28)])
def test_highlighted_text_has_enough_contrast(name: str, colour: str, share: float) -> None:
    theme = {**THEMES[name], **THEMES[name]["variables"]}  # type: ignore[dict-item]
    ground = Color.parse(str(theme["background"])).blend(Color.parse(str(theme[colour])), share).hex
    assert contrast(str(theme["foreground"]), ground) >= 4.5
    for text in TEXTS:
        assert contrast(str(theme[text]), ground) >= 3, text


@pytest.mark.parametrize("name", [name for name, theme in BUILTIN_THEMES.items() if not theme.ansi])
def test_themes_of_textual_have_enough_contrast(name: str) -> None:
    theme = themes.readable_theme(BUILTIN_THEMES[name])
    colours = {**theme.to_color_system().generate(), **theme.variables}
    for text in TEXTS:
        for ground in ("background", "surface", "panel"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


async def test_ascii_mode_draws_only_ascii_characters(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(serve, tmp_path, is_ascii=True) as operator:
        await operator.until(lambda: "= approval" in operator.text)
        for keys, words in (
            ("", "Needs you"),
            ("X", "Keep running"),
            ("escape", ""),
            ("enter", "Activity"),
            ("v", "Timeline"),
        ):
            if keys:
                await operator.press(keys)
            await operator.until(lambda: words in operator.text)
            assert operator.text.isascii(), [char for char in operator.text if not char.isascii()]


async def test_the_cursor_is_visible_without_colours(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        _, row = operator.at("Pay invoice 7")
        strips = operator.app.screen._compositor.render_strips()
        assert any(style and style.reverse for _, style, _ in strips[row])
        colours = {style.color.name for strip in strips for _, style, _ in strip if style and style.color}
        assert colours <= {"default"}
