"""Copied text goes to the system clipboard, to the terminal, or to a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.services import clipboard


def install_clipboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Install a system clipboard."""
    (tmp_path / "xclip").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "xclip").chmod(0o755)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_copied_text_goes_to_the_system_clipboard_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_clipboard(tmp_path, monkeypatch, f"cat > {tmp_path}/copied")
    told: list[str] = []
    assert clipboard.copy_text("the words", told.append, tmp_path / "file") == "copied"
    assert ((tmp_path / "copied").read_text(), told) == ("the words", [])


def test_without_a_system_clipboard_text_goes_to_the_terminal_or_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    told: list[str] = []
    assert clipboard.copy_text("x" * 74_000, told.append, tmp_path / "file").startswith(
        "handed to the terminal's clipboard"
    )
    assert (told, (tmp_path / "file").exists()) == (["x" * 74_000], False)
    words = clipboard.copy_text("é" * 74_001, told.append, tmp_path / "file")
    assert words == f"too long for the terminal's clipboard, written to {tmp_path / 'file'}"
    assert (len(told), (tmp_path / "file").read_text()) == (1, "é" * 74_001)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_text_that_is_too_long_and_cannot_be_written_is_reported_as_not_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    (tmp_path / "state").write_text("a file")
    words = clipboard.copy_text("x" * 74_001, lambda text: None, tmp_path / "state" / "copied.txt")
    assert words.startswith("not copied: too long for the terminal's clipboard, and no file can be written: ")
    assert words.endswith("state is a file: move it away, a directory is made in its place")
