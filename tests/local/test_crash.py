"""A platform that is killed loses nothing that it has acknowledged."""

from __future__ import annotations

from pathlib import Path

from tests.local.crash import rounds


def test_a_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    acknowledged, lost = rounds(4, tmp_path)
    assert acknowledged >= 4
    assert lost == []
