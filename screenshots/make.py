"""Makes the pictures of the README from the real command on a platform that is the same every time.

python screenshots/make.py
"""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

HERE = Path(__file__).parent
COLUMNS = 132


def on_a_terminal(command: list[str], environ: dict[str, str]) -> str:
    """What a command prints on a terminal."""
    leader, follower = pty.openpty()
    os.set_blocking(leader, True)
    told = {**environ, "COLUMNS": str(COLUMNS), "LINES": "40", "TERM": "xterm-256color"}
    with subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, env=told) as process:
        os.close(follower)
        printed = bytearray()
        try:
            while piece := os.read(leader, 65536):
                printed += piece
        except OSError:  # the terminal is closed when the command has ended
            pass
        process.wait()
    os.close(leader)
    return printed.decode().replace("\r\n", "\n")


def picture(name: str, title: str, text: str) -> None:
    """Write what was printed as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(text), soft_wrap=True)
    (HERE / f"{name}.svg").write_text(console.export_svg(title=title))


def main() -> None:
    """Serve a platform, and make every picture of it."""
    program = [sys.executable, "-m", "tui"]
    with tempfile.TemporaryDirectory() as data:
        serve = [*program, "local", "--data", data, "--port", "0", "--seed", "9", "--no-arrivals"]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout
            lines = [server.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
            environ = {**os.environ, **dict(line.split("=", 1) for line in lines), "HOME": data}
            try:
                picture("tasks", "xp-tui tasks 'age:<3h'", on_a_terminal([*program, "tasks", "age:<3h"], environ))
                search = [*program, "tasks", "agent:invoice-bot", "--status", "paused", "-o", "ndjson"]
                found = subprocess.run(search, env=environ, check=True, capture_output=True, text=True).stdout
                waiting = json.loads(found.splitlines()[0])["id"]
                picture("show", f"xp-tui show {waiting}", on_a_terminal([*program, "show", waiting], environ))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
