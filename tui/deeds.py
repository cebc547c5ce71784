"""What the operator does to a task: held, read again, sent once, and called done only when the task says so."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from tui.api.client import Client, TaskQuery
from tui.api.entries import Message
from tui.api.errors import ApiError, Conflict, NotFound, NotOffered, ReadOnly
from tui.api.models import ApprovalRequest, Task
from tui.api.pace import Clock, SystemClock
from tui.api.routes import BadAddress
from tui.api.wirejson import canonical
from tui.decision import Shown, shown, shown_of

STANDSTILL = 3.0
"""Seconds without a turn after which this process must have been stopped, or the machine asleep."""
SETTLING = 30.0
"""Seconds for which a task is read until it shows what became of a deed."""


class Verb(StrEnum):
    """What can be done."""

    APPROVE = "approve"
    REJECT = "reject"
    STOP = "stop"
    CONTINUE = "continue"
    CREATE = "create"
    ANSWER = "answer"
    UPDATE = "update"


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


class Deed(Struct, frozen=True):
    """One thing the operator wants done, and how far it is."""

    verb: Verb
    target: str
    """The task; for a new one, its agent."""
    digest: str | None = None
    """What was shown when it was decided; None where nothing needs to be shown."""
    comment: str | None = None
    body: dict[str, Any] = field(default_factory=dict)
    hold: float = 0.0
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    phase: Phase = Phase.HELD
    outcome: Outcome | None = None
    words: str = ""
    task: Task | None = None
    error: ApiError | None = None

    def done(self, outcome: Outcome, words: str, task: Task | None = None, error: ApiError | None = None) -> Deed:
        """The deed, ended."""
        return replace(self, phase=Phase.DONE, outcome=outcome, words=words, task=task or self.task, error=error)


class Writes(Protocol):
    """A journal, or a list of a test."""

    def write(self, kind: str, **told: Any) -> None:
        """Write a line down for good."""


class Deeds:
    """Carries out deeds, each once, one at a time for each task."""

    def __init__(
        self, client: Client, journal: Writes, tell: Callable[[Deed], None], *, clock: Clock | None = None
    ) -> None:
        self._client = client
        self._journal = journal
        self._tell = tell
        self._clock = clock or SystemClock()
        self._taken_back: dict[str, asyncio.Event] = {}
        self._under_way: set[str] = set()
        self._sent: set[str] = set()

    def take_back(self, deed_id: str) -> bool:
        """Take a held deed back; False when it is too late for that."""
        event = self._taken_back.get(deed_id)
        if event is None:
            return False
        event.set()
        return True

    async def carry_out(self, deed: Deed) -> Deed:
        """Hold, check, send and settle; every way it can end is an outcome of the deed that comes back."""
        if deed.id in self._sent or deed.target in self._under_way:
            return self._end(deed.done(Outcome.NOT_SENT, "something is already under way for this task"))
        self._under_way.add(deed.target)
        try:
            if (why := await self._hold(deed)) is not None:
                return self._end(deed.done(Outcome.TAKEN_BACK, why))
            return self._end(await self._check_and_send(deed))
        finally:
            self._taken_back.pop(deed.id, None)
            self._under_way.discard(deed.target)

    async def _hold(self, deed: Deed) -> str | None:
        """Wait for the time in which the deed can be taken back; the answer is why it does not go on, or None."""
        self._tell(deed)
        if deed.hold <= 0:
            return None
        self._journal.write("held", **_journaled(deed), seconds=deed.hold)
        self._taken_back[deed.id] = undo = asyncio.Event()
        wish = asyncio.ensure_future(undo.wait())
        left, begun = deed.hold, time.monotonic()
        try:
            while left > 0:
                sleep = asyncio.ensure_future(self._clock.sleep(min(left, 0.5)))
                await asyncio.wait((sleep, wish), return_when=asyncio.FIRST_COMPLETED)
                sleep.cancel()
                if undo.is_set():
                    return "taken back, nothing was sent"
                if time.monotonic() - begun > STANDSTILL:  # by the machine's clock: nobody could have taken it back
                    return "taken back: xp-tui stood still while it was held, nothing was sent"
                left, begun = left - 0.5, time.monotonic()
            return None
        finally:
            wish.cancel()

    async def _check_and_send(self, deed: Deed) -> Deed:
        card: str | None = None
        if deed.digest is not None:
            self._tell(replace(deed, phase=Phase.CHECKING))
            try:
                log = (await shown(self._client, deed.target)).log
                seen = shown_of(await self._client.task(deed.target), log)  # the record last: nothing comes between
            except NotFound as error:
                return deed.done(Outcome.GONE, "gone: the platform no longer knows the task", error=error)
            except (ApiError, BadAddress) as error:
                return deed.done(Outcome.NOT_SENT, f"not sent, the task could not be read: {error}", error=_api(error))
            if (early := _too_late(deed, seen)) is not None:
                return early
            card = seen.request_id
            deed = replace(deed, task=seen.task)
        undo = self._taken_back.pop(deed.id, None)
        if undo is not None and undo.is_set():  # at the last moment
            return deed.done(Outcome.TAKEN_BACK, "taken back, nothing was sent")
        return await self._send(deed, card)

    async def _send(self, deed: Deed, card: str | None) -> Deed:
        """The one place from which anything leaves."""
        self._sent.add(deed.id)
        self._journal.write("sent", **_journaled(deed))
        self._tell(replace(deed, phase=Phase.SENDING))
        sent_at = self._client.now
        try:
            answer = await self._request(deed, card)
        except NotFound as error:
            return deed.done(Outcome.GONE, f"gone: {error.message}", error=error)
        except Conflict as error:
            return deed.done(Outcome.ALREADY, error.message, error=error)
        except (NotOffered, ReadOnly) as error:
            return deed.done(Outcome.NOT_SENT, error.sentence, error=error)
        except BadAddress as error:
            return deed.done(Outcome.NOT_SENT, f"not sent: {error}")
        except ApiError as error:
            if not error.maybe_done:
                sent = error.status is not None
                words = f"refused: {error.message}" if sent else f"not sent: {error.message}"
                return deed.done(Outcome.REFUSED if sent else Outcome.NOT_SENT, words, error=error)
            self._tell(replace(deed, phase=Phase.SETTLING))
            return await self._settle_lost(deed, error, sent_at)
        if answer is not None:
            deed = replace(deed, task=answer)
        self._tell(replace(deed, phase=Phase.SETTLING))
        return await self._settle(deed)

    async def _request(self, deed: Deed, card: str | None) -> Task | None:
        client, task = self._client, deed.task
        match deed.verb:
            case Verb.APPROVE | Verb.REJECT if card and task:
                await client.confirm(task.agent_id, task.thread_id, card, deed.verb is Verb.APPROVE)
            case Verb.APPROVE:
                await client.approve(deed.target, deed.comment)
            case Verb.REJECT:
                await client.reject(deed.target, deed.comment)
            case Verb.STOP:
                return await client.stop(deed.target)
            case Verb.CREATE | Verb.CONTINUE:
                body = {name: value for name, value in deed.body.items() if name not in {"agent", "agent_version"}}
                return await client.create(deed.body["agent"], body, agent_version=deed.body.get("agent_version"))
            case Verb.UPDATE:
                return await client.update(deed.target, deed.body)
            case Verb.ANSWER if task:
                told = deed.body
                await client.answer(task.agent_id, task.thread_id, told["decision_id"], told["answers"])
            case _:
                raise NotOffered(f"{deed.verb} needs the task to have been read")
        return None

    async def _settle(self, deed: Deed) -> Deed:
        """After a good answer: the task itself has to show it."""
        match deed.verb:
            case Verb.CREATE | Verb.CONTINUE | Verb.UPDATE:
                return deed.done(Outcome.CONFIRMED, f"{deed.verb}: the platform took it")
            case Verb.STOP:
                return await self._settle_stop(deed, lost=False)
            case _:
                task, still = await self._until_moved(deed)
                if still:
                    return deed.done(Outcome.UNKNOWN, "the platform took it, but the task still waits", task)
                if task is None:
                    return deed.done(Outcome.GONE, "the platform took it, and then knew the task no more", task)
                request, before = _decided_on(deed, task), deed.task and deed.task.hitl_request
                if request and before and _is_another(request, before):
                    words = "the platform took it, but now it is about something else than you saw: open the task"
                    return deed.done(Outcome.UNKNOWN, words, task)
                other = request and (request.rejected_by if deed.verb is Verb.APPROVE else request.approved_by)
                if other:
                    return deed.done(Outcome.ALREADY, f"decided the other way by {other}", task)
                if task.status == "stopped":
                    return deed.done(Outcome.GONE, "the platform took it, but the task was stopped", task)
                name = f", on record as {request.decided_by}" if request and request.decided_by else ""
                return deed.done(Outcome.CONFIRMED, f"{_PAST[deed.verb]}{name}", task)

    async def _settle_lost(self, deed: Deed, error: ApiError, sent_at: datetime) -> Deed:
        """After a lost answer nothing is sent again; only what the task shows counts."""
        lost = f"the answer was lost ({error.message})"
        match deed.verb:
            case Verb.STOP:
                return await self._settle_stop(deed, lost=True)
            case Verb.CREATE | Verb.CONTINUE:
                task = await self._find(deed, sent_at)
                if task:
                    return deed.done(Outcome.CONFIRMED, f"{lost}, but the platform has it: task {task.id}", task)
                return deed.done(Outcome.UNKNOWN, f"{lost}, and no such message was found; look before sending again")
            case Verb.UPDATE:
                return deed.done(Outcome.UNKNOWN, f"{lost}; read the task before trying again", error=error)
            case _:
                task, still = await self._until_moved(deed)
                if still:
                    return deed.done(Outcome.UNKNOWN, f"{lost}, the task still waits", task, error)
                request = _decided_on(deed, task) if task else None
                who = f", decided by {request.decided_by}" if request and request.decided_by else ""
                return deed.done(Outcome.UNKNOWN, f"{lost}, the task no longer waits{who}", task, error)

    async def _settle_stop(self, deed: Deed, *, lost: bool) -> Deed:
        task, still = await self._until(deed, lambda seen: not seen.is_final, deed.task)
        said = " (the answer was lost, the task says so)" if lost else ""
        if task is None and not lost:
            return deed.done(Outcome.GONE, "the platform took it, and then knew the task no more", task)
        if task is None or (still and lost):
            return deed.done(Outcome.UNKNOWN, "the answer was lost, and the task does not say that it stopped", task)
        if still:
            return deed.done(Outcome.STILL_RUNNING, f"still {task.status} after {SETTLING:.0f} s", task)
        if task.status == "stopped":
            return deed.done(Outcome.CONFIRMED, f"stopped{said}", task)
        return deed.done(Outcome.ALREADY, f"it had ended by itself: {task.status}", task)

    async def _until_moved(self, deed: Deed) -> tuple[Task | None, bool]:
        """Read until the task waits no more for what was decided."""
        before = _asked(deed.task) if deed.task else None
        return await self._until(deed, lambda task: task.wait is not None and _asked(task) == before, None)

    async def _until(self, deed: Deed, is_so: Callable[[Task], bool], first: Task | None) -> tuple[Task | None, bool]:
        """Read the task until this is so no more, or the time is over; with whether it still is."""
        end = self._clock.monotonic() + SETTLING
        task, pause = first, 0.5
        while True:
            if task is not None and not is_so(task):
                return task, False
            if self._clock.monotonic() >= end:
                return task, True
            if task is not None:
                await self._clock.sleep(pause)
                pause = min(pause * 1.5, 5.0)
            try:
                task = await self._client.task(deed.target)
            except NotFound:
                return None, False
            except ApiError:
                await self._clock.sleep(pause)

    async def _find(self, deed: Deed, sent_at: datetime) -> Task | None:
        """The task that a lost message made or continued, if the platform shows one."""
        words = (deed.body.get("input") or {}).get("text")
        since = sent_at - timedelta(seconds=5)
        try:
            if deed.verb is Verb.CONTINUE:
                task = await self._client.task(deed.target)
                log = await self._client.log(task)
                said = (entry for entry in reversed(log.entries) if isinstance(entry, Message))
                return next(
                    (task for entry in said if entry.text == words and (entry.created_at or since) >= since), None
                )
            async with aclosing(self._client.tasks(TaskQuery(agent_id=deed.body["agent"]))) as pages:
                newest = (await anext(pages)).items[:5]
            for row in newest:
                if row.created_at and row.created_at >= since:
                    task = await self._client.task(row.id)
                    if task.input and task.input.text == words:
                        return task
        except (ApiError, BadAddress):
            pass
        return None

    def _end(self, deed: Deed) -> Deed:
        self._tell(deed)
        self._journal.write("done", **_journaled(deed), outcome=str(deed.outcome), words=deed.words)
        return deed


_PAST = {Verb.APPROVE: "approved by you", Verb.REJECT: "rejected by you", Verb.ANSWER: "answered by you"}


def _too_late(deed: Deed, seen: Shown) -> Deed | None:
    """The outcome when what was shown is no longer what waits, and nothing may be sent."""
    deed = replace(deed, task=seen.task)
    if seen.task.is_final:
        return deed.done(Outcome.GONE, f"gone: the task is {seen.task.status}")
    request = seen.task.hitl_request
    if request and request.decided_by and deed.verb in {Verb.APPROVE, Verb.REJECT} and seen.request_id is None:
        word = "approved" if request.approved_by else "rejected"
        return deed.done(Outcome.ALREADY, f"already {word} by {request.decided_by}")
    if seen.digest != deed.digest:
        return deed.done(Outcome.CHANGED, "changed while you read, nothing was sent")
    if deed.verb in {Verb.APPROVE, Verb.REJECT} and (why := seen.hindrance):
        return deed.done(Outcome.NOT_SENT, why)
    return None


def _decided_on(deed: Deed, task: Task) -> ApprovalRequest | None:
    """The task's request, where the deed is about it: no answer is, nor what came after one that had been decided."""
    before = deed.task.hitl_request if deed.task else None
    return None if deed.verb is Verb.ANSWER or (before and before.decided_by) else task.hitl_request


def _is_another(request: ApprovalRequest, before: ApprovalRequest) -> bool:
    """Whether the two cannot be one request: something that both tell is told differently."""
    named = ("wait_node_id", "operation_id", "title", "description", "content")
    pairs = [(request.raw.get(name), before.raw.get(name)) for name in named]
    return any(new is not None and old is not None and new != old for new, old in pairs)


def _asked(task: Task) -> tuple[datetime | None, str]:
    """What a task waits for, and since when."""
    return task.paused_at, canonical(task.hitl_request.raw if task.hitl_request else None)


def _journaled(deed: Deed) -> dict[str, Any]:
    told = {"deed": deed.id, "verb": str(deed.verb), "target": deed.target, "digest": deed.digest}
    return {**told, "comment": deed.comment} if deed.comment else told


def _api(error: ApiError | BadAddress) -> ApiError | None:
    return error if isinstance(error, ApiError) else None
