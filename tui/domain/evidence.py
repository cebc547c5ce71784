"""Evidence in the record of a task about an action that was sent to it: only the record confirms an action.

The models of log entries are imported when a log is read, so that the first frame does not wait for pydantic.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tui.client.json_codec import canonical
from tui.client.json_values import decider_of
from tui.client.task_facts import RUNNING_STATUSES, Status, WaitKind
from tui.domain.action import PAST_TENSE, Action, ActionAnswer, Outcome, Verb
from tui.domain.review import ReviewSnapshot

if TYPE_CHECKING:
    from tui.client.log_entries import Entry, Log
    from tui.client.models import ApprovalRequest, Task, TaskInput
    from tui.client.task_rows import AnyTask

ENDED_BADLY = frozenset({Status.STOPPED, Status.FAILED, Status.ERROR})

OutcomeWithWords = tuple[Outcome, str]
"""An outcome, and its description for the operator."""


class Evidence(Struct, frozen=True):
    """The evidence that a record, read after an action was sent, gives about the request that was decided."""

    still_waits: bool
    """The task waits, possibly for this request."""
    is_other: bool = False
    """The record has another request than the one that was reviewed."""
    is_changed: bool = False
    """The request differs from the reviewed one in some field, as after the first of two votes."""
    decided: Verb | None = None
    """The decision that the record names."""
    decided_by: str = ""
    """The person who decided, if the record names one."""


DECISION_FIELDS = frozenset(
    {
        "approved_by", "rejected_by", "approved_at", "rejected_at", "decided_by", "decided_at", "approved", "answers",
        "comment", "note", "decision", "decision_note", "status", "state", "settled", "votes", "updated_at",
    }
)  # fmt: skip
"""Fields of a request that a decision changes; a difference in any other field means another request."""


def find_evidence(before: ReviewSnapshot, record: Task, log: Log | None = None) -> Evidence:
    """Find the evidence of a decision in a record, and in the log for a request that is a log entry."""
    if before.is_in_log:
        return _find_evidence_in_log(before, record, log)
    request = record.hitl_request
    reviewed_request = before.task.hitl_request
    if request is None or reviewed_request is None:
        waits_for_it_no_more = _runs_or_ended(record) or _waits_for_other(record, before.task)
        return Evidence(still_waits=not waits_for_it_no_more)
    if request.approved_by and request.rejected_by:  # contradicts itself, so that it proves no decision
        return Evidence(still_waits=False, is_other=True)
    decided = _decision_on(request)
    return Evidence(
        still_waits=decided is None and not _runs_or_ended(record),
        is_other=is_other_request(request.raw, reviewed_request.raw),
        is_changed=canonical(request.raw) != canonical(reviewed_request.raw),
        decided=decided,
        decided_by=request.decided_by or "",
    )


def _decision_on(request: ApprovalRequest) -> Verb | None:
    """Return the decision that a request names; None if it names none."""
    if request.approved_by:
        return Verb.APPROVE
    if request.rejected_by:
        return Verb.REJECT
    return None


def _runs_or_ended(record: Task) -> bool:
    """Return whether the task runs or has ended; in any other state, known or not, it may still wait."""
    return record.is_final or record.status in RUNNING_STATUSES


def _waits_for_other(record: Task, before: Task) -> bool:
    """Return whether the task now waits for something other than before."""
    if record.wait is None:
        return False
    if record.wait.kind is WaitKind.QUESTION:
        had_question = bool(before.plan and before.plan.question_raised)
        return not had_question
    if record.wait.kind is WaitKind.SIGN_IN:
        return before.pending_eca_request is None
    return False


def _find_evidence_in_log(before: ReviewSnapshot, record: Task, log: Log | None) -> Evidence:
    """Find the evidence of a decision on a request that is a log entry, in the entry with the same id."""
    from tui.client.log_entries import Confirmation, Questions, parse_entry

    entry = _reviewed_entry(before, log) if log else None
    if entry is not None and is_other_request(entry.raw, parse_entry(before.held).raw):
        return Evidence(still_waits=not _runs_or_ended(record), is_other=True)
    if isinstance(entry, Confirmation) and isinstance(entry.approved, bool):
        decided = Verb.APPROVE if entry.approved else Verb.REJECT
        return Evidence(still_waits=False, decided=decided, decided_by=decider_of(entry.raw.get("decided_by")) or "")
    if isinstance(entry, Questions) and entry.answers:
        return Evidence(still_waits=False, decided=Verb.ANSWER)
    return Evidence(still_waits=not _runs_or_ended(record))


def _reviewed_entry(before: ReviewSnapshot, log: Log) -> Entry | None:
    """Return the log entry that was reviewed, in its latest state; None if the log no longer has it."""
    from tui.client.log_entries import parse_entry

    reviewed_id = parse_entry(before.held).id
    for entry in reversed(log.entries):
        if entry.id == reviewed_id:
            return entry
    return None


def is_other_request(request: dict[str, Any], before: dict[str, Any]) -> bool:
    """Return whether a request is another one than before: a field that both have differs."""
    for name, old_value in before.items():
        new_value = request.get(name)
        if name in DECISION_FIELDS or old_value is None or new_value is None:
            continue
        if canonical(new_value) != canonical(old_value):
            return True
    return False


def decision_verdict(action: Action, answer: ActionAnswer, record: Task, evidence: Evidence) -> OutcomeWithWords:
    """Return the verdict on a decision, from the platform's answer and the evidence in the record since."""
    verb = action.verb
    if answer.is_refusal:
        return _refused_verdict(verb, answer, record, evidence)
    if evidence.is_other:
        return Outcome.UNKNOWN, f"sent; the task now asks for something else than you saw: open it{answer.detail}"
    if evidence.decided is verb:
        on_record = "the record says so"
        if evidence.decided_by:
            on_record = f"on record as {evidence.decided_by}"
        return Outcome.CONFIRMED, f"{_decided_words(action, on_record)}{answer.detail}"
    if evidence.decided is not None:
        return Outcome.ALREADY, f"sent, but decided the other way{_by_whom(evidence)}"
    if evidence.still_waits:
        changed = ", and its request has changed: open it" if evidence.is_changed else ""
        return Outcome.UNKNOWN, f"sent, the task still waits{changed}{answer.detail}"
    if not answer.is_clear:
        return Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{answer.detail}"
    words = _decided_words(action, "by you")
    if verb is Verb.REJECT and record.status == Status.STOPPED:
        return Outcome.CONFIRMED, f"{words}: the task is stopped"
    if record.status in ENDED_BADLY:
        return Outcome.GONE, f"sent, but the task is {record.status} and does not say that it was {PAST_TENSE[verb]}"
    return Outcome.CONFIRMED, words


