"""The front end of whoever gives no verb: the screens, on the platform that is set or on one of this machine's own."""

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
    from tui.storage.settings import Settings

PLATFORM_END_SECONDS = 5.0
"""Seconds that a platform gets to end."""


async def run_dashboard(session: Session) -> int:
    """The dashboard, on the platform that is set, or on one of this machine's own."""
    for name in ("COLUMNS", "LINES"):
        os.environ.pop(name, None)  # Textual would believe them before the terminal, also once that has another size
    import asyncio
    import signal

    from tui.cli.exit_codes import UsageError

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the screens need a terminal; for scripts there are verbs, see xp-tui --help")
    with _own_platform(session):
        app = _dashboard(session)
        for number in (signal.SIGTERM, signal.SIGHUP):  # the terminal is put back before we go
            asyncio.get_running_loop().add_signal_handler(number, app.exit, None, 128 + number)
        await app.run_async()
        for action in await app.services.commands.interrupted():
            session.out.note(f"xp-tui: {action.verb} {action.target}: {action.words}")
        return app.return_code or 0


def _dashboard(session: Session) -> XpTui:
    """Make the dashboard as the settings want it."""
    from tui.app.app import XpTui
    from tui.services.list_poller import PollIntervals
    from tui.storage.json_store import Drafts, JsonStore
    from tui.storage.settings import BadSettings

    client, settings = session.client, session.settings
    is_local = client.surfaces.organization == "local"
    memory = JsonStore(settings.state / "screens.json")
    if settings.values["time"].source != "default":
        memory["time"] = settings["time"]
    app = XpTui(
        client,
        session.journal,
        Drafts(settings.state / "drafts.json"),
        redactor=session.out.redactor,
        state_folder=settings.state,
        place=platform_name(settings),
        hold=settings["hold"],
        intervals=PollIntervals(lists=1.5, polled=1.5) if is_local else None,
        memory=memory,
        initial_filter=f'agent:"{agent}"' if (agent := settings["agent"]) else "",
        leftovers=session.journal.unfinished(client.surfaces.platform_ids),
        keys=_keys(settings["keys"] or {}),
        theme=settings["theme"] or "",
        is_ascii=settings["ascii"] or "utf" not in sys.stdout.encoding.lower(),
        is_still=settings["reduced_motion"],
    )
    if (theme := settings["theme"]) and theme not in app.available_themes:
        raise BadSettings(f"there is no theme {theme!r}; there is: {', '.join(app.available_themes)}")
    return app


def platform_name(settings: Settings) -> str:
    """The name of the platform: the profile, or whether it is the local platform of this machine."""
    return settings.profile or ("local platform" if settings.key is None else "cloud")


def _keys(told: Mapping[str, str]) -> Mapping[str, str]:
    """The operator's own keys; only to check them, every screen has to be there."""
    if not told:
        return told
    from tui.app.keymap import checked_keys

    return checked_keys(told)


def _start_platform() -> subprocess.Popen[bytes]:
    """Start a local platform that ends with this process, however it ends, and has none of its settings."""
    from importlib.util import find_spec
    from subprocess import PIPE, Popen

    from tui.cli.local import MISSING_EXTRA_MESSAGE
    from tui.storage.settings import BadSettings

    if find_spec("uvicorn") is None or find_spec("fastapi") is None:
        raise BadSettings(f"no API key is set: set XPANDER_API_KEY; {MISSING_EXTRA_MESSAGE}")
    command = [sys.executable, "-m", "tui", "--local", "local", "--quiet", "--leash"]
    return Popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)


@contextmanager
def _own_platform(session: Session) -> Iterator[None]:
    """Without a key and an address, a local platform runs for as long as any screens need it, ours or others'."""
    import importlib
    from contextlib import suppress
    from subprocess import TimeoutExpired

    from tui.cli.local import data_dir_in
    from tui.storage.settings import BadSettings

    settings = session.settings
    if settings.key is not None or settings["base_url"] is not None or settings["api_url"] is not None:
        yield
        return
    home = data_dir_in(settings.state)
    with ExitStack() as stack:
        try:
            stack.enter_context(home.used())
        except OSError as error:
            raise BadSettings(f"the local platform did not start: {error}") from error
        if home.running() is not None:
            yield
            return
        local = _start_platform()
        assert local.stdin
        assert local.stdout
        assert local.stderr
        try:
            importlib.import_module("tui.app.app")  # while the platform starts
            if not local.stdout.readline():
                raise BadSettings(f"the local platform did not start: {local.stderr.read().decode().strip()}")
            yield
        finally:
            stack.close()
            is_left_to_others = home.is_used()
            for one in (local.stdin, local.stdout, local.stderr):
                one.close()
            if not is_left_to_others:
                with suppress(TimeoutExpired):
                    local.wait(PLATFORM_END_SECONDS)
