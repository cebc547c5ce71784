"""The verbs that act, as processes: the outcome is reported whatever happens to the terminal or the process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.processes import add_approval_task, start_command
from tests.conftest import FastClock
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server


def journaled(home: Path) -> list[dict[str, Any]]:
    """Return the lines of the journal."""
    path = home / ".local/state/xp-tui/journal.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("form", ["table", "json"])
async def test_the_outcome_is_reported_when_standard_output_is_full(
    platform: Platform, server: Server, tmp_path: Path, form: str
) -> None:
    add_approval_task(platform)
    with Path("/dev/full").open("wb") as full:
        job = await start_command(server, tmp_path, "approve", "w", "--yes-unseen", "-o", form, stdout=full)
        _, told = await job.communicate()
    assert job.returncode == 0, told
    assert b"approve w: approved, on record as Local Operator (standard output takes nothing" in told
    assert b"Traceback" not in told
    assert platform.tasks["w"]["hitl_request"]["approved_by"] == "Local Operator"
    assert journaled(tmp_path)[-1]["outcome"] == "confirmed"


async def test_the_outcome_is_reported_when_standard_output_is_closed(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    add_approval_task(platform)
    job = await start_command(
        server, tmp_path, "approve", "w", "--yes-unseen", stdout=None, preexec_fn=lambda: os.close(1)
    )
    _, told = await job.communicate()
    assert (job.returncode, b"approved, on record as Local Operator" in told) == (0, True), told
    assert b"Traceback" not in told


async def test_the_exit_code_holds_with_a_closed_pipe_and_closed_standard_error(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    add_approval_task(platform)
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as broken:
        job = await start_command(
            server, tmp_path, "reject", "w", "--yes-unseen", stdout=broken, stderr=None, preexec_fn=lambda: os.close(2)
        )
        await job.wait()
    assert job.returncode == 0
    assert platform.tasks["w"]["hitl_request"]["rejected_by"] == "Local Operator"


def slow_answer(platform: Platform, sent: asyncio.Event, *, is_done: bool) -> None:
    """Let the platform carry out actions, or not, without ever answering."""

    async def answer(request: Request, connection: Connection) -> bool:
        if request.method == "GET":
            return False
        if is_done:
            platform.local.decisions.decide("w", True, None)
        sent.set()
        await connection.gone()
        return True

    platform.before_reply = answer


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
async def test_an_interrupt_after_the_sending_reports_that_it_was_sent(
    platform: Platform, server: Server, tmp_path: Path, number: int, code: int
) -> None:
    add_approval_task(platform)
    sent = asyncio.Event()
    slow_answer(platform, sent, is_done=False)
    job = await start_command(server, tmp_path, "approve", "w", "--yes-unseen")
    async with asyncio.timeout(20):
        await sent.wait()
        job.send_signal(number)
        out, told = await job.communicate()
    assert (job.returncode, out) == (code, b"")
    words = b"approve w: interrupted after it was sent: whether it was done, only the task tells"
    assert words in told
    assert b"Traceback" not in told
    assert [line["kind"] for line in journaled(tmp_path)] == ["sent", "done"]
    assert journaled(tmp_path)[-1]["outcome"] == "unknown"

    platform.before_reply = None
    job = await start_command(server, tmp_path, "approve", "w", "--yes-unseen")
    out, _ = await job.communicate()
    assert job.returncode == 7
    assert out.startswith(b"approve was sent before at ")
    assert platform.decisions == []
    job = await start_command(server, tmp_path, "approve", "w", "--yes-unseen", "--anyway")
    out, told = await job.communicate()
    assert (job.returncode, b"it is sent again" in told) == (0, True), (out, told)
    assert len(platform.decisions) == 1


@pytest.mark.parametrize(
    ("first", "second", "codes"),
    [
        (signal.SIGINT, signal.SIGINT, {130}),
        (signal.SIGTERM, signal.SIGTERM, {143}),
        (signal.SIGTERM, signal.SIGINT, {130, 143}),  # two that arrive together have no order
        (signal.SIGINT, signal.SIGTERM, {130, 143}),
    ],
)
async def test_two_signals_a_millisecond_apart_lose_no_known_outcome(
    platform: Platform, server: Server, tmp_path: Path, first: int, second: int, codes: set[int]
) -> None:
    sent = asyncio.Event()
    slow_answer(platform, sent, is_done=False)
    for turn in range(8):
        platform.task(f"w{turn}", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 5 EUR"})
        home = tmp_path / str(turn)
        home.mkdir()
        sent.clear()
        job = await start_command(server, home, "approve", f"w{turn}", "--yes-unseen")
        async with asyncio.timeout(20):
            await sent.wait()
            for number in (first, second, second):
                if job.returncode is None:
                    job.send_signal(number)
                await asyncio.sleep(0.001)
            _, told = await job.communicate()
        assert job.returncode in codes, (turn, told)
        assert b"interrupted after it was sent" in told
        assert b"Traceback" not in told
        assert [line["kind"] for line in journaled(home)] == ["sent", "done"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
async def test_a_signal_that_was_ignored_from_the_start_stays_ignored(
    platform: Platform, server: Server, tmp_path: Path, number: int
) -> None:
    add_approval_task(platform)
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def answer(request: Request, connection: Connection) -> bool:
        if request.method != "GET":
            sent.set()
            await go_on.wait()
        return False

    platform.before_reply = answer
    job = await start_command(
        server, tmp_path, "approve", "w", "--yes-unseen", preexec_fn=lambda: signal.signal(number, signal.SIG_IGN)
    )
    async with asyncio.timeout(20):
        await sent.wait()
        job.send_signal(number)
        go_on.set()
        _, told = await job.communicate()
    assert (job.returncode, journaled(tmp_path)[-1]["outcome"]) == (0, "confirmed"), told


async def test_an_action_whose_process_was_killed_while_sending_is_not_sent_again(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    add_approval_task(platform)
    sent = asyncio.Event()
    slow_answer(platform, sent, is_done=False)
    job = await start_command(server, tmp_path, "approve", "w", "--yes-unseen")
    async with asyncio.timeout(20):
        await sent.wait()
        job.kill()
        await job.communicate()
    platform.before_reply = None
    job = await start_command(server, tmp_path, "reject", "w", "--yes-unseen")
    out, _ = await job.communicate()
    assert (job.returncode, b"approve was sent before at " in out) == (7, True)
    assert platform.decisions == []


async def test_a_digest_of_a_masked_request_decides_nothing(shell: Shell, platform: Platform, server: Server) -> None:
    add_approval_task(platform, {"password": "and 1,000,000 USD to EVIL", "amount": 5})
    digest = (await shell.on(server, "show", "w", "-o", "json")).json["digest"]
    said = await shell.on(server, "approve", "w", "--digest", digest)
    assert (said.code, said.err, platform.decisions) == (2, "", [])
    assert said.out.startswith("nothing was sent: parts of what waits are masked")
    said = await shell.on(server, "approve", "w", "--yes-unseen")
    assert said.code == 0, said


LIES: list[tuple[str, Callable[[Platform], Any]]] = [
    ("{}", lambda platform: {}),
    ("detail", lambda platform: {"detail": "quota exceeded"}),
    ("null", lambda platform: None),
    ("list", lambda platform: []),
    ("another task", lambda platform: {**platform.tasks["w"], "id": "x", "status": "executing"}),
]


@pytest.mark.parametrize(("name", "lie"), LIES)
async def test_after_the_sending_only_the_record_of_the_task_counts(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock, name: str, lie: Callable[[Platform], Any]
) -> None:
    add_approval_task(platform)
    is_sent = False

    async def answer(request: Request, connection: Connection) -> bool:
        nonlocal is_sent
        if request.method != "GET":
            is_sent = True
            await connection.reply(200, {})
            return True
        if is_sent:
            await connection.reply(200, lie(platform))
        return is_sent

    platform.before_reply = answer
    said = await shell.on(server, "approve", "w", "--yes-unseen")
    assert said.code == 6, said
    assert said.out.startswith("sent, and the task could not be read since: ")
    assert [line.get("outcome") for line in shell.journal.lines()] == [None, "unknown"]


async def test_a_task_counts_as_started_only_if_the_platform_confirms_it(
    shell: Shell, platform: Platform, server: Server, fast_clock: FastClock
) -> None:
    async def answer(request: Request, connection: Connection) -> bool:
        if request.method == "GET":
            return False
        await connection.reply(200, {"detail": "quota exceeded"})
        return True

    platform.before_reply = answer
    said = await shell.on(server, "run", "a1", "do it")
    assert said.code == 6
    assert "quota exceeded" in said.out
    assert "Look before sending it again: xp-tui tasks 'agent:a1 age:<1h'" in said.out
    said = await shell.on(server, "run", "a1", "do it")
    assert (said.code, "run was sent before at " in said.out) == (7, True)
    assert len([request for request in server.requests if request.method == "POST"]) == 1
