"""Standard streams that are full, closed or not UTF-8: exit codes hold, and the problem is reported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.processes import add_approval_task, run_command
from tests.wire.platform import Platform
from tests.wire.server import Server

LONE_SURROGATE = os.fsdecode(b"pay \xff EUR")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["approve", "w", "--yes-unseen"], 0),
        (["approve", "w", "--digest", "0123456789abcdef"], 7),
        (["stop", "w"], 0),
        (["stop", "none"], 1),
        (["run", "a1", "do it"], 0),
        (["run", "nobody", "do it"], 1),
        (["run", "a1"], 3),
        (["update", "w", "--status", "failed"], 2),
        (["tasks"], 0),
        (["tasks", "stat:x"], 3),
        (["show", "none"], 1),
        (["log", "w"], 0),
        (["agents"], 0),
        (["journal"], 0),
        (["config", "show"], 0),
        (["watch", "none"], 1),
        (["frobnicate"], 3),
        (["--profile", "none", "tasks"], 3),
        (["--help"], 0),
    ],
)
async def test_exit_codes_hold_when_standard_error_is_full(
    platform: Platform, server: Server, tmp_path: Path, words: list[str], code: int
) -> None:
    add_approval_task(platform)
    with Path("/dev/full").open("wb") as full:
        assert (await run_command(server, tmp_path, *words, stderr=full))[0] == code


@pytest.mark.parametrize(
    ("words", "code"),
    [(["config", "show"], 1), (["config", "schema"], 1), (["tasks"], 1), (["--help"], 1), (["show", "none"], 1),
     (["tasks", "stat:x"], 3), (["agents"], 1), (["watch", "w", "--timeout", "0.2s"], 1), (["show", "w"], 1)],
)  # fmt: skip
async def test_a_full_standard_output_is_reported_in_a_sentence(
    platform: Platform, server: Server, tmp_path: Path, words: list[str], code: int
) -> None:
    add_approval_task(platform)
    with Path("/dev/full").open("wb") as full:
        found, _, told = await run_command(server, tmp_path, *words, stdout=full)
    assert (found, told.startswith("xp-tui: ") or "\nxp-tui: " in told) == (code, True), told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


async def test_exit_codes_hold_when_both_output_streams_are_full(
    platform: Platform, server: Server, tmp_path: Path
) -> None:
    add_approval_task(platform)
    with Path("/dev/full").open("wb") as full:
        assert (await run_command(server, tmp_path, "approve", "w", "--yes-unseen", stdout=full, stderr=full))[0] == 0
        assert (await run_command(server, tmp_path, "approve", "w", "--yes-unseen", stdout=full, stderr=full))[0] == 7
        assert (await run_command(server, tmp_path, "show", "none", stdout=full, stderr=full))[0] == 1
        assert (await run_command(server, tmp_path, "tasks", stdout=full, stderr=full))[0] == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "a1", "-"], 3),
        (["continue", "w", "-"], 3),
        (["run", "a1", "x", "--from", "-"], 3),
        (["run", "a1", "x", "--output-schema", "-"], 3),
        (["run", "a1", "x"], 0),
        (["stop", "w"], 0),
        (["tasks"], 0),
        (["watch", "none"], 1),
        ([], 3),
    ],
)
async def test_a_closed_standard_input_is_an_empty_one(
    platform: Platform, server: Server, tmp_path: Path, words: list[str], code: int
) -> None:
    add_approval_task(platform)
    found, _, told = await run_command(server, tmp_path, *words, stdin=None, preexec_fn=lambda: os.close(0))
    assert (found, "has failed" in told, "Traceback" in told) == (code, False, False), told
    assert told.startswith("xp-tui: ") or code == 0
    assert (tmp_path / ".local/state/xp-tui/journal.jsonl").exists() == (words[:1] in (["run"], ["stop"]) and not code)


async def test_unreadable_standard_input_is_reported(platform: Platform, server: Server, tmp_path: Path) -> None:
    with (tmp_path / "written").open("wb") as unreadable:
        code, _, told = await run_command(server, tmp_path, "run", "a1", "-", stdin=unreadable)
    assert (code, told.startswith("xp-tui: standard input cannot be read: ")) == (3, True), told


@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "POSIX"])
@pytest.mark.parametrize("words", [["-"], ["x", "--from", "-"], ["x", "--oidc-token-file", "-"]])
async def test_standard_input_that_is_no_utf_8_is_refused(
    server: Server, tmp_path: Path, words: list[str], locale: str
) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(b'{"title": "pay \xff EUR"}')
    with path.open("rb") as stdin:
        code, _, told = await run_command(
            server, tmp_path, "run", "a1", *words, stdin=stdin, environ={"LC_ALL": locale}
        )
    assert (code, "UTF-8" in told, "has failed" in told) == (3, True, False), told
    assert server.requests == []
    assert not (tmp_path / ".local/state/xp-tui/journal.jsonl").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["approve", "w", "--yes-unseen", "--comment", LONE_SURROGATE],
        ["reject", "w", "--digest", LONE_SURROGATE],
        ["approve", LONE_SURROGATE, "--yes-unseen"],
        ["stop", LONE_SURROGATE],
        ["run", "a1", LONE_SURROGATE],
        ["run", LONE_SURROGATE, "do it"],
        ["run", "a1", "do it", "--title", LONE_SURROGATE],
        ["run", "a1", "do it", "--from", "HOME/escaped.json"],
        ["run", "a1", "do it", "--agent-version", LONE_SURROGATE],
        ["continue", "w", LONE_SURROGATE],
        ["update", "w", "--result", LONE_SURROGATE, "--yes"],
        ["show", LONE_SURROGATE],
        ["watch", LONE_SURROGATE],
        ["log", LONE_SURROGATE],
    ],
)
async def test_arguments_that_are_no_utf_8_are_refused(
    shell: Shell, platform: Platform, server: Server, words: list[str]
) -> None:
    add_approval_task(platform)
    (shell.home / "escaped.json").write_text('{"title": "\\udcff"}')
    said = await shell.on(server, *[word.replace("HOME", str(shell.home)) for word in words])
    assert (said.code, "UTF-8" in said.err) == (3, True), said
    assert [request for request in server.requests if request.method != "GET"] == []
    assert list(shell.journal.lines()) == []
