"""Odd arguments, an odd environment and an early interrupt end in a sentence and a documented exit code."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.processes import run_command, start_command
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server

SECRET = "sk-live-0123456789abcdefghij"
INTERRUPTED_AFTER = """
import os, signal, sys
from tui.__main__ import command
signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
signal.setitimer(signal.ITIMER_REAL, float(sys.argv.pop(1)))
code = command()
signal.setitimer(signal.ITIMER_REAL, 0)
sys.exit(code)
"""
"""Ctrl+C so many seconds after xp-tui has begun."""


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["config", "show"], ["tasks"]])
@pytest.mark.parametrize("seconds", [0.0005, 0.002, 0.006, 0.012, 0.025, 0.05])
def test_an_early_interrupt_prints_no_traceback(tmp_path: Path, words: list[str], seconds: float) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "XPANDER_API_KEY": KEY,
               "XPANDER_BASE_URL": "http://127.0.0.1:1", "XPANDER_API_URL": "http://127.0.0.1:1"}  # fmt: skip
    command = [sys.executable, "-c", INTERRUPTED_AFTER, str(seconds), *words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode in {0, 130, -signal.SIGINT, 5}, done
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        [f"--api-key={SECRET}"],
        ["--api-key", SECRET, "tasks"],
        ["tasks", f"--apikey={SECRET}"],
        ["tasks", "--api-key-fil", SECRET],
        ["run", "a1", "do it", "--token", SECRET],
        ["tasks", "--frobnicate", f"api_key={SECRET}"],
        ["tasks", f"--bearer={SECRET}"],
        [f"token={SECRET}"],
        [KEY],
        ["tasks", "--user", "u", f"--frobnicate={KEY}"],
    ],
)
def test_a_secret_among_the_arguments_is_not_repeated(shell: Shell, words: list[str]) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    said = shell(*words)
    assert said.code == 3
    assert SECRET not in said.out + said.err
    assert KEY not in said.out + said.err
    assert "\nxp-tui: " in f"\n{said.err}"


def test_a_key_as_an_argument_is_refused_with_advice(shell: Shell) -> None:
    said = shell("--api-key", SECRET, "tasks")
    assert (said.code, said.err) == (
        3,
        "xp-tui: there is no --api-key, and a secret is never an argument, which others on this machine can see: "
        "set XPANDER_API_KEY, or keep the key in a file and give --api-key-file\n",
    )


@pytest.mark.parametrize("words", [["run", "a1", "the --token of the bus"], ["tasks", "--filter", "-token:x"]])
def test_arguments_that_only_mention_secrets_are_accepted(shell: Shell, words: list[str]) -> None:
    assert "never an argument" not in shell(*words).err


@pytest.mark.parametrize("words", [["\x1b]0;owned\x07"], ["tasks", "--\x1b[31mred"], ["local", "--port", "\x1b[31m"],
                                   ["local", "--port", "9" * 5_000], ["x" * 100_000]])  # fmt: skip
def test_error_messages_repeat_arguments_sanitized_and_short(shell: Shell, words: list[str]) -> None:
    said = shell(*words)
    assert said.code == 3
    assert len(said.err) < 4_000
    assert all(character == "\n" or character.isprintable() for character in said.err)


@pytest.mark.parametrize("columns", ["99999", "9" * 5_000, "0", "-1", "x", "\u0661"])
def test_help_is_readable_with_any_value_of_columns(shell: Shell, columns: str) -> None:
    shell.export(COLUMNS=columns)
    said = shell("--help")
    assert said.code == 0
    assert max(map(len, said.out.splitlines())) < 200


@pytest.mark.parametrize("zone", ["XXX-99:99", "XXX-23:59:59XXY-30", "XXX-24"])
@pytest.mark.parametrize("words", [["tasks"], ["show", "w"], ["log", "w"], ["tasks", "--time", "local"], ["journal"]])
async def test_an_unknown_time_zone_is_reported_and_times_are_in_utc(
    platform: Platform, server: Server, tmp_path: Path, zone: str, words: list[str]
) -> None:
    platform.task("w")
    platform.entry("w", type="think", thought="hm")
    code, _, told = await run_command(server, tmp_path, *words, environ={"TZ": zone})
    assert (code, "xp-tui: TZ is no time zone: times are in UTC\n" in told) == (0, True), told
    assert "has failed" not in told


@pytest.mark.parametrize("words", [["--version"], ["--version", "--local"], ["--help"], ["tasks", "--help"]])
@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        ({"stdout": "/dev/full"}, 1, "standard output takes nothing"),
        ({"preexec_fn": lambda: os.close(1)}, 1, "standard output takes nothing"),
        ({"stderr": "/dev/full"}, 0, ""),
        ({"preexec_fn": lambda: os.close(2)}, 0, ""),
        ({"preexec_fn": lambda: os.close(0)}, 0, ""),
    ],
)
def test_output_that_cannot_be_written_is_a_failure(
    tmp_path: Path, words: list[str], more: dict[str, Any], code: int, told: str
) -> None:
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    for name in ("stdout", "stderr"):
        if isinstance(streams[name], str):
            streams[name] = open(streams[name], "wb")  # noqa: SIM115, PTH123 - closed below
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-m", "tui", *words], env=environ, timeout=30, check=False, **streams)
    for stream in streams.values():
        if hasattr(stream, "close"):
            stream.close()
    assert done.returncode == code
    assert told.encode() in (done.stderr or b"")
    assert b"Traceback" not in (done.stderr or b"")
    assert b"Exception ignored" not in (done.stderr or b"")


@pytest.mark.parametrize("flag", ["--mcp", "--from", "--payload-extension", "--user-tokens", "--oidc-token-file"])
def test_an_endless_file_is_not_read_to_its_end(shell: Shell, flag: str) -> None:
    shell.export(XPANDER_API_KEY=KEY)
    said = shell("run", "a1", "do it", flag, "/dev/zero")
    assert (said.code, said.err) == (3, "xp-tui: /dev/zero is larger than 16 MiB: nothing was sent\n")


@pytest.mark.parametrize("words", [["run", "a1", "-"], ["run", "--from", "-"], ["continue", "w", "-"]])
async def test_one_interrupt_ends_waiting_for_standard_input(
    platform: Platform, server: Server, tmp_path: Path, words: list[str]
) -> None:
    platform.task("w", status="completed")
    job = await start_command(server, tmp_path, *words, stdin=asyncio.subprocess.PIPE)
    assert job.stdin
    job.stdin.write(b"some of it")
    await job.stdin.drain()
    status = Path(f"/proc/{job.pid}/wchan")
    async with asyncio.timeout(20):
        while "pipe" not in status.read_text():  # it waits for more
            await asyncio.sleep(0.01)
        job.send_signal(signal.SIGINT)
        _, told = await job.communicate()
    assert job.returncode == 130
    assert b"Traceback" not in told
    assert platform.decisions == []
