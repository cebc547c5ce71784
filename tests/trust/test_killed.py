"""kill -9 at any point: files are whole and in order, and nothing is sent before it is journaled."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

from tests.conftest import RecordTried
from tests.local.conftest import Serve
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server
from tui.services.audit_log import Journal
from tui.storage.json_store import Drafts

KILLS = int(os.environ.get("XP_KILLS", "6"))


async def test_a_process_that_is_killed_anywhere_leaves_whole_files(
    serve: Serve, tmp_path: Path, record_tried: RecordTried
) -> None:
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
            assert set(Drafts(state / "drafts.json")) <= {f"thread {number}" for number in range(7)}
            assert json.loads((state / "drafts.json").read_bytes())
        lines = list(journal.lines())
        sent = {line["comment"] for line in lines if line["kind"] == "sent"}
        arrived = [task["input"]["text"].replace("/", "-") for task in here.local.store.tasks({})]
    assert len(arrived) == len(set(arrived))
    assert len(arrived) > KILLS // 2, "hardly anything was under way when it was killed"
    assert set(arrived) <= sent, "something left that was not written down before"
    assert len(journal.unfinished()) <= KILLS
    assert not [path for path in state.iterdir() if path.stat().st_mode & 0o77]
    told = f"{len(lines):,} lines, {len(arrived):,} actions, {cut} lines cut short"
    record_tried("kill -9 at random points: journal, chain and drafts whole", KILLS, told)


async def test_a_verb_that_is_killed_while_waiting_leaves_its_journal_line(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    platform.task("t1")
    is_asked = asyncio.Event()

    async def hang(request: Request, connection: Connection) -> bool:
        if request.method == "GET":
            return False
        is_asked.set()
        await asyncio.Event().wait()
        return True

    platform.before_reply = hang
    journal = Journal(tmp_path / "xp-tui/journal.jsonl")
    told = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "XPANDER_API_KEY": KEY}
    environ = {**os.environ, **told, "XPANDER_BASE_URL": server.url, "XPANDER_API_URL": server.url}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tui", "stop", "t1", env=environ)
    try:
        async with asyncio.timeout(20):
            await is_asked.wait()
        assert [line["kind"] for line in journal.lines()] == ["sent"]
        assert journal.unfinished() == [], "the verb waits for its answer still"
    finally:
        process.kill()
        await process.wait()
    assert [(line["kind"], line["verb"], line["target"]) for line in journal.unfinished()] == [("sent", "stop", "t1")]
    assert list((tmp_path / "xp-tui/runs").iterdir()) == []
