"""The errors of the platform client, with messages for the operator."""

from __future__ import annotations

DOCUMENTED_REFUSALS = frozenset({400, 401, 403, 404, 409, 422, 429})
"""Statuses documented as a refusal of an action; after any other error status it may have been carried out."""


class ApiError(Exception):
    """An error of a request to the platform's API; the message gives the reason, `hint` a way to solve it."""

    word = "failed"
    """The short name of this kind of error, used in JSON output and the journal."""
    hint = ""
    maybe_done = False
    """Whether the action may have been carried out although its answer was an error or missing."""

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
        """Create an error; without `maybe_done`, the status tells whether the action may have been carried out."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.wait = wait
        """Seconds after which the platform asks the client to retry."""
        self.body = body
        if hint is not None:
            self.hint = hint
        if maybe_done is not None:
            self.maybe_done = maybe_done
        elif status is not None:
            self.maybe_done = status not in DOCUMENTED_REFUSALS

    @property
    def sentence(self) -> str:
        """The message and the hint as a full sentence each."""
        if not self.hint:
            return self.message
        return f"{self.message}. {self.hint}"


class Unauthorized(ApiError):
    """401 Unauthorized: the key is missing or wrong."""

    word = "unauthorized"
    hint = "Check XPANDER_API_KEY; a self-hosted controller has a key of its own"


class Forbidden(ApiError):
    """403 Forbidden: the key is valid but may not do this."""

    word = "forbidden"
    hint = "Check XPANDER_ORGANIZATION_ID and whom the agent belongs to"


class NotFound(ApiError):
    """404 Not Found or 410 Gone: the resource does not exist, or no longer exists."""

    word = "not found"


class Conflict(ApiError):
    """409 Conflict: the resource has changed, for example because another operator was first."""

    word = "conflict"


class Invalid(ApiError):
    """400 or 422: the platform rejects the request as invalid."""

    word = "invalid"


class RateLimited(ApiError):
    """429: the rate of requests is limited, or the credits are used up."""

    word = "throttled"


class ServerError(ApiError):
    """5xx or 408: an error on the server's side."""

    word = "platform error"
    hint = "Try again later"
    maybe_done = True


class Unreachable(ApiError):
    """The platform is unreachable: no connection was made, so nothing was sent."""

    word = "unreachable"
    hint = "Check the network and the address; xp-tui doctor looks closer"


class ConnectionLost(ApiError):
    """The connection was lost after the request had begun."""

    word = "connection lost"
    hint = "Try again"
    maybe_done = True


class TimedOut(ApiError):
    """The request timed out: no complete answer came in time."""

    word = "timed out"
    hint = "Try again"
    maybe_done = True


class UnexpectedAnswer(ApiError):
    """The answer does not have the form that the platform documents."""

    word = "not understood"
    maybe_done = True


class Redirected(ApiError):
    """The answer redirects to an address that the key must not be sent to."""

    word = "redirected"


class NotSupported(ApiError):
    """The operation is not supported by any configured surface."""

    word = "not offered"


class ReadOnly(ApiError):
    """The client is in read-only mode, in which actions are not sent."""

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
    """Return the class of error for an HTTP status."""
    if status in ERROR_BY_STATUS:
        return ERROR_BY_STATUS[status]
    if status >= 500 or status == 408:
        return ServerError
    return Invalid
