"""The command `xp-tui`: from words and environment to the front end that serves them."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and answer with its exit code."""
    from tui.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
