"""The exit codes of xp-tui, and which code each error gets."""

from __future__ import annotations

OK = 0
FAILED = 1
DECLINED = 2
USAGE = 3
DENIED = 4
NETWORK = 5
UNCONFIRMED = 6
TOO_LATE = 7
INTERRUPTED = 130


class UsageError(ValueError):
    """An error in the usage of the command line; the message says how to correct it."""


UUID_CHARS = 32
"""Characters of a whole id of the platform, without hyphens."""


def whole_id_note(error: Exception | None, task_id: str) -> str:
    """Return a note about an id that was not found and is no whole one; empty if that is not the reason."""
    from tui.client.errors import NotFound  # imported here as in `exit_code_of`

    if not isinstance(error, NotFound) or error.hint or not 0 < len(task_id) < UUID_CHARS:
        return ""
    return "give the whole id: xp-tui tasks lists them"


def exit_code_of(error: Exception | None) -> int:
    """Return the exit code for an error of the platform."""
    from tui.client import errors  # imported here because --help and --version import this module

    match error:
        case errors.Unauthorized() | errors.Forbidden():
            return DENIED
        case errors.NotSupported() | errors.ReadOnly():
            return USAGE
        case (
            errors.Unreachable()
            | errors.ConnectionLost()
            | errors.TimedOut()
            | errors.RateLimited()
            | errors.ServerError()
        ):
            return NETWORK
        case _:
            return FAILED
