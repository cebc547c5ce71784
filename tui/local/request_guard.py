"""Middleware that guards the app: it lets only whole, bounded and plain JSON in, and reports what the app raises."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from tui.local.auth_middleware import ASGIApp, ASGIMessage, Receive, Scope, Send, refuse

MAX_BODY_BYTES = 4 * 1024 * 1024
"""Bytes of a request body."""
BODY_SECONDS = 20.0
"""Seconds that a request body may take to arrive."""
MAX_DEPTH = 100
"""Levels of objects and lists in a body."""
MAX_DIGITS = 300
"""Digits of an integer in a body."""
MAX_LENGTH_DIGITS = 20
"""Digits that are read of an announced length: so many of them are too long already."""


class BodyTooLong(Exception):
    """A body that is longer than MAX_BODY_BYTES."""


class ClientGone(Exception):
    """The client disconnected before its request was complete."""


class NotPlain(ValueError):
    """JSON that is not plain, as some parsers cannot read it or read it differently; the message says why."""


class RequestGuard:
    """Middleware that guards an app: each request is complete, plain JSON, and each failure is reported."""

    def __init__(self, app: ASGIApp, notify: Callable[[str], None]) -> None:
        self._app = app
        self._notify = notify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the whole body and check it, then let the app answer the request (called by the server)."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(scope, receive)
        except BodyTooLong:
            await refuse(send, 413, f"The body has more than {MAX_BODY_BYTES >> 20} MiB")
        except TimeoutError:
            await refuse(send, 408, f"The body has not come within {BODY_SECONDS:g} seconds")
        except ClientGone:
            return
        else:
            fault = body_fault(body) if body and _is_called_json(scope) else None
            if fault is not None:
                detail = {"type": "json_invalid", "loc": ["body"], "msg": fault}
                await refuse(send, 422, [detail])
                return
            await self._call_app(scope, _with_body(body, receive), send)

    async def _call_app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; it has answered an exception that it raises with a 500, and the guard reports it."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - one failing request must not end the others
            self._notify(f"a request was not answered: {scope['method']} {error_place(error)}")


def error_place(error: BaseException) -> str:
    """Return the type of an error and the place where it was raised, without any values."""
    call = error.__traceback__
    if call is None:
        return type(error).__name__
    while call.tb_next is not None:  # the innermost call has raised the error
        call = call.tb_next
    return f"{type(error).__name__} in {call.tb_frame.f_code.co_qualname}, line {call.tb_lineno}"


def is_full(error: sqlite3.Error) -> bool:
    """Return whether an error says that the disk is full."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    """Read the whole body; raise BodyTooLong as early as possible."""
    announced_length = dict(scope["headers"]).get(b"content-length", b"0")
    if announced_length.isdigit() and int(announced_length[:MAX_LENGTH_DIGITS]) > MAX_BODY_BYTES:
        raise BodyTooLong
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLong
    return bytes(body)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first returns the whole body, and then what the server sends."""
    messages: list[ASGIMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_body_first() -> ASGIMessage:
        return messages.pop() if messages else await receive()

    return receive_body_first


def _is_called_json(scope: Scope) -> bool:
    """Return whether the content type calls the body JSON; a body without a type counts as JSON."""
    return b"json" in dict(scope["headers"]).get(b"content-type", b"json").lower()


def body_fault(body: bytes) -> str | None:
    """Return the fault of a body that cannot be stored unchanged, or None."""
    try:
        value = json.loads(body, parse_constant=_refuse_constant, parse_float=_parse_float, parse_int=_parse_integer)
        _check_levels(value)
    except NotPlain as error:
        return str(error)
    except json.JSONDecodeError as error:
        return f"The body is not JSON: {error}"
    except UnicodeDecodeError:
        return "The body is not UTF-8"
    except RecursionError:
        return f"The body has more than {MAX_DEPTH} levels"
    return None


def _refuse_constant(name: str) -> Any:
    """Refuse a constant that Python reads although it is no JSON: NaN, Infinity, -Infinity."""
    raise NotPlain(f"The body is not JSON: {name} is no number there")


def _parse_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotPlain("The body has a number that is too large")
    return number


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotPlain(f"The body has a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _check_levels(value: Any) -> None:
    """Raise NotPlain if a value has too many levels, or a text with half a surrogate pair."""
    # Level by level, not by a function that calls itself: no body is too deep for that.
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [child for parent in level for child in _checked_children(parent)]
        if not level:
            return
    raise NotPlain(f"The body has more than {MAX_DEPTH} levels")


def _checked_children(value: Any) -> Iterator[Any]:
    """Yield the children of an object or a list; check a text, and the names in an object."""
    match value:
        case str():
            _check_text(value)
        case dict():
            for name in value:
                _check_text(name)
            yield from value.values()
        case list():
            yield from value


def _check_text(text: str) -> None:
    """Raise NotPlain if a text has half a surrogate pair."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlain("The body has half a surrogate pair in a text, which is no character") from None
