"""The terminal: its window title, desktop notifications, and the driver that reads it."""

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

MAX_COLUMNS = 2_000
"""The greatest width that is accepted from a terminal: every cell has to be drawn."""
MAX_ROWS = 1_000
READ_BYTES = 4_096
SIGNAL_EXIT_CODE = 128
"""A shell's exit code for a process that a signal has ended is this plus the number of the signal."""
MAX_SEQUENCE_CHARS = 200
"""Characters of a text in a window title or a desktop notification."""
ESCAPE_WAIT_SECONDS = 0.1
"""Seconds without input after which an escape is the Escape key, and the exit event is checked."""


def window_title_sequence(title: str) -> str:
    """Return the control sequence that sets the window title (OSC 0)."""
    return f"\x1b]0;{one_line(title, longest=MAX_SEQUENCE_CHARS)}\x07"


def notification_sequence(text: str) -> str:
    """Return the control sequence for a desktop notification (OSC 9), wrapped for tmux where it runs in one."""
    sequence = f"\x1b]9;{one_line(text, longest=MAX_SEQUENCE_CHARS)}\x07"
    if not os.environ.get("TMUX"):
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"


class InputFailed(Message):
    """The input of the terminal failed with an unexpected error."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def write_to_terminal(app: HasTerminal, sequence: str) -> None:
    """Write a control sequence to the terminal, if there is one."""
    if app.terminal is not None:
        app.terminal.write(sequence)


def check_terminal(app: App[Any]) -> None:
    """Check the terminal: exit the app where it is gone, and post a resize that no signal has reported.

    An app that nobody can see any more would otherwise go on sending requests with the operator's API key.
    """
    try:
        termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr] # fails where the terminal is gone
        columns, rows = os.get_terminal_size(sys.__stdout__.fileno())  # type: ignore[union-attr]
        size = Size(columns, rows)
        if size != app.size:  # no SIGWINCH came
            app.post_message(Resize(size, size))
    except (termios.error, OSError, ValueError):
        app.exit(None, SIGNAL_EXIT_CODE + signal.SIGHUP)


@runtime_checkable
class HasTerminal(Protocol):
    """An app that has a reference to its terminal."""

    terminal: Terminal | None


class Terminal(ResumableDriver):
    """The driver of the terminal. No byte ends its input thread; any other error there reaches the app."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        if isinstance(app, HasTerminal):
            app.terminal = self

    def run_input_thread(self) -> None:
        """Run the input thread; an error is sent to the app, with its traceback."""
        try:
            self._read_input()
        except Exception as error:  # noqa: BLE001 - raised again in the app, which ends with it
            self.process_message(InputFailed(error))

    def _read_input(self) -> None:
        """Read the input until the app exits or the terminal is closed."""
        terminal_input = TerminalInput()
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                has_input = bool(selector.select(ESCAPE_WAIT_SECONDS))
                if has_input:
                    data = os.read(self.fileno, READ_BYTES)
                    if not data:  # the terminal is closed
                        return
                    messages = terminal_input.messages(data)
                else:
                    messages = terminal_input.messages_after_silence()
                for message in messages:
                    self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Process a message, unless it is a resize to more than the largest accepted size."""
        if isinstance(message, Resize):
            is_too_large = message.size.width > MAX_COLUMNS or message.size.height > MAX_ROWS
            if is_too_large:
                return
        super().process_message(message)
