"""The review of a task that waits: a snapshot of what the operator sees, and a digest that detects changes to it.

The models of log entries are imported when a log is read, so that the first frame does not wait for pydantic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from tui.client.json_codec import canonical, dumps, parse_nested
from tui.client.json_values import object_of, text_of
from tui.client.task_facts import Need, Wait, WaitKind
from tui.domain.wait_words import ENDS

if TYPE_CHECKING:
    from tui.client.log_entries import Entry, Log
    from tui.client.models import ApprovalRequest, Task

HELD_CALL_REASON = "a held tool call is decided under Settings > Approvals: the platform offers no other way"
MAX_ENTRIES_LOOKED_BACK = 256
"""Latest entries of a log that are searched for the tool call of a card."""
REQUEST_FIELDS = ("wait_node_id", "operation_id", "title", "description", "content", "value")
"""The fields that identify a request."""
Path = tuple[str | int, ...]
"""The member names and indexes that lead to a value."""


class Scalar(NamedTuple):
    """A scalar within a request: the name that leads to it, masked, its value as JSON, and its masked value."""

    name: str
    value: str
    shown: str


class ReviewSnapshot(Struct, frozen=True):
    """A snapshot of a task under review: its record, its log, and the request that it waits with."""

    task: Task
    log: Log
    wait: Wait | None
    held: Any
    """The entry or request that waits, as the platform wrote it."""
    request_id: str | None = None
    """The id of the confirmation card, if one waits."""
    is_in_log: bool = False
    """True if the request is an entry of the log, not a field of the record."""

    @property
    def digest(self) -> str:
        """The digest of what was shown: the request, the wait, and the number of log entries."""
        import hashlib

        task = self.task
        input_text = task.input.text if task.input else None
        wait_kind = self.wait.kind if self.wait else None
        parts = [
            task.id,
            task.agent_id,
            task.thread_id,
            task.title,
            input_text,
            task.status,
            task.raw.get("paused_at"),
            wait_kind,
            self.request_id,
            self.held,
            len(self.log.entries),
        ]
        return hashlib.sha256(canonical(parts).encode()).hexdigest()[:32]

    @property
    def approval(self) -> ApprovalRequest | None:
        """The approval of the record: the one that waits, or the last one if nothing waits; None if another waits."""
        waits_for_other = self.wait is not None and self.wait.kind is not WaitKind.APPROVAL
        if self.is_in_log or waits_for_other:
            return None
        return self.task.hitl_request

    @property
    def tool_approval_id(self) -> str | None:
        """The id of the approval that a held tool call waits for; None for a wait of another kind."""
        if self.wait is None or self.request_id or self.approval or self.task.pending_eca_request:
            return None
        return approval_id_of(self.held)

    @property
    def ends_here(self) -> bool:
        """Whether the wait can be ended here: it is approved, answered, or signed in for."""
        return self.wait is not None and self.wait.kind.need is Need.ME and not self.tool_approval_id

    @property
    def tool_names(self) -> tuple[str, ...]:
        """The names by which the held tool call is known."""
        held = object_of(self.held)
        names = (text_of(held.get(name)) for name in ("tool_name", "operation_id"))
        return tuple(filter(None, names))

    @property
    def subject_id(self) -> str:
        """The id of what the wait is about on the platform: a tool approval, or a node of the workflow; or empty."""
        if request := self.approval:
            return request.wait_node_id or request.operation_id or ""
        return self.tool_approval_id or ""

    @property
    def about(self) -> dict[str, str]:
        """The request that this review is about, as hashes of the fields that identify it."""
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
        """The reason why approval and rejection are blocked; None if they are not."""
        if self.request_id or (self.wait and self.approval):
            return None
        match self.wait:
            case None:
                return f"there is nothing to decide: the task is {self.task.status or 'in no known state'}"
            case Wait() if self.tool_approval_id:
                return HELD_CALL_REASON
            case Wait(kind=WaitKind.APPROVAL | WaitKind.HELD_CALL):
                return HELD_CALL_REASON
            case Wait(kind=WaitKind.UNKNOWN):
                return "the task is paused for a reason the platform does not tell: there is nothing to approve"
            case Wait(kind=WaitKind.QUESTION):
                return "the task waits for an answer to its question, not for an approval"
            case Wait(kind=kind) if kind in ENDS:
                return f"there is nothing to approve: {ENDS[kind]}"
            case Wait(kind=kind):
                return f"the task waits for a {kind}, not for an approval"


def review_of(task: Task, log: Log) -> ReviewSnapshot:
    """Return the review of a task: the request that waits, from its record or, if that has none, from its log."""
    from tui.client.log_entries import Confirmation
    from tui.domain.activity_log import Activity

    activity = Activity(task.id)
    activity.add_log(log, task.changed_at or datetime.min)
    wait = task.wait
    if task.hitl_request and wait and wait.kind is WaitKind.APPROVAL:
        return ReviewSnapshot(task, log, wait, task.hitl_request.raw)
    if task.pending_eca_request and wait:
        return ReviewSnapshot(task, log, wait, task.pending_eca_request.raw)
    open_node, logged = activity.open_node, activity.wait
    if wait is None or open_node is None or logged is None:
        return ReviewSnapshot(task, log, wait, None)
    if wait.kind is not WaitKind.UNKNOWN and not logged.is_decided_by_person:
        return ReviewSnapshot(task, log, wait, None)
    entry = _held_call(log, open_node.entry)
    request_id = entry.request_id if isinstance(entry, Confirmation) else None
    return ReviewSnapshot(task, log, logged, entry.raw, request_id, is_in_log=True)


def approval_id_of(request: Any) -> str | None:
    """Return the id of the tool approval that a request of the log names."""
    return text_of(object_of(request).get("approval_request_id"))


def _held_call(log: Log, entry: Entry) -> Entry:
    """Return the tool call that a card is about; the entry itself if it is no such card, or if the call has none."""
    from tui.client.log_entries import ToolCall

    approval_id = approval_id_of(entry.raw)
    if approval_id is None or isinstance(entry, ToolCall):
        return entry
    latest = islice(reversed(log.entries), MAX_ENTRIES_LOOKED_BACK)
    calls = (call for call in latest if isinstance(call, ToolCall) and call.approval_request_id == approval_id)
    return next(calls, entry)


def differences(before: ReviewSnapshot, after: ReviewSnapshot, mask: Callable[[Any], Any]) -> tuple[str, ...]:
    """Return the differences between two reviews, one per line: the field, its old value and its new value.

    `mask` masks a whole JSON value: of some values, only the names of their fields tell that they are secrets.
    """
    if before.digest == after.digest:
        return ()
    old, new = _scalars(parse_nested(before.held), mask), _scalars(parse_nested(after.held), mask)
    paths = [*old, *(path for path in new if path not in old)]
    lines = [_difference(old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]
    for label, old_value, new_value in (
        ("status", before.task.status, after.task.status),
        ("it waits for", _wait_text(before), _wait_text(after)),
        ("entries in the log", len(before.log.entries), len(after.log.entries)),
    ):
        if old_value != new_value:
            lines.append(f"{label}: {old_value} → {new_value}")
    return tuple(lines)


def _difference(old: Scalar | None, new: Scalar | None) -> str:
    """Return a line about a field that has changed; of values that are masked alike, it says only that they have."""
    name = next(scalar.name for scalar in (old, new) if scalar is not None) or "the request"
    old_text = old.shown if old else "nothing"
    new_text = new.shown if new else "nothing"
    if old_text == new_text:
        return f"{name}: changed, but masked: {new_text}"
    return f"{name}: {old_text} → {new_text}"


def _wait_text(review: ReviewSnapshot) -> str:
    if review.wait is None:
        return "nobody"
    return review.wait.kind.words


def _scalars(value: Any, mask: Callable[[Any], Any]) -> dict[Path, Scalar]:
    """Return every scalar in a JSON value by its path; a container that is masked as a whole counts as one."""
    scalars: dict[Path, Scalar] = {}
    remaining: list[tuple[Path, str, Any, Any]] = [((), "", value, mask(value))]
    while remaining:
        path, name, item, shown = remaining.pop()
        members = list(_members(path, name, item, shown))
        if members:
            remaining += reversed(members)
        else:
            scalars[path] = Scalar(name, dumps(item), dumps(shown))
    return scalars


def _members(path: Path, name: str, item: Any, shown: Any) -> Iterator[tuple[Path, str, Any, Any]]:
    """Yield the members of a container that are masked one by one: the path, the name, the value, and it masked."""
    if isinstance(item, dict) and isinstance(shown, dict) and len(item) == len(shown):
        for (key, member), (label, shown_member) in zip(item.items(), shown.items(), strict=True):
            yield (*path, key), f"{name}.{label}".lstrip("."), member, shown_member
    elif isinstance(item, list) and isinstance(shown, list):
        for index, (member, shown_member) in enumerate(zip(item, shown, strict=True)):
            yield (*path, index), f"{name}[{index}]", member, shown_member
