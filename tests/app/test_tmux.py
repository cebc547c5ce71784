"""The real command within tmux."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")
PROMPT = "the-shell-of-this-test>"


class Tmux:
    """A separate tmux server with one shell."""

    def __init__(self, socket: str, home: Path) -> None:
        self._socket = socket
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        self._environ = {**environ, "TMUX_TMPDIR": str(home)}
        self("-f", os.devnull, "new-session", "-d", "-x", "80", "-y", "24", "/bin/sh")

    def __call__(self, *words: str) -> str:
        """What a tmux command prints."""
        command = [TMUX or "tmux", "-L", self._socket, *words]
        return subprocess.run(command, env=self._environ, check=True, capture_output=True, text=True, timeout=20).stdout

    @property
    def screen(self) -> str:
        """The text on the screen."""
        return self("capture-pane", "-p")

    @property
    def is_alternate(self) -> bool:
        """Whether a program uses the alternate screen."""
        return self("display-message", "-p", "#{alternate_on}").strip() == "1"

    def press(self, *keys: str) -> None:
        self("send-keys", *keys)

    def type(self, line: str) -> None:
        """Type a line and press Enter."""
        self.press("-l", line)
        self.press("Enter")

    def until(self, holds: Callable[[str], object], patience: float = 40.0) -> str:
        """Wait until the screen satisfies a condition."""
        end = time.monotonic() + patience

        while not holds(screen := self.screen):
            assert time.monotonic() < end, screen
            time.sleep(0.05)

        return screen


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """Start a shell in tmux at 80 by 24; where tmux is missing, CI fails unless it says that it cannot have it."""
    if TMUX is None and os.environ.get("CI") and not os.environ.get("XP_WITHOUT_TMUX"):
        pytest.fail("tmux is not installed: install it, or set XP_WITHOUT_TMUX=1 where that is impossible")
    if TMUX is None:
        pytest.skip("tmux is not installed")
    shell = Tmux(f"xp-{os.getpid()}", tmp_path)
    try:
        yield shell
    finally:
        shell("kill-server")


def footer(screen: str) -> str:
    """Return the last line of the screen, which names the active keys."""
    return screen.rstrip("\n").rpartition("\n")[2]


def test_the_dashboard_works_in_tmux_and_leaves_the_shell_as_it_was(tmux: Tmux) -> None:
    tmux.type(f"PS1='{PROMPT} '")
    before = tmux.until(lambda screen: f"\n{PROMPT}\n" in screen)
    tmux.type(f"{shlex.quote(sys.executable)} -m tui")
    tmux.until(lambda screen: "Needs you" in screen)
    assert tmux.is_alternate
    tmux.press("/")
    tmux.until(lambda screen: " open " not in footer(screen))  # the keys are no longer the list's
    tmux.type("title:invoice status:paused")
    tmux.until(lambda screen: " open " in footer(screen) and "‖ approval" in screen)
    tmux.press("a")
    tmux.until(lambda screen: "bank.transfer" in screen and "asked  " in screen)
    tmux.press("Escape")
    tmux.until(lambda screen: "Needs you" in screen)
    tmux.press("q")
    after = tmux.until(lambda screen: screen.rstrip().endswith(f"\n{PROMPT}"))
    assert not tmux.is_alternate
    assert tmux("display-message", "-p", "#{mouse_any_flag}#{cursor_flag}").strip() == "01"
    assert after.startswith(before.rstrip())
    assert "Needs you" not in after
    tmux.type("echo still a $((40 + 2)) shell")
    tmux.until(lambda screen: "\nstill a 42 shell\n" in screen)
