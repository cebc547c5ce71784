"""The paths of the repository, independent of the working directory."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
TUI = ROOT / "tui"


def repository_path(file: Path) -> str:
    """Return a file's path within the repository, as the id of a test."""
    return file.relative_to(ROOT).as_posix()
