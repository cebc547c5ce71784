"""The shape of an answer: its names, types and lengths, with every value masked that could tell of somebody.

Enum members that are known, times, numbers and truth values stay as they are. In what users and agents write, such as
the payload of a call, only truth values do, and names that are not the platform's own are masked as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tui.client.json_codec import canonical
from tui.client.json_values import parse_time
from tui.domain.known_words import KNOWN_WORDS
from tui.security.redact import Redactor, is_holder, is_secret

MAX_DEPTH = 40
"""Levels of an answer that are told; the rest is counted as too deep."""
MAX_DIFFERENT_ITEMS = 30
"""Items of a list that are told, if they differ in their names and types."""
MAX_NAME_CHARS = 48
USER_CONTENT = frozenset(
    {
        "additional_attributes", "answers", "arguments", "config", "content", "custom_headers", "definition", "env",
        "env_vars", "headers", "input_schema", "llm_extra_headers", "metadata", "output_schema", "parameters",
        "payload", "payload_extension", "properties", "result", "schema", "tool_args", "user_tokens", "variables",
    }
)  # fmt: skip
"""The names of members whose values are written by users, agents and tools, with names of their own."""
NAMES_IN_USER_CONTENT = frozenset(
    {
        "body_params", "content", "data", "email", "error", "files", "headers", "id", "input", "message", "name",
        "path_params", "payload", "properties", "query_params", "result", "status", "text", "title", "type", "url",
    }
)  # fmt: skip
"""Names that are told in user content too: those of the envelopes that the platform puts round it."""
ODD_NAMES = frozenset({"a2a_options", "sha256"})
"""Names of the platform that do not look like words."""
TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
MARK = re.compile(r"<[a-z ,]+(?: \d+)?(?:, [a-z -]+)?(?: #\d+)?>", re.ASCII)
"""Matches every mark that stands in the place of a value or of a name."""
_LOOKS = (
    ("like a uuid", re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)),
    ("like a web address", re.compile(r"https?://\S+", re.IGNORECASE)),
    ("like an e-mail address", re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("like digits", re.compile(r"[0-9]+")),
    ("like json", re.compile(r"\s*[{\[].*[}\]]\s*", re.DOTALL)),
)
_HUMP = r"(?:[A-Z]?[a-z]{2,15}|[A-Z]{2,5})"
_PLAIN_NAME = re.compile(
    rf"_{{0,2}}(?:[a-z]|{_HUMP}{{1,6}}\d{{0,2}})(?:[_-](?:[a-z]|{_HUMP}{{1,6}})\d{{0,2}}){{0,7}}", re.ASCII
)
_ID_NAME = re.compile(r"(?:^|_)ids?$")
_HEX_WORD = re.compile(r"(?:^|_)[a-f]{8,}(?:_|$)")
_REDACTOR = Redactor()


def shape_of(value: Any) -> Any:
    """Return the shape of a JSON value."""
    return _shape(value, name="", depth=0, is_user_content=False)


def shape_of_text(text: str) -> str:
    """Return the shape of a text: the text itself if it is a known word or a time, or else its length and its looks."""
    if text in KNOWN_WORDS or is_time(text):
        return text
    return _mark("text", text)


def is_time(text: str) -> bool:
    """Return whether a text is a time as the platform writes it, and nothing else."""
    return bool(TIME.fullmatch(text)) and parse_time(text) is not None


def is_plain_name(name: str) -> bool:
    """Return whether the name of a member is made of words: no id, no address, nothing that looks like a secret."""
    if name in KNOWN_WORDS or name in ODD_NAMES:
        return True
    if len(name) > MAX_NAME_CHARS or not _PLAIN_NAME.fullmatch(name):
        return False
    return not _HEX_WORD.search(name) and _REDACTOR.text(name) == name


def _shape(value: Any, *, name: str, depth: int, is_user_content: bool) -> Any:
    if depth > MAX_DEPTH:
        return "<too deep>"
    is_user_content = is_user_content or name in USER_CONTENT or is_secret(name) or is_holder(name)
    match value:
        case dict():
            return _shape_of_object(value, depth, is_user_content)
        case list() | tuple():
            return _shape_of_list(value, name, depth, is_user_content)
        case str() if is_user_content:
            return _mark("text", value)
        case str():
            return shape_of_text(value)
        case bool() | None:
            return value
        case int() | float() if is_user_content or _ID_NAME.search(name):
            return f"<number {len(str(value))}>"
        case int() | float():
            return value
    return f"<other {len(str(value))}>"


def _shape_of_object(value: dict[Any, Any], depth: int, is_user_content: bool) -> dict[str, Any]:
    shapes: dict[str, Any] = {}
    for name, member in value.items():
        text = str(name)
        shown = text
        is_told = is_plain_name(text) and (text in NAMES_IN_USER_CONTENT or not is_user_content)
        if not is_told:
            shown = _unused(_mark("name", text), shapes)
        shapes[shown] = _shape(member, name=text, depth=depth + 1, is_user_content=is_user_content)
    return shapes


def _shape_of_list(items: Iterable[Any], name: str, depth: int, is_user_content: bool) -> list[Any]:
    """Return the shapes of a list's items, and the count of those whose names and types were told before."""
    shapes: list[Any] = []
    kinds: set[str] = set()
    left_out = 0
    for item in items:
        shape = _shape(item, name=name, depth=depth + 1, is_user_content=is_user_content)
        kind = canonical(_kind(shape))
        if kind in kinds or len(kinds) == MAX_DIFFERENT_ITEMS:
            left_out += 1
            continue
        kinds.add(kind)
        shapes.append(shape)
    if left_out:
        shapes.append(f"<more like these {left_out}>")
    return shapes


def _kind(shape: Any) -> Any:
    """Return what tells the kinds of items apart: names, types and known words, without lengths, times and numbers."""
    match shape:
        case dict():
            return {name: _kind(member) for name, member in shape.items()}
        case list():
            return [_kind(item) for item in shape]
        case str() if MARK.fullmatch(shape) or is_time(shape):
            return "text"
        case bool() | None | str():
            return shape
        case _:
            return 0


def _mark(what: str, text: str) -> str:
    """Return the mark for a text: its length, and what it looks like, if that can be told."""
    looks = next((f", {words}" for words, pattern in _LOOKS if pattern.fullmatch(text)), "")
    return f"<{what} {len(text)}{looks}>"


def _unused(mark: str, shapes: dict[str, Any]) -> str:
    """Return a mark with a number, if the object has another member that is masked alike."""
    number = 2
    unused = mark
    while unused in shapes:
        unused = f"{mark[:-1]} #{number}>"
        number += 1
    return unused
