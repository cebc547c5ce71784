"""JSON as it really arrives: too deep, too big, not quite JSON, and still read without losing a neighbour."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

MAX_DEPTH = 128
"""Levels of nesting read as structure; what lies deeper is kept as the text it was."""

MAX_EXACT_DIGITS = 15
"""So many digits of a number with a point are told exactly by a float."""
_MARKS = ((",", ":"), (", ", ": "))
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class NotJson(ValueError):
    """The text is not JSON; the message says what is wrong and where."""


def loads(text: str | bytes) -> Any:
    """Read JSON, keeping as text what Python would choke on: huge integers, NaN, endless nesting."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return _decoded(text, _DECODER)
    except NotJson:
        raise
    except ValueError:  # an integer of more digits than Python converts
        return _decoded(text, _DECODER_OF_LONG_NUMBERS)


def _decoded(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except RecursionError:
        return _decoded(_shallow(text), decoder)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        where = "it ends too early" if is_cut else f"character {error.pos + 1}"
        raise NotJson(f"not JSON: {where}") from None


def dumps(value: Any, *, indent: int | None = None, sort: bool = False) -> str:
    """Write JSON in ASCII only, so that no byte of it can reach a terminal as a command."""
    separators = (",", ":") if indent is None else None
    try:
        if indent is None and not sort:
            return _ENCODER.encode(value)
        return json.dumps(value, indent=indent, sort_keys=sort, separators=separators, default=str)
    except RecursionError:
        return json.dumps(_pruned(value), indent=indent, sort_keys=sort, separators=separators, default=str)


def pretty(value: Any) -> str:
    """JSON for people: letters of every script as themselves; not safe to print before it is cleaned."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except RecursionError:
        return json.dumps(_pruned(value), indent=2, ensure_ascii=False, default=str)


def parse_nested(value: Any) -> Any:
    """The value with texts that are themselves JSON taken apart, where that leaves nothing out: for reading only."""
    match value:
        case str() if value[:1] in {"{", "["}:
            try:
                inner = json.loads(value)
            except (ValueError, RecursionError):
                return value
            # What is written back as it was has no doubled name, lost digit or odd escape.
            forms = (
                json.dumps(inner, ensure_ascii=ascii, separators=marks) for ascii in (True, False) for marks in _MARKS
            )
            return inner if value in forms else value
        case dict():
            return {name: parse_nested(item) for name, item in value.items()}
        case list():
            return [parse_nested(item) for item in value]
        case _:
            return value


def canonical(value: Any) -> str:
    """One text for one value, whatever order its keys came in."""
    return dumps(value, sort=True)


def parse_float(digits: str) -> float | str:
    """A number with a point; where a float would be another number, its digits."""
    number = float(digits)
    if len(digits) <= MAX_EXACT_DIGITS:
        return number if math.isfinite(number) else digits
    return number if math.isfinite(number) and Decimal(digits) == Decimal(repr(number)) else digits


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) <= 4300 else digits


def _with_doubled_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which nothing is lost: of a doubled name the last value counts, the others stand beside it."""
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    seen: Counter[str] = Counter()
    doubled: dict[str, Any] = {}
    for name, item in pairs[::-1]:
        if seen[name]:
            doubled[f"{name} (written again before, {seen[name]})"] = item
        seen[name] += 1
    return {**value, **doubled}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)
_DECODER = json.JSONDecoder(parse_constant=str, parse_float=parse_float, object_pairs_hook=_with_doubled_names)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(
    parse_constant=str, parse_float=parse_float, parse_int=_int, object_pairs_hook=_with_doubled_names
)


def _shallow(text: str) -> str:
    """The same JSON with everything below DEEPEST levels turned into a string of its own text."""
    parts: list[str] = []
    depth = begun = kept = 0
    for token in _TOKEN.finditer(text):
        match token.group()[0]:
            case "[" | "{":
                depth += 1
                if depth == MAX_DEPTH:
                    parts.append(text[kept : token.start()])
                    begun = token.start()
            case "]" | "}":
                if depth == MAX_DEPTH:
                    parts.append(json.dumps(text[begun : token.end()]))
                    kept = token.end()
                depth -= 1
    if depth >= MAX_DEPTH:
        raise NotJson("not JSON: it ends too early")
    parts.append(text[kept:])
    return "".join(parts)


def _pruned(value: Any, depth: int = 0) -> Any:
    if depth == MAX_DEPTH:
        return "… nested too deep to write"
    if isinstance(value, dict):
        return {key: _pruned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pruned(item, depth + 1) for item in value]
    return value
