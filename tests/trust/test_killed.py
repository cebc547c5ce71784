"""kill -9 anywhere: what was written is there, in order and whole, and nothing left that was not written before."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

from tests.conftest import Survived
from tests.local.conftest import Serve
from tui.journal import Journal
from tui.kept import Kept

KILLS = int(os.environ.get("XP_KILLS", "6"))


async def test_killed_at_any_point(serve: Serve, tmp_path: Path, survived: Survived) -> None:
    dice = random.Random(11)
    state = tmp_path / "state"
    journal = Journal(state / "journal.jsonl")
    cut = 0
    async with serve() as here:
        for seed in range(KILLS):
            command = [sys.executable, "-m", "tests.trust.killed", str(state), here.url, str(seed)]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(*command, stdout=pipe)
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
            await asyncio.sleep(dice.uniform(0, 0.3))  # anywhere in what it does
            process.kill()
            await process.wait()
            last = journal.verify()
            before = [fault for fault in last.faults if "cut short" not in fault.what]
            assert before == []
            cut += len(last.faults)
            assert set(Kept(state / "drafts.json")) <= {f"thread {number}" for number in range(7)}
            assert json.loads((state / "drafts.json").read_bytes())
        lines = list(journal.lines())
        sent = {line["comment"] for line in lines if line["kind"] == "sent"}
        arrived = [task["input"]["text"].replace("/", "-") for task in here.local.store.tasks({})]
    assert len(arrived) == len(set(arrived)) > KILLS
    assert set(arrived) <= sent, "something left that was not written down before"
    assert len(journal.unfinished()) <= KILLS
    assert not [path for path in state.iterdir() if path.stat().st_mode & 0o77]
    told = f"{len(lines):,} lines, {len(arrived):,} deeds, {cut} lines cut short"
    survived("kill -9 at random points: journal, chain and drafts whole", KILLS, told)
