"""The real command on a pseudo-terminal, from an empty home to the end of the process."""

from __future__ import annotations

import json
import os
import pty
import random
import shlex
import signal
import subprocess
import sys
import termios
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyte
import pytest

from tests.app.pseudo_terminal import terminal
from tests.conftest import RecordTried

ENDINGS = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l")
"""Back from the alternate screen, the cursor shown, no mouse, no marks round what is pasted."""


@pytest.mark.parametrize("way", ["q", "ctrl+q", "SIGTERM", "SIGHUP"])
def test_the_dashboard_opens_without_settings_and_gives_the_terminal_back(tmp_path: Path, way: str) -> None:
    with terminal(tmp_path) as shell:
        shell.until(b"Needs you")
        shell.until(b"Invoice bot")
        if way.startswith("SIG"):
            shell.process.send_signal(signal.Signals[way])
        else:
            shell.press(b"q" if way == "q" else b"\x11")
        shell.until(b"\x1b[?1049l")
        assert shell.process.wait(10) == {"SIGTERM": 143, "SIGHUP": 129}.get(way, 0)
        assert b"Traceback" not in shell.seen
    assert not _runs(tmp_path)


def test_a_dashboard_that_starts_while_another_ends_has_a_platform(tmp_path: Path) -> None:
    with terminal(tmp_path) as before:
        before.until(b"Invoice bot")
        before.process.terminate()
        with ThreadPoolExecutor() as reader, terminal(tmp_path) as after:
            gone = reader.submit(before.ends)  # read all the while: who is not read cannot go
            after.until(b"Invoice bot")
            assert gone.result() == 128 + signal.SIGTERM
            after.press(b"\r")
            after.until(b"Inspector")
            after.press(b"\x1b")
            after.until(b"Invoice bot")
            after.press(b"q")
            assert after.ends() == 0
    assert not _runs(tmp_path)


def test_a_killed_platform_is_shown_as_offline(tmp_path: Path) -> None:
    with terminal(tmp_path) as shell:
        shell.until(b"Invoice bot")
        shell.press(b"\r")
        shell.until(b"Inspector")
        shell.press(b"\x1b")
        shell.until(b"Invoice bot")
        address = tmp_path / ".local/state/xp-tui/local/address.json"
        os.kill(json.loads(address.read_bytes())["pid"], signal.SIGKILL)
        shell.until(b"offline", 15.0)
        shell.press(b"q")
        assert shell.ends() == 0
        assert b"Traceback" not in shell.seen
        assert all(ending in shell.seen for ending in ENDINGS)


def test_the_command_ends_when_its_terminal_is_closed(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "tui"]  # in a session of its own: nobody sends it a SIGHUP
    with subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environ, start_new_session=True
    ) as process:
        os.close(follower)
        seen = b""
        while b"Needs you" not in seen:
            seen += os.read(leader, 65536)
        os.close(leader)
        try:
            assert process.wait(15) != 0
        finally:
            process.kill()
    assert not _runs(tmp_path)


CRASH = """
import os
import pathlib
import sys

if sys.argv == ["-m"]:  # the dashboard, not the platform that it starts
    from textual.widget import Widget

    draw = Widget.render_lines
    sign = pathlib.Path(__file__).with_name("break")

    class Drawn(Exception):
        def __rich__(self):
            return "Traceback with locals"

    def render_lines(self, crop):
        if not sign.exists():
            return draw(self, crop)
        raise Drawn("drawn by itself") if os.environ.get("XP_DRAWN") else ZeroDivisionError

    Widget.render_lines = render_lines
"""
"""Python runs this when it starts: no widget can be drawn any more once there is a file of that name."""


@pytest.mark.parametrize(("drawn", "name"), [("", b"ZeroDivisionError"), ("1", b"Drawn: drawn by itself")])
def test_a_crash_restores_the_terminal(tmp_path: Path, drawn: str, name: bytes) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    with terminal(tmp_path, PYTHONPATH=str(tmp_path), XP_DRAWN=drawn) as shell:
        shell.until(b"Invoice bot")
        (tmp_path / "break").touch()
        shell.press(b"j")
        assert shell.ends() not in {0, None}
        assert b"xp-tui has failed: " + name in shell.seen
        assert b"Traceback" not in shell.seen
        assert b"locals" not in shell.seen
        (crash,) = (tmp_path / ".local/state/xp-tui/crashes").iterdir()
        assert crash.stat().st_mode & 0o777 == 0o600
        assert name in crash.read_bytes()
        assert all(ending in shell.seen for ending in ENDINGS)
        assert (tmp_path / ".local/state/xp-tui/local/key").read_bytes().strip() not in shell.seen
    assert not _runs(tmp_path)


OPEN_REVIEW = b"later"
"""A word in the footer of every review: which task the cursor is on depends on what has been loaded."""


