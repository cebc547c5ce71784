"""Makes the pictures of the README: the real screens, on a platform that begins the same every time.

python screenshots/make.py
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from tui.app.app import XpTui
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.secret import Secret
from tui.client.session import PlatformSession
from tui.security.redact import Redactor
from tui.services.audit_log import Journal
from tui.services.list_poller import PollIntervals
from tui.storage.json_store import JsonStore

HERE = Path(__file__).parent
SIZE = (120, 34)


def shows(app: XpTui, words: str) -> Callable[[], bool]:
    """Whether something is on the screen."""
    return lambda: words in "".join(strip.text for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[None], holds: Callable[[], bool]) -> None:
    """Wait until something is on the screen."""
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.05)
    await pilot.pause(0.3)


async def pictures(url: str, key: str, data: Path) -> None:
    """Walk through the screens, and take a picture of each."""
    client = Client(Surfaces(url, url, "local"), PlatformSession(Secret(key), frozenset))
    app = XpTui(
        client,
        Journal(data / "journal"),
        JsonStore(data / "drafts"),
        redactor=Redactor([key]),
        state_folder=data,
        place="local",
        intervals=PollIntervals(0.5),
    )
    async with client, app.run_test(size=SIZE) as pilot:

        def take(name: str) -> None:
            (HERE / f"{name}.svg").write_text(app.export_screenshot(title="xp-tui"))

        await until(pilot, shows(app, "bank.transfer"))
        take("tasks")
        await pilot.press("a")
        await until(pilot, shows(app, "asked  "))
        await pilot.pause(1.0)
        take("review")
        await pilot.press("escape", "slash", *"title:brief -status:completed", "enter", "enter")
        await until(pilot, shows(app, "SUB"))
        await pilot.press("z", "R")
        await until(pilot, shows(app, "web.search"))
        await pilot.press("2")
        take("task")
        await pilot.press("1", "v")
        await pilot.pause(3.0)
        take("timeline")
        await pilot.press("escape", "escape", "home", "space", "v", "X")
        await until(pilot, shows(app, "Keep running"))
        take("stop")
        await pilot.press("escape", "escape", "c")
        await until(pilot, shows(app, "F2 sends"))
        await pilot.press(*"Wait for the order before you pay.")
        take("compose")
        await pilot.press("escape", "at")
        await until(pilot, shows(app, "type to narrow"))
        take("agents")
        await pilot.press("escape", "ctrl+p", *"re")
        await until(pilot, shows(app, ":review"))
        take("palette")


def main() -> None:
    """Serve a platform, and make every picture of it."""
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "tui", "local", "--data", data, "--port", "0", "--seed", "9"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            assert server.stdout
            lines = [server.stdout.readline().removeprefix("export ").strip() for _ in range(4)]
            environ = dict(line.split("=", 1) for line in lines)
            try:
                asyncio.run(pictures(environ["XPANDER_BASE_URL"], environ["XPANDER_API_KEY"], Path(data)))
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
