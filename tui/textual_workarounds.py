"""What is done with private parts of Textual 8.2, as it has no public way; docs/upstream.md has a report for each.

`tests/screens/test_textual_workarounds.py` fails for each once Textual no longer needs it.
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
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self._sigtstp_application)
        loop.add_signal_handler(signal.SIGCONT, self._sigcont_application)

    def _sigtstp_application(self, *_: Any) -> None:
        if self._app.is_running:
            super()._sigtstp_application()
        else:
            os.kill(os.getpid(), signal.SIGSTOP)

    def _sigcont_application(self, *_: Any) -> None:
        if not self._app.is_running:
            return
        if self._auto_restart and not self._must_signal_resume:  # SIGSTOP left no time to let go of the terminal
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()
