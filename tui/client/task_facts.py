"""Facts about a task that rows and records share: its status, and why it waits for a person or a machine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tui.client.json_values import parse_time, text_of

if TYPE_CHECKING:
    from tui.client.models import ApprovalRequest, Plan, SignInRequest, TaskInput


class Status(StrEnum):
    """A task status that this version knows; others are shown by their own names."""

    PENDING = "pending"
    EXECUTING = "executing"
    PAUSED = "paused"
    ERROR = "error"
    FAILED = "failed"
    COMPLETED = "completed"
    STOPPED = "stopped"
    UNREADABLE = "unreadable"


FINAL_STATUSES = frozenset({Status.COMPLETED, Status.FAILED, Status.ERROR, Status.STOPPED})
FAILED_STATUSES = frozenset({Status.FAILED, Status.ERROR})
RUNNING_STATUSES = frozenset({Status.PENDING, Status.EXECUTING})


class Need(StrEnum):
    """The need of a waiting task, in the words of the filter `needs:`."""

    ME = "me"
    """The wait can be ended here: it is approved, answered, or signed in for."""
    ELSEWHERE = "elsewhere"
    """The wait needs a person, but can only be ended on the platform itself."""
    MACHINE = "machine"
    """The wait ends by itself: a machine calls, or the time comes."""


class WaitKind(StrEnum):
    """The kind of input that a task waits for, from a person or from a machine. The values are those of the JSON."""

    APPROVAL = "approval"
    SIGN_IN = "sign-in"
    QUESTION = "question"
    SECRET = "secret asked"
    INVITATION = "invitation"
    HELD_CALL = "held call"
    UNKNOWN = "paused"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"

    @property
    def need(self) -> Need:
        """The need of a task that waits for this."""
        return NEED_OF_KIND.get(self, Need.ELSEWHERE)

    @property
    def words(self) -> str:
        """The words for this kind where there is room for more than its value."""
        return LONG_WORDS.get(self, self.value)


NEED_OF_KIND = {
    WaitKind.APPROVAL: Need.ME,
    WaitKind.SIGN_IN: Need.ME,
    WaitKind.QUESTION: Need.ME,
    WaitKind.WEBHOOK: Need.MACHINE,
    WaitKind.SCHEDULE: Need.MACHINE,
}
"""The need of each kind of wait; all others need a person elsewhere."""
LONG_WORDS = {WaitKind.UNKNOWN: "paused (reason unknown)", WaitKind.SCHEDULE: "self-schedule"}


class Wait(Struct, frozen=True):
    """The wait of a task: for which kind of input, since when, and until when if a schedule ends it."""

    kind: WaitKind
    since: datetime | None
    until: datetime | None = None
    is_being_read: bool = False
    """Whether the reason of a pause is still being read, so that its kind is not known yet."""

    @property
    def words(self) -> str:
        """The words for what is waited for where there is room for more than the value of the kind."""
        return "paused, reading why …" if self.is_being_read else self.kind.words

    @property
    def short_words(self) -> str:
        """The words for what is waited for in a narrow column."""
        return "reading…" if self.is_being_read else str(self.kind)

    @property
    def needs_person(self) -> bool:
        """Whether the wait needs a person, here or elsewhere, and does not end by itself."""
        return self.kind.need is not Need.MACHINE

    @property
    def is_decided_by_person(self) -> bool:
        """Whether the wait is known to be for a decision of a person, which no message is."""
        return self.needs_person and self.kind is not WaitKind.UNKNOWN


class TaskFacts:
    """Facts that follow from the fields of a task, as a base of TaskRow and Task."""

    __slots__ = ()

    if TYPE_CHECKING:  # fields of the subclasses

        @property
        def id(self) -> str: ...
        @property
        def status(self) -> str: ...
        @property
        def title(self) -> str | None: ...
        @property
        def conversation_id(self) -> str | None: ...
        @property
        def created_at(self) -> datetime | None: ...
        @property
        def updated_at(self) -> datetime | None: ...
        @property
        def started_at(self) -> datetime | None: ...
        @property
        def paused_at(self) -> datetime | None: ...
        @property
        def finished_at(self) -> datetime | None: ...
        @property
        def input(self) -> TaskInput | None: ...
        @property
        def hitl_request(self) -> ApprovalRequest | None: ...
        @property
        def pending_eca_request(self) -> SignInRequest | None: ...
        @property
        def plan(self) -> Plan | None: ...
        @property
        def raw(self) -> dict[str, Any]: ...
        @property
        def wakes_at(self) -> datetime | None: ...

    @property
    def is_final(self) -> bool:
        """Whether the status is final: this turn of the task is over."""
        return self.status in FINAL_STATUSES

    @property
    def thread_id(self) -> str:
        """The id of the thread, which is the id to continue the task with."""
        return self.conversation_id or self.id

    @property
    def name(self) -> str:
        """The name to show: the title, or else the text of the input, or else the id."""
        if self.title:
            return self.title
        task_input = self.input
        if task_input and task_input.text:
            return task_input.text
        return self.id

    @property
    def changed_at(self) -> datetime | None:
        """The time at which the task changed last, as its own fields report it."""
        times = (self.updated_at, self.finished_at, self.paused_at, self.started_at, self.created_at)
        return max((time for time in times if time), default=None)

    @property
    def wait(self) -> Wait | None:
        """The wait that the task itself reports; its activity log and its workflow may report another."""
        if self.is_final or self.status == Status.UNREADABLE:
            return None
        kind = self._wait_kind()
        if kind is None:
            return None
        until = self.wakes_at if kind is WaitKind.SCHEDULE else None
        return Wait(kind, self.paused_at or self.updated_at or self.created_at, until)

    @property
    def node_id(self) -> str | None:
        """The id of the workflow's node at which a paused task stands, if it names one."""
        request = self.hitl_request
        if request:
            return request.wait_node_id
        return text_of(self.raw.get("last_executed_node_id"))

    def _wait_kind(self) -> WaitKind | None:
        if self.pending_eca_request:
            return WaitKind.SIGN_IN
        if self.status in RUNNING_STATUSES:
            return None
        approval = self.hitl_request
        if approval and not approval.decided_by:
            return WaitKind.APPROVAL
        plan = self.plan
        if plan and plan.question_raised:
            return WaitKind.QUESTION
        if self.status != Status.PAUSED:
            return None
        wakes_at = self.wakes_at
        if wakes_at and (self.paused_at is None or wakes_at >= self.paused_at):
            return WaitKind.SCHEDULE
        return WaitKind.UNKNOWN


def wake_time(process: object) -> datetime | None:
    """Return the time at which a resident process wakes, from its read model; None if that names no time."""
    if not isinstance(process, dict):
        return None
    wake = process.get("wake")
    if isinstance(wake, dict):
        return scheduled_time(wake)
    return parse_time(wake)


def scheduled_time(fields: dict[str, Any]) -> datetime | None:
    """Return the time for which something is scheduled; its field is not documented, so the usual names are tried."""
    times = (parse_time(fields.get(name)) for name in ("run_at", "at", "wake_at", "scheduled_at", "next_run_at"))
    return next(filter(None, times), None)
