"""Functions that walk through a JSON value: map its texts, list them, count and compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tui.client.json_codec import dumps

JsonPath = tuple[str | int, ...]
"""The member names and indexes that lead to a value."""
MAX_DEPTH = 200
"""Maximum levels of nesting that are written out; the redactor stops at the same level."""
TOO_DEEP_TEXT = "… nested too deep to show"


def members(value: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the members of an object with their names, or those of a list with their indexes."""
    if isinstance(value, dict):
        yield from ((str(name), member) for name, member in value.items())
    elif isinstance(value, list):
        yield from enumerate(value)


def has_members(value: Any) -> bool:
    """Return whether a value is an object or a list with members."""
    return isinstance(value, dict | list) and bool(value)


def map_texts(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """Return a value with every text and member name changed, down to `MAX_DEPTH` levels."""
    if depth > MAX_DEPTH:  # a text in place of deeper levels, which would exceed Python's limit of recursion
        return TOO_DEEP_TEXT
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(name)): map_texts(member, change, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [map_texts(member, change, depth + 1) for member in value]
    return value


def iterate_texts(value: Any) -> Iterator[tuple[JsonPath, str]]:
    """Iterate over the texts of all member names and scalars in document order, each with its path.

    A stack is used in place of recursion, because nothing limits how deep a value is nested.
    """
    stack: list[tuple[JsonPath, Any, str]] = [((), value, "")]
    while stack:
        path, current, name = stack.pop()
        if has_members(current):
            if name:
                yield path, name
            steps = [((*path, step), member, str(step)) for step, member in members(current)]
            steps.reverse()  # the last one pushed is the next one popped: the first member
            stack += steps
        else:
            scalar_text = current if isinstance(current, str) else dumps(current)
            yield path, f"{name} {scalar_text}"


def count_texts(value: Any) -> int:
    """Count the texts that `iterate_texts` yields."""
    return sum(1 for _ in iterate_texts(value))


def count_differences(shown: Any, original: Any) -> int:
    """Count the texts of the original value that are missing or different in the shown value."""
    shown_texts = dict(iterate_texts(shown))
    return sum(shown_texts.get(path) != text for path, text in iterate_texts(original))
