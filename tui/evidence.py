"""What the record of a task shows about an action that was sent to it: the only thing that confirms one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from tui.api.client import Log
from tui.api.entries import Confirmation, Entry, Message, Questions, entry_of
from tui.api.models import RUNNING, ApprovalRequest, Status, Task, WaitKind
from tui.api.record import text_of
from tui.api.wirejson import canonical
from tui.decision import Shown, shown_of
from tui.deed import Answer, Outcome, Verb

PAST = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.ANSWER: "answered"}
ENDED_BADLY = frozenset({Status.STOPPED, Status.FAILED, Status.ERROR})

Verdict = tuple[Outcome, str]
"""An outcome, and the words for it."""


class Finding(Struct, frozen=True):
    """What a record, read after the sending, shows about the request that was decided about."""

    still_waits: bool
    """The task waits, and it may be for this request."""
    is_other: bool = False
    """The record is about another request than the one that was shown."""
    is_changed: bool = False
    """The request is not in every field as it was shown, as after the first of two votes."""
    decided: Verb | None = None
    """The decision that the record names."""
    by: str = ""
    """Who made it, as far as the record says."""


def finding_about(before: Shown, record: Task, log: Log | None = None) -> Finding:
    """Look in a record, and in the log where the request stands there, for what was decided."""
    if before.is_in_log:
        return _finding_in_log(before, record, log)
    request, asked = record.hitl_request, before.task.hitl_request
    if request is None or asked is None:
        other_wait = record.wait is not None and record.wait.kind in {WaitKind.QUESTION, WaitKind.SIGN_IN}
        return Finding(still_waits=not (_goes_on(record) or other_wait))
    if request.approved_by and request.rejected_by:
        return Finding(still_waits=False, is_other=True)
    decided = Verb.APPROVE if request.approved_by else Verb.REJECT if request.rejected_by else None
    waits = decided is None and not _goes_on(record)
    is_changed = canonical(request.raw) != canonical(asked.raw)
    return Finding(waits, is_another(request, asked), is_changed, decided, request.decided_by or "")


def _goes_on(record: Task) -> bool:
    """Whether the task runs or has ended; in any other state, known or not, it may still wait."""
    return record.is_final or record.status in RUNNING


def _finding_in_log(before: Shown, record: Task, log: Log | None) -> Finding:
    entry = _same_entry(before, log) if log else None
    if isinstance(entry, Confirmation) and isinstance(entry.approved, bool):
        by = text_of(entry.raw.get("decided_by")) or ""
        return Finding(still_waits=False, decided=Verb.APPROVE if entry.approved else Verb.REJECT, by=by)
    if isinstance(entry, Questions) and entry.answers:
        return Finding(still_waits=False, decided=Verb.ANSWER)
    if _goes_on(record):
        return Finding(still_waits=False)
    now_open = shown_of(record, log).held if log else None
    return Finding(still_waits=now_open is None or _entry_id(now_open) == _entry_id(before.held))


def _same_entry(before: Shown, log: Log) -> Entry | None:
    wanted = _entry_id(before.held)
    return next((entry for entry in reversed(log.entries) if entry.id == wanted), None)


def _entry_id(raw: Any) -> str:
    return entry_of(raw).id


def answers_differ(wanted: list[dict[str, Any]], entry: Questions) -> bool:
    """Whether the answers on record are others than were sent."""
    on_record = {
        item.get("question_id"): item.get("answer")
        for item in (entry.answers if isinstance(entry.answers, list) else ())
        if isinstance(item, dict)
    }
    return any(on_record.get(item.get("question_id")) not in (None, item.get("answer")) for item in wanted)


def is_another(request: ApprovalRequest, before: ApprovalRequest) -> bool:
    """Whether the two cannot be one request: something that both tell is told differently."""
    named = ("wait_node_id", "operation_id", "title", "description", "content")
    pairs = [(request.raw.get(name), before.raw.get(name)) for name in named]
    return any(new is not None and old is not None and new != old for new, old in pairs)


def decision_verdict(verb: Verb, answer: Answer, record: Task, finding: Finding) -> Verdict:
    """How a decision ended, from the answer that came and what the record shows since."""
    if finding.is_other:
        outcome = Outcome.REFUSED if answer.is_refusal and finding.still_waits else Outcome.UNKNOWN
        return outcome, f"{answer.words}; the task now asks for something else than you saw: open it"
    if finding.decided is not None:
        return _named_verdict(verb, answer, finding)
    if finding.still_waits:
        if answer.is_refusal and not finding.is_changed:
            return Outcome.REFUSED, answer.words
        changed = ", and its request has changed: open it" if finding.is_changed else ""
        return Outcome.UNKNOWN, f"{answer.words}, the task still waits{changed}"
    if answer.is_refusal:
        return Outcome.UNKNOWN, f"{answer.short_words}, yet the task no longer waits: it is {record.status}"
    if not answer.is_clear:
        return Outcome.UNKNOWN, f"{answer.words}, the task no longer waits and does not say who decided"
    if verb is Verb.REJECT:
        stopped = ": the task is stopped" if record.status == Status.STOPPED else ""
        return Outcome.CONFIRMED, f"rejected by you{stopped}"
    if record.status in ENDED_BADLY:
        return Outcome.GONE, f"sent, but the task is {record.status} and does not say that it was {PAST[verb]}"
    return Outcome.CONFIRMED, f"{PAST[verb]} by you"


def _named_verdict(verb: Verb, answer: Answer, finding: Finding) -> Verdict:
    by = f" by {finding.by}" if finding.by else ""
    if finding.decided is not verb:
        yours = f", yours was {answer.short_words}" if answer.is_refusal else ""
        return Outcome.ALREADY, f"decided the other way{by}{yours}"
    if answer.is_refusal:
        return Outcome.ALREADY, f"already {PAST[verb]}{by}, yours was {answer.short_words}"
    on_record = f", on record as {finding.by}" if finding.by else ", the record says so"
    unclear = "" if answer.is_clear else f" ({answer.words})"
    return Outcome.CONFIRMED, f"{PAST[verb]}{on_record}{unclear}"


def stop_verdict(answer: Answer, record: Task, seconds: float) -> Verdict:
    """How a stop ended, from the answer that came and the record read since."""
    if record.status == Status.STOPPED:
        if answer.is_refusal:
            return Outcome.UNKNOWN, f"{answer.short_words}, yet the task is stopped"
        return Outcome.CONFIRMED, "stopped" if answer.is_clear else f"stopped ({answer.words}, the task says so)"
    if record.is_final:
        return Outcome.ALREADY, f"it had ended by itself: {record.status}"
    if answer.is_refusal:
        return Outcome.REFUSED, answer.words
    if answer.is_clear:
        return Outcome.STILL_RUNNING, f"still {record.status} after {seconds:.0f} s"
    return Outcome.UNKNOWN, f"{answer.words}, and the task does not say that it stopped: it is {record.status}"


def shows_changes(record: Task, changes: dict[str, Any]) -> bool:
    """Whether a record has every field as an update wanted it."""
    return all(canonical(record.raw.get(name)) == canonical(value) for name, value in changes.items())


def message_ids(log: Log, text: str | None) -> frozenset[str]:
    """The ids of the user's messages in a log that have exactly this text."""
    return frozenset(
        entry.id
        for entry in log.entries
        if isinstance(entry, Message) and entry.role != "agent" and same_text(entry.text, text)
    )


