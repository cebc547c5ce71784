"""An action of the operator: what it is, how far it is, and how it ended."""

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
    """What can be done."""

    APPROVE = "approve"
    REJECT = "reject"
    STOP = "stop"
    CONTINUE = "continue"
    CREATE = "create"
    ANSWER = "answer"
    UPDATE = "update"


DECISIONS = frozenset({Verb.APPROVE, Verb.REJECT, Verb.ANSWER})
"""Actions about a request that a task waits with."""


class Phase(StrEnum):
    """How far a deed is."""

    HELD = "held"
    CHECKING = "reading again"
    SENDING = "sending"
    SETTLING = "waiting for the task to show it"
    DONE = "done"


class Outcome(StrEnum):
    """How a deed ended."""

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
    """One thing the operator wants done, and how far it is."""

    verb: Verb
    target: str
    """The task; for a new one, its agent."""
    digest: str | None = None
    """What was shown when it was decided; None where nothing needs to be shown."""
    comment: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    hold: float = 0.0
    anyway: bool = False
    """Send it although the same was sent before and it is not known whether it was done."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    phase: Phase = Phase.HELD
    is_sent: bool = False
    """Whether it has left, or may have."""
    outcome: Outcome | None = None
    words: str = ""
    task: Task | None = None
    error: ApiError | None = None

    def done(self, outcome: Outcome, words: str, task: Task | None = None, error: ApiError | None = None) -> Action:
        """The deed, ended."""
        return replace(self, phase=Phase.DONE, outcome=outcome, words=words, task=task or self.task, error=error)

    @property
    def request(self) -> str:
        """A name for what is asked for: every decision about one task, every stop of it, or one message or new task."""
        asked: list[object] = [self.target]
        if self.verb in DECISIONS:
            asked = ["decide", self.target]
        elif self.verb is Verb.STOP:
            asked = ["stop", self.target]
        elif self.verb in {Verb.CONTINUE, Verb.CREATE}:
            asked = [str(self.verb), self.body]
        return hashlib.sha256(canonical(asked).encode()).hexdigest()[:24]


class ActionAnswer(Struct, frozen=True):
    """What came back after an action was sent: a claim of the platform, or the error in its place."""

    task: Task | None = None
    error: ApiError | None = None

    @property
    def is_clear(self) -> bool:
        """Whether an answer came that says it was accepted."""
        return self.error is None

    @property
    def is_refusal(self) -> bool:
        """Whether the platform refused the action in a documented way."""
        return self.error is not None and self.error.status in DOCUMENTED_REFUSALS

    @property
    def detail(self) -> str:
        """Why no clear answer came, in brackets; empty where one came."""
        return "" if self.error is None else f" (no clear answer came: {self.error.message})"

    @property
    def refusal(self) -> str:
        """That it was refused, and with which status."""
        return f"refused ({self.error.status})" if self.error else ""

    @property
    def refused_because(self) -> str:
        """That it was refused, and in the platform's words why."""
        return f"refused: {self.error.message}" if self.error else ""
