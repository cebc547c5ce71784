"""The use of a task's tools: how often each was called, and how many calls failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tui.client.lazy_log import LazyEntries
from tui.client.log_entries import Entry, ToolCall
from tui.domain.activity_nodes import ActivityNodes

MAX_CALLS_READ = 5_000
"""Calls of a large log up to which each is read for the name of its tool."""
ALL_TOOLS = "all tools"
"""The name under which calls are counted together where there are too many to read each."""


class ToolUse(NamedTuple):
    """The use of one tool: how often it was called, and how many of the calls failed."""

    calls: int
    errors: int


def tool_use_of_nodes(nodes: ActivityNodes) -> Mapping[str, ToolUse]:
    """Return the use of each tool in an activity."""
    kinds, errors = nodes.count_kinds()
    if kinds[ToolCall] > MAX_CALLS_READ:
        return {ALL_TOOLS: ToolUse(kinds[ToolCall], errors)}
    return _tool_use(node.entry for node in nodes.of_kind(ToolCall))


def tool_use_of_log(entries: Sequence[Entry]) -> Mapping[str, ToolUse]:
    """Return the use of each tool in an activity log."""
    if isinstance(entries, LazyEntries):
        if entries.tally[ToolCall] > MAX_CALLS_READ:
            return {ALL_TOOLS: ToolUse(entries.tally[ToolCall], len(entries.failed))}
        indexes = (index for index, kind in enumerate(entries.kinds) if kind is ToolCall)
        return _tool_use(entries[index] for index in indexes)
    return _tool_use(entries)


def _tool_use(entries: Iterable[Entry]) -> dict[str, ToolUse]:
    """Return the use of each tool in these entries; a call that several entries report counts once."""
    calls = {entry.keys[0]: entry for entry in entries if isinstance(entry, ToolCall)}
    counts = Counter(call.name for call in calls.values())
    errors = Counter(call.name for call in calls.values() if call.is_error)
    return {name: ToolUse(count, errors[name]) for name, count in counts.most_common()}
