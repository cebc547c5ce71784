"""The command `xp-tui`: runs the command line, and the dashboard if no verb is given."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # importing `typing` takes longer than printing the version
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tui.cli.context import Session


def command() -> int:
    """Run the command `xp-tui` and return its exit code; Ctrl+C ends it at any moment without a traceback."""
    try:
        import signal

        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            # KeyboardInterrupt during an import may be turned into another exception: let the signal end the process.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    except KeyboardInterrupt:
        return 130
    return code


def main() -> int:
    """Run the main program on the arguments of this process, and return its exit code."""
    from tui.cli.main import run

    return run(sys.argv[1:], _run_screens)


def _run_screens(session: Session) -> Awaitable[int]:
    from tui.launch import run_dashboard

    return run_dashboard(session)


if __name__ == "__main__":
    sys.exit(command())