def _decided_words(action: Action, source: str) -> str:
    """Return that a decision was done, with its answer or reason if it has one, and the source of that knowledge."""
    past = PAST_TENSE[action.verb]
    if action.past_summary != past:
        return f"{action.past_summary} ({source})"
    if source == "by you":
        return f"{past} {source}"
    return f"{past}, {source}"


def _refused_verdict(verb: Verb, answer: ActionAnswer, record: Task, evidence: Evidence) -> OutcomeWithWords:
    """Return the verdict on a refused decision: the record may show more than the refusal."""
    if evidence.is_other:
        return Outcome.UNKNOWN, f"{answer.refusal}, but the task now asks for something else: open it"
    if evidence.still_waits and evidence.is_changed:
        return Outcome.UNKNOWN, f"{answer.refusal}, but its request has changed: open it"
    if evidence.decided is verb:
        return Outcome.ALREADY, f"already {PAST_TENSE[verb]}{_by_whom(evidence)}, yours was {answer.refusal}"
    if evidence.decided is not None:
        return Outcome.ALREADY, f"decided the other way{_by_whom(evidence)}, yours was {answer.refusal}"
    if evidence.still_waits:
        return Outcome.REFUSED, answer.refused_because
    return Outcome.UNKNOWN, f"{answer.refusal}, yet the task no longer waits: it is {record.status}"


