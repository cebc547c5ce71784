"""What is known of every task, in a row of a list as in its own record: its status, and why it waits for a person."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tui.client.models import ApprovalRequest, Plan, SignInRequest, TaskInput


class Status(StrEnum):
    """The statuses this version knows; others are shown under their own name."""

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
    """Why a task cannot go on without a person."""

    APPROVAL = "approval"
    SIGN_IN = "sign-in"
    QUESTION = "question"
    UNKNOWN = "paused"


class Wait(Struct, frozen=True):
    """A task that waits for a person: why, and since when."""

    kind: WaitKind
    since: datetime | None


class TaskFacts:
    """What follows from the fields of a task."""

    __slots__ = ()

    if TYPE_CHECKING:  # the classes that are made of this one have these fields

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
        """Whether this turn of the task is over."""
        return self.status in FINAL_STATUSES

    @property
    def thread_id(self) -> str:
        """The id to continue with: a turn of a conversation is continued at its head."""
        return self.conversation_id or self.id

    @property
    def name(self) -> str:
        """The title, or what was asked, or the id."""
        if self.title:
            return self.title
        asked = self.input.text if self.input else None
        return asked or self.id

    @property
    def changed_at(self) -> datetime | None:
        """The latest moment the task itself tells of."""
        moments = (self.updated_at, self.finished_at, self.paused_at, self.started_at, self.created_at)
        return max((when for when in moments if when), default=None)

    @property
    def wait(self) -> Wait | None:
        """Why the task says that a person is needed; the activity log may know more."""
        if self.is_final or self.status == Status.UNREADABLE:
            return None
        kind = self._wait_kind()
        return Wait(kind, self.paused_at or self.updated_at or self.created_at) if kind else None

    def _wait_kind(self) -> WaitKind | None:
        if self.pending_eca_request:
            return WaitKind.SIGN_IN
        if self.status in RUNNING_STATUSES:
            return None
        if (asked := self.hitl_request) and not asked.decided_by:
            return WaitKind.APPROVAL
        if (plan := self.plan) and plan.question_raised:
            return WaitKind.QUESTION
        return WaitKind.UNKNOWN if self.status == Status.PAUSED else None
