"""The terminal itself: its title, a notice on the desktop, and the driver that reads it."""

from __future__ import annotations

import os
import selectors
import signal
import sys
import termios
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.events import Resize
from textual.geometry import Size
from textual.message import Message

from tui.app.terminal_input import TerminalInput
from tui.app.textual_workarounds import ResumableDriver
from tui.security.sanitize import one_line

MAX_COLUMNS, MAX_ROWS = 2_000, 1_000
"""A terminal that tells of a larger size than this is not believed: all of it would be drawn."""
ESCAPE_WAIT_SECONDS = 0.1
"""After so long without a byte an escape is a key by itself, and whether to end is looked up."""


def window_title_sequence(words: str) -> str:
    """The sequence that names the window."""
    return f"\x1b]0;{one_line(words, longest=200)}\x07"


def notification_sequence(words: str) -> str:
    """The sequence for a notice on the desktop (OSC 9), handed through tmux where it runs in one."""
    told = f"\x1b]9;{one_line(words, longest=200)}\x07"
    if not os.environ.get("TMUX"):
        return told
    return "\x1bPtmux;" + told.replace("\x1b", "\x1b\x1b") + "\x1b\\"


class InputFailed(Message):
    """Reading the terminal has failed in a way that nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def write_to_terminal(app: HasTerminal, sequence: str) -> None:
    """Write a control sequence, where there is a terminal."""
    if app.terminal is not None:
        app.terminal.write(sequence)


def check_terminal(app: App[Any]) -> None:
    """End the app where the terminal is gone: nothing is asked in anybody's name any more. Tell it of another size."""
    try:
        termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
        size = Size(*os.get_terminal_size(sys.__stdout__.fileno()))  # type: ignore[union-attr]
        if size != app.size:  # nobody has told
            app.post_message(Resize(size, size))
    except (termios.error, OSError, ValueError):
        app.exit(None, 128 + signal.SIGHUP)


@runtime_checkable
class HasTerminal(Protocol):
    """An app that is told which terminal it is on."""

    terminal: Terminal | None


class Terminal(ResumableDriver):
    """Textual's driver, but that no byte of the terminal ends it."""

    def __init__(self, app: App[Any], **more: Any) -> None:
        super().__init__(app, **more)
        if isinstance(app, HasTerminal):
            app.terminal = self

    def run_input_thread(self) -> None:
        """Read the terminal; where that fails, the app is told with the error, which has the trace."""
        try:
            self._read_input()
        except Exception as error:  # noqa: BLE001 - it is raised again where the app ends with it
            self.process_message(InputFailed(error))

    def _read_input(self) -> None:
        """Read what the terminal sends until the app ends, or the terminal does."""
        terminal_input = TerminalInput()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if not selector.select(ESCAPE_WAIT_SECONDS):
                    messages = terminal_input.messages_after_silence()
                elif data := os.read(self.fileno, 4096):
                    messages = terminal_input.messages(data)
                else:
                    return
                for message in messages:
                    self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Hand a message to the app, but for a size that no terminal has."""
        if isinstance(message, Resize) and (message.size.width > MAX_COLUMNS or message.size.height > MAX_ROWS):
            return
        super().process_message(message)
