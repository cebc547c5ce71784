"""The terminal itself: its title, a notice on the desktop, and how it is taken up again after a stop."""

from __future__ import annotations

import os
from typing import Any

from textual.drivers.linux_driver import LinuxDriver

from tui.plain import one_line


def title(words: str) -> str:
    """The sequence that names the window."""
    return f"\x1b]0;{one_line(words, longest=200)}\x07"


def notice(words: str) -> str:
    """The sequence for a notice on the desktop (OSC 9), handed through tmux where it runs in one."""
    told = f"\x1b]9;{one_line(words, longest=200)}\x07"
    if not os.environ.get("TMUX"):
        return told
    return "\x1bPtmux;" + told.replace("\x1b", "\x1b\x1b") + "\x1b\\"


class Terminal(LinuxDriver):
    """Textual's own, but for a stop from outside: that one left no time to let go of the terminal.

    Without this, every SIGCONT would begin to read the keys once more, and take the raw terminal for what to leave.
    """

    def _sigcont_application(self, *_: Any) -> None:
        if self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()
