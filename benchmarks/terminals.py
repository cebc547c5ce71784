"""A program on a terminal of 120×40: when it prints what, what it costs, and how many bytes a frame has."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.serving import ROOT

XP_TUI = str(ROOT / ".venv/bin/xp-tui")
ASKED = b"\x1b[?2026$p"
ANSWER = b"\x1b[?2026;2$y"
"""That the terminal knows frames, so that it is told where each begins and ends."""
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
SETTLE = 0.5


class Terminal:
    """A terminal that is read the moment something is printed."""

    def __init__(self, leader: int, process: subprocess.Popen[bytes]) -> None:
        self.leader = leader
        self.process = process
        self.begun = time.perf_counter()
        self.seen = bytearray()
        """What was printed since it was last cleared."""

    def read(self, seconds: float) -> bool:
        """Read once, waiting at most so long; whether there was anything."""
        if not select.select([self.leader], [], [], max(seconds, 0.0))[0]:
            return False
        with suppress(OSError):
            got = os.read(self.leader, 1 << 16)
            self.seen += got
            if ASKED in got:
                os.write(self.leader, ANSWER)
            return bool(got)
        return False

    def rest(self, seconds: float) -> None:
        """Read on for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def until(self, holds: Callable[[bytearray], object] | bytes, patience: float = 30.0) -> float:
        """Read until something was printed, or holds of it; the answer is how long that took."""
        begun = time.perf_counter()
        found = holds if callable(holds) else (lambda seen: holds in seen)
        while not found(self.seen):
            if time.perf_counter() - begun > patience or self.process.poll() is not None:
                raise TimeoutError(f"never printed: {bytes(self.seen[-300:])!r}")
            self.read(0.5)
        return time.perf_counter() - begun

    def press(self, keys: bytes) -> None:
        """Press keys."""
        self.seen.clear()
        os.write(self.leader, keys)

    def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        fcntl.ioctl(self.leader, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def cpu(self) -> float:
        """CPU seconds of the program so far, of all its threads."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    @property
    def frames(self) -> list[int]:
        """The bytes of each frame in what was printed."""
        return [len(one.partition(END)[0]) for one in bytes(self.seen).split(BEGIN)[1:]]


@contextmanager
def terminal(
    command: Sequence[str], environ: Mapping[str, str] | None = None, home: Path | None = None
) -> Iterator[Terminal]:
    """Run a command on a terminal, in a home of its own."""
    with tempfile.TemporaryDirectory() as place:
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        env = {
            "HOME": str(home or place),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            **(environ or {}),
        }
        process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=env,
            cwd=place,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(follower)
        one = Terminal(leader, process)
        try:
            yield one
        finally:
            process.send_signal(signal.SIGTERM)
            end = time.perf_counter() + 5.0
            while process.poll() is None and time.perf_counter() < end:
                one.read(0.05)
            process.kill()
            process.wait()
            os.close(leader)


_ESCAPE = re.compile(
    rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1bP[^\x1b]*\x1b\\|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_=>78()][0B]?"
)


def words_of(seen: bytes | bytearray) -> bytes:
    """What a reader sees of what was printed: no titles, no colours, no moves."""
    return _ESCAPE.sub(b"", bytes(seen))
