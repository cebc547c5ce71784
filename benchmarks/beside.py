"""The dashboard that follows every task there is beside its list, where it follows only the one on screen: for row 11.

python -m benchmarks.beside
"""

from __future__ import annotations

import sys

import tui.app
from tui.__main__ import main

STREAMS = 64


class Beside(tui.app.XpTui):
    """The dashboard with so many streams open."""

    def on_mount(self) -> None:
        """Follow them; Textual calls the dashboard's own beside this."""
        for number in range(STREAMS):
            self.run_worker(self._watch.follow(f"t{number}"), group="beside")


if __name__ == "__main__":
    tui.app.XpTui = Beside  # type: ignore[misc]
    sys.exit(main())
