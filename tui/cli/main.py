"""From the words of a command line to its exit code.

The imports in functions are those that `--version` and `--help` do not need: these two have to come at once.
"""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace

from tui import __version__
from tui.cli.exit_codes import FAILED, INTERRUPTED, OK, USAGE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tui.cli.dispatch import VerbFunction


def run(argv: Sequence[str], screens: VerbFunction) -> int:
    """Carry out one command line; without a verb, the screens."""
    os.umask(0o077)
    _open_closed_streams()
    return _flushed(_exit_code(argv, screens))


def _exit_code(argv: Sequence[str], screens: VerbFunction) -> int:
    if argv == ["--version"]:
        return _print_version()
    from tui.security.utf8 import is_utf8

    if not all(map(is_utf8, argv)):
        from tui.cli.output import write_error

        write_error("an argument is not UTF-8: nothing was done")
        return USAGE
    try:
        arguments = _parsed(argv)
    except SystemExit as done:
        return int(done.code or 0)
    if arguments.version:
        return _print_version()
    try:
        from tui.cli.dispatch import run_session

        return run_session(arguments, screens)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as ended:
        return int(ended.code or 0)
    except BrokenPipeError:
        from tui.cli.output import ignore_broken_pipe

        ignore_broken_pipe()
        return OK


def _print_version() -> int:
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
    except (OSError, ValueError) as error:
        from tui.cli.output import discard_buffer, write_error

        discard_buffer(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            write_error(f"standard output takes nothing: {error}")
            code = code or FAILED
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        from tui.cli.output import discard_buffer

        discard_buffer(sys.stderr)
    return code


def _parsed(argv: Sequence[str]) -> argparse.Namespace | SimpleNamespace:
    """What the words say; where there are none, nothing is imported to find that out."""
    if not argv:
        return SimpleNamespace(version=False, own=False, verb=None)
    from tui.cli.parser import build_parser, join_filter_flags

    words = join_filter_flags(argv)
    return build_parser(words).parse_args(words)
