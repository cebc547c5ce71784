"""What is done with private parts of Textual 8.2, as it has no public way; docs/upstream.md has a report for each.

`tests/screens/test_textual_workarounds.py` fails for each once Textual no longer needs it.
"""

from __future__ import annotations

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
    """A driver that lets go of the terminal before it takes it up again after SIGSTOP, which leaves no time for that.

    Without this, every SIGCONT begins to read the keys once more, and takes the raw terminal for what to leave.
    """

    def _sigcont_application(self, *_: Any) -> None:
        if self._auto_restart and not self._must_signal_resume:
            self.suspend_application_mode()
            self._must_signal_resume = True
        super()._sigcont_application()
