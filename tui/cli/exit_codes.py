"""The exit codes of xp-tui, and which code each error means."""

from __future__ import annotations

OK, FAILED, DECLINED, USAGE, DENIED, NETWORK, UNCONFIRMED, TOO_LATE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 6, 7, 130


class UsageError(ValueError):
    """The words of the command line do not go together; the message says how they would."""


def exit_code_of(error: Exception | None) -> int:
    """The exit code that an error of the platform means."""
    from tui.client import errors  # not before there is one: --help and --version import this module

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
