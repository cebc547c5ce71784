"""The edge of the application: what comes in is whole, bounded, plain JSON, and what goes wrong goes out in words."""

from __future__ import annotations

import asyncio
import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from tui.local.auth_middleware import ASGIApp, ASGIMessage, Receive, Scope, Send, refuse

MAX_BODY_BYTES = 4 << 20
"""How long a request's body may be."""
BODY_SECONDS = 20.0
"""How long a request's body may take to come."""
MAX_DEPTH = 100
"""How many levels of objects and lists a body may have."""
MAX_DIGITS = 300
"""How many digits a number in a body may have."""


class BodyTooLong(Exception):
    """A body that is longer than MAX_BODY_BYTES."""


class ClientGone(Exception):
    """The client went away before its request was whole."""


class NotPlain(ValueError):
    """JSON that not everybody can read back as it was written; the message says why."""


class RequestGuard:
    """An application whose requests are whole and plain JSON before it sees them, and whose failures have words."""

    def __init__(self, app: ASGIApp, tell: Callable[[str], None]) -> None:
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Called for every request."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _whole_body(scope, receive)
        except BodyTooLong:
            await refuse(send, 413, f"The body has more than {MAX_BODY_BYTES >> 20} MiB")
        except TimeoutError:
            await refuse(send, 408, f"The body has not come within {BODY_SECONDS:g} seconds")
        except ClientGone:
            return
        else:
            if body and _says_json(scope) and (fault := body_fault(body)):
                detail = {"type": "json_invalid", "loc": ["body"], "msg": fault}
                await refuse(send, 422, [detail])
                return
            await self._answer(scope, _with_body(body, receive), send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer; what it raises has been answered for, and is told here."""
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - one request that fails takes no other along
            self._tell(f"a request was not answered: {scope['method']} {error_place(error)}")


def error_place(error: BaseException) -> str:
    """The kind of an error and where it was raised, without any values."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_qualname}, line {trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def is_full(error: sqlite3.Error) -> bool:
    """Whether the database takes nothing more, as its disk is full."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"


async def _whole_body(scope: Scope, receive: Receive) -> bytes:
    told = dict(scope["headers"]).get(b"content-length", b"0")
    if told.isdigit() and int(told[:20]) > MAX_BODY_BYTES:
        raise BodyTooLong
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        more = message.get("more_body", False)
        if size > MAX_BODY_BYTES:
            raise BodyTooLong
    return b"".join(pieces)


def _with_body(body: bytes, receive: Receive) -> Receive:
    """A way to receive the body in one piece, and after it whatever comes."""
    messages: list[ASGIMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> ASGIMessage:
        return messages.pop() if messages else await receive()

    return received


def _says_json(scope: Scope) -> bool:
    """Whether a body is called JSON; without a name it is taken for that."""
    return b"json" in dict(scope["headers"]).get(b"content-type", b"json").lower()


def body_fault(body: bytes) -> str | None:
    """Say why a body cannot be kept as it is, or None."""
    try:
        value = json.loads(body, parse_constant=_constant, parse_float=_number, parse_int=_integer)
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


def _constant(name: str) -> Any:
    raise NotPlain(f"The body is not JSON: {name} is no number there")


def _number(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise NotPlain("The body has a number that is too large")
    return number


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotPlain(f"The body has a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _check_levels(value: Any) -> None:
    """Raise NotPlain for too many levels, and for half a surrogate pair in a text."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for one in level for part in _parts_of(one)]
        if not level:
            return
    raise NotPlain(f"The body has more than {MAX_DEPTH} levels")


def _parts_of(value: Any) -> Iterator[Any]:
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
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotPlain("The body has half a surrogate pair in a text, which is no character") from None
