"""Private files: where they are, how they are written, and what is refused in their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.storage.misplaced import every_kind, put_in_place, without_waiting
from tui.storage.private_files import (
    NotPrivate,
    config_home,
    make_directory,
    open_private,
    read_private,
    state_home,
    write_private,
)


@pytest.mark.parametrize(
    ("environ", "config", "state"),
    [
        ({"HOME": "/h"}, "/h/.config/xp-tui", "/h/.local/state/xp-tui"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"}, "/c/xp-tui", "/s/xp-tui"),
        ({"HOME": "/h", "XDG_CONFIG_HOME": "c", "XDG_STATE_HOME": ""}, "/h/.config/xp-tui", "/h/.local/state/xp-tui"),
    ],
)
def test_files_follow_the_xdg_directories(environ: dict[str, str], config: str, state: str) -> None:
    assert (str(config_home(environ)), str(state_home(environ))) == (config, state)


def test_a_directory_that_others_could_enter_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(0o755)
    make_directory(path)
    assert path.stat().st_mode & 0o777 == 0o700


def test_a_link_or_a_directory_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotPrivate, match=f"{tmp_path / 'link'} is a link: remove it, a directory is made in its place"):
        make_directory(tmp_path / "link")
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(NotPrivate, match="belongs to somebody else"):
        make_directory(tmp_path / "real")


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("as it was")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(NotPrivate, match=f"{tmp_path / 'link'} is a link: remove it, a file is made in its place"):
        open_private(tmp_path / "link", os.O_WRONLY | os.O_TRUNC)
    assert (tmp_path / "target").read_text() == "as it was"
    with pytest.raises(FileNotFoundError) as caught:
        open_private(tmp_path / "none", os.O_RDONLY)
    assert not isinstance(caught.value, NotPrivate)


def test_a_file_is_replaced_atomically_and_a_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("as it was")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_private(tmp_path / "file", b"new")
    assert ((tmp_path / "file").read_text(), (tmp_path / "target").read_text()) == ("new", "as it was")
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "file").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "target"]


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_private(tmp_path / "file", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_partial_file_of_a_killed_process_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".file.new").write_bytes(b"a longer part of something")
    write_private(tmp_path / "file", b"content")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"content")]


@every_kind
def test_a_path_that_is_no_file_is_neither_read_nor_written(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    sentence = put_in_place(kind, path)
    for use in (lambda: read_private(path), lambda: open_private(path, os.O_RDWR | os.O_CREAT)):
        with without_waiting(), pytest.raises(NotPrivate) as refused:
            use()
        assert str(refused.value) == sentence


def test_a_folder_that_cannot_be_made_is_reported_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(NotPrivate, match=r"/proc/xp-tui cannot be made: .+; make its place writable or set another"):
        make_directory(Path("/proc/xp-tui"))
    with pytest.raises(NotPrivate, match="cannot be looked at: File name too long"):
        make_directory(tmp_path / ("x" * 300))
