"""What is told to the terminal itself, beside the screen: its title, and a notice on the desktop."""

from __future__ import annotations

import os

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
