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
