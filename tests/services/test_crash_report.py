"""Crash reports: the sentence that is printed, and the files that are kept."""

from __future__ import annotations

from pathlib import Path

from tui.security.redact import Redactor
from tui.services import crash_report


def test_a_crash_is_reported_even_if_nothing_can_be_written(tmp_path: Path) -> None:
    error = RuntimeError("with the-key-0123456789")
    (tmp_path / "crashes").symlink_to(tmp_path)
    told = crash_report.write_crash_report(error, tmp_path, Redactor(["the-key-0123456789"]))
    assert told == "xp-tui has failed: RuntimeError: with ••••. Nothing could be written down about it."
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crashes"]


def test_only_the_latest_crash_reports_are_kept(tmp_path: Path) -> None:
    (tmp_path / "crashes").mkdir()
    for number in range(30):
        (tmp_path / "crashes" / f"20200101T0000{number:02}.txt").write_text("old")
    crash_report.write_crash_report(RuntimeError("new"), tmp_path, Redactor())
    kept = sorted((tmp_path / "crashes").iterdir())
    assert len(kept) == crash_report.MAX_REPORTS
    assert "RuntimeError: new" in kept[-1].read_text()
    assert kept[0].name == "20200101T000011.txt"
