"""Verbs without a usable state folder: queries work, and actions are refused before they are sent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.wire.platform import KEY, Platform
from tests.wire.server import Server
from tui.local.data_dir import Address, DataDir
from tui.storage.private_files import write_private

ACTING = {
    "run": ("run", "a1", "do it"),
    "continue": ("continue", "t1", "more of it"),
    "stop": ("stop", "t1"),
    "approve": ("approve", "w", "--yes-unseen"),
    "update": ("update", "t1", "--result", "by hand", "--yes"),
}
READING = (("tasks",), ("show", "t1"), ("log", "t1"), ("agents",), ("reload", "t1"), ("watch", "done"))


def a_file(state: Path) -> None:
    state.parent.mkdir(parents=True)
    state.write_text("a file")


def a_link(state: Path) -> None:
    state.parent.mkdir(parents=True)
    (state.parent / "elsewhere").mkdir()
    state.symlink_to(state.parent / "elsewhere")


def with_a_directory_as_journal(state: Path) -> None:
    (state / "journal.jsonl").mkdir(parents=True)


def with_a_pipe_as_journal(state: Path) -> None:
    state.mkdir(parents=True)
    os.mkfifo(state / "journal.jsonl")


FOLDERS = (a_file, a_link)
JOURNALS = (with_a_directory_as_journal, with_a_pipe_as_journal)


@pytest.fixture
def filled(platform: Platform) -> None:
    """Add the tasks that the verbs use."""
    platform.task("t1")
    platform.task("done", status="completed")
    platform.task("w", status="paused", hitl_request={"wait_node_id": "n1", "content": "pay 1,204 EUR"})


@pytest.mark.parametrize("make", [*FOLDERS, *JOURNALS])
@pytest.mark.parametrize("words", ACTING.values(), ids=ACTING)
async def test_no_action_is_sent_if_the_journal_cannot_be_written(
    shell: Shell, server: Server, filled: None, make: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    make(shell.state)
    said = await shell.on(server, *words)
    assert [request for request in server.requests if request.method != "GET"] == []
    assert said.code == 1
    assert said.out.startswith("not sent: the journal cannot be ")
    assert "in its place" in said.out


@pytest.mark.parametrize("make", FOLDERS)
@pytest.mark.parametrize("words", READING, ids=[words[0] for words in READING])
async def test_queries_work_without_a_state_folder_and_warn_once(
    shell: Shell, server: Server, filled: None, make: Callable[[Path], None], words: tuple[str, ...]
) -> None:
    make(shell.state)
    said = await shell.on(server, *words)
    assert said.code == 0
    told = [line for line in said.err.splitlines() if "nothing can be sent from here" in line]
    kind = "a file: move it away" if make is a_file else "a link: remove it"
    sentence = f"{shell.state} is {kind}, a directory is made in its place"
    assert told == [f"xp-tui: {sentence}; nothing can be sent from here"]


@pytest.mark.parametrize("make", JOURNALS)
def test_a_journal_that_is_no_file_is_reported_in_a_sentence(shell: Shell, make: Callable[[Path], None]) -> None:
    make(shell.state)
    kind = "a directory" if make is with_a_directory_as_journal else "a named pipe"
    sentence = f"{shell.state}/journal.jsonl is {kind}: move it away, a file is made in its place"
    assert shell("journal") == (3, "", f"xp-tui: {sentence}\n")
    assert shell("journal", "verify") == (1, f"line 1: {sentence}\n", "")


async def test_the_local_platform_is_found_in_a_read_only_state_folder(
    shell: Shell, server: Server, filled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = DataDir(shell.state / "local")
    write_private(home.path / "key", KEY.encode())
    opened = os.open

    def read_only(path: str | Path, flags: int, *more: int) -> int:
        if Path(path).is_relative_to(shell.state) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(30, "Read-only file system")
        return opened(path, flags, *more)

    with home.server_lock():
        home.announce(Address(server.url, KEY))
        monkeypatch.setattr(os, "open", read_only)
        said = await asyncio.to_thread(shell, "--local", "tasks")
    assert said.code == 0, said.err
    assert f"using the local platform at {server.url}" in said.err


@pytest.mark.parametrize("content", [b"", b" \n", b"$(id)", b"two words", b"\xff\xfe", b"k" * 5000 + b"\n!"])
def test_an_empty_key_file_is_refused_when_starting_and_when_connecting(shell: Shell, content: bytes) -> None:
    home = DataDir(shell.state / "local")
    write_private(home.path / "key", content)
    sentence = f"xp-tui: {home.path}/key holds no key: remove it, and a new one is made at the next start\n"
    assert shell("local", "--port", "0", "--no-history", "--no-arrivals") == (3, "", sentence)
    with home.server_lock():
        home.announce(Address("http://127.0.0.1:1", KEY))
        assert shell("--local", "tasks") == (3, "", sentence)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"url": 5}', b"[" * 100_000, b'"text"', b"\xff"])
def test_an_unreadable_address_file_counts_as_no_platform(shell: Shell, content: bytes) -> None:
    home = DataDir(shell.state / "local")
    write_private(home.path / "key", KEY.encode())
    write_private(home.path / "address.json", content)
    with home.server_lock():
        assert home.running() is None
