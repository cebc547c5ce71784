"""What a person decides about: exactly what was shown, and a digest that tells when it is no longer so.

The models of log entries are imported when a log is read: the first frame does not wait for pydantic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from tui.client.json_codec import canonical, dumps, parse_nested
from tui.client.task_facts import Wait, WaitKind

if TYPE_CHECKING:
    from tui.client.log_entries import Log
    from tui.client.models import Task

REQUEST_FIELDS = ("wait_node_id", "operation_id", "title", "description", "content", "value")
"""The fields of a request by which it is told from another."""


class ReviewSnapshot(Struct, frozen=True):
    """What a person decides about: the task, its log, why it waits, and the digest that stands for all of it."""

    task: Task
    log: Log
    wait: Wait | None
    held: Any
    """The entry or request that waits, as the platform wrote it."""
    request_id: str | None = None
    """The card's id, when a card is what waits."""
    is_in_log: bool = False
    """Whether what waits is an entry of the log, not a request in the record."""

    @property
    def digest(self) -> str:
        """A name for exactly what was shown: payload, wait, and how long the thread was."""
        import hashlib

        task, kind = self.task, self.wait.kind if self.wait else None
        who = [task.id, task.agent_id, task.thread_id, task.title, task.input.text if task.input else None]
        told = [*who, task.status, task.raw.get("paused_at"), kind, self.request_id, self.held, len(self.log.entries)]
        return hashlib.sha256(canonical(told).encode()).hexdigest()[:32]

    @property
    def about(self) -> dict[str, str]:
        """What names the request: names for the parts by which one request is told from another."""
        import hashlib

        if self.is_in_log:
            from tui.client.log_entries import parse_entry

            parts = {"entry": parse_entry(self.held).id}
        else:
            held = self.held if isinstance(self.held, dict) else {"value": self.held}
            parts = {name: held[name] for name in REQUEST_FIELDS if held.get(name) is not None}
        return {name: hashlib.sha256(canonical(part).encode()).hexdigest()[:16] for name, part in parts.items()}

    @property
    def blocked_now(self) -> str | None:
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
            case Wait(kind=WaitKind.QUESTION):
                return "the task waits for an answer to its question, not for an approval"
            case Wait(kind=kind):
                return f"the task waits for a {kind}, not for an approval"


def review_of(task: Task, log: Log) -> ReviewSnapshot:
    """What there is to decide about, from a record and a log."""
    from tui.client.log_entries import Confirmation
    from tui.domain.activity_log import Activity

    activity = Activity(task.id)
    activity.read(log, task.changed_at or datetime.min)
    wait = task.wait
    if task.hitl_request and wait and wait.kind is WaitKind.APPROVAL:
        return ReviewSnapshot(task, log, wait, task.hitl_request.raw)
    if task.pending_eca_request and wait:
        return ReviewSnapshot(task, log, wait, task.pending_eca_request.raw)
    if task.is_final or not (wait is None or wait.kind in {WaitKind.UNKNOWN, WaitKind.QUESTION}):
        return ReviewSnapshot(task, log, wait, None)
    open_node = activity.open_node
    if open_node is None or wait is None:
        return ReviewSnapshot(task, log, wait, None)
    card = open_node.entry.request_id if isinstance(open_node.entry, Confirmation) else None
    return ReviewSnapshot(task, log, activity.wait or wait, open_node.entry.raw, card, is_in_log=True)


def differences(before: ReviewSnapshot, after: ReviewSnapshot) -> tuple[str, ...]:
    """What is not as it was shown before, a line each: where, what it was, what it is."""
    if before.digest == after.digest:
        return ()
    old, new = (dict(_flat(parse_nested(seen.held), "")) for seen in (before, after))
    names = [*old, *(name for name in new if name not in old)]
    lines = [
        f"{name or 'the request'}: {old.get(name, 'nothing')} → {new.get(name, 'nothing')}"
        for name in names
        if old.get(name) != new.get(name)
    ]
    for about, was, now in (
        ("status", before.task.status, after.task.status),
        ("it waits for", _kind(before), _kind(after)),
        ("entries in the log", len(before.log.entries), len(after.log.entries)),
    ):
        if was != now:
            lines.append(f"{about}: {was} → {now}")
    return tuple(lines)


def _kind(seen: ReviewSnapshot) -> str:
    return str(seen.wait.kind) if seen.wait else "nobody"


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every scalar with the way to it."""
    left = [(name, value)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict) and value:
            left += reversed([(f"{name}.{key}".lstrip("."), item) for key, item in value.items()])
        elif isinstance(value, list) and value:
            left += reversed([(f"{name}[{place}]", item) for place, item in enumerate(value)])
        else:
            yield name, dumps(value)
