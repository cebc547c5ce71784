"""A tolerant JSON reader, for JSON that is nested too deep, has huge numbers or duplicate names, and a safe writer."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

MAX_DEPTH = 128
"""Levels of nesting that are parsed; anything deeper is kept as the text of its JSON."""
MAX_EXACT_DIGITS = 15
"""Characters of a decimal number that a float always represents exactly."""
MAX_INT_DIGITS = 4300
"""Digits of the longest integer that Python converts; a longer one is kept as text."""
_USUAL_SEPARATORS = ((",", ":"), (", ", ": "))
"""The separators between items, and between a name and its value, that JSON writers use."""
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
"""Strings are found as a whole, so that no bracket inside one counts."""


class NotJson(ValueError):
    """The text is not JSON; the message says what is wrong and where."""


def loads(text: str | bytes) -> Any:
    """Load JSON, keeping as text what Python cannot represent: huge integers, NaN, endless nesting."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace").removeprefix("\ufeff")
    try:
        return _decode(text, _DECODER)
    except NotJson:
        raise
    except ValueError:  # an integer of more digits than Python converts
        return _decode(text, _DECODER_OF_LONG_NUMBERS)


def _decode(text: str, decoder: json.JSONDecoder) -> Any:
    """Decode a text; where it is nested too deep for the decoder, keep the deep levels as strings."""
    try:
        return decoder.decode(text)
    except RecursionError:
        return _decode(_deep_levels_as_strings(text), decoder)
    except json.JSONDecodeError as error:
        is_truncated = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        problem = "it ends too early" if is_truncated else f"character {error.pos + 1}"
        raise NotJson(f"not JSON: {problem}") from None


def dumps(value: Any, *, indent: int | None = None, sort: bool = False) -> str:
    """Dump a value as JSON in ASCII only, so that no byte of it can be a terminal control sequence."""
    separators = (",", ":") if indent is None else None
    try:
        if indent is None and not sort:
            return _ENCODER.encode(value)
        return json.dumps(value, indent=indent, sort_keys=sort, separators=separators, default=str)
    except RecursionError:
        return json.dumps(_pruned(value), indent=indent, sort_keys=sort, separators=separators, default=str)


def pretty(value: Any) -> str:
    """Return pretty-printed JSON with letters of all scripts; sanitize it before printing it to a terminal."""
    try:
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except RecursionError:
        return json.dumps(_pruned(value), indent=2, ensure_ascii=False, default=str)


def parse_nested(value: Any) -> Any:
    """Parse texts that are nested JSON, where that loses nothing; the result is for display only."""
    match value:
        case str() if value[:1] in {"{", "["}:
            return _parse_text(value)
        case dict():
            return {name: parse_nested(item) for name, item in value.items()}
        case list():
            return [parse_nested(item) for item in value]
        case _:
            return value


def _parse_text(text: str) -> Any:
    """Parse a text that may be JSON; return the text if it is not, or if parsing loses something."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if _is_written_as(value, text) else text


def _is_written_as(value: Any, text: str) -> bool:
    """Return whether a value is written as this text: so it has no duplicate name, lost digit or unusual escape."""
    return any(
        json.dumps(value, ensure_ascii=ensure_ascii, separators=separators) == text
        for ensure_ascii in (True, False)
        for separators in _USUAL_SEPARATORS
    )


def canonical(value: Any) -> str:
    """Return the canonical JSON of a value: equal values have equal texts, whatever the order of their names."""
    return dumps(value, sort=True)


def parse_float(digits: str) -> float | str:
    """Parse a decimal number as a float, or return its digits if a float would change it."""
    number = float(digits)
    if not math.isfinite(number):
        return digits
    if len(digits) <= MAX_EXACT_DIGITS or Decimal(digits) == Decimal(repr(number)):
        return number
    return digits


def _parse_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else digits


def _merge_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object without losing duplicate names: the last value counts, earlier ones get longer names."""
    value = dict(pairs)
    if len(value) == len(pairs):
        return value
    later_counts: Counter[str] = Counter()
    duplicates: dict[str, Any] = {}
    for name, item in reversed(pairs):  # the last one of each name keeps its name
        if later_counts[name]:
            duplicates[f"{name} (written again before, {later_counts[name]})"] = item
        later_counts[name] += 1
    return {**value, **duplicates}


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)
_DECODER = json.JSONDecoder(parse_constant=str, parse_float=parse_float, object_pairs_hook=_merge_duplicates)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(
    parse_constant=str, parse_float=parse_float, parse_int=_parse_int, object_pairs_hook=_merge_duplicates
)


def _deep_levels_as_strings(text: str) -> str:
    """Return JSON in which each value that is nested MAX_DEPTH levels deep is a string of its own JSON.

    So the decoder, which calls itself for each level, can decode it, and the deep levels can still be read.
    """
    parts: list[str] = []
    depth = 0
    deep_start = 0
    shallow_start = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        match token.group()[0]:
            case "[" | "{":
                depth += 1
                if depth == MAX_DEPTH:
                    deep_start = token.start()
                    parts.append(text[shallow_start:deep_start])
            case "]" | "}":
                if depth == MAX_DEPTH:
                    shallow_start = token.end()
                    parts.append(json.dumps(text[deep_start:shallow_start]))
                depth -= 1
    if depth >= MAX_DEPTH:
        raise NotJson("not JSON: it ends too early")
    parts.append(text[shallow_start:])
    return "".join(parts)


def _pruned(value: Any, depth: int = 0) -> Any:
    """Return the value pruned to MAX_DEPTH levels, as the writer calls itself for each level."""
    if depth == MAX_DEPTH:
        return "… nested too deep to write"
    if isinstance(value, dict):
        return {key: _pruned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_pruned(item, depth + 1) for item in value]
    return value
