"""From the words of a command line to its exit code."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TextIO

    from tui.cli.context import Session

    Screens = Callable[[Session], Awaitable[int]]

OK, FAILED, DECLINED, USAGE, DENIED, NETWORK, UNCONFIRMED, TOO_LATE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130


def run(argv: Sequence[str], screens: Screens) -> int:
    """Carry out one command line; without a verb, the screens."""
    os.umask(0o077)
    _open_closed_streams()
    return _flushed(_exit_code(argv, screens))


def _exit_code(argv: Sequence[str], screens: Screens) -> int:
    if argv == ["--version"]:
        return _print_version()
    from tui.security.utf8 import is_utf8

    if not all(map(is_utf8, argv)):
        _write_error("an argument is not UTF-8: nothing was done")
        return USAGE
    try:
        arguments = _parsed(argv)
    except SystemExit as done:
        return int(done.code or 0)
    if arguments.version:
        return _print_version()
    try:
        return _run(arguments, screens)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as ended:
        return int(ended.code or 0)
    except BrokenPipeError:
        from tui.cli.output import silence_broken_pipe

        silence_broken_pipe()
        return OK


def _print_version() -> int:
    from tui import __version__

    sys.stdout.write(f"xp-tui {__version__}\n")
    return OK


def _open_closed_streams() -> None:
    """Put something in the place of closed standard streams: nothing is read, and writing to standard output fails.

    In this order each gets its own number back, which no file or connection can have by mistake then.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - open for as long as the process lives
    if sys.stdout is None:  # what is written is taken, and the flush fails
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123


def _flushed(code: int) -> int:
    """Flush the standard streams: what the interpreter's own flush at the exit fails to write changes the exit code."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        _write_error(f"standard output takes nothing: {error}")
        code = code or FAILED
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _silence(sys.stderr)
    return code


def _silence(stream: TextIO) -> None:
    from tui.cli.output import silence

    silence(stream)


def _write_error(text: str) -> None:
    """Write a sentence to standard error, where no session does that yet or any more."""
    try:
        sys.stderr.write(f"xp-tui: {text}\n")
    except (OSError, ValueError):
        _silence(sys.stderr)


def _parsed(argv: Sequence[str]) -> argparse.Namespace | SimpleNamespace:
    """What the words say; where there are none, nothing is imported to find that out."""
    if not argv:
        return SimpleNamespace(version=False, own=False, verb=None)
    from tui.cli.parser import build, told

    words = told(argv)
    return build(words).parse_args(words)


def _run(arguments: argparse.Namespace | SimpleNamespace, screens: Screens) -> int:
    import asyncio
    import signal

    from tui.cli.context import Session
    from tui.storage import settings

    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    problem_with_time_zone = _mend_time_zone()
    try:
        read = settings.read(vars(arguments), os.environ, profile=getattr(arguments, "profile", None))
        session = Session.begin(arguments, read)
    except settings.BadSettings as error:
        from tui.security.sanitize import one_line

        _write_error(one_line(str(error)))
        return USAGE
    for warning in (*problem_with_time_zone, *read.warnings):
        _write_error(session.out.safe(warning))
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # an interrupted verb tells what it has done
    return asyncio.run(_serve(session, screens))


def _mend_time_zone() -> tuple[str, ...]:
    """Take UTC where TZ names no time zone in which every moment has a time; the answer is the warning about it."""
    import time
    from datetime import UTC, datetime

    try:
        for month in (1, 7):
            datetime(2026, month, 1, tzinfo=UTC).astimezone()
    except ValueError:
        os.environ["TZ"] = "UTC"
        time.tzset()
        return ("TZ is no time zone: times are in UTC",)
    return ()


async def _serve(session: Session, screens: Screens) -> int:
    """Call the verb, and turn what it raises into words and a code."""
    import importlib

    from tui.cli.output import NotPrinted
    from tui.client import errors
    from tui.client.endpoints import BadAddress
    from tui.domain.filters import FilterError
    from tui.storage.private_files import NotPrivate
    from tui.storage.settings import BadSettings

    serve = screens
    if session.arguments.verb is not None:
        module, _, function = VERBS[session.arguments.verb].partition(":")
        serve = getattr(importlib.import_module(f"tui.cli.{module}"), function)
    try:
        code = await serve(session)
    except FilterError as error:
        session.out.error(f"the filter cannot be read\n{error.underlined()}")
        return USAGE
    except (BadSettings, BadAddress, Usage, NotPrivate) as error:
        session.out.error(str(error))
        return USAGE
    except errors.ApiError as error:
        session.out.error(error.sentence)
        return code_of(error)
    except BrokenPipeError:
        raise
    except NotPrinted as error:
        session.out.error(f"standard output takes nothing: {error}")
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: a sentence and a file, never a screenful of values
        from tui.services.crash_report import report

        session.out.error(report(error, session.settings.state, session.out.masks))
        return FAILED
    finally:
        await session.close()
    return code


class Usage(ValueError):
    """The words of the command line do not go together; the message says how they would."""


def code_of(error: Exception | None) -> int:
    """The exit code that an error of the platform means."""
    from tui.client import errors

    match error:
        case errors.Unauthorized() | errors.Forbidden():
            return DENIED
        case errors.NotOffered() | errors.ReadOnly():
            return USAGE
        case errors.Unreachable() | errors.Lost() | errors.TimedOut() | errors.Throttled() | errors.Broken():
            return NETWORK
        case _:
            return FAILED


VERBS = {
    "tasks": "query_commands:tasks",
    "show": "query_commands:show",
    "reload": "query_commands:show",
    "log": "log_command:log",
    "agents": "query_commands:agents",
    "watch": "watch_command:watch",
    "run": "action_commands:run",
    "continue": "action_commands:go_on",
    "stop": "action_commands:stop",
    "approve": "action_commands:decide",
    "reject": "action_commands:decide",
    "update": "action_commands:update",
    "local": "local:local",
    "doctor": "doctor:doctor",
    "journal": "self_commands:journal",
    "config": "self_commands:config",
}
"""Each verb, and where it is served."""
