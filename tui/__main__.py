"""The command `xp-tui`: from words and environment to the front end that serves them."""

from __future__ import annotations

import gc
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
    gc.disable()  # nothing that is imported is garbage
    from tui.cli.main import run

    return run(sys.argv[1:], _screens)


def _screens(session: Session) -> Awaitable[int]:
    gc.disable()
    from tui.dashboard import screens

    return screens(session)  # once all is made, it is enabled again


if __name__ == "__main__":
    sys.exit(main())