def has_message_since(log: Log, body: dict[str, Any], since: datetime) -> bool:
    """Whether a log has a message with the words of a request that says it was written since."""
    wanted = message_ids(log, text_in(body))
    return any(entry.id in wanted and entry.created_at and entry.created_at >= since for entry in log.entries)


def same_text(told: str | None, wanted: str | None) -> bool:
    """Whether two texts are the same but for white space around them; what has no text is like nothing."""
    return told is not None and wanted is not None and bool(wanted.strip()) and told.strip() == wanted.strip()


def was_asked(record: Task, agent_id: str, body: dict[str, Any]) -> str:
    """Why a record cannot be that of a task that this request made; empty when it can."""
    if record.agent_id != agent_id:
        return f"belongs to agent {record.agent_id}"
    wanted = text_in(body)
    if wanted is not None and not same_text(record.input.text if record.input else None, wanted):
        return "was asked something else"
    if record.source and body.get("source") and record.source != body["source"]:
        return f"was started by {record.source}"
    return ""


def text_in(body: dict[str, Any]) -> str | None:
    """The words of a request."""
    asked = body.get("input")
    return asked.get("text") if isinstance(asked, dict) else None


def is_recent(task: Task, since: datetime) -> bool:
    """Whether a task says that it was made since."""
    return task.created_at is not None and task.created_at >= since
