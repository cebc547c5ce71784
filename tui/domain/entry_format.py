"""Entries of an activity log in one line: a word for what it is, what it says, and how it went."""

from __future__ import annotations

import json
from typing import NamedTuple

from tui.client.events import Event
from tui.client.json_codec import pretty
from tui.client.log_entries import (
    Compaction,
    Confirmation,
    Decision,
    Delegation,
    Entry,
    Message,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Activity
from tui.domain.activity_nodes import Node
from tui.security.redact import Redactor
from tui.security.sanitize import one_line


class EntryLine(NamedTuple):
    """One entry, told: its texts are safe to show."""

    word: str
    text: str
    after: str
    style: str


_ROLES = {"user": "USR", "agent": "AGT", "assistant": "AGT", "system": "SYS"}
_WORDS: tuple[tuple[type[Entry], str], ...] = (
    (Reasoning, "RSN"),
    (ToolCall, "TOL"),
    (Delegation, "SUB"),
    (SignIn, "SGN"),
    (Decision, "DEC"),
    (Questions, "ASK"),
    (Confirmation, "CRD"),
    (Compaction, "CMP"),
)


def entry_code(entry: Entry) -> str:
    """Three letters for the kind of an entry."""
    if isinstance(entry, Message):
        return _ROLES.get(entry.role, "MSG")
    return next((word for kind, word in _WORDS if isinstance(entry, kind)), "···")


def entry_line(node: Node, redactor: Redactor) -> EntryLine:
    """One entry in one line."""
    entry = node.entry
    text = one_line(redactor.text(entry.label), longest=1000)
    after, style = "", ""
    match entry:
        case ToolCall():
            why = entry.reasoning.title if entry.reasoning else None
            text = f"{text}  {one_line(redactor.text(why), longest=300)}" if why else text
            about = "" if node.is_timed else "≈"
            took = about + humanize.exact_duration(node.seconds) if node.seconds is not None else ""
            if entry.approval_request_id:
                after, style = "held", "need"
            elif entry.is_error:
                after, style = f"{took} ✗".strip(), "failed"
            elif entry.is_finished:
                after = f"{took} ✓".strip()
            else:
                after, style = "…", "running"
        case Reasoning():
            after = f"{entry.confidence:.2f}" if entry.confidence is not None else ""
            style = "faint"
        case SignIn() | Questions() | Confirmation() if entry.is_open:
            after, style = "waits", "need"
        case Message(role="user"):
            style = "strong"
    return EntryLine(entry_code(entry), text, after, style)


def short_json(value: object, redactor: Redactor, longest: int = 300) -> str:
    """Any JSON in one line, masked and safe."""
    text = (
        value if isinstance(value, str) else json.dumps(redactor.json(value), ensure_ascii=False, separators=(",", ":"))
    )
    return one_line(redactor.text(text), longest=longest)


def event_text(event: Event, redactor: Redactor) -> str:
    """What an event says, in one line."""
    entry = event.entry
    if (task := event.task) is not None:
        return one_line(redactor.text(f"{task.status}  {task.name}"), longest=300)
    if (plan := event.plan) is not None:
        return f"{plan.done}/{len(plan.steps)}"
    if (context := event.context) is not None:
        return f"{context.percent or 0:.0f}% of {humanize.short_count(context.context_window)}"
    if isinstance(entry, ToolCall):
        value = entry.result if entry.is_finished else entry.arguments
        return f"{one_line(redactor.text(entry.name), longest=60)}  {short_json(value, redactor)}"
    if entry is not None and entry.kind != "other":
        return one_line(redactor.text(entry.label), longest=300)
    return short_json(event.data, redactor)


def summary(task: AnyTask, activity: Activity) -> str:
    """How a run went, in one line."""
    kinds, failed = activity.nodes.tally()
    calls, agents = kinds[ToolCall], kinds[Delegation]
    begun, end = task.started_at or task.created_at, task.finished_at or task.updated_at
    parts = [
        f"{task.status} in {humanize.exact_duration((end - begun).total_seconds())}" if begun and end else task.status
    ]
    parts.append(f"{calls} call{'s' * (calls != 1)}" + (f", {failed} failed" if failed else ""))
    if agents:
        parts.append(f"{agents} sub-agent{'s' * (agents != 1)}")
    if task.tokens:
        parts.append(f"{humanize.short_count(task.tokens.total)} tokens")
    return " · ".join(parts)


def as_markdown(entry: Entry, redactor: Redactor) -> str:
    """An entry to be pasted where people read Markdown."""
    when = f"{entry.created_at:%Y-%m-%d %H:%M:%S}Z " if entry.created_at else ""
    head = f"**{entry_code(entry)}** {when}{redactor.text(entry.label)}"
    if isinstance(entry, Message):
        return f"**{entry_code(entry)}** {when}\n\n{redactor.text(entry.text)}"
    return f"{head}\n\n```json\n{pretty(redactor.json(entry.raw))}\n```"
