"""Runs the actions of the operator: held, read again, sent once, and confirmed only when the task says so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, NotFound, NotSupported, ReadOnly
from tui.client.retry import Clock, SystemClock
from tui.domain import evidence
from tui.domain.action import Action, ActionAnswer, Outcome, Phase, Verb
from tui.domain.review import ReviewSnapshot, review_of
from tui.services.confirmation import CLOCK_DIFFERENCE_SECONDS, ActionConfirmer, StateBefore
from tui.services.earlier_actions import EarlierAction, earlier_sent
from tui.services.journal_writer import JournalWriter, NotJournaled
from tui.services.review_loader import load_review

if TYPE_CHECKING:
    from tui.client.models import Task

__all__ = ["INTERRUPTED", "Action", "ActionAnswer", "ActionRunner", "JournalWriter", "Outcome", "Phase", "Verb"]

MAX_STANDSTILL_SECONDS = 3.0
"""Seconds without a turn after which this process must have been stopped, or the machine asleep."""
MAX_READING_AGE_SECONDS = 3.0
"""How long after a task was read an action may leave: who stands still in between has read something old."""
LOCK_SECONDS = 5.0
"""How long another process may take to write down that it sends something."""
STOP_READING_SECONDS = 2.0
"""How long a task is read before it is stopped: a stop does not wait for a platform that is slow to answer."""
MAX_PAUSED_SECONDS = 60.0
"""Seconds for which a hold may stand still, in all, before the deed is taken back."""


NO_FIELDS: Mapping[str, str] = MappingProxyType({})


class ActionRunner:
    """Runs actions, each once, one at a time for each task: hold, read again, send once, confirm."""

    def __init__(
        self,
        client: Client,
        journal: JournalWriter,
        tell: Callable[[Action], None],
        *,
        clock: Clock | None = None,
        objection: Callable[[ReviewSnapshot], str] | None = None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._tell = tell
        self._clock = clock or SystemClock()
        self._settling = ActionConfirmer(client, self._clock)
        self._objection = objection
        """Tells of what was read last before a decision why it may not be sent; empty when it may."""
        self.is_paused: Callable[[], bool] = lambda: False
        """Tells whether the hold stands still, because something covers what it could be taken back from."""
        self.seconds_left: dict[str, float] = {}
        """For how many seconds more each held deed is held, by its id."""
        self._taken_back: dict[str, asyncio.Event] = {}
        self._under_way: set[str] = set()
        self._sent: set[str] = set()

    def take_back(self, action_id: str) -> bool:
        """Take a held deed back; False when it is too late for that."""
        event = self._taken_back.get(action_id)
        if event is None:
            return False
        event.set()
        return True

    def can_take_back(self, action_id: str) -> bool:
        """Whether a deed is held still, so that it can be taken back."""
        return action_id in self._taken_back

    def earlier(self, action: Action) -> EarlierAction | None:
        """The same deed, sent before from this machine, of which it is not known whether it was done."""
        try:
            return self._earlier(action, NO_FIELDS)
        except NotJournaled:
            return None  # the deed itself will tell that the journal cannot be read

    def _earlier(self, action: Action, about: Mapping[str, str]) -> EarlierAction | None:
        try:
            lines = self._journal.lines_with(action.request)
            return earlier_sent(lines, action, about, self._client.surfaces.platform_ids, self._now)
        except OSError as error:
            raise NotJournaled(f"the journal cannot be read: {error}") from error

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def run_action(self, action: Action) -> Action:
        """Hold, check, send and settle; every way it can end is an outcome of the deed that comes back."""
        if action.id in self._sent or action.request in self._under_way:
            return self._end(action.done(Outcome.NOT_SENT, "something is already under way for this task"))
        if not _is_text([action.target, action.comment, action.body]):
            return self._end(action.done(Outcome.NOT_SENT, "not sent: it holds what is no text in UTF-8"))
        self._under_way.add(action.request)
        try:
            try:
                if (why := await self._hold(action)) is not None:
                    return self._end(action.done(Outcome.TAKEN_BACK, why))
                ended = await self._check_and_send(action)
            except NotJournaled as error:
                ended = action.done(Outcome.NOT_SENT, f"not sent: {error}")
            return self._end(ended)
        finally:
            self._taken_back.pop(action.id, None)
            self.seconds_left.pop(action.id, None)
            self._under_way.discard(action.request)

    async def _hold(self, action: Action) -> str | None:
        """Wait for the time in which the deed can be taken back; the answer is why it does not go on, or None."""
        if action.hold > 0:
            self.seconds_left[action.id] = action.hold
        self._tell(action)
        if action.hold <= 0:
            return None
        self._write("held", action, seconds=action.hold)
        self._taken_back[action.id] = undo = asyncio.Event()
        wish = asyncio.ensure_future(undo.wait())
        left, paused, begun = action.hold, 0.0, awake_and_asleep()
        try:
            while left > 0:
                sleep = asyncio.ensure_future(self._clock.sleep(min(left, 0.5)))
                await asyncio.wait((sleep, wish), return_when=asyncio.FIRST_COMPLETED)
                sleep.cancel()
                if undo.is_set():
                    return "taken back, nothing was sent"
                if (
                    awake_and_asleep() - begun > MAX_STANDSTILL_SECONDS
                ):  # by the machine's clock: nobody could have taken it back
                    return "taken back: xp-tui stood still while it was held, nothing was sent"
                begun = awake_and_asleep()
                if not self.is_paused():
                    left -= 0.5
                    self.seconds_left[action.id] = max(left, 0.0)
                    continue
                paused += min(left, 0.5)
                if paused >= MAX_PAUSED_SECONDS:
                    return f"taken back: a dialog was open for {paused:.0f} s while it was held, nothing was sent"
            return None
        finally:
            wish.cancel()

    async def _check_and_send(self, action: Action) -> Action:
        self._tell(replace(action, phase=Phase.CHECKING))
        try:
            before, ended = await self._read_before(action)
        except NotFound as error:
            return action.done(Outcome.GONE, "gone: the platform no longer knows the task", error=error)
        except (ApiError, BadAddress) as error:
            words = f"not sent, the task could not be read: {error}"
            return action.done(Outcome.NOT_SENT, words, error=error if isinstance(error, ApiError) else None)
        if ended is not None:
            return ended
        read_at = awake_and_asleep()
        action = replace(action, task=before.shown.task if before.shown else before.record)
        undo = self._taken_back.pop(action.id, None)
        if undo is not None and undo.is_set():  # at the last moment
            return action.done(Outcome.TAKEN_BACK, "taken back, nothing was sent")
        about = before.shown.about if before.shown else NO_FIELDS
        earlier = None if action.anyway else self._earlier(action, about)
        if earlier is not None and not _is_over_since(action, before, earlier):
            return await self._hold_back(action, before, earlier)
        if (earlier := await self._claim(action, before, about)) is not None:
            return action.done(Outcome.ALREADY_SENT, earlier.sentence)
        if awake_and_asleep() - read_at > MAX_READING_AGE_SECONDS:
            return action.done(
                Outcome.TAKEN_BACK, "taken back: xp-tui stood still after it read the task, nothing was sent"
            )
        return await self._send(replace(action, is_sent=True), before)

    async def _claim(self, action: Action, before: StateBefore, about: Mapping[str, str]) -> EarlierAction | None:
        """Write down that a deed is sent, unless another process has written down the same meanwhile."""
        end = self._clock.monotonic() + LOCK_SECONDS
        while True:
            try:
                with self._journal.exclusively():
                    earlier = None if action.anyway else self._earlier(action, about)
                    if earlier is not None and not _is_over_since(action, before, earlier):
                        return earlier
                    self._sent.add(action.id)
                    self._write("sent", action, about=dict(about))
                    return None
            except BlockingIOError as error:
                if self._clock.monotonic() >= end:
                    words = "another xp-tui has held the journal for too long: end it, then try again"
                    raise NotJournaled(words) from error
            except OSError as error:
                raise NotJournaled(f"the journal cannot be written: {error}") from error
            await self._clock.sleep(0.05)

    def _write(self, kind: str, action: Action, **more: Any) -> None:
        """Write a line of the journal that must be on disk before anything leaves."""
        try:
            self._journal.write(kind, **self._journaled(action), **more)
        except OSError as error:
            raise NotJournaled(f"the journal cannot be written: {error}") from error

    async def _read_before(self, action: Action) -> tuple[StateBefore, Action | None]:
        """Read what the deed is about, as it is now; with its end, when that leaves nothing to send."""
        now = self._client.now
        match action.verb:
            case Verb.CREATE:
                return StateBefore(now, newest=await self._settling.newest_tasks(action.target)), None
            case Verb.CONTINUE:
                return await self._read_thread(action, now)
            case Verb.UPDATE:
                return StateBefore(now, record=await self._client.task(action.target)), None
            case Verb.STOP:
                return await self._read_before_stop(action, now)
        if action.digest is None:
            error = NotSupported(f"{action.verb} needs the task to have been read")
            return StateBefore(now), action.done(Outcome.NOT_SENT, error.message, error=error)
        log = (await load_review(self._client, action.target)).log
        seen = review_of(await self._client.task(action.target), log)  # the record last: nothing comes between
        ended = _too_late(action, seen)
        if ended is None and self._objection is not None and (why := self._objection(seen)):
            ended = action.done(Outcome.HELD_BACK, why, seen.task)
        return StateBefore(now, shown=seen), ended

    async def _read_thread(self, action: Action, now: datetime) -> tuple[StateBefore, Action | None]:
        """Read the thread that a message goes to, and which messages it has already that say the same."""
        record = await self._client.task(action.target)
        thread, agent = action.body.get("id"), action.body.get("agent")
        if (record.thread_id, record.agent_id) != (thread, agent):
            words = f"not sent: the task's record names thread {record.thread_id} of agent {record.agent_id}"
            return StateBefore(now), action.done(Outcome.CHANGED, words, record)
        if thread != action.target:
            with suppress(NotFound):  # the head of a conversation may be no task by itself
                record = await self._client.task(str(thread))
        try:
            log = await self._client.log(record)
        except (ApiError, BadAddress):
            return StateBefore(now, record=record), None
        ids = evidence.message_ids(log, evidence.message_text(action.body))
        return StateBefore(now, record=record, message_ids=ids), None

    async def _read_before_stop(self, action: Action, now: datetime) -> tuple[StateBefore, Action | None]:
        """Look whether there is anything to stop; where that cannot be read in time, it is stopped all the same."""
        try:
            async with asyncio.timeout(STOP_READING_SECONDS):
                record = await self._client.task(action.target)
        except NotFound:
            raise
        except (ApiError, TimeoutError):
            return StateBefore(now), None
        ended = None
        if record.is_final:
            ended = action.done(Outcome.ALREADY, f"it had ended already: {record.status}, nothing was sent", record)
        return StateBefore(now, record=record), ended

    async def _hold_back(self, action: Action, before: StateBefore, earlier: EarlierAction) -> Action:
        """End a deed whose like was sent before: it is not sent, and what is known of the earlier one is told."""
        found: Task | None = None
        try:
            if action.verb is Verb.CREATE and earlier.at:
                found = await self._settling.find_created(action, StateBefore(earlier.at))
            elif action.verb is Verb.CONTINUE and before.record and earlier.at:
                since = earlier.at - timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
                log = await self._client.log(before.record)
                found = before.record if evidence.has_message_since(log, action.body, since) else None
        except (ApiError, BadAddress):
            pass
        if found is None:
            return action.done(Outcome.ALREADY_SENT, earlier.sentence)
        words = f"it was sent before, and the platform has it: task {found.id}. Nothing was sent now"
        ended = replace(action, id=earlier.action)
        self._write("done", ended, outcome=str(Outcome.CONFIRMED), words="found later")
        return action.done(Outcome.ALREADY_SENT, words, found)

    async def _send(self, action: Action, before: StateBefore) -> Action:
        """The one place from which anything leaves; from here on, every end tells that it was sent."""
        self._tell(replace(action, phase=Phase.SENDING))
        try:
            answer = ActionAnswer(await self._request(action, before.shown))
        except ApiError as error:
            if error.status is None and not error.maybe_done:
                words = error.sentence if isinstance(error, NotSupported | ReadOnly) else f"not sent: {error.message}"
                return replace(action, is_sent=False).done(Outcome.NOT_SENT, words, error=error)
            answer = ActionAnswer(error=error)
        except BadAddress as error:
            return replace(action, is_sent=False).done(Outcome.NOT_SENT, f"not sent: {error}")
        except asyncio.CancelledError:
            self._end(action.done(Outcome.UNKNOWN, INTERRUPTED))
            raise
        except Exception as error:  # noqa: BLE001 - it may have left: it must be told, whatever failed
            answer = ActionAnswer(error=ApiError(f"xp-tui failed: {type(error).__name__}", maybe_done=True))
        action = replace(action, phase=Phase.SETTLING)
        self._tell(action)
        try:
            return await self._settling.settle(action, before, answer)
        except asyncio.CancelledError:
            self._end(action.done(Outcome.UNKNOWN, f"{INTERRUPTED}{answer.detail}"))
            raise
        except Exception as error:  # noqa: BLE001 - the same
            words = f"sent, and what became of it could not be read ({type(error).__name__}){answer.detail}"
            return action.done(Outcome.UNKNOWN, words, error=answer.error)

    async def _request(self, action: Action, seen: ReviewSnapshot | None) -> Task | None:
        client = self._client
        match action.verb:
            case Verb.APPROVE | Verb.REJECT if seen and seen.request_id:
                approve = action.verb is Verb.APPROVE
                await client.confirm(seen.task.agent_id, seen.task.thread_id, seen.request_id, approve)
            case Verb.APPROVE:
                await client.approve(action.target, action.comment)
            case Verb.REJECT:
                await client.reject(action.target, action.comment)
            case Verb.STOP:
                return await client.stop(action.target)
            case Verb.CREATE | Verb.CONTINUE:
                body = {name: value for name, value in action.body.items() if name not in {"agent", "agent_version"}}
                return await client.create(action.body["agent"], body, agent_version=action.body.get("agent_version"))
            case Verb.UPDATE:
                return await client.update(action.target, action.body)
            case Verb.ANSWER if seen:
                told = action.body
                await client.answer(seen.task.agent_id, seen.task.thread_id, told["decision_id"], told["answers"])
        return None

    def _end(self, action: Action) -> Action:
        """Tell how a deed ended, and write it down; where that fails after the sending, it is told all the same."""
        try:
            self._journal.write("done", **self._journaled(action), outcome=str(action.outcome), words=action.words)
        except OSError as error:
            action = replace(action, words=f"{action.words} (the journal could not be written: {error})")
        self._tell(action)
        return action

    def _journaled(self, action: Action) -> dict[str, Any]:
        told = {
            "deed": action.id,
            "verb": str(action.verb),
            "target": action.target,
            "digest": action.digest,
            "request": action.request,
            "platform": self._client.surfaces.platform_ids,
        }
        if action.task is not None and action.task.id != action.target:
            told["task"] = action.task.id
        return {**told, "comment": action.comment} if action.comment else told


INTERRUPTED = "interrupted after it was sent: whether it was done, only the task tells"


def _too_late(action: Action, seen: ReviewSnapshot) -> Action | None:
    """The outcome when what was shown is no longer what waits, and nothing may be sent."""
    action = replace(action, task=seen.task)
    if seen.task.is_final:
        return action.done(Outcome.GONE, f"gone: the task is {seen.task.status}")
    request = seen.task.hitl_request
    if request and request.decided_by and action.verb in {Verb.APPROVE, Verb.REJECT} and seen.request_id is None:
        word = "approved" if request.approved_by else "rejected"
        return action.done(Outcome.ALREADY, f"already {word} by {request.decided_by}")
    if seen.digest != action.digest:
        return action.done(Outcome.CHANGED, "changed while you read, nothing was sent")
    if action.verb in {Verb.APPROVE, Verb.REJECT} and (why := seen.blocked_now):
        return action.done(Outcome.NOT_SENT, why)
    if action.comment and seen.request_id:
        return action.done(Outcome.NOT_SENT, "not sent: a card takes no comment, leave it out")
    return None


def _is_over_since(action: Action, before: StateBefore, earlier: EarlierAction) -> bool:
    """Whether an earlier stop is no longer about what runs now: the task was started anew since."""
    started_at = before.record.started_at if before.record else None
    margin = timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
    return action.verb is Verb.STOP and bool(started_at and earlier.at and started_at > earlier.at + margin)


def _is_text(value: Any) -> bool:
    """Whether a value can be sent: all of it is JSON, and no text in it has half of a surrogate pair."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return True


def awake_and_asleep() -> float:
    """Seconds by a clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
