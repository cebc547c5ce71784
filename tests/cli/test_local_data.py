"""The data folder of `xp-tui local`: where it is, and which options and folders are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.local_platform import PLAIN_LOCAL, start_platform
from tests.local.conftest import KEY
from tui.storage.private_files import write_private


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--port", "99999"], "--port is a number between 0 and 65535"),
        (["--port", "-1"], "--port is a number between 0 and 65535"),
        (["--now", "9999-12-31T23:59:59"], "--now is a moment between the years 1971 and 9000"),
        (["--now", "0001-01-01"], "--now is a moment between the years 1971 and 9000"),
        (["--tasks", "-1"], "--tasks is a number between 0 and 1000000"),
        (["--tasks", "9999999999"], "--tasks is a number between 0 and 1000000"),
        (["--entries", "-5"], "--entries is a number between 0 and 1000000"),
        (["--limit", "0"], "--limit is a number between 1 and 1000000"),
        (["--limit", "-3"], "--limit is a number between 1 and 1000000"),
        (["--pace", "nan"], "--pace is a number between 0.01 and 1000"),
        (["--pace", "inf"], "--pace is a number between 0.01 and 1000"),
        (["--data", ""], "--data names no folder: name one, or leave it out"),
    ],
)
def test_a_number_or_time_out_of_range_is_an_error(shell: Shell, words: list[str], why: str) -> None:
    assert shell(*PLAIN_LOCAL, *words) == (3, "", f"xp-tui: {why}\n")
    assert not (shell.state / "local").exists()


@pytest.mark.parametrize("words", [["--port", "x"], ["--tasks", "1.5"], ["--limit", "9" * 5000], ["--pace", "fast"]])
def test_an_option_that_is_no_number_is_an_error(shell: Shell, words: list[str]) -> None:
    said = shell(*PLAIN_LOCAL, *words)
    assert (said.code, said.out) == (3, "")
    assert f"argument {words[0]}: invalid" in said.err


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An existing data folder."""
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data").chmod(0o755)
    return tmp_path / "data"


def test_a_folder_that_others_can_enter_is_refused_unchanged(shell: Shell, data: Path) -> None:
    sentence = f"{data} can be entered by others: chmod 700 it, or name a folder that is not there yet"
    assert shell(*PLAIN_LOCAL, "--data", str(data)) == (3, "", f"xp-tui: {sentence}\n")
    assert (data.stat().st_mode & 0o777, list(data.iterdir())) == (0o755, [])


def test_a_folder_with_foreign_files_is_refused_unchanged(shell: Shell, data: Path) -> None:
    data.chmod(0o700)
    (data / "key").write_text("a key of something else")
    (data / "notes").write_text("notes")
    sentence = f"{data} holds other files: name an empty folder, or one that is not there yet"
    assert shell(*PLAIN_LOCAL, "--data", str(data)) == (3, "", f"xp-tui: {sentence}\n")
    assert sorted(path.name for path in data.iterdir()) == ["key", "notes"]


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_path_that_is_no_folder_is_refused_unchanged(shell: Shell, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "place"
    if kind == "file":
        place.write_text("a file")
        why = "is a file: move it away, a directory is made in its place"
    else:
        place.symlink_to(tmp_path)
        why = "is a link: remove it, a directory is made in its place"
    assert shell(*PLAIN_LOCAL, "--data", str(place)) == (3, "", f"xp-tui: {place} {why}\n")
    assert place.is_symlink() == (kind == "link")


async def test_an_empty_folder_and_one_of_a_platform_are_used(shell: Shell, data: Path) -> None:
    data.chmod(0o700)
    for _ in range(2):
        async with start_platform(shell, *PLAIN_LOCAL, "--data", str(data), "--quiet") as one:
            (url,) = await one.lines(1)
            assert url.startswith("http://127.0.0.1:")
        assert one.code.result() == 0
        (data / "notes").write_text("of the operator, beside the database")


def test_a_damaged_database_is_reported_with_advice(shell: Shell) -> None:
    path = shell.state / "local" / "platform.db"
    write_private(path, b"no database " * 1000)
    said = shell(*PLAIN_LOCAL)
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith(f"xp-tui: the database {path} is damaged: move it away and start again")
    assert path.read_bytes() == b"no database " * 1000


def test_a_link_in_the_place_of_the_database_or_the_key_is_not_followed(shell: Shell, tmp_path: Path) -> None:
    folder = shell.state / "local"
    write_private(tmp_path / "elsewhere", KEY.encode())
    for name in ("key", "platform.db"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).symlink_to(tmp_path / "elsewhere")
        sentence = f"{folder / name} is a link: remove it, a file is made in its place"
        assert shell(*PLAIN_LOCAL) == (3, "", f"xp-tui: {sentence}\n")
        (folder / name).unlink()
    assert (tmp_path / "elsewhere").read_bytes() == KEY.encode()


def test_settings_of_the_local_platform_are_in_days_and_megabytes(shell: Shell) -> None:
    path = shell.configure("local_keep_days = -1\n")
    assert shell("config").err == f"xp-tui: {path}:1: local_keep_days is a number of days, not -1\n"
    shell.configure('local_max_megabytes = "much"\n')
    assert shell("config").err == f"xp-tui: {path}:1: local_max_megabytes is a number of megabytes, not 'much'\n"
