"""Paths of the stylesheets."""

from __future__ import annotations

from pathlib import Path


def styles_directory() -> Path | None:
    """Return the directory of the styles: in the package when installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    for directory in (package / "styles", package.parent / "styles"):
        if (directory / "app.tcss").exists():
            return directory
    return None


def stylesheet(name: str) -> Path:
    """Return the path of a stylesheet by its name."""
    return (styles_directory() or Path()) / f"{name}.tcss"
