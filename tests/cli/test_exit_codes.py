"""The table of exit codes in the README: each row is what a real command line ends with."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.processes import add_approval_task, start_command
from tests.conftest import FastClock
from tests.repository import ROOT
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server

README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = {
    0: [["tasks"], ["watch", "completed"], ["watch", "failed", "--until", "status:failed"], ["--version"], ["--help"]],
    1: [["show", "none"], ["stop", "none"], ["watch", "failed"], ["watch", "stopped"],
        ["watch", "completed", "--until", "status:failed"], ["watch", "executing", "--timeout", "1s"]],
    2: [["update", "waits", "--status", "failed"]],
    3: [["frobnicate"], ["tasks", "--frobnicate"], ["tasks", "stat:x"], ["tasks", "--profile", "none"], ["run", "a1"]],
    7: [["approve", "waits", "--digest", "0" * 32], ["approve", "completed", "--yes-unseen"]],
}  # fmt: skip
"""Command lines, beside what the platform answers to them, that end with each code."""
ANSWERS = {
    4: (["tasks"], 401, "GET"),
    5: (["tasks"], 503, "GET"),
    6: (["approve", "waits", "--yes-unseen"], 502, "PUT POST PATCH"),
}
"""A command line that ends with each code where the platform answers with a status to requests of these methods."""
SIGNALS = {130: signal.SIGINT, 143: signal.SIGTERM, 129: signal.SIGHUP}


def rows() -> list[str]:
    """Return the rows of the table of exit codes."""
    table = README.partition("| exit code | means |\n|---|---|\n")[2].partition("\n\n")[0]
    return [row.split("|")[1].strip() for row in table.splitlines()]


def test_every_exit_code_of_the_table_is_tested() -> None:
    assert [int(row) for row in rows()] == sorted({*EXAMPLES, *ANSWERS, 130})
    line = next(row for row in README.splitlines() if row.startswith("| 130"))
    assert {int(code) for code in re.findall(r"\d{3}", line)} == set(SIGNALS)


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, lines in EXAMPLES.items() for words in lines])
async def test_a_command_line_ends_with_the_code_of_the_table(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, code: int, words: list[str]
) -> None:
    for status in ("completed", "failed", "stopped", "executing"):
        platform.task(status, status=status)
    platform.task("waits", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})
    said = await shell.on(server, *words)
    assert said.code == code, said


@pytest.mark.parametrize("code", ANSWERS)
async def test_an_error_of_the_platform_ends_with_the_code_of_the_table(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, code: int
) -> None:
    platform.task("waits", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})
    words, status, methods = ANSWERS[code]

    async def answer(request: Request, connection: Connection) -> bool:
        if request.method not in methods:
            return False
        await connection.reply(status, {"detail": "no"})
        return True

    platform.before_reply = answer
    said = await shell.on(server, *words)
    assert said.code == code, said


@pytest.mark.parametrize("code", SIGNALS)
async def test_a_signal_ends_with_the_code_of_the_table(
    platform: Platform, server: Server, tmp_path: Path, code: int
) -> None:
    add_approval_task(platform)
    job = await start_command(server, tmp_path, "watch", "w", "-o", "ndjson")
    assert job.stdout
    async with asyncio.timeout(30):
        assert await job.stdout.readline()
        job.send_signal(SIGNALS[code])
        _, told = await job.communicate()
    # An interrupt is handled; the others kill the process, which a shell reports with the code of the table.
    assert job.returncode == (code if code == 130 else -SIGNALS[code])
    assert b"Traceback" not in told
