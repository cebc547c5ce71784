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
    trace = "".join(traceback.format_exception(error))
    if error.__traceback__ is None:
        trace += "It has no trace; this is where it was told:\n" + "".join(traceback.format_stack())
    header = (
        f"xp-tui {__version__}, Python {platform.python_version()}, {platform.system()}, {now:%Y-%m-%d %H:%M:%S}Z\n\n"
    )
    path = state / "crashes" / f"{now:%Y%m%dT%H%M%S%f}.txt"
    cause = one_line(redactor.text(f"{type(error).__name__}: {error}"), longest=MAX_CAUSE_CHARS)
    try:
        write_private(path, (header + redactor.text(trace)).encode("utf-8", "backslashreplace"))
        for old_report in sorted(path.parent.glob("*.txt"))[:-MAX_REPORTS]:
            old_report.unlink(missing_ok=True)
    except (OSError, NotPrivate):
        return f"xp-tui has failed: {cause}. Nothing could be written down about it."
    return f"xp-tui has failed: {cause}. What is known is in {path}, with secrets masked. What was sent: xp-tui journal"
