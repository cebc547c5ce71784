"""The verb local: serves a platform on this machine, with the same HTTP interface as the vendor's.

The modules of `tui.local` are imported in functions: the packages that they need may not be installed, and the other
verbs only look for a running platform.
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
    import argparse
    from types import SimpleNamespace

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
"""The least and the greatest value of each number option."""


async def local(session: Session) -> int:
    """Serve the local platform until Ctrl+C; if one is already running, print its address."""
    options = _server_options(session)
    from tui.local import process
    from tui.local.data_dir import AlreadyRunning, DataDir
    from tui.local.database import BadDatabase

    data_dir = DataDir(options.data)
    has_ended = threading.Event()

    def print_notice(sentence: str) -> None:
        session.out.note(f"xp-tui local platform: {sentence}")

    def on_ready(address: Address, server: Server) -> None:
        _print_address(session, address, "local platform")
        if session.arguments.end_with_stdin:
            _end_with_stdin(server, data_dir, has_ended)

    try:
        await process.serve(options, on_ready, print_notice)
    except AlreadyRunning:
        address = data_dir.running()
        if address is None:
            raise UsageError(f"another program is starting a platform in {options.data}: try again") from None
        _print_address(session, address, "local platform, already running")
    except BadDatabase as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        message = str(error)
        if error.strerror:
            message = f"{options.data} cannot be written: {error.strerror}"
        raise UsageError(message) from error
    finally:
        has_ended.set()
    return OK


def _end_with_stdin(server: Server, data_dir: DataDir, has_ended: threading.Event) -> None:
    """Start a thread that ends the server once standard input is closed and no dashboard uses the platform."""
    loop = asyncio.get_running_loop()

    def wait_for_end_of_stdin() -> None:
        sys.stdin.buffer.read()
        with data_dir.idle_lock():
            loop.call_soon_threadsafe(server.end)
            has_ended.wait()  # with the lock: a dashboard that starts now waits for the end

    threading.Thread(target=wait_for_end_of_stdin, daemon=True).start()


def _check_options(arguments: argparse.Namespace | SimpleNamespace) -> None:
    """Raise UsageError for a number out of its range, or for a data folder without a name."""
    for name, (least, most) in NUMBER_RANGES.items():
        value = getattr(arguments, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"--{name} is a number between {least} and {most}")
    if arguments.data == "":
        raise UsageError("--data names no folder: name one, or leave it out")


def _server_options(session: Session) -> ServerOptions:
    """Return the server options from the command line and the settings; raise UsageError when they are wrong."""
    try:
        from tui.local import chaos, process
        from tui.local.pruning import Limits
    except ModuleNotFoundError as error:
        raise UsageError(MISSING_EXTRA_MESSAGE) from error
    arguments = session.arguments
    settings = session.settings
    _check_options(arguments)
    data = _directory(settings.state)
    if arguments.data is not None:
        data = Path(arguments.data)
    try:
        start_time = process.parse_start_time(arguments.now) if arguments.now else None
        return process.ServerOptions(
            data=data,
            port=arguments.port,
            pace=arguments.pace,
            seed=arguments.seed,
            now=start_time,
            arrivals=not arguments.no_arrivals,
            history=not arguments.no_history,
            tasks=arguments.tasks,
            entries=arguments.entries,
            chaos=chaos.parse_chaos(arguments.chaos),
            requests_per_minute=arguments.limit,
            pruning_limits=Limits(settings["local_keep_days"], settings["local_max_megabytes"]),
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def running_platform(state: Path) -> Address | None:
    """Return the address of the local platform that is running on this machine, given the state directory."""
    return data_dir_in(state).running()


def data_dir_in(state: Path) -> DataDir:
    """Return the data directory of the local platform, given the state directory."""
    from tui.local.data_dir import DataDir

    return DataDir(_directory(state))


def _directory(state: Path) -> Path:
    """Return the path of the data directory, in the state directory."""
    return state / "local"


def _print_address(session: Session, address: Address, name: str) -> None:
    """Print the address of the platform; only the exports go to stdout, so that a shell can evaluate them."""
    out = session.out
    if session.arguments.quiet:
        out.line(address.url)
    else:
        out.note(f"xp-tui {name}: {address.url}")
        out.line(address.exports)
        out.note("Take these lines into a shell, then: xp-tui tasks. An agent of your own: XPANDER_AGENT_ID=your-agent")
    out.flush()
