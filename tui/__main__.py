"""The command `xp-tui`: from words and environment to the front end that serves them."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing itself takes longer to import than a version to print
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tui.cli.context import Session


def command() -> int:
    """Be the process `xp-tui`: Ctrl+C ends it from its first moment to its last without a traceback."""
    try:
        import signal

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # an exception in the middle of an import may become another
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    except KeyboardInterrupt:
        return 130
    return code


def main() -> int:
    """Run the command line and answer with its exit code."""
    from tui.cli.main import run

    return run(sys.argv[1:], _screens)


def _screens(session: Session) -> Awaitable[int]:
    from tui.launch import run_dashboard

    return run_dashboard(session)


if __name__ == "__main__":
    sys.exit(command())