def _by_whom(evidence: Evidence) -> str:
    if not evidence.decided_by:
        return ""
    return f" by {evidence.decided_by}"


def stop_verdict(answer: ActionAnswer, record: Task, seconds: float) -> OutcomeWithWords:
    """Return the verdict on a stop, from the platform's answer and a record that was read `seconds` later."""
    if record.status == Status.STOPPED:
        if answer.is_refusal:
            return Outcome.UNKNOWN, f"{answer.refusal}, yet the task is stopped"
        return Outcome.CONFIRMED, f"stopped{answer.detail}"
    if record.is_final:
        return Outcome.ALREADY, f"it had ended by itself: {record.status}"
    if answer.is_refusal:
        return Outcome.REFUSED, answer.refused_because
    if answer.is_clear:
        return Outcome.STILL_RUNNING, f"sent, still {record.status} after {seconds:.0f} s"
    words = f"sent, and the task does not say that it stopped: it is {record.status}{answer.detail}"
    return Outcome.UNKNOWN, words


def shows_changes(record: Task, changes: dict[str, Any]) -> bool:
    """Return whether a record shows all the changes of an update."""
    return all(canonical(record.raw.get(name)) == canonical(value) for name, value in changes.items())


def message_ids(log: Log, text: str | None) -> frozenset[str]:
    """Return the ids of the user's messages in a log that have the same text."""
    from tui.client.log_entries import Message

    return frozenset(
        entry.id
        for entry in log.entries
        if isinstance(entry, Message) and entry.role == "user" and same_text(entry.text, text)
    )


def has_message_since(log: Log, body: dict[str, Any], since: datetime) -> bool:
    """Return whether a log has a message with the text of a request, written at or after `since`."""
    matching_ids = message_ids(log, message_text(body))
    recent_ids = {entry.id for entry in log.entries if entry.created_at and entry.created_at >= since}
    return not matching_ids.isdisjoint(recent_ids)


def same_text(text: str | None, other: str | None) -> bool:
    """Return whether two texts are the same apart from surrounding white space; no text, or a blank one, never is."""
    if text is None or other is None:
        return False
    stripped = text.strip()
    return stripped != "" and stripped == other.strip()


def mismatch_with_request(record: Task, agent_id: str, body: dict[str, Any]) -> str:
    """Return the mismatch that shows that a record is not the task which this request created; empty for none."""
    if record.agent_id != agent_id:
        return f"belongs to agent {record.agent_id}"
    requested_text = message_text(body)
    recorded_text = record.input.text if record.input else None
    if requested_text is not None and not same_text(recorded_text, requested_text):
        return "was asked something else"
    requested_source = body.get("source")
    if record.source and requested_source and record.source != requested_source:
        return f"was started by {record.source}"
    requested_input = body.get("input")
    if not isinstance(requested_input, dict) or record.input is None:
        return ""
    requested_files = list(requested_input.get("files") or ())
    if canonical(requested_files) != canonical(list(record.input.files)):
        return "has other files"
    if _has_other_user(record.input, requested_input.get("user")):
        return "is of another user"
    return ""


def _has_other_user(recorded: TaskInput, requested_user: object) -> bool:
    """Return whether the recorded user has another id or address than the requested one."""
    if not isinstance(requested_user, dict) or not recorded.user:
        return False
    for name in ("id", "email"):
        requested_value = requested_user.get(name)
        recorded_value = recorded.user.raw.get(name)
        if requested_value and recorded_value is not None and recorded_value != requested_value:
            return True
    return False


def message_text(body: dict[str, Any]) -> str | None:
    """Return the text of the message in a request."""
    message = body.get("input")
    if not isinstance(message, dict):
        return None
    return message.get("text")


def is_recent(task: AnyTask, since: datetime) -> bool:
    """Return whether a task is recent: created at or after `since`."""
    return task.created_at is not None and task.created_at >= since
