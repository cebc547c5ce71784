"""What a person decides about: exactly what was shown, and a digest that tells when it is no longer so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tui.activity import Activity
from tui.api.client import Client, Log
from tui.api.entries import Confirmation
from tui.api.models import Task, Wait, WaitKind
from tui.api.wirejson import canonical


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person decides about: the task, its log, why it waits, and the digest that stands for all of it."""

    task: Task
    log: Log
    wait: Wait | None
    held: Any
    """The entry or request that waits, as the platform wrote it."""
    request_id: str | None = None
    """The card's id, when a card is what waits."""

    @property
    def digest(self) -> str:
        """A name for exactly what was shown: payload, wait, and how long the thread was."""
        kind = self.wait.kind if self.wait else None
        told = [self.task.id, self.task.status, kind, self.held, len(self.log.entries)]
        return hashlib.sha256(canonical(told).encode()).hexdigest()[:16]

    @property
    def hindrance(self) -> str | None:
        """Why this cannot be approved or rejected from here, or None when it can."""
        if self.request_id or (self.wait and self.wait.kind is WaitKind.APPROVAL and self.task.hitl_request):
            return None
        match self.wait:
            case None:
                return f"there is nothing to decide: the task is {self.task.status or 'in no known state'}"
            case Wait(kind=WaitKind.APPROVAL):
                return "a held tool call is decided under Settings > Approvals: the platform offers no other way"
            case Wait(kind=WaitKind.UNKNOWN):
                return "the task is paused for a reason the platform does not tell: there is nothing to approve"
            case Wait(kind=kind):
                return f"the task waits for a {kind}, not for an approval"


async def shown(client: Client, task_id: str) -> Shown:
    """Read what a person must see before deciding."""
    task = await client.task(task_id)
    log = await client.log(task)
    return shown_of(task, log)


def shown_of(task: Task, log: Log) -> Shown:
    """What there is to decide about, from a record and a log."""
    activity = Activity(task.id)
    activity.read(log, task.changed_at or datetime.min)
    wait = task.wait
    if task.hitl_request and wait and wait.kind is WaitKind.APPROVAL:
        return Shown(task, log, wait, task.hitl_request.raw)
    if task.pending_eca_request and wait:
        return Shown(task, log, wait, task.pending_eca_request.raw)
    if task.is_final or not (wait is None or wait.kind in {WaitKind.UNKNOWN, WaitKind.QUESTION}):
        return Shown(task, log, wait, None)
    open_node = activity.open_node
    if open_node is None or wait is None:
        return Shown(task, log, wait, None)
    card = open_node.entry.request_id if isinstance(open_node.entry, Confirmation) else None
    return Shown(task, log, activity.wait or wait, open_node.entry.raw, card)