@pytest.mark.parametrize("odd", [b"\xff", b"\x1b[1114112u", b"\x1b[M \xff\xfe", b"\x1b[48;99999;99999;9;9t"])
def test_undecodable_input_does_not_end_the_dashboard(tmp_path: Path, odd: bytes) -> None:
    with terminal(tmp_path) as shell:
        shell.until(b"Invoice bot")
        shell.press(odd + b"a")
        shell.until(OPEN_REVIEW, patience=10)
        shell.press(b"\x11")
        assert shell.ends() == 0


def test_the_size_comes_from_the_terminal_and_not_from_variables(tmp_path: Path) -> None:
    with terminal(tmp_path, COLUMNS="99999", LINES="99999") as shell:
        shell.until(b"Invoice bot")
        shell.read(0.5)
        assert len(shell.seen) < 200_000
        shell.press(b"q")
        assert shell.ends() == 0


def test_the_screens_open_with_an_unknown_time_zone(tmp_path: Path) -> None:
    with terminal(tmp_path, TZ="XXX-99:99") as shell:
        shell.until(b"Invoice bot")
        shell.press(b"a")
        shell.until(OPEN_REVIEW, patience=10)
        shell.press(b"\x11")
        assert shell.ends() == 0


def test_a_failure_to_read_the_terminal_writes_its_traceback_to_the_crash_file(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "from tui.app.terminal_input import TerminalInput\n"
        "def messages(self, data):\n    secret_value = 'x1y2'\n    raise ZeroDivisionError('reading')\n"
        "TerminalInput.messages = messages\n"
    )
    with terminal(tmp_path, PYTHONPATH=str(tmp_path)) as shell:
        shell.until(b"Invoice bot")
        shell.press(b"j")
        assert shell.ends() == 1
        assert b"xp-tui has failed: ZeroDivisionError: reading" in shell.seen
        (crash,) = (tmp_path / ".local/state/xp-tui/crashes").iterdir()
        assert b"in messages\n" in crash.read_bytes()
        assert b"x1y2'\n" not in crash.read_bytes().replace(b"secret_value = 'x1y2'\n", b"")


ROUNDS = int(os.environ.get("XP_ROUNDS", "6"))


def child_of(pid: int) -> int:
    """Return the child process of a shell."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.long
def test_the_terminal_is_right_after_stop_resize_and_continue(tmp_path: Path, record_tried: RecordTried) -> None:
    """In a shell with jobs: ctrl+z, SIGSTOP, storms of sizes; the shell has its terminal, and the screen is whole."""
    dice, done = random.Random(3), list[str]()
    with terminal(tmp_path, ["bash", "--norc", "--noediting", "-i"], PS1="the-shell ") as shell:

        def is_drawn(rows: int) -> None:
            """From nothing, everything is drawn anew."""
            display = pyte.Screen(120, rows)
            stream = pyte.ByteStream(display)
            end = time.monotonic() + 20.0
            while not (
                "xp-tui" in display.display[0]
                and "Needs you" in "".join(display.display)
                and "help" in display.display[-1]
            ):
                assert time.monotonic() < end, f"{rows} {done[-6:]}" + "\n".join(display.display).strip()[:300]
                shell.read(0.1)
                stream.feed(shell.seen)
                shell.seen = b""

        def cooked() -> bool:
            flags = termios.tcgetattr(shell.leader)[3]
            return bool(flags & termios.ECHO and flags & termios.ISIG)

        shell.until(b"the-shell")
        shell.press(f"{shlex.quote(sys.executable)} -m tui\n".encode())
        is_drawn(40)
        for _ in range(ROUNDS):
            done.append(dice.choice(["ctrl+z", "SIGSTOP", "sizes"]))
            match done[-1]:
                case "ctrl+z":
                    shell.press(b"\x1a")
                    shell.until(b"the-shell")
                    assert [ending for ending in ENDINGS if ending not in shell.seen] == [], shell.seen[-2000:]
                    assert cooked()
                    shell.press(b"fg\n")
                case "SIGSTOP":
                    os.kill(child_of(shell.process.pid), signal.SIGSTOP)
                    shell.until(b"the-shell")
                    shell.press(b"fg\n")
                case _:
                    for _ in range(dice.randrange(5, 40)):
                        rows, columns = dice.choice(
                            [(1, 1), (2, 300), (100, 1), (24, 80), (dice.randrange(1, 99), 150)]
                        )
                        shell.resize(rows, columns)
                        shell.read(dice.choice([0, 0, 0.02]))
                    shell.resize(39, 120)
                    is_drawn(39)
                    shell.resize(40, 120)
            is_drawn(40)
        shell.press(b"q")
        shell.until(b"the-shell")
        assert all(ending in shell.seen for ending in ENDINGS)
        assert b"Traceback" not in shell.seen
        assert cooked()
        shell.press(b"exit\n")
        shell.ends()
    assert not _runs(tmp_path)
    record_tried("stopped, continued, resized down to 1x1: the terminal is right", ROUNDS)


def _runs(home: Path) -> bool:
    """Return whether the local platform still runs a moment later."""
    from tui.local.data_dir import DataDir

    end = time.monotonic() + 10
    while DataDir(home / ".local/state/xp-tui/local").running() is not None:
        if time.monotonic() > end:
            return True
        time.sleep(0.1)
    return False
