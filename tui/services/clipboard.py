"""Copies text to the system's clipboard, to the terminal's, or to a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.storage.private_files import write_private

MAX_TERMINAL_CHARS = 74_000
"""The longest text that terminals accept for their clipboard (OSC 52); they drop a longer one."""
HANDED_TO_TERMINAL = "handed to the terminal's clipboard (OSC 52)"
"""The result of a copy that the terminal may have ignored: it never answers."""


def copy_text(text: str, terminal: Callable[[str], None], file: Path) -> str:
    """Copy a text and return where it was copied to.

    `terminal` sends the text to the terminal's clipboard, and is used if the system has none. A text that is too long
    for that is written to `file`.
    """
    import pyperclip

    copy_to_system, _ = pyperclip.determine_clipboard()
    has_system_clipboard = bool(copy_to_system)  # without one, a false object that raises when it is called
    if has_system_clipboard:
        try:
            copy_to_system(text)
        except (OSError, pyperclip.PyperclipException):
            pass  # the terminal's clipboard is tried next
        else:
            return "copied"
    if len(text) <= MAX_TERMINAL_CHARS:
        terminal(text)
        return HANDED_TO_TERMINAL
    try:
        write_private(file, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"not copied: too long for the terminal's clipboard, and no file can be written: {error}"
    return f"too long for the terminal's clipboard, written to {file}"
