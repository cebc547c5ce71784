"""What is done with private parts of Textual 8.2, as it has no public way; docs/upstream.md has a report for each.

`tests/app/test_textual_workarounds.py` fails for each once Textual no longer needs it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakSet

from rich.text import Text
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

__all__ = ["ResumableDriver", "XTermParser", "tells_crashes_without_locals"]
# XTermParser: run_input_thread is public, what it reads with is not; bytes that are no text end the stock one.

AnyApp = TypeVar("AnyApp", bound=type[App[Any]])


def tells_crashes_without_locals(report: Callable[[Any, BaseException], str]) -> Callable[[AnyApp], AnyApp]:
    """Let an app end with one sentence where it fails: Textual prints a trace with the values of variables."""

    failed: WeakSet[App[Any]] = WeakSet()

    def fail(self: App[Any], *_: object) -> None:
        if self not in failed:  # what fails while it ends, is told already
            failed.add(self)
            error = sys.exc_info()[1] or RuntimeError("Textual has told no error")
            self.bell()
            self.exit(return_code=1, message=Text(report(self, error)))

    def decorated(app_class: AnyApp) -> AnyApp:
        app_class._fatal_error = fail  # type: ignore[method-assign]
        app_class.panic = fail  # type: ignore[method-assign]
        return app_class

    return decorated


class ResumableDriver(LinuxDriver):
    """A driver that is suspended and continued between two steps of the event loop, and only while its app runs.

    Textual does both within signal handlers: in the midst of whatever they interrupt, and also after the app has ended.
    """

    def __init__(self, app: App[Any], **more: Any) -> None:
        super().__init__(app, **more)
        self.app = app
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self.stop_process)
        loop.add_signal_handler(signal.SIGCONT, self.continue_app)

    def stop_process(self) -> None:
        """Give the terminal back and stop, until SIGCONT."""
        self._leave_terminal()
        os.kill(os.getpid(), signal.SIGSTOP)

    def continue_app(self) -> None:
        """Take the terminal again; SIGSTOP has left no time to give it back."""
        self._leave_terminal()
        if self.app.is_running and self._must_signal_resume:
            self.resume_application_mode()

    def _leave_terminal(self) -> None:
        if self.app.is_running and self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True  # Textual: the app is to be told once the terminal is taken again
