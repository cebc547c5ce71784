"""Facts about a task that rows and records share: its status, and why it waits for a person."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

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
RUNNING_STATUSES = frozenset({Status.PENDING, Status.EXECUTING})


class WaitKind(StrEnum):
    """The kind of input from a person that a task waits for."""

    APPROVAL = "approval"
    SIGN_IN = "sign-in"
    QUESTION = "question"
    UNKNOWN = "paused"


class Wait(Struct, frozen=True):
    """The wait of a task for a person: for which kind of input, and since when."""

    kind: WaitKind
    since: datetime | None


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
        """The wait for a person that the task reports; the activity log may report another."""
        if self.is_final or self.status == Status.UNREADABLE:
            return None
        kind = self._wait_kind()
        if kind is None:
            return None
        return Wait(kind, self.paused_at or self.updated_at or self.created_at)

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
        if self.status == Status.PAUSED:
            return WaitKind.UNKNOWN
        return None
