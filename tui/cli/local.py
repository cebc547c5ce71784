"""The verb local: a platform on this machine, which anything that speaks the vendor's wire can use.

The platform is imported in functions: what serves it may not be installed, and the other verbs only look for one.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tui.cli.context import Session
from tui.cli.exit_codes import OK, UsageError

if TYPE_CHECKING:
    from tui.local.data_dir import Address, DataDir
    from tui.local.process import Server, ServerOptions

MISSING_EXTRA_MESSAGE = "the local platform needs more than is installed: pip install 'xp-tui[local]'"
NUMBER_RANGES = {
    "pace": (0.01, 1000),
    "port": (0, 65_535),
    "limit": (1, 1_000_000),
    "tasks": (0, 1_000_000),
    "entries": (0, 1_000_000),
}
"""Between what each number on the command line has to be."""


async def local(session: Session) -> int:
    """Serve until Ctrl+C; where one is already running, say where."""
    wishes = _wishes(session)
    from tui.local import process
    from tui.local.data_dir import AlreadyRunning, DataDir
    from tui.local.database import BadDatabase

    arguments, data = session.arguments, wishes.data
    home, has_ended = DataDir(data), threading.Event()

    def write(sentence: str) -> None:
        session.out.note(f"xp-tui local platform: {sentence}")

    def ready(address: Address, server: Server) -> None:
        _tell(session, address, "local platform")
        if arguments.leash:
            loop = asyncio.get_running_loop()

            def hold() -> None:
                sys.stdin.buffer.read()
                with home.idle_lock():
                    loop.call_soon_threadsafe(server.end)
                    has_ended.wait()

            threading.Thread(target=hold, daemon=True).start()

    try:
        await process.serve(wishes, ready, write)
    except AlreadyRunning:
        if (address := home.running()) is None:
            raise UsageError(f"another program is starting a platform in {data}: try again") from None
        _tell(session, address, "local platform, already running")
    except BadDatabase as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"{data} cannot be written: {error.strerror}" if error.strerror else str(error)) from error
    finally:
        has_ended.set()
    return OK


def _wishes(session: Session) -> ServerOptions:
    """What the command line and the settings say of the platform; a mistake is Usage, and nothing was made."""
    try:
        from tui.local import chaos, process
        from tui.local.pruning import Limits
    except ModuleNotFoundError as error:
        raise UsageError(MISSING_EXTRA_MESSAGE) from error
    arguments, settings = session.arguments, session.settings
    for name, (least, most) in NUMBER_RANGES.items():
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"--{name} is a number between {least} and {most}")
    if arguments.data == "":
        raise UsageError("--data names no folder: name one, or leave it out")
    try:
        return process.ServerOptions(
            data=_directory(settings.state) if arguments.data is None else Path(arguments.data),
            port=arguments.port,
            pace=arguments.pace,
            seed=arguments.seed,
            now=process.parse_moment(arguments.now) if arguments.now else None,
            arrivals=not arguments.no_arrivals,
            history=not arguments.no_history,
            tasks=arguments.tasks,
            entries=arguments.entries,
            chaos=chaos.parse_chaos(arguments.chaos),
            limit=arguments.limit,
            limits=Limits(settings["local_keep_days"], settings["local_max_megabytes"]),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def running_platform(state: Path) -> Address | None:
    """The platform that runs on this machine, if one does."""
    return data_dir_in(state).running()


def data_dir_in(state: Path) -> DataDir:
    """Where the platform of this machine lives."""
    from tui.local.data_dir import DataDir

    return DataDir(_directory(state))


def _directory(state: Path) -> Path:
    return state / "local"


def _tell(session: Session, address: Address, what: str) -> None:
    """Print where it is; the exports are on stdout, so that a shell can take them."""
    out = session.out
    if session.arguments.quiet:
        out.line(address.url)
    else:
        out.note(f"xp-tui {what}: {address.url}")
        out.line(address.exports)
        out.note("Take these lines into a shell, then: xp-tui tasks. An agent of your own: XPANDER_AGENT_ID=your-agent")
    out.flush()
