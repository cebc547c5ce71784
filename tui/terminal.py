"""The terminal itself: its title, a notice on the desktop, its keys, and how it is taken up again after a stop."""

from __future__ import annotations

import os
import selectors
from threading import Event
from typing import Any

from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Resize
from textual.message import Message

from tui.plain import one_line
from tui.terminal_input import TerminalInput

MAX_COLUMNS, MAX_ROWS = 2_000, 1_000
"""A terminal that tells of a larger size than this is not believed: all of it would be drawn."""


def title(words: str) -> str:
    """The sequence that names the window."""
    return f"\x1b]0;{one_line(words, longest=200)}\x07"


def notice(words: str) -> str:
    """The sequence for a notice on the desktop (OSC 9), handed through tmux where it runs in one."""
    told = f"\x1b]9;{one_line(words, longest=200)}\x07"
    if not os.environ.get("TMUX"):
        return told
    return "\x1bPtmux;" + told.replace("\x1b", "\x1b\x1b") + "\x1b\\"


class Bell(Event):
    """An event that can be waited for together with what is read from files."""

    def __init__(self) -> None:
        super().__init__()
        self._ear, self._clapper = os.pipe()

    def fileno(self) -> int:
        """What can be read from as long as it is set."""
        return self._ear

    def set(self) -> None:
        """It happens."""
        if not self.is_set():
            super().set()
            os.write(self._clapper, b"!")

    def clear(self) -> None:
        """It is over."""
        if self.is_set():
            super().clear()
            os.read(self._ear, 1)


class InputFailed(Message):
    """Reading the terminal has failed in a way that nobody foresaw."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Terminal(LinuxDriver):
    """Textual's own, but for how keys are waited for, and for a stop from outside."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.exit_event = self._bell = Bell()

    def run_input_thread(self) -> None:
        """Read the terminal; where that fails, the app is told with the error, which has the trace."""
        try:
            self._read_input()
        except Exception as error:  # noqa: BLE001 - it is raised again where the app ends with it
            self.process_message(InputFailed(error))

    def _read_input(self) -> None:
        """Wait for keys. Textual looks up ten times a second, which is all that an app at rest costs."""
        keys = TerminalInput()
        patience: float | None = None
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                ready = {key.fd for key, _ in selector.select(patience)}
                patience = ESCAPE_DELAY if ready else None  # an escape that nothing follows is a key by itself
                if self.fileno in ready:
                    if not (data := os.read(self.fileno, 4096)):
                        selector.unregister(self.fileno)  # it has ended, and would be ready for good
                    for message in keys.messages(data):
                        self.process_message(message)
                for message in () if ready else keys.messages_after_silence():
                    self.process_message(message)

    def process_message(self, message: Message) -> None:
        """Hand a message to the app, but for a size that no terminal has."""
        if isinstance(message, Resize) and (message.size.width > MAX_COLUMNS or message.size.height > MAX_ROWS):
            return
        super().process_message(message)

    def _sigcont_application(self, *_: Any) -> None:
        """Let go first, for which the stop left no time.

        Without this, every SIGCONT would begin to read the keys once more, and take the raw terminal for what to leave.
        """
        if self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()
