"""Counts of the secrets in a record: which are present and how many, by their paths; their values are left out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tui.security.redact import MAX_JSON_DEPTH, is_holder, is_secret, is_secret_member

TOO_DEEP = "… nested too deep to show"


def without_secrets(value: Any, path: str, counts: Counter[str], names: tuple[str, ...] = (), depth: int = 0) -> Any:
    """Return a JSON value without its secrets, which are counted by their paths; None where nothing else is in it.

    `names` are the names of the objects round the value and its own, as a name may have dots in it.
    """
    if depth > MAX_JSON_DEPTH:
        return TOO_DEEP
    names = names or ("", path, *path.split("."))
    holder, name = names[-2:]
    if is_secret(path) or is_secret(name) or is_holder(name) or is_secret_member(holder, name):
        count = _count_scalars(value, depth)
        if count:
            counts[path] += count
            return None
    if isinstance(value, list):
        return [without_secrets(item, path, counts, names, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, member in value.items():
        member_path = f"{path}.{key}"
        counted = counts[member_path]
        kept_member = without_secrets(member, member_path, counts, (*names[-1:], key), depth + 1)
        is_left_out = kept_member is None and counts[member_path] > counted
        if not is_left_out:
            kept[key] = kept_member
    return kept


def _count_scalars(value: Any, depth: int) -> int:
    """Count the texts and numbers in a value, without empty ones; a value that is nested too deep counts as one."""
    if depth > MAX_JSON_DEPTH:
        return 1
    if isinstance(value, dict):
        return sum(_count_scalars(member, depth + 1) for member in value.values())
    if isinstance(value, list):
        return sum(_count_scalars(item, depth + 1) for item in value)
    return int(value not in (None, "") and not isinstance(value, bool))
