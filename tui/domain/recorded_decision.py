"""Decisions of persons as the platform has recorded them: who, when, and with which reason or answer.

What the platform does not tell is left out; what was sent from here is no proof of anything.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tui.client.json_values import EPOCH, decider_of, object_of, parse_time, text_of
from tui.client.log_entries import Confirmation, Entry, Log, Questions
from tui.client.models import ApprovalRequest
from tui.client.task_rows import AnyTask
from tui.domain.activity_nodes import Node

NO_ORDINAL = 2**31
"""The ordinal of a node that is not in a log."""


class RecordedDecision(Entry):
    """The decision about an approval, which is in the record of a task and not in its log."""

    kind = "decision of a person"

    @property
    def label(self) -> str:
        """The decision in words: who decided, the reason, and the title of the request."""
        return decision_words(ApprovalRequest.from_value(self.raw)) or self.kind


def recorded_decision(task: AnyTask) -> Node | None:
    """Return the decision in the record of a task as a node of its activity; None if there is none."""
    request = task.hitl_request
    if request is None or not request.decided_by:
        return None
    raw = request.raw
    verb = "approved" if request.approved_by else "rejected"
    at = parse_time(raw.get(f"{verb}_at")) or parse_time(raw.get("decided_at"))
    entry = RecordedDecision.from_value({**raw, "id": "decision of the record"})
    return Node(entry, (at or EPOCH, NO_ORDINAL, entry.id))


def decision_words(request: ApprovalRequest) -> str:
    """Return the decision about a request in words; empty if it is not decided."""
    deciders = (("approved", request.approved_by), ("rejected", request.rejected_by))
    decided = ", ".join(f"{verb} by {name}" for verb, name in deciders if name)
    reason = text_of(request.raw.get("comment")) or text_of(request.raw.get("note"))
    if not decided:
        return ""
    if reason:
        decided = f'{decided}: "{reason}"'
    return f"{decided} · {request.title}" if request.title else decided


def record_words(request: ApprovalRequest) -> str:
    """Return by whom and when a request was decided on record, as `approved by Ann at 14:05:09`; empty if it is open.

    The texts of the platform in it are not masked.
    """
    if not request.decided_by:
        return ""
    verb = "approved" if request.approved_by else "rejected"
    moment = parse_time(request.raw.get(f"{verb}_at")) or parse_time(request.raw.get("decided_at"))
    words = f"{verb} by {request.decided_by}"
    return f"{words} at {clock(moment)}" if moment else words


def end_words(task: AnyTask, log: Log, entry_id: str) -> str:
    """Return what the record and the log tell about the end of a wait; empty if they tell nothing.

    `entry_id` is the id of the entry of the log with which the task waited, or empty.
    """
    if task.hitl_request and (words := record_words(task.hitl_request)):
        reason = text_of(task.hitl_request.raw.get("comment"))
        return f'{words}: "{reason}"' if reason else words
    entry = next((entry for entry in reversed(log.entries) if entry_id and entry.id == entry_id), None)
    return settled_words(entry) if entry is not None else ""


def settled_words(entry: Entry) -> str:
    """Return how a card or a question was settled in words, with the time if it is told; empty if it is open."""
    words, moment = settlement(entry)
    return f"{words} at {clock(moment)}" if moment else words


def settlement(entry: Entry) -> tuple[str, datetime | None]:
    """Return how a card or a question was settled in words, empty if it is open, and when, if that is told."""
    match entry:
        case Confirmation(approved=bool() as approved):
            words = "approved" if approved else "dismissed"
            name, moment = "decided_by", parse_time(entry.raw.get("decided_at"))
        case Questions(is_open=False):
            words = " ".join(["answered", ", ".join(f'"{text}"' for text in answer_texts(entry))]).strip()
            name, moment = "answered_by", parse_time(entry.raw.get("answered_at"))
        case _:
            return "", None
    if person := decider_of(entry.raw.get(name)):
        words = f"{words} by {person}"
    return words, moment


def clock(moment: datetime) -> str:
    """Return the local time of day of a moment."""
    return f"{moment.astimezone():%H:%M:%S}"


def answer_texts(entry: Questions) -> list[str]:
    """Return the answers as texts: the labels of the chosen options, or the free text."""
    labels = {option_id: label for question in entry.asked for option_id, label in question.options}
    answers = entry.answers if isinstance(entry.answers, list) else [entry.answers]
    texts: list[str] = []
    for answer in answers:
        for value in _answer_values(answer):
            text = text_of(value)
            if text:
                texts.append(labels.get(text, text))
    return texts


def _answer_values(answer: Any) -> list[Any]:
    """Return the values of one answer: the ids of options, or texts."""
    if not isinstance(answer, dict):
        return [answer]
    fields = object_of(answer)
    options = fields.get("selected_option_ids")
    chosen = options if isinstance(options, list) else []
    return [*chosen, *filter(None, (fields.get("answer"), fields.get("free_text")))]
