"""What an answer of the platform says: its JSON when it is good, the error it is when it is not."""

from __future__ import annotations

import re
from typing import Any

from tui.client.errors import ApiError, UnexpectedAnswer, error_class_of
from tui.client.json_codec import NotJson, loads
from tui.client.json_values import text_of

MAX_ANSWER_BYTES = 1024 * 1024 * 1024
"""Bytes of one answer beyond which it is not read to its end."""
_PLAIN = {
    400: "the request was not accepted",
    401: "the API key is missing or wrong",
    403: "the API key may not do this",
    404: "there is no such thing here",
    409: "it is not in the state that was expected",
    422: "the request was not accepted",
    429: "too many requests, or the credits are used up",
}


def find_record(body: object, kind: str, *ids: str) -> dict[str, Any]:
    """The record in an answer, if it is one of those that were asked for; without ids, any that has an id."""
    told = body.get("id") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(told, str) or not told.strip():
        said = error_message(body) if isinstance(body, dict) else ""
        why = f": it says {said!r}" if said else ""
        raise UnexpectedAnswer(f"the platform's answer is no {kind}{why}", body=body)
    if ids and told not in ids:
        raise UnexpectedAnswer(f"the platform answered with {kind} {told[:80]!r}, asked for was {ids[0]!r}", body=body)
    return body


def find_task_record(body: object, *ids: str) -> dict[str, Any]:
    """The record of a task in an answer: it has the id that was asked for, an agent and a status."""
    record = find_record(body, "task", *ids)
    for name in ("status", "agent_id"):
        if not isinstance(record.get(name), str) or not record[name].strip():
            raise UnexpectedAnswer(f"the platform's answer is no task: it has no {name}", body=body)
    return record


def json_of_answer(content: bytes, status: int) -> Any:
    """The JSON of a good answer; nothing where there is none to expect."""
    if not content.strip():
        return None
    try:
        return loads(content)
    except NotJson as error:
        if status == 200 and len(content) < 64 and content.strip().isalpha():
            return content.decode().strip()
        what = "an HTML page" if _is_html(content) else str(error)
        raise UnexpectedAnswer(f"the answer is {what}", status=status, body=_start(content)) from error


def error_of_answer(status: int, content: bytes, wait: float | None) -> ApiError:
    """The error that a status and its body mean, in the platform's own words where it has any."""
    try:
        body = loads(content) if content.strip() else None
    except NotJson:
        body = None if _is_html(content) else _start(content)
    said = error_message(body)
    plain = _PLAIN.get(status, "the platform failed" if status >= 500 else "the request was not accepted")
    words = f"{plain} ({status})" if not said else f"{said} ({status})"
    if status == 429 and wait:
        words += f", try again in {wait:.0f} s"
    return error_class_of(status)(words, status=status, wait=wait, body=body)


def error_message(body: object) -> str:
    """The words of an error body: `detail` may be a text, a list of complaints, or absent."""
    match body:
        case {"detail": list(complaints)}:
            return "; ".join(filter(None, map(_complaint, complaints)))[:1000]
        case {"detail": dict(told)} | {"error": dict(told)}:
            return error_message(told)  # an object is not told as a text: its secrets could not be told by their names
        case {"detail": told} | {"message": told} | {"error": told} if isinstance(told, str | int | float):
            return str(text_of(told))[:1000]
        case str():
            return body[:1000]
        case _:
            return ""


def _complaint(item: object) -> str:
    match item:
        case {"loc": list(place), "msg": told}:
            return f"{'.'.join(map(str, place))}: {text_of(told)}"
        case {"msg": str(told)} | str(told):
            return told
        case _:
            return ""


def _is_html(content: bytes) -> bool:
    return bool(re.match(rb"\s*(<!doctype|<html|<head|<body|<h1)", content, re.IGNORECASE))


def _start(content: bytes) -> str:
    return content[:300].decode("utf-8", "replace").strip()
