"""What is left on this machine: the journal and what it finds out, reports of crashes, and what is copied."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui import clipboard, crash
from tui.journal import Fault, Journal
from tui.masks import Masks


def written(journal: Journal, *deeds: tuple[str, str]) -> None:
    """Write a line for each of these steps."""
    for kind, deed in deeds:
        journal.write(kind, deed=deed)


def rewritten(path: Path, pid: object) -> None:
    """As if another process had written it."""
    path.write_bytes(path.read_bytes().replace(f'"pid":{os.getpid()}'.encode(), f'"pid":{pid}'.encode()))


def test_deeds_without_an_end_are_told_once_whoever_began_them_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("held", "a"), ("sent", "a"), ("done", "a"), ("held", "b"), ("held", "c"), ("sent", "c"))
    assert [(line["deed"], line["kind"]) for line in journal.unfinished()] == [("b", "held"), ("c", "sent")]
    rewritten(journal.path, os.getppid())
    assert journal.unfinished() == []  # somebody may still be at it
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as gone:
        gone.wait()
    journal.path.write_bytes(
        journal.path.read_bytes().replace(f'"pid":{os.getppid()}'.encode(), f'"pid":{gone.pid}'.encode())
    )
    assert [line["deed"] for line in journal.unfinished()] == ["b", "c"]


@pytest.mark.parametrize("pid", ["null", '"5"', "0", "-5"])
def test_a_line_without_a_process_was_written_by_one_that_is_gone(tmp_path: Path, pid: str) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    rewritten(journal.path, pid)
    assert [line["deed"] for line in journal.unfinished()] == ["a"]


def test_a_process_of_somebody_else_is_there_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        raise PermissionError

    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"))
    rewritten(journal.path, 1)
    monkeypatch.setattr(os, "kill", kill)
    assert journal.unfinished() == []


def test_each_way_in_which_a_journal_is_not_whole_is_told_with_its_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, *[("sent", str(number)) for number in range(4)])
    lines = journal.path.read_bytes().splitlines(keepends=True)

    def faults(*content: bytes) -> tuple[Fault, ...]:
        journal.path.write_bytes(b"".join(content))
        return journal.verify().faults

    assert faults(*lines) == ()
    assert faults(lines[0], lines[2], lines[3]) == (
        Fault(2, "it does not follow line 1 of the chain: lines are missing before it"),
    )
    assert faults(*lines[:2]) == (Fault(3, "2 lines are missing at the end"),)
    assert faults(*lines[:3], lines[3][:-9]) == (
        Fault(4, "the last line is cut short: a crash, while it was being written"),
        Fault(4, "1 lines are missing at the end"),
    )
    assert faults(lines[0], b"[]\n", *lines[1:]) == (
        Fault(2, "it cannot be read: a crash cut it short, or it was changed"),
    )


def test_what_follows_a_line_that_was_cut_short_is_a_line_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    written(journal, ("sent", "a"), ("sent", "b"))
    journal.path.write_bytes(journal.path.read_bytes()[:-9])
    written(journal, ("sent", "c"))
    assert [line["deed"] for line in journal.lines()] == ["a", "c"]
    journal.path.write_bytes(b"no line at all")
    written(journal, ("sent", "d"))
    assert [(line["deed"], line["n"]) for line in journal.lines()] == [("d", 1)]


def test_a_crash_is_told_in_a_sentence_also_where_nothing_can_be_written(tmp_path: Path) -> None:
    error = RuntimeError("with the-key-0123456789")
    (tmp_path / "crashes").symlink_to(tmp_path)
    told = crash.report(error, tmp_path, Masks(["the-key-0123456789"]))
    assert told == "xp-tui has failed: RuntimeError: with ••••. Nothing could be written down about it."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crashes"]


def test_of_very_many_crashes_the_last_are_kept(tmp_path: Path) -> None:
    (tmp_path / "crashes").mkdir()
    for number in range(30):
        (tmp_path / "crashes" / f"20200101T0000{number:02}.txt").write_text("old")
    crash.report(RuntimeError("new"), tmp_path, Masks())
    kept = sorted((tmp_path / "crashes").iterdir())
    assert len(kept) == crash.KEPT
    assert "RuntimeError: new" in kept[-1].read_text()
    assert kept[0].name == "20200101T000011.txt"


def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A clipboard of the system's own."""
    (tmp_path / "xclip").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "xclip").chmod(0o755)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


def test_what_is_copied_goes_to_the_systems_clipboard_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command(tmp_path, monkeypatch, f"cat > {tmp_path}/copied")
    told: list[str] = []
    assert clipboard.copy("the words", told.append, tmp_path / "file") == "copied"
    assert ((tmp_path / "copied").read_text(), told) == ("the words", [])


def test_else_to_the_terminals_and_what_is_too_long_for_it_to_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    told: list[str] = []
    assert clipboard.copy("x" * 74_000, told.append, tmp_path / "file").startswith("handed to the terminal's clipboard")
    assert (told, (tmp_path / "file").exists()) == (["x" * 74_000], False)
    words = clipboard.copy("é" * 74_001, told.append, tmp_path / "file")
    assert words == f"too long for the terminal's clipboard, written to {tmp_path / 'file'}"
    assert (len(told), (tmp_path / "file").read_text()) == (1, "é" * 74_001)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
