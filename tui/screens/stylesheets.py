"""Where the stylesheets are."""

from __future__ import annotations

from pathlib import Path


def styles_directory() -> Path | None:
    """The stylesheets: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    places = (package / "styles", package.parent / "styles")
    return next((place for place in places if (place / "app.tcss").exists()), None)


def stylesheet(name: str) -> Path:
    """The stylesheet of a screen, or what all screens share."""
    return (styles_directory() or Path()) / f"{name}.tcss"
