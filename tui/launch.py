"""Launches the dashboard, with a local platform if neither a key nor an address is set.

Textual is imported in functions, after the local platform was started: both load at the same time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tui.cli.context import Session

if TYPE_CHECKING:
    import subprocess

    from tui.app.app import XpTui
    from tui.local.data_dir import DataDir
    from tui.storage.settings import Settings

SIGNAL_EXIT_CODE = 128
"""A shell's exit code for a process that a signal has ended is this plus the number of the signal."""
LOCAL_POLL_SECONDS = 1.5
PLATFORM_END_SECONDS = 5.0
"""How long to wait for the local platform to end."""


async def run_dashboard(session: Session) -> int:
    """Run the dashboard and return its exit code."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # Textual would prefer them to the real size of the terminal
    import asyncio
    import signal

    from tui.cli.exit_codes import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screens need a terminal; for scripts there are verbs, see xp-tui --help")
    with _local_platform(session) as platform:
        app = _create_app(session)
        if platform is not None:
            app.services.has_platform_ended = lambda: platform.poll() is not None
        for number in (signal.SIGTERM, signal.SIGHUP):  # exit normally, so that Textual restores the terminal
            exit_code = SIGNAL_EXIT_CODE + number
            asyncio.get_running_loop().add_signal_handler(number, app.exit, None, exit_code)
        await app.run_async()
        for action in await app.services.commands.interrupted():
            session.out.note(f"xp-tui: {action.verb} {action.target}: {action.words}")
        return app.return_code or 0


def _create_app(session: Session) -> XpTui:
    """Create the app from the settings."""
    from tui.app.app import XpTui
    from tui.client.endpoints import LOCAL_ORGANIZATION
    from tui.services.list_poller import PollIntervals
    from tui.storage.json_store import Drafts, JsonStore
    from tui.storage.settings import BadSettings

    client = session.client
    settings = session.settings
    intervals = None
    if client.surfaces.organization == LOCAL_ORGANIZATION:  # on this machine, reading more often is no burden
        intervals = PollIntervals(lists=LOCAL_POLL_SECONDS, polled=LOCAL_POLL_SECONDS)
    memory = JsonStore(settings.state / "screens.json")
    if settings.values["time"].source != "default":
        memory["time"] = settings["time"]
    has_unicode = "utf" in sys.stdout.encoding.lower()
    app = XpTui(
        client,
        session.journal,
        Drafts(settings.state / "drafts.json"),
        redactor=session.out.redactor,
        state_folder=settings.state,
        place=session.place,
        hold=settings["hold"],
        intervals=intervals,
        memory=memory,
        initial_filter=_initial_filter(settings),
        leftovers=session.journal.unfinished(client.surfaces.platform_ids),
        keys=_checked_keys(settings["keys"] or {}),
        theme=settings["theme"] or "",
        is_ascii=settings["ascii"] or not has_unicode,
        is_still=settings["reduced_motion"],
    )
    theme = settings["theme"]
    if theme and theme not in app.available_themes:
        raise BadSettings(f"there is no theme {theme!r}; there is: {', '.join(app.available_themes)}")
    return app


def _initial_filter(settings: Settings) -> str:
    """Return the filter that lists the tasks of the agent in the settings; without one, no filter."""
    agent = settings["agent"]
    if not agent:
        return ""
    return f'agent:"{agent}"'


def _checked_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    """Return the checked keys of the operator; checking imports all screens, so it is skipped if there are no keys."""
    if not keys:
        return keys
    from tui.app.keymap import checked_keys

    return checked_keys(keys)


def _start_platform() -> subprocess.Popen[bytes]:
    """Start a local platform that ends when this process ends, in whatever way, and does not inherit its settings."""
    from importlib.util import find_spec
    from subprocess import PIPE, Popen

    from tui.cli.local import MISSING_EXTRA_MESSAGE
    from tui.storage.settings import BadSettings

    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        raise BadSettings(f"no API key is set: set XPANDER_API_KEY; {MISSING_EXTRA_MESSAGE}")
    command = [sys.executable, "-m", "tui", "--local", "local", "--quiet", "--end-with-stdin"]
    return Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)


@contextmanager
def _local_platform(session: Session) -> Iterator[subprocess.Popen[bytes] | None]:
    """Make sure that a local platform runs, if neither a key nor an address is set; yield it if it was started here.

    A platform that this process starts runs on after it for as long as another dashboard uses it.
    """
    from tui.cli.local import data_dir_in
    from tui.storage.settings import BadSettings

    settings = session.settings
    if settings.key is not None or settings["base_url"] is not None or settings["api_url"] is not None:
        yield None
        return
    data_dir = data_dir_in(settings.state)
    with ExitStack() as own_user_lock:
        try:
            own_user_lock.enter_context(data_dir.user_lock())
        except OSError as error:
            raise BadSettings(f"the local platform did not start: {error}") from error
        if data_dir.running() is not None:
            yield None
            return
        with _started_platform(data_dir, own_user_lock) as platform:
            yield platform


@contextmanager
def _started_platform(data_dir: DataDir, own_user_lock: ExitStack) -> Iterator[subprocess.Popen[bytes]]:
    """Start a local platform, and wait for its end unless another dashboard uses it.

    Its own lock as a user is released first, so that only other dashboards count as users.
    """
    import importlib
    from contextlib import suppress
    from subprocess import TimeoutExpired

    from tui.storage.settings import BadSettings

    process = _start_platform()
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        importlib.import_module("tui.app.app")  # while the platform starts
        if not process.stdout.readline():
            raise BadSettings(f"the local platform did not start: {process.stderr.read().decode().strip()}")
        yield process
    finally:
        own_user_lock.close()
        is_used_by_others = data_dir.has_users()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()  # the platform ends once its standard input is closed
        if not is_used_by_others:
            with suppress(TimeoutExpired):
                process.wait(PLATFORM_END_SECONDS)
