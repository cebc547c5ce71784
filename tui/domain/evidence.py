"""What the record of a task shows about an action that was sent to it: the only thing that confirms one.

The models of log entries are imported when a log is read: the first frame does not wait for pydantic.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tui.client.json_codec import canonical
from tui.client.json_values import decider_of
from tui.client.task_facts import RUNNING_STATUSES, Status, WaitKind
from tui.domain.action import ActionAnswer, Outcome, Verb
from tui.domain.review import ReviewSnapshot

if TYPE_CHECKING:
    from tui.client.log_entries import Entry, Log, Questions
    from tui.client.models import Task
    from tui.client.task_rows import AnyTask

PAST_TENSE = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.ANSWER: "answered"}
ENDED_BADLY = frozenset({Status.STOPPED, Status.FAILED, Status.ERROR})

OutcomeWithWords = tuple[Outcome, str]
"""An outcome, and the words for it."""


class Evidence(Struct, frozen=True):
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


DECISION_FIELDS = frozenset(
    {
        "approved_by", "rejected_by", "approved_at", "rejected_at", "decided_by", "decided_at", "approved", "answers",
        "comment", "note", "decision", "decision_note", "status", "state", "settled", "votes", "updated_at",
    }
)  # fmt: skip
"""Fields of a request that a decision about it changes; any other tells one request from another."""


def find_evidence(before: ReviewSnapshot, record: Task, log: Log | None = None) -> Evidence:
    """Look in a record, and in the log where the request stands there, for what was decided."""
    if before.is_in_log:
        return _finding_in_log(before, record, log)
    request, asked = record.hitl_request, before.task.hitl_request
    if request is None or asked is None:
        return Evidence(still_waits=not (_goes_on(record) or _waits_otherwise(record, before.task)))
    if request.approved_by and request.rejected_by:
        return Evidence(still_waits=False, is_other=True)
    decided = Verb.APPROVE if request.approved_by else Verb.REJECT if request.rejected_by else None
    waits = decided is None and not _goes_on(record)
    is_changed = canonical(request.raw) != canonical(asked.raw)
    return Evidence(waits, is_other_request(request.raw, asked.raw), is_changed, decided, request.decided_by or "")


def _goes_on(record: Task) -> bool:
    """Whether the task runs or has ended; in any other state, known or not, it may still wait."""
    return record.is_final or record.status in RUNNING_STATUSES


def _waits_otherwise(record: Task, before: Task) -> bool:
    """Whether the task waits now for something that it did not wait for before."""
    kind = record.wait.kind if record.wait else None
    if kind is WaitKind.QUESTION:
        return not (before.plan and before.plan.question_raised)
    return kind is WaitKind.SIGN_IN and before.pending_eca_request is None


def _finding_in_log(before: ReviewSnapshot, record: Task, log: Log | None) -> Evidence:
    from tui.client.log_entries import Confirmation, Questions, parse_entry

    entry = _same_entry(before, log) if log else None
    if entry is not None and is_other_request(entry.raw, parse_entry(before.held).raw):
        return Evidence(still_waits=not _goes_on(record), is_other=True)
    if isinstance(entry, Confirmation) and isinstance(entry.approved, bool):
        by = decider_of(entry.raw.get("decided_by")) or ""
        return Evidence(still_waits=False, decided=Verb.APPROVE if entry.approved else Verb.REJECT, by=by)
    if isinstance(entry, Questions) and entry.answers:
        return Evidence(still_waits=False, decided=Verb.ANSWER)
    return Evidence(still_waits=not _goes_on(record))


def _same_entry(before: ReviewSnapshot, log: Log) -> Entry | None:
    wanted = _entry_id(before.held)
    return next((entry for entry in reversed(log.entries) if entry.id == wanted), None)


def _entry_id(raw: Any) -> str:
    from tui.client.log_entries import parse_entry

    return parse_entry(raw).id


def answers_differ(wanted: list[dict[str, Any]], entry: Questions) -> bool:
    """Whether the answers on record are others than were sent."""
    on_record = {
        item.get("question_id"): item.get("answer")
        for item in (entry.answers if isinstance(entry.answers, list) else ())
        if isinstance(item, dict)
    }
    return any(on_record.get(item.get("question_id")) not in (None, item.get("answer")) for item in wanted)


def is_other_request(request: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether the two cannot be one request: something that both tell is told differently."""
    pairs = [(request.get(name), old) for name, old in before.items() if name not in DECISION_FIELDS]
    return any(new is not None and old is not None and canonical(new) != canonical(old) for new, old in pairs)


