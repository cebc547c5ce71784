"""What can go wrong with the platform, each in words fit for a person."""

from __future__ import annotations

DOCUMENTED_REFUSALS = frozenset({400, 401, 403, 404, 409, 422, 429})
"""Statuses by which the platform is documented to refuse an action; any other answer proves nothing about it."""


class ApiError(Exception):
    """The platform did not do what was asked; the message says why, `hint` what to do about it."""

    word = "failed"
    """The name of this kind, for JSON output and the journal."""
    hint = ""
    maybe_done = False
    """Whether an action may have taken effect although no good answer came."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        wait: float | None = None,
        body: object = None,
        hint: str | None = None,
        maybe_done: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.wait = wait
        """Seconds after which the platform said to try again."""
        self.body = body
        if hint is not None:
            self.hint = hint
        if maybe_done is not None:
            self.maybe_done = maybe_done
        elif status is not None:
            self.maybe_done = status not in DOCUMENTED_REFUSALS

    @property
    def sentence(self) -> str:
        """The message and, where there is one, what to do."""
        return f"{self.message}. {self.hint}" if self.hint else self.message


class Unauthorized(ApiError):
    """401: the key is missing or wrong."""

    word = "unauthorized"
    hint = "Check XPANDER_API_KEY; a self-hosted controller has a key of its own"


class Forbidden(ApiError):
    """403: the key is known and may not do this."""

    word = "forbidden"
    hint = "Check XPANDER_ORGANIZATION_ID and whom the agent belongs to"


class NotFound(ApiError):
    """404 or 410: there is no such thing, or not any more."""

    word = "not found"


class Conflict(ApiError):
    """409: it has changed, or somebody else was first."""

    word = "conflict"


class Invalid(ApiError):
    """400 or 422: the platform does not accept what was asked."""

    word = "invalid"


class RateLimited(ApiError):
    """429: too many requests, or the credits are used up."""

    word = "throttled"


class ServerError(ApiError):
    """5xx: the platform failed at its own side."""

    word = "platform error"
    hint = "Try again later"
    maybe_done = True


class Unreachable(ApiError):
    """No connection could be made: nothing was sent."""

    word = "unreachable"
    hint = "Check the network and the address; xp-tui doctor looks closer"


class ConnectionLost(ApiError):
    """The connection broke after the request had begun."""

    word = "connection lost"
    hint = "Try again"
    maybe_done = True


class TimedOut(ApiError):
    """No answer came in time."""

    word = "timed out"
    hint = "Try again"
    maybe_done = True


class UnexpectedAnswer(ApiError):
    """An answer came that is not what the platform's answers look like."""

    word = "not understood"
    maybe_done = True


class Redirected(ApiError):
    """The answer points somewhere that the key must not go."""

    word = "redirected"


class NotSupported(ApiError):
    """None of the configured surfaces can do this."""

    word = "not offered"


class ReadOnly(ApiError):
    """Read-only mode: nothing that acts is sent."""

    word = "read-only"
    hint = "Leave read-only mode to act"


ERROR_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: NotFound,
    422: Invalid,
    429: RateLimited,
}


def error_class_of(status: int) -> type[ApiError]:
    """The kind of error that an HTTP status means."""
    return ERROR_BY_STATUS.get(status, ServerError if status >= 500 or status == 408 else Invalid)
