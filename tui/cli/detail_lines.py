"""The details of a task as `show` prints them: a heading for each group, and a line or more for each attribute."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tui.cli.output import FAINT, Cell, Output
from tui.client.json_codec import dumps, pretty
from tui.domain import humanize
from tui.domain.task_details import Detail, TaskDetails, shown_value
from tui.security.sanitize import sanitize_text

LABEL_CHARS = 24
MAX_COMPACT_CHARS = 100
"""Characters up to which an object or a list is printed as compact JSON, in one line."""
PRINTED_ABOVE = frozenset(
    {
        "id", "title", "agent_id", "source", "parent_execution", "sub_executions", "internal_status",
        "llm_model_provider", "llm_model_name", "result", "deep_planning.tasks",
    }
)  # fmt: skip
"""The attributes that `show` prints among the first lines of a task, or as its result."""


def print_details(out: Output, details: TaskDetails) -> None:
    """Print the details of a task that `show` does not print above them, and the counts of its secrets."""
    for group in details.groups:
        remaining = [detail for detail in group.details if detail.name not in PRINTED_ABOVE]
        lines = [line for detail in remaining for line in _detail_lines(out, detail)]
        _print_group(out, group.name, lines)
    _print_group(out, "secrets", details.secret_lines)


def _print_group(out: Output, name: str, lines: list[str]) -> None:
    if not lines:
        return
    out.line("")
    out.line(Cell(name.capitalize(), FAINT))
    for line in lines:
        out.indented(sanitize_text(line, longest=sys.maxsize))


def _detail_lines(out: Output, detail: Detail) -> Iterator[str]:
    """Yield the lines of a detail: its label with its value, or the lines of the value below the label."""

    def format_time(moment: datetime) -> str:
        return humanize.timestamp(moment, utc=out.time == "utc")

    text = _value_text(out, detail, shown_value(detail, format_time))
    lines = sanitize_text(text, longest=sys.maxsize).split("\n")
    if len(lines) == 1:
        yield f"{detail.label:<{LABEL_CHARS}} {lines[0]}"
        return
    yield detail.label
    for line in lines:
        yield f"  {line}"


def _value_text(out: Output, detail: Detail, value: Any) -> str:
    """Return a value as text with its secrets masked: a text as it is, all else as JSON."""
    last_name = detail.name.rpartition(".")[2]
    redacted = out.redactor.json(value, last_name)
    if isinstance(redacted, str):
        return redacted
    compact = dumps(redacted)
    if len(compact) <= MAX_COMPACT_CHARS:
        return compact
    return pretty(redacted)