def decision_verdict(verb: Verb, answer: ActionAnswer, record: Task, finding: Evidence) -> OutcomeWithWords:
    """How a decision ended, from the answer that came and what the record shows since."""
    if answer.is_refusal:
        return _refused_verdict(verb, answer, record, finding)
    if finding.is_other:
        return Outcome.UNKNOWN, f"sent; the task now asks for something else than you saw: open it{answer.detail}"
    if finding.decided is verb:
        on_record = f", on record as {finding.by}" if finding.by else ", the record says so"
        return Outcome.CONFIRMED, f"{PAST_TENSE[verb]}{on_record}{answer.detail}"
    if finding.decided is not None:
        return Outcome.ALREADY, f"sent, but decided the other way{_by(finding)}"
    if finding.still_waits:
        changed = ", and its request has changed: open it" if finding.is_changed else ""
        return Outcome.UNKNOWN, f"sent, the task still waits{changed}{answer.detail}"
    if not answer.is_clear:
        return Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{answer.detail}"
    if verb is Verb.REJECT:
        stopped = ": the task is stopped" if record.status == Status.STOPPED else ""
        return Outcome.CONFIRMED, f"rejected by you{stopped}"
    if record.status in ENDED_BADLY:
        return Outcome.GONE, f"sent, but the task is {record.status} and does not say that it was {PAST_TENSE[verb]}"
    return Outcome.CONFIRMED, f"{PAST_TENSE[verb]} by you"


def _refused_verdict(verb: Verb, answer: ActionAnswer, record: Task, finding: Evidence) -> OutcomeWithWords:
    """How a decision ended that the platform refused: the record may show more."""
    if finding.is_other and finding.still_waits:
        return Outcome.REFUSED, f"{answer.refused_because}; the task now asks for something else: open it"
    if finding.is_other or (finding.still_waits and finding.is_changed):
        return Outcome.UNKNOWN, f"{answer.refusal}, but its request has changed: open it"
    if finding.decided is verb:
        return Outcome.ALREADY, f"already {PAST_TENSE[verb]}{_by(finding)}, yours was {answer.refusal}"
    if finding.decided is not None:
        return Outcome.ALREADY, f"decided the other way{_by(finding)}, yours was {answer.refusal}"
    if finding.still_waits:
        return Outcome.REFUSED, answer.refused_because
    return Outcome.UNKNOWN, f"{answer.refusal}, yet the task no longer waits: it is {record.status}"


def _by(finding: Evidence) -> str:
    return f" by {finding.by}" if finding.by else ""


def stop_verdict(answer: ActionAnswer, record: Task, seconds: float) -> OutcomeWithWords:
    """How a stop ended, from the answer that came and the record read since."""
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
    """Whether a record has every field as an update wanted it."""
    return all(canonical(record.raw.get(name)) == canonical(value) for name, value in changes.items())


def message_ids(log: Log, text: str | None) -> frozenset[str]:
    """The ids of the user's messages in a log that have exactly this text."""
    from tui.client.log_entries import Message

    return frozenset(
        entry.id
        for entry in log.entries
        if isinstance(entry, Message) and entry.role == "user" and same_text(entry.text, text)
    )


def has_message_since(log: Log, body: dict[str, Any], since: datetime) -> bool:
    """Whether a log has a message with the words of a request that says it was written since."""
    wanted = message_ids(log, message_text(body))
    return any(entry.id in wanted and entry.created_at and entry.created_at >= since for entry in log.entries)


def same_text(told: str | None, wanted: str | None) -> bool:
    """Whether two texts are the same but for white space around them; what has no text is like nothing."""
    return told is not None and wanted is not None and bool(wanted.strip()) and told.strip() == wanted.strip()


def mismatch_with_request(record: Task, agent_id: str, body: dict[str, Any]) -> str:
    """Why a record cannot be that of a task that this request made; empty when it can."""
    if record.agent_id != agent_id:
        return f"belongs to agent {record.agent_id}"
    wanted = message_text(body)
    if wanted is not None and not same_text(record.input.text if record.input else None, wanted):
        return "was asked something else"
    if record.source and body.get("source") and record.source != body["source"]:
        return f"was started by {record.source}"
    wanted_input, told = body.get("input"), record.input
    if isinstance(wanted_input, dict) and told is not None:
        if canonical(list(wanted_input.get("files") or ())) != canonical(list(told.files)):
            return "has other files"
        user = wanted_input.get("user")
        if (
            isinstance(user, dict)
            and told.user
            and any(told.user.raw.get(name) not in (None, user[name]) for name in ("id", "email") if user.get(name))
        ):
            return "is of another user"
    return ""


def message_text(body: dict[str, Any]) -> str | None:
    """The words of a request."""
    asked = body.get("input")
    return asked.get("text") if isinstance(asked, dict) else None


def is_recent(task: AnyTask, since: datetime) -> bool:
    """Whether a task says that it was made since."""
    return task.created_at is not None and task.created_at >= since
