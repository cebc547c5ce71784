"""The themes: those of this program, and those of Textual with enough contrast to be readable."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from textual.app import App
from textual.color import Color
from textual.theme import Theme

from tui.screens import stylesheets
from tui.widgets.ui_context import UIContext

DEFAULT_THEME = "xp-dark"
MIN_CONTRAST = 4.55
"""The least contrast ratio of a text to its background: 4.5, and a margin for rounding."""
BLEND_STEPS = 20
NOTICE_SECONDS = 2
FAINT_BLEND = 0.35
"""The share of the background in the faint colour, before its contrast is raised."""
_TEXT_COLOURS = ("primary", "secondary", "accent", "warning", "error", "success", "foreground")
_BACKGROUNDS = ("background", "surface", "panel")


def contrast_ratio(first: Color, second: Color) -> float:
    """Return the contrast ratio of two colours as WCAG defines it, from 1 to 21."""
    darker, lighter = sorted((_relative_luminance(first), _relative_luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _relative_luminance(colour: Color) -> float:
    """Return the relative luminance of a colour as WCAG defines it, from 0 to 1."""
    red, green, blue = map(_linear_channel, colour.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear_channel(channel: float) -> float:
    """Return the linear value of an sRGB channel, by the formula of WCAG."""
    if channel <= 0.04045:
        return channel / 12.92
    linear: float = ((channel + 0.055) / 1.055) ** 2.4
    return linear


def readable_theme(theme: Theme) -> Theme:
    """Return a theme with the colours of another, with enough contrast to be readable, and with our faint colour."""
    generated = theme.to_color_system().generate()
    backgrounds = {name: Color(*Color.parse(generated[name]).rgb) for name in _BACKGROUNDS}
    strongest = Color.parse("#ffffff" if theme.dark else "#000000")
    colours = {
        name: _with_contrast(Color.parse(generated[name]), strongest, backgrounds.values()) for name in _TEXT_COLOURS
    }
    faint = Color.parse(colours["foreground"]).blend(backgrounds["background"], FAINT_BLEND)
    variables = {**theme.variables, "faint": _with_contrast(faint, strongest, backgrounds.values())}
    surfaces = {name: background.hex6 for name, background in backgrounds.items()}
    return Theme(name=theme.name, dark=theme.dark, variables=variables, **colours, **surfaces)  # type: ignore[arg-type]


def _with_contrast(colour: Color, strongest: Color, backgrounds: Iterable[Color]) -> str:
    """Return a colour in hexadecimal, blended with the strongest one until it has contrast to all backgrounds."""
    for step in range(BLEND_STEPS + 1):
        candidate = Color.parse(colour.blend(strongest, step / BLEND_STEPS).hex6)
        if all(contrast_ratio(candidate, background) >= MIN_CONTRAST for background in backgrounds):
            return candidate.hex6
    return strongest.hex6


def is_colourless() -> bool:
    """Return whether the environment asks for colourless output."""
    return "NO_COLOR" in os.environ


def register_themes(app: App[Any], chosen: str) -> None:
    """Register our themes, and use the chosen one; the default theme where there is no such theme."""
    styles = stylesheets.styles_directory()
    if styles:
        for name, colours in own_themes(styles).items():
            app.register_theme(Theme(name=name, **colours))  # type: ignore[arg-type]
    for name, theme in list(app.available_themes.items()):
        if theme.ansi:  # only the terminal knows its colours, so their contrast cannot be checked
            app.unregister_theme(name)
    app.theme = chosen if chosen in app.available_themes else DEFAULT_THEME


def use_theme(app: App[Any], ui: UIContext, name: str) -> None:
    """Use a theme from now on, and remember it for the next session."""
    if name not in app.available_themes:
        text = f"there is no theme {name}; there is: {', '.join(app.available_themes)}"
        app.notify(ui.safe(text), severity="warning", markup=False)
        return
    app.theme = name
    ui.memory["theme"] = name
    app.notify(f"theme {name}", markup=False, timeout=NOTICE_SECONDS)


def own_themes(styles: Path) -> dict[str, dict[str, object]]:
    """Return our own themes, by name.

    In all of them, the warm tone means that a person is needed, red a failure, and the cool tone that a task runs.
    """
    themes: dict[str, dict[str, object]] = json.loads((styles / "themes.json").read_text(encoding="utf-8"))
    return themes
