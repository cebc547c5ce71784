"""Command lines that run within the test process, with real verbs, exit codes and HTTP."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import FastClock
from tests.wire.platform import KEY
from tests.wire.server import Server
from tui.cli.context import Session
from tui.cli.main import run
from tui.client.retry import SystemClock
from tui.launch import run_dashboard
from tui.services.audit_log import Journal


class CommandResult(NamedTuple):
    """The result of a command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The printed JSON document."""
        return json.loads(self.out)

    @property
    def rows(self) -> list[Any]:
        """The printed JSON documents, one on each line."""
        return [json.loads(line) for line in self.out.splitlines()]


async def refuse_screens(session: Session) -> int:
    """Fail: these tests open no screens."""
    raise AssertionError("the screens are not wanted here")


@dataclass
class Shell:
    """A shell with a home folder and an environment, which captures the output of commands."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch

    @property
    def state(self) -> Path:
        """The state folder of xp-tui."""
        return self.home / ".local/state/xp-tui"

    @property
    def journal(self) -> Journal:
        """The journal of this shell's xp-tui."""
        return Journal(self.state / "journal.jsonl")

    def export(self, **environ: str) -> None:
        """Set environment variables."""
        for name, value in environ.items():
            self.patch.setenv(name, value)

    def configure(self, text: str) -> Path:
        """Write the settings file."""
        path = self.home / ".config/xp-tui/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def __call__(self, *words: str, stdin: str = "") -> CommandResult:
        """Carry out a command line."""
        self.patch.setattr("sys.stdin", io.StringIO(stdin))
        code = run(words, refuse_screens)
        told = self.capsys.readouterr()
        assert "Traceback" not in told.err
        assert "has failed" not in told.err
        assert KEY not in told.out + told.err
        assert "\x1b" not in told.out + told.err
        return CommandResult(code, told.out, told.err)

    async def on(self, server: Server, *words: str, stdin: str = "") -> CommandResult:
        """Run a command line with the environment set to a served platform."""
        self.export(XPANDER_API_KEY=KEY, XPANDER_BASE_URL=server.url, XPANDER_API_URL=server.url)
        return await asyncio.to_thread(self, *words, stdin=stdin)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell with an empty home and no settings."""
    for name in os.environ:
        if name.startswith(("XPANDER_", "XP_TUI_", "XDG_", "SSL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name in ("TMUX", "SSH_CONNECTION", "NO_COLOR", "DISPLAY", "WAYLAND_DISPLAY", "IS_STG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    before = os.umask(0o022)
    yield Shell(tmp_path, capsys, monkeypatch)
    os.umask(before)


@pytest.fixture
def fast_clock(monkeypatch: pytest.MonkeyPatch) -> FastClock:
    """Make the system clock run 200 times as fast."""
    clock = FastClock()
    monkeypatch.setattr(SystemClock, "time", lambda _: clock.time())
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: clock.monotonic())
    monkeypatch.setattr(SystemClock, "sleep", lambda _, seconds: clock.sleep(seconds))
    return clock


def said_instead_of_screens(shell: Shell, *words: str) -> str:
    """Run a command line on a terminal, and return the error that is printed instead of opening the screens."""
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as screen, os.fdopen(os.dup(follower)) as keys:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", screen)
            patch.setattr(sys, "stdin", keys)
            assert run(words, run_dashboard) == 3
    return shell.capsys.readouterr().err
