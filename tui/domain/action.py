"""An action of the operator: its request, its progress and its outcome."""

from __future__ import annotations

import hashlib
import uuid
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from tui.client.errors import DOCUMENTED_REFUSALS, ApiError
from tui.client.json_codec import canonical

if TYPE_CHECKING:
    from tui.client.models import Task


class Verb(StrEnum):
    """The verb of an action: what the operator does to a task."""

    APPROVE = "approve"
    REJECT = "reject"
    STOP = "stop"
    CONTINUE = "continue"
    CREATE = "create"
    ANSWER = "answer"
    UPDATE = "update"
    REPORT = "report"
    METRICS = "metrics"


DECISIONS = frozenset({Verb.APPROVE, Verb.REJECT, Verb.ANSWER})
"""Actions that decide about the request a task waits with."""
PAST_TENSE = {Verb.APPROVE: "approved", Verb.REJECT: "rejected", Verb.ANSWER: "answered"}


class Phase(StrEnum):
    """The phase that an action is in."""

    HELD = "held"
    CHECKING = "reading again"
    SENDING = "sending"
    SETTLING = "waiting for the task to show it"
    DONE = "done"


class Outcome(StrEnum):
    """The outcome of an action."""

    CONFIRMED = "confirmed"
    TAKEN_BACK = "taken back"
    ALREADY = "already decided"
    CHANGED = "changed"
    GONE = "gone"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    STILL_RUNNING = "still running"
    ALREADY_SENT = "already sent"
    HELD_BACK = "held back"


class Action(Struct, frozen=True):
    """An action that the operator asked for, and its progress."""

    verb: Verb
    target: str
    """The id of the task; for a new or reported task, of its agent."""
    digest: str | None = None
    """The digest of the review it was decided in; None for an action that needs no review."""
    comment: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    answer_labels: tuple[str, ...] = ()
    """The answers as the operator saw them, one per question: the body has only the ids of the choices."""
    hold: float = 0.0
    """Seconds that it is held before it is sent, during which it can be taken back."""
    anyway: bool = False
    """Send it although the same request was sent before with an unknown outcome."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    phase: Phase = Phase.HELD
    is_sent: bool = False
    """True if it was sent, or may have been."""
    outcome: Outcome | None = None
    words: str = ""
    """The outcome in words."""
    task: Task | None = None
    error: ApiError | None = None

    def done(self, outcome: Outcome, words: str, task: Task | None = None, error: ApiError | None = None) -> Action:
        """Return the action as done, with its outcome."""
        return replace(self, phase=Phase.DONE, outcome=outcome, words=words, task=task or self.task, error=error)

    @property
    def reported_id(self) -> str | None:
        """The id that a report names for its task; None for a report without one, and for any other action."""
        if self.verb is not Verb.REPORT:
            return None
        return self.body.get("id")

    @property
    def summary(self) -> str:
        """A summary of what the action sends, as `reject "wrong supplier"`; it is not safe to draw yet."""
        return " ".join(filter(None, (self.verb, self._quoted_texts)))

    @property
    def past_summary(self) -> str:
        """The summary of a decision in the past tense, as `rejected: wrong supplier`; it is not safe to draw yet."""
        past = PAST_TENSE.get(self.verb, str(self.verb))
        if self.answer_labels:
            return f"{past} {self._quoted_texts}"
        if self.comment:
            return f"{past}: {self.comment}"
        return past

    @property
    def _quoted_texts(self) -> str:
        """The answers, or else the reason, in quotation marks."""
        texts = self.answer_labels or tuple(filter(None, (self.comment,)))
        return ", ".join(f'"{text}"' for text in texts)

    @property
    def request(self) -> str:
        """A key of the request: one for the decisions about a task, one for its stops, one per message or task."""
        parts: list[object] = [self.target]
        if self.verb in DECISIONS:
            parts = ["decide", self.target]
        elif self.verb is Verb.STOP:
            parts = ["stop", self.target]
        elif self.verb in {Verb.CONTINUE, Verb.CREATE}:
            parts = [str(self.verb), self.body]
        elif self.verb in {Verb.REPORT, Verb.METRICS}:
            parts = [str(self.verb), self.target, self.body]
        return hashlib.sha256(canonical(parts).encode()).hexdigest()[:24]


class ActionAnswer(Struct, frozen=True):
    """The platform's answer to an action: the task as it claims it to be, or an error."""

    task: Task | None = None
    error: ApiError | None = None

    @property
    def is_clear(self) -> bool:
        """True if the answer is clear: the platform accepted the action."""
        return self.error is None

    @property
    def is_refusal(self) -> bool:
        """True if the answer is a documented refusal."""
        return self.error is not None and self.error.status in DOCUMENTED_REFUSALS

    @property
    def detail(self) -> str:
        """The detail why there is no clear answer, in brackets; empty for a clear one."""
        if self.error is None:
            return ""
        return f" (no clear answer came: {self.error.message})"

    @property
    def refusal(self) -> str:
        """The refusal with its HTTP status."""
        if self.error is None:
            return ""
        return f"refused ({self.error.status})"

    @property
    def refused_because(self) -> str:
        """The refusal with its reason, in the platform's words: why it refused the action."""
        if self.error is None:
            return ""
        return f"refused: {self.error.message}"
