"""The ways to a clipboard: the system's own, the terminal's, and a file where neither takes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tui.storage.private_files import write_private

MAX_TERMINAL_CHARS = 74_000
"""Characters beyond which terminals drop what they are to copy."""


def copy_text(text: str, terminal: Callable[[str], None], file: Path) -> str:
    """Copy a text; the answer says where it went."""
    import pyperclip

    native, _ = pyperclip.determine_clipboard()
    if bool(native):
        try:
            native(text)
        except (OSError, pyperclip.PyperclipException):
            pass
        else:
            return "copied"
    if len(text) <= MAX_TERMINAL_CHARS:
        terminal(text)
        return "handed to the terminal's clipboard (OSC 52)"
    try:
        write_private(file, text.encode("utf-8", "replace"))
    except OSError as error:
        return f"not copied: too long for the terminal's clipboard, and no file can be written: {error}"
    return f"too long for the terminal's clipboard, written to {file}"
