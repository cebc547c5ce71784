"""Crash reports: a private file with the traceback of an unexpected exception, and a sentence about it."""

from __future__ import annotations

import platform
import traceback
from datetime import UTC, datetime
from pathlib import Path

from tui import __version__
from tui.security.redact import Redactor
from tui.security.sanitize import one_line
from tui.storage.private_files import NotPrivate, write_private

MAX_REPORTS = 20
"""How many crash reports are kept."""
MAX_CAUSE_CHARS = 200


def write_crash_report(error: BaseException, state: Path, redactor: Redactor) -> str:
    """Write a crash report into the state directory and return a sentence for the operator.

    The report has no values of variables, and its secrets are redacted.
    """
    now = datetime.now(UTC)
    report = f"{_header(now)}\n\n{redactor.text(_trace_of(error))}"
    path = state / "crashes" / f"{now:%Y%m%dT%H%M%S%f}.txt"
    cause = one_line(redactor.text(f"{type(error).__name__}: {error}"), longest=MAX_CAUSE_CHARS)
    try:
        write_private(path, report.encode("utf-8", "backslashreplace"))
        _remove_old_reports(path.parent)
    except (OSError, NotPrivate):
        return f"xp-tui has failed: {cause}. Nothing could be written down about it."
    return f"xp-tui has failed: {cause}. What is known is in {path}, with secrets masked. What was sent: xp-tui journal"


def _header(now: datetime) -> str:
    """Return the header of a report: the versions of the program and of Python, the system, and the time."""
    python_version = f"Python {platform.python_version()}"
    return f"xp-tui {__version__}, {python_version}, {platform.system()}, {now:%Y-%m-%d %H:%M:%S}Z"


def _trace_of(error: BaseException) -> str:
    """Return the trace of an error; if it was never raised, the place from which it is reported."""
    trace = "".join(traceback.format_exception(error))
    if error.__traceback__ is None:
        trace += "It has no trace; this is where it was told:\n" + "".join(traceback.format_stack())
    return trace


def _remove_old_reports(directory: Path) -> None:
    """Remove the oldest reports, so that `MAX_REPORTS` are left; their names begin with the time."""
    oldest_first = sorted(directory.glob("*.txt"))
    for old_report in oldest_first[:-MAX_REPORTS]:
        old_report.unlink(missing_ok=True)
