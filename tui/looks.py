"""Where the stylesheets are, and the themes they are written for."""

from __future__ import annotations

import tomllib
from pathlib import Path


def styles() -> Path | None:
    """The stylesheets: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent
    places = (package / "styles", package.parent / "styles")
    return next((place for place in places if (place / "app.tcss").exists()), None)


def themes(home: Path) -> dict[str, dict[str, object]]:
    """Our themes, by name."""
    return tomllib.loads((home / "themes.toml").read_text(encoding="utf-8"))
