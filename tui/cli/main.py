"""Runs one command line and returns its exit code.

Modules that `--version` and `--help` do not need are imported in functions, so that these two answer at once.
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
    """Run the command line and return its exit code; without a verb, `screens` is called."""
    os.umask(0o077)
    _open_closed_streams()
    return _flush_streams(_exit_code(argv, screens))


def _exit_code(argv: Sequence[str], screens: VerbFunction) -> int:
    """Run the command line up to its exit code; what it has printed may not be flushed yet."""
    if argv == ["--version"]:
        return _print_version()
    from tui.security.utf8 import is_utf8

    if not all(map(is_utf8, argv)):
        from tui.cli.output import write_error

        write_error("an argument is not UTF-8: nothing was done")
        return USAGE
    try:
        arguments = _parse_arguments(argv)
        if arguments.version:
            return _print_version()
        from tui.cli.dispatch import run_session

        return run_session(arguments, screens)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as error:  # argparse exits after --help and after a mistake
        return int(error.code or 0)
    except BrokenPipeError:
        from tui.cli.output import ignore_broken_pipe

        ignore_broken_pipe()
        return OK


def _print_version() -> int:
    sys.stdout.write(f"xp-tui {__version__}\n")
    return OK


def _open_closed_streams() -> None:
    """Open /dev/null for each closed standard stream, so that reading ends at once and flushing stdout fails.

    Opened in this order, each stream gets its own file descriptor back. Otherwise a file or a connection could get it,
    and what is printed would be written there.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123 - open for as long as the process lives
    if sys.stdout is None:  # opened for reading only: a write is buffered, and the flush fails
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123


def _flush_streams(code: int) -> int:
    """Flush the standard streams and return the exit code: FAILED instead of 0 when stdout cannot be flushed.

    The interpreter's own flush at exit would change the exit code instead.
    """
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


def _parse_arguments(argv: Sequence[str]) -> argparse.Namespace | SimpleNamespace:
    """Parse the arguments of the command line; if there are none, argparse is not even imported."""
    if not argv:
        return SimpleNamespace(version=False, own=False, verb=None)
    from tui.cli.parser import build_parser, join_filter_flags

    words = join_filter_flags(argv)
    return build_parser(words).parse_args(words)
