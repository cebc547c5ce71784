"""The look for a newer SDK: what it says when there is one, when there is none, and when it could not look."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.interop import newest
from tests.interop.newest import CouldNotLook, is_newer, main, newest_version, pinned_version, run_bounded


def fake_python(tmp_path: Path, answer: str, code: int = 0) -> str:
    """Return a program that answers in the place of `python -m pip index versions`."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n[ \"$2 $3 $4\" = 'pip index versions' ] || exit 9\n{answer}\nexit {code}\n")
    program.chmod(0o755)
    return str(program)


def test_the_pinned_version_is_that_of_the_requirements() -> None:
    assert pinned_version("httpx==1\nxpander-sdk[agno]==2.0.537\nother==3\n") == "2.0.537"
    assert pinned_version((Path(newest.__file__).parent / "requirements.txt").read_text()).count(".") == 2
    with pytest.raises(CouldNotLook):
        pinned_version("xpander-sdk-tools==1\n")


@pytest.mark.parametrize(
    ("version", "than", "newer"),
    [("2.0.538", "2.0.537", True), ("2.0.1000", "2.0.537", True), ("2.1", "2.0.537", True), ("2.0", "2.0.0", False)],
)
def test_versions_are_compared_by_their_numbers(version: str, than: str, newer: bool) -> None:
    assert is_newer(version, than) is newer
    assert not is_newer(than, version)


def test_a_newer_sdk_is_told_and_run_without_failing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = fake_python(tmp_path, "echo 'xpander-sdk (9.9.9)'; echo 'Available versions: 9.9.9, 2.0.537'")
    commands: list[list[str]] = []
    really_run = run_bounded

    def record(command: list[str], seconds: float) -> str:
        if command[0] == python:
            return really_run(command, seconds)
        commands.append(command)
        if "tests.interop.run" in command:
            raise CouldNotLook("list agents: FAILED")
        return ""

    monkeypatch.setattr(newest, "run_bounded", record)
    assert main(python, "uv", tmp_path / "venv") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("NEWER: xpander-sdk 9.9.9 is published, 2.0.537 is pinned")
    assert lines[1] == "xpander-sdk 9.9.9: not all of it works, or it could not be run: list agents: FAILED"
    assert "xpander-sdk[agno]==9.9.9" in commands[1]
    assert commands[2][-1] == str(tmp_path / "venv" / "bin" / "python")


def test_without_a_newer_sdk_nothing_is_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(fake_python(tmp_path, "echo 'xpander-sdk (2.0.537)'"), "no-such-uv") == 0
    assert capsys.readouterr().out == "xpander-sdk 2.0.537 is the newest\n"


@pytest.mark.parametrize(
    ("answer", "code", "reason"),
    [
        ("echo 'ERROR: No matching distribution found' >&2", 1, "ERROR: No matching distribution found"),
        ("echo 'something else'", 0, "pip's answer names no version"),
        ("true", 3, "it failed"),
    ],
)
def test_offline_it_says_that_it_could_not_look(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: str, code: int, reason: str
) -> None:
    assert main(fake_python(tmp_path, answer, code), "uv") == 0
    assert capsys.readouterr().out == f"could not look for a newer xpander-sdk: {reason}\n"
    assert main(str(tmp_path / "nobody"), "uv") == 0


def test_a_look_is_bounded_in_time(tmp_path: Path) -> None:
    with pytest.raises(CouldNotLook, match=r"no answer within 0\.2 s"):
        newest_version(fake_python(tmp_path, "exec sleep 60"), 0.2)
    with pytest.raises(CouldNotLook, match="no answer"):
        run_bounded([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)
