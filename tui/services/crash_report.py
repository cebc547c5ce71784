"""What nobody foresaw: one sentence for the operator, and a private file for whoever mends it."""

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
"""How many such files are kept."""


def write_crash_report(error: BaseException, state: Path, redactor: Redactor) -> str:
    """Write down what happened, without the values of variables and with secrets masked; the answer is the sentence."""
    now = datetime.now(UTC)
    told = "".join(traceback.format_exception(error))
    if error.__traceback__ is None:
        told += "It has no trace; this is where it was told:\n" + "".join(traceback.format_stack())
    about = (
        f"xp-tui {__version__}, Python {platform.python_version()}, {platform.system()}, {now:%Y-%m-%d %H:%M:%S}Z\n\n"
    )
    path = state / "crashes" / f"{now:%Y%m%dT%H%M%S%f}.txt"
    cause = one_line(redactor.text(f"{type(error).__name__}: {error}"), longest=200)
    try:
        write_private(path, (about + redactor.text(told)).encode("utf-8", "backslashreplace"))
        for old in sorted(path.parent.glob("*.txt"))[:-MAX_REPORTS]:
            old.unlink(missing_ok=True)
    except (OSError, NotPrivate):
        return f"xp-tui has failed: {cause}. Nothing could be written down about it."
    return f"xp-tui has failed: {cause}. What is known is in {path}, with secrets masked. What was sent: xp-tui journal"
