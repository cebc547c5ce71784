"""A killed platform loses nothing that it acknowledged."""

from __future__ import annotations

import os
from pathlib import Path

from tests.conftest import RecordTried
from tests.local.crash import rounds


def test_a_killed_platform_loses_nothing_that_it_acknowledged(tmp_path: Path, record_tried: RecordTried) -> None:
    kills = int(os.environ.get("XP_KILLS", "4"))
    acknowledged, lost = rounds(kills, tmp_path)
    assert acknowledged >= kills
    assert lost == []
    record_tried(
        "kill -9 of the local platform: nothing acknowledged is lost", kills, f"{acknowledged:,} events acknowledged"
    )
