"""Workarounds that need private parts of Textual 8.2; docs/upstream.md has a report for each.

`tests/app/test_textual_workarounds.py` fails for a workaround once Textual no longer needs it.
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

__all__ = ["ResumableDriver", "XTermParser", "reports_crashes_without_locals"]
# XTermParser: run_input_thread is public, but its parser is not; the stock thread ends at bytes that are not text.

AnyApp = TypeVar("AnyApp", bound=type[App[Any]])


def reports_crashes_without_locals(report: Callable[[Any, BaseException], str]) -> Callable[[AnyApp], AnyApp]:
    """Return a decorator by which an app reports a crash in one sentence, without a trace of its locals."""
    crashed_apps: WeakSet[App[Any]] = WeakSet()

    def report_first_crash(self: App[Any], *_: object) -> None:
        if self in crashed_apps:  # later errors follow from the shutdown
            return
        crashed_apps.add(self)
        error = sys.exc_info()[1] or RuntimeError("Textual has told no error")
        self.bell()
        self.exit(return_code=1, message=Text(report(self, error)))

    def decorate(app_class: AnyApp) -> AnyApp:
        app_class._fatal_error = report_first_crash  # type: ignore[method-assign]
        app_class.panic = report_first_crash  # type: ignore[method-assign]
        return app_class

    return decorate


class ResumableDriver(LinuxDriver):
    """A driver that is suspended and resumed by callbacks of the event loop, and only while its app runs.

    Textual does both in signal handlers, which interrupt the app anywhere, and also run after the app has ended.
    """

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self.app = app
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTSTP, self.stop_process)
        loop.add_signal_handler(signal.SIGCONT, self.continue_app)

    def stop_process(self) -> None:
        """Release the terminal and stop the process until SIGCONT."""
        self._release_terminal()
        os.kill(os.getpid(), signal.SIGSTOP)

    def continue_app(self) -> None:
        """Continue the app on the terminal; after a SIGSTOP, the terminal is released only now."""
        self._release_terminal()
        if self.app.is_running and self._must_signal_resume:
            self.resume_application_mode()

    def _release_terminal(self) -> None:
        if self.app.is_running and self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True  # Textual then posts SignalResume on resuming
