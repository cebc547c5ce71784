"""A pseudo-terminal with the real command on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """A pseudo-terminal with a process on it."""

    def __init__(self, leader: int, process: subprocess.Popen[bytes]) -> None:
        self.leader = leader
        self.process = process
        self.seen = b""
        """What was printed since the last key."""

    def until(self, words: bytes, patience: float = 40.0) -> None:
        """Wait until something was printed."""
        end = time.monotonic() + patience
        while words not in self.seen:
            is_over = self.process.poll() is not None and not select.select([self.leader], [], [], 0.2)[0]
            assert time.monotonic() < end, self.seen[-3000:]
            assert not is_over, self.seen[-3000:]
            if select.select([self.leader], [], [], 0.1)[0]:
                try:
                    self.seen += os.read(self.leader, 65536)
                except OSError:
                    break
        assert words in self.seen, self.seen[-3000:]

    def read(self, patience: float) -> None:
        """Read what is printed within this time."""
        end = time.monotonic() + patience
        while select.select([self.leader], [], [], max(end - time.monotonic(), 0.0))[0]:
            self.seen += os.read(self.leader, 65536)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        self.seen = b""
        os.write(self.leader, keys)

    def ends(self) -> int | None:
        """Wait for the end of the process, read what it still prints, and return its exit code."""
        end = time.monotonic() + 15.0
        while self.process.poll() is None or select.select([self.leader], [], [], 0.2)[0]:
            assert time.monotonic() < end, self.seen[-3000:]
            if select.select([self.leader], [], [], 0.1)[0]:
                self.seen += os.read(self.leader, 65536)
        return self.process.returncode


XP_TUI = (sys.executable, "-m", "tui")


@contextmanager
def terminal(home: Path, command: Sequence[str] = XP_TUI, **more: str) -> Iterator[Terminal]:
    """Run `xp-tui` on a pseudo-terminal, in an empty home without a key or settings."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environ = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        **more,
    }
    process = subprocess.Popen(
        command,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environ,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    before = termios.tcgetattr(leader)
    try:
        yield Terminal(leader, process)
        assert termios.tcgetattr(leader)[3] == before[3]  # echo and line mode are as they were
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        os.close(follower)


UNREADABLE_INPUT = [
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\x1b[1114112u",
    b"\x1b[99999999999999u",
    b"\x1b[1;99999999999u",
    b"\x1b[<0;-5;9999999999M",
    b"\x1b[M \xff\xfe",
    b"\x1b[M\xc3\xa9!",
    b"\x1b[M !",
    b"\x1b[48;0;0;0;0t\x1b[<0;5;5M",
    b"\x1b[48;9;9;0;0t\x1b[<0;5;5M",
]
