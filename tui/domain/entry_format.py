"""Formatting of log entries: a three-letter code, a line of text and the outcome."""

from __future__ import annotations

import json
from collections import Counter
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
    Other,
    Questions,
    Reasoning,
    SignIn,
    ToolCall,
)
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Activity
from tui.domain.activity_nodes import Node
from tui.domain.open_entries import card_text
from tui.domain.recorded_decision import RecordedDecision, settled_words
from tui.domain.turns import LATEST_TURN, WHOLE_THREAD, turn_words
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

MAX_LABEL_CHARS = 1000
MAX_TEXT_CHARS = 300


MAX_TOOL_NAME_CHARS = 60


class EntryLine(NamedTuple):
    """An entry as one line of sanitized text."""

    code: str
    text: str
    outcome: str
    style: str


class StyledOutcome(NamedTuple):
    """The outcome of an entry as text, and its style."""

    text: str = ""
    style: str = ""


_ROLE_CODES = {"user": "USR", "agent": "AGT", "assistant": "AGT", "system": "SYS"}
_CODES: tuple[tuple[type[Entry], str], ...] = (
    (Reasoning, "RSN"),
    (ToolCall, "TOL"),
    (Delegation, "SUB"),
    (SignIn, "SGN"),
    (Decision, "DEC"),
    (RecordedDecision, "DEC"),
    (Questions, "ASK"),
    (Confirmation, "CRD"),
    (Compaction, "CMP"),
)
UNKNOWN_CODE = "···"


def entry_code(entry: Entry) -> str:
    """Return the three-letter code for the kind of an entry, as screens and command line show it."""
    if isinstance(entry, Message):
        return _ROLE_CODES.get(entry.role, "MSG")
    return next((code for kind, code in _CODES if isinstance(entry, kind)), UNKNOWN_CODE)


def entry_line(node: Node, redactor: Redactor) -> EntryLine:
    """Return the entry of a node as one line."""
    entry = node.entry
    text = one_line(redactor.text(entry.label), longest=MAX_LABEL_CHARS)
    outcome = StyledOutcome()
    match entry:
        case ToolCall():
            if entry.reasoning and entry.reasoning.title:
                reason = one_line(redactor.text(entry.reasoning.title), longest=MAX_TEXT_CHARS)
                text = f"{text}  {reason}"
            outcome = _call_outcome(entry, _duration_of(node))
        case Reasoning():
            confidence = ""
            if entry.confidence is not None:
                confidence = f"{entry.confidence:.2f}"
            outcome = StyledOutcome(confidence, "faint")
        case SignIn() | Questions() | Confirmation() if entry.is_open:
            outcome = StyledOutcome("waits", "need")
        case Other() if card := card_text(entry):
            text = f"{text}  {one_line(redactor.text(card), longest=MAX_TEXT_CHARS)}"
            outcome = StyledOutcome("waits", "strong")
        case Questions() | Confirmation():
            settled = one_line(redactor.text(settled_words(entry)), longest=MAX_TEXT_CHARS)
            if settled:
                text = f"{settled}: {text}"
        case Message(role="user"):
            outcome = StyledOutcome(style="strong")
    return EntryLine(entry_code(entry), text, outcome.text, outcome.style)


def _call_outcome(call: ToolCall, duration: str) -> StyledOutcome:
    """Return the outcome of a tool call, with its duration once it has ended."""
    if call.approval_request_id:
        return StyledOutcome("held", "strong")
    if call.is_error:
        return StyledOutcome(f"{duration} ✗".strip(), "failed")
    if call.is_finished:
        return StyledOutcome(f"{duration} ✓".strip())
    return StyledOutcome("…", "running")


def _duration_of(node: Node) -> str:
    """Return the duration of an entry; ≈ before it means that its end was derived from the next entry."""
    if node.seconds is None:
        return ""
    duration = humanize.exact_duration(node.seconds)
    if node.is_timed:
        return duration
    return f"≈{duration}"


def short_json(value: object, redactor: Redactor, longest: int = MAX_TEXT_CHARS) -> str:
    """Return any JSON value as a short line, redacted and sanitized; a text is shown without quotes."""
    if not isinstance(value, str):
        value = json.dumps(redactor.json(value), ensure_ascii=False, separators=(",", ":"))
    return one_line(redactor.text(value), longest=longest)


def event_text(event: Event, redactor: Redactor) -> str:
    """Return the text of an event as one line."""
    task = event.task
    if task is not None:
        return one_line(redactor.text(f"{task.status}  {task.name}"), longest=MAX_TEXT_CHARS)
    plan = event.plan
    if plan is not None:
        return f"{plan.done}/{len(plan.steps)}"
    context = event.context
    if context is not None:
        return f"{context.percent or 0:.0f}% of {humanize.short_count(context.context_window)}"
    entry = event.entry
    if isinstance(entry, ToolCall):
        name = one_line(redactor.text(entry.name), longest=MAX_TOOL_NAME_CHARS)
        value = entry.result if entry.is_finished else entry.arguments
        return f"{name}  {short_json(value, redactor)}"
    if entry is not None and entry.kind != "other":
        return one_line(redactor.text(entry.label), longest=MAX_TEXT_CHARS)
    return short_json(event.data, redactor)


def summary(task: AnyTask, activity: Activity) -> str:
    """Return a summary of a task's run as one line: its status, duration, calls and tokens.

    In a thread with several turns it says which of them each is of.
    """
    status = task.status
    begin = task.started_at or task.created_at
    end = task.finished_at or task.updated_at
    if begin and end:
        status = f"{status} in {humanize.exact_duration((end - begin).total_seconds())}"
    turns = turn_words(task, activity)
    if turns:
        status = f"{turns}: {status}"
    tokens = ""
    if task.tokens:
        tokens = f"{humanize.short_count(task.tokens.total)} tokens"
    whole_counts = activity.nodes.count_kinds()
    if turns != LATEST_TURN or begin is None:
        return " · ".join(filter(None, [status, *_count_words(*whole_counts), tokens]))
    if tokens:
        tokens = f"{tokens}, of which turn is not told"
    turn_counts = _count_words(*activity.nodes.count_kinds(begin))
    thread = ", ".join(_count_words(*whole_counts))
    return " · ".join(filter(None, [status, *turn_counts, f"{WHOLE_THREAD}: {thread}", tokens]))


def _count_words(count_by_kind: Counter[type[Entry]], failed_calls: int) -> list[str]:
    """Return the counts of the calls, with those that failed, and of the sub-agents, in words."""
    calls = humanize.counted(count_by_kind[ToolCall], "call")
    if failed_calls:
        calls = f"{calls}, {failed_calls} failed"
    sub_agents = count_by_kind[Delegation]
    if not sub_agents:
        return [calls]
    return [calls, humanize.counted(sub_agents, "sub-agent")]


def as_markdown(entry: Entry, redactor: Redactor) -> str:
    """Return an entry as Markdown."""
    heading = f"**{entry_code(entry)}** "
    if entry.created_at:
        heading += f"{entry.created_at:%Y-%m-%d %H:%M:%S}Z "
    if isinstance(entry, Message):
        return f"{heading}\n\n{redactor.text(entry.text)}"
    return f"{heading}{redactor.text(entry.label)}\n\n```json\n{pretty(redactor.json(entry.raw))}\n```"
