"""The command `xp-tui`: from words and environment to the front end that serves them."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # typing itself takes longer to import than a version to print
if TYPE_CHECKING:
    from collections.abc import Awaitable

    from tui.cli.session import Session


def main() -> int:
    """Run the command line and answer with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from tui import __version__

        sys.stdout.write(f"xp-tui {__version__}\n")
        return 0
    from tui.cli.main import run

    return run(sys.argv[1:], _screens)


def _screens(session: Session) -> Awaitable[int]:
    from tui.dashboard import screens

    return screens(session)


if __name__ == "__main__":
    sys.exit(main())
