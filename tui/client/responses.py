"""Parsing of the platform's answers: the JSON of a good one, the error that another one means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from tui.client.errors import ApiError, UnexpectedAnswer, error_class_of
from tui.client.json_codec import NotJson, loads
from tui.client.json_values import object_of, text_of
from tui.client.retry import retry_after

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 1024 * 1024 * 1024
"""The largest answer that is read."""
MAX_REFUSAL_BYTES = 65_536
"""Bytes that are read of an answer that is not an event stream."""
MAX_WORD_BYTES = 63
"""Bytes up to which an answer that is a single word counts as good although it is not JSON."""
MAX_MESSAGE_CHARS = 1000
"""Characters that are quoted of an error's message."""
MAX_EXCERPT_BYTES = 300
"""Bytes that are kept of an answer that is not JSON."""
MAX_QUOTED_ID_CHARS = 80
"""Characters that an error quotes of an id."""
_MESSAGE_BY_STATUS = {
    400: "the request was not accepted",
    401: "the API key is missing or wrong",
    403: "the API key may not do this",
    404: "there is no such thing here",
    409: "it is not in the state that was expected",
    422: "the request was not accepted",
    429: "too many requests, or the credits are used up",
}


class RawAnswer(NamedTuple):
    """An answer as it came: its status, its headers, and its decompressed body."""

    status: int
    headers: dict[str, str]
    content: bytes


def find_record(body: object, kind: str, *ids: str) -> dict[str, Any]:
    """Return the record in an answer; raise UnexpectedAnswer if it has no id, or another one than `ids`."""
    record = object_of(body)
    record_id = record.get("id")
    if not isinstance(record_id, str) or not record_id.strip():
        message = error_message(record)
        quoted = f": it says {message!r}" if message else ""
        raise UnexpectedAnswer(f"the platform's answer is no {kind}{quoted}", body=body)
    if ids and record_id not in ids:
        quoted_id = record_id[:MAX_QUOTED_ID_CHARS]
        raise UnexpectedAnswer(f"the platform answered with {kind} {quoted_id!r}, asked for was {ids[0]!r}", body=body)
    return record


def find_task_record(body: object, *ids: str) -> dict[str, Any]:
    """Return the record of a task in an answer; raise UnexpectedAnswer if its id, status or agent is not right."""
    record = find_record(body, "task", *ids)
    for name in ("status", "agent_id"):
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise UnexpectedAnswer(f"the platform's answer is no task: it has no {name}", body=body)
    return record


def json_of_answer(content: bytes, status: int) -> Any:
    """Return the JSON of a good answer, or None if the answer is empty."""
    if not content.strip():
        return None
    try:
        return loads(content)
    except NotJson as error:
        is_word = len(content) <= MAX_WORD_BYTES and content.strip().isalpha()
        if status == 200 and is_word:  # the answer to a ping is `pong`
            return content.decode().strip()
        problem = "an HTML page" if _is_html(content) else str(error)
        raise UnexpectedAnswer(f"the answer is {problem}", status=status, body=_excerpt(content)) from error


def error_of_answer(status: int, content: bytes, wait: float | None) -> ApiError:
    """Return the error that an answer means, with the platform's own message if it has one."""
    try:
        body = loads(content) if content.strip() else None
    except NotJson:
        body = None if _is_html(content) else _excerpt(content)
    message = f"{error_message(body) or _default_message(status)} ({status})"
    if status == 429 and wait:
        message += f", try again in {wait:.0f} s"
    return error_class_of(status)(message, status=status, wait=wait, body=body)


async def check_event_stream(response: httpx.Response, now: float) -> None:
    """Check the status of a response first, then its type; raise ApiError unless it is an event stream."""
    status = response.status_code
    if status == 200:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type == "text/event-stream":
            return
        raise UnexpectedAnswer(f"the platform answered with {content_type or 'something'}, not with an event stream")
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > MAX_REFUSAL_BYTES:
            break
    if status < 400:
        raise UnexpectedAnswer(f"the platform has no events for this task ({status})", status=status)
    raise error_of_answer(status, bytes(content), retry_after(response.headers, now))


def _default_message(status: int) -> str:
    if status in _MESSAGE_BY_STATUS:
        return _MESSAGE_BY_STATUS[status]
    if status >= 500:
        return "the platform failed"
    return "the request was not accepted"


def error_message(body: object) -> str:
    """Return the message in the body of an error, or an empty text; `detail` may be a text or a list of problems."""
    match body:
        case {"detail": list(problems)}:
            return "; ".join(filter(None, map(_problem_text, problems)))[:MAX_MESSAGE_CHARS]
        case {"detail": dict(inner)} | {"error": dict(inner)}:
            # Never quote an object as text: its secrets could not be redacted by their names.
            return error_message(inner)
        case {"detail": text} | {"message": text} | {"error": text} if isinstance(text, str | int | float):
            return str(text_of(text))[:MAX_MESSAGE_CHARS]
        case str():
            return body[:MAX_MESSAGE_CHARS]
        case _:
            return ""


def _problem_text(problem: object) -> str:
    """Return the text of one problem with a request, with the field that it is in; empty for an unknown form."""
    match problem:
        case {"loc": list(location), "msg": text}:
            return f"{'.'.join(map(str, location))}: {text_of(text)}"
        case {"msg": str(text)} | str(text):
            return text
        case _:
            return ""


def _is_html(content: bytes) -> bool:
    return bool(re.match(rb"\s*(<!doctype|<html|<head|<body|<h1)", content, re.IGNORECASE))


def _excerpt(content: bytes) -> str:
    return content[:MAX_EXCERPT_BYTES].decode("utf-8", "replace").strip()
