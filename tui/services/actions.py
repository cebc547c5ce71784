"""Runs the operator's actions: holds each, reads the task again, sends the request once, and confirms the outcome."""

from __future__ import annotations

import asyncio
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
from tui.client.json_values import object_of, text_of, text_or_empty
from tui.client.retry import Clock, SystemClock
from tui.domain import evidence
from tui.domain.action import Action, ActionAnswer, Outcome, Phase, Verb
from tui.domain.review import ReviewSnapshot, review_of
from tui.services.action_checks import end_if_outdated, is_encodable, is_restarted_since
from tui.services.action_requests import send_request
from tui.services.confirmation import CLOCK_DIFFERENCE_SECONDS, ActionConfirmer, StateBefore
from tui.services.earlier_actions import EarlierAction, find_barring_action
from tui.services.journal_writer import JournalWriter, NotJournaled
from tui.services.review_loader import load_review

if TYPE_CHECKING:
    from tui.client.models import Task

__all__ = ["INTERRUPTED", "Action", "ActionAnswer", "ActionRunner", "JournalWriter", "Outcome", "Phase", "Verb"]

MAX_STANDSTILL_SECONDS = 3.0
"""How long this process may stand still during a hold; after that, the machine was asleep or the process stopped."""
MAX_READING_AGE_SECONDS = 3.0
"""How long after its task was read an action may be sent; after that, what was read may be outdated."""
LOCK_SECONDS = 5.0
"""How long to wait for another process that has the lock of the journal."""
LOCK_RETRY_SECONDS = 0.05
STOP_READING_SECONDS = 2.0
"""How long a task is read before it is stopped; after that, it is stopped unread."""
MAX_PAUSED_SECONDS = 60.0
"""How long a hold may be paused in all before the action is taken back."""
HOLD_STEP_SECONDS = 0.5
MAX_TITLE_CHARS = 200
"""Characters of a task's title that are journaled."""

INTERRUPTED = "interrupted after it was sent: whether it was done, only the task tells"
NO_FIELDS: Mapping[str, str] = MappingProxyType({})


class ActionRunner:
    """The runner of actions: holds, checks, sends and confirms each, and never two with the same request at a time."""

    def __init__(
        self,
        client: Client,
        journal: JournalWriter,
        on_step: Callable[[Action], None],
        *,
        clock: Clock | None = None,
        objection: Callable[[ReviewSnapshot], str] | None = None,
    ) -> None:
        self._client = client
        self._journal = journal
        self._on_step = on_step
        self._clock = clock or SystemClock()
        self._confirmer = ActionConfirmer(client, self._clock)
        self._objection = objection
        """Returns, for the review that was read last, the reason not to send a decision; empty if there is none."""
        self.is_paused: Callable[[], bool] = lambda: False
        """Returns whether holds are paused, because a dialog covers the screen from which they can be taken back."""
        self.place = ""
        """The name of the platform, for the journal."""
        self.title_of: Callable[[str], str] = lambda target: ""
        """Returns the title of a task that was read before the action, for the journal; empty if none was."""
        self.seconds_left: dict[str, float] = {}
        """The seconds left of each hold, by the id of its action."""
        self._take_back_events: dict[str, asyncio.Event] = {}
        """The event that takes back each held action, by the id of the action."""
        self._running_requests: set[str] = set()
        self._sent_ids: set[str] = set()

    def take_back(self, action_id: str) -> bool:
        """Take back a held action; return False if it is too late."""
        event = self._take_back_events.get(action_id)
        if event is None:
            return False
        event.set()
        return True

    def can_take_back(self, action_id: str) -> bool:
        """Return whether an action is still held, so that `take_back` can take it back."""
        return action_id in self._take_back_events

    def earlier(self, action: Action) -> EarlierAction | None:
        """Return the earlier action with the same request that bars this one; None also if the journal is unreadable.

        Running the action reports an unreadable journal.
        """
        try:
            return self._find_earlier(action, NO_FIELDS)
        except NotJournaled:
            return None

    def _find_earlier(self, action: Action, about: Mapping[str, str]) -> EarlierAction | None:
        try:
            lines = self._journal.lines_with(action.request)
            return find_barring_action(lines, action, about, self._client.surfaces.platform_ids, self._now)
        except OSError as error:
            raise NotJournaled(f"the journal cannot be read: {error}") from error

    @property
    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.time(), UTC)

    async def run_action(self, action: Action) -> Action:
        """Run an action to its end and return it with its outcome: failures are outcomes, and no exceptions."""
        if action.id in self._sent_ids or action.request in self._running_requests:
            return self._finish(action.done(Outcome.NOT_SENT, "something is already under way for this task"))
        if not is_encodable([action.target, action.comment, action.body]):
            return self._finish(action.done(Outcome.NOT_SENT, "not sent: it holds what is no text in UTF-8"))
        self._running_requests.add(action.request)
        try:
            try:
                if (reason := await self._hold(action)) is not None:
                    return self._finish(action.done(Outcome.TAKEN_BACK, reason))
                ended = await self._check_and_send(action)
            except NotJournaled as error:
                ended = action.done(Outcome.NOT_SENT, f"not sent: {error}")
            return self._finish(ended)
        finally:
            self._take_back_events.pop(action.id, None)
            self.seconds_left.pop(action.id, None)
            self._running_requests.discard(action.request)

    async def _hold(self, action: Action) -> str | None:
        """Hold an action for its time; return the reason if it is taken back, else None."""
        if action.hold > 0:
            self.seconds_left[action.id] = action.hold
        self._on_step(action)
        if action.hold <= 0:
            return None
        self._write_journal("held", action, seconds=action.hold)
        self._take_back_events[action.id] = take_back_event = asyncio.Event()
        take_back = asyncio.ensure_future(take_back_event.wait())
        seconds_left, paused_seconds = action.hold, 0.0
        last_step_at = boottime_seconds()
        try:
            while seconds_left > 0:
                sleep = asyncio.ensure_future(self._clock.sleep(min(seconds_left, HOLD_STEP_SECONDS)))
                await asyncio.wait((sleep, take_back), return_when=asyncio.FIRST_COMPLETED)
                sleep.cancel()
                if take_back_event.is_set():
                    return "taken back, nothing was sent"
                if boottime_seconds() - last_step_at > MAX_STANDSTILL_SECONDS:  # the operator could not take it back
                    return "taken back: xp-tui stood still while it was held, nothing was sent"
                last_step_at = boottime_seconds()
                if not self.is_paused():
                    seconds_left -= HOLD_STEP_SECONDS
                    self.seconds_left[action.id] = max(seconds_left, 0.0)
                    continue
                paused_seconds += min(seconds_left, HOLD_STEP_SECONDS)
                if paused_seconds >= MAX_PAUSED_SECONDS:
                    return (
                        f"taken back: a dialog was open for {paused_seconds:.0f} s while it was held, nothing was sent"
                    )
            return None
        finally:
            take_back.cancel()

    async def _check_and_send(self, action: Action) -> Action:
        """Check an action against the task as it is now, and send it; return it with its outcome."""
        self._on_step(replace(action, phase=Phase.CHECKING))
        try:
            before, ended = await self._read_before(action)
        except NotFound as error:
            return action.done(Outcome.GONE, "gone: the platform no longer knows the task", error=error)
        except ApiError as error:
            return action.done(Outcome.NOT_SENT, f"not sent, the task could not be read: {error}", error=error)
        except BadAddress as error:
            return action.done(Outcome.NOT_SENT, f"not sent, the task could not be read: {error}")
        if ended is not None:
            return ended
        read_at = boottime_seconds()
        action = replace(action, task=before.review.task if before.review else before.record)
        take_back_event = self._take_back_events.pop(action.id, None)
        if take_back_event is not None and take_back_event.is_set():  # taken back while the task was read
            return action.done(Outcome.TAKEN_BACK, "taken back, nothing was sent")
        about = before.review.about if before.review else NO_FIELDS
        if (earlier := self._barring_action(action, before, about)) is not None:
            return await self._refuse_repetition(action, before, earlier)
        if (earlier := await self._claim(action, before, about)) is not None:
            return action.done(Outcome.ALREADY_SENT, earlier.sentence)
        if boottime_seconds() - read_at > MAX_READING_AGE_SECONDS:
            return action.done(
                Outcome.TAKEN_BACK, "taken back: xp-tui stood still after it read the task, nothing was sent"
            )
        return await self._send(replace(action, is_sent=True), before)

    def _barring_action(self, action: Action, before: StateBefore, about: Mapping[str, str]) -> EarlierAction | None:
        """Return the earlier action that bars this one; None if there is none, or the operator sends it anyway."""
        if action.anyway:
            return None
        earlier = self._find_earlier(action, about)
        if earlier is not None and is_restarted_since(action, before, earlier):
            return None
        return earlier

    async def _claim(self, action: Action, before: StateBefore, about: Mapping[str, str]) -> EarlierAction | None:
        """Claim the request: journal it as sent, or return the action of another process that has claimed it."""
        end = self._clock.monotonic() + LOCK_SECONDS
        while True:
            try:
                with self._journal.exclusively():
                    earlier = self._barring_action(action, before, about)
                    if earlier is not None:
                        return earlier
                    self._sent_ids.add(action.id)
                    self._write_journal("sent", action, about=dict(about))
                    return None
            except BlockingIOError as error:
                if self._clock.monotonic() >= end:
                    words = "another xp-tui has held the journal for too long: end it, then try again"
                    raise NotJournaled(words) from error
            except OSError as error:
                raise NotJournaled(f"the journal cannot be written: {error}") from error
            await self._clock.sleep(LOCK_RETRY_SECONDS)

    def _write_journal(self, kind: str, action: Action, **fields: Any) -> None:
        """Write a journal line that must be on the disk before the request is sent; raise NotJournaled if it is not."""
        try:
            self._journal.write(kind, **self._journal_fields(action), **fields)
        except OSError as error:
            raise NotJournaled(f"the journal cannot be written: {error}") from error

    async def _read_before(self, action: Action) -> tuple[StateBefore, Action | None]:
        """Read the state before the sending; also return the ended action if nothing is left to send."""
        now = self._client.now
        match action.verb:
            case Verb.CREATE:
                newest_tasks = await self._confirmer.read_newest_tasks(action.target)
                return StateBefore(now, newest_tasks=newest_tasks), None
            case Verb.CONTINUE:
                return await self._read_before_message(action, now)
            case Verb.UPDATE:
                return StateBefore(now, record=await self._client.task(action.target)), None
            case Verb.STOP:
                return await self._read_before_stop(action, now)
        if action.digest is None:
            error = NotSupported(f"{action.verb} needs the task to have been read")
            return StateBefore(now), action.done(Outcome.NOT_SENT, error.message, error=error)
        log = (await load_review(self._client, action.target)).log
        # The record is read last, so that no other request comes between this check and the sending.
        review = review_of(await self._client.task(action.target), log)
        ended = end_if_outdated(action, review)
        if ended is None and self._objection is not None and (reason := self._objection(review)):
            ended = action.done(Outcome.HELD_BACK, reason, review.task)
        return StateBefore(now, review=review), ended

    async def _read_before_message(self, action: Action, now: datetime) -> tuple[StateBefore, Action | None]:
        """Read the thread that a message goes to, and the messages in it that have the same text."""
        record = await self._client.task(action.target)
        thread, agent = action.body.get("id"), action.body.get("agent")
        if (record.thread_id, record.agent_id) != (thread, agent):
            words = f"not sent: the task's record names thread {record.thread_id} of agent {record.agent_id}"
            return StateBefore(now), action.done(Outcome.CHANGED, words, record)
        if thread != action.target:
            with suppress(NotFound):  # the id of a thread need not be the id of a task
                record = await self._client.task(str(thread))
        try:
            log = await self._client.log(record)
        except (ApiError, BadAddress):
            return StateBefore(now, record=record), None
        message_ids = evidence.message_ids(log, evidence.message_text(action.body))
        return StateBefore(now, record=record, message_ids=message_ids), None

    async def _read_before_stop(self, action: Action, now: datetime) -> tuple[StateBefore, Action | None]:
        """Read whether the task has ended already; if that cannot be read in time, the stop is sent all the same."""
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

    async def _refuse_repetition(self, action: Action, before: StateBefore, earlier: EarlierAction) -> Action:
        """Refuse to send an action that repeats an earlier one; its words say what is known of the earlier one."""
        task: Task | None = None
        with suppress(ApiError, BadAddress):
            task = await self._find_earlier_result(action, before, earlier)
        if task is None:
            return action.done(Outcome.ALREADY_SENT, earlier.sentence)
        words = f"it was sent before, and the platform has it: task {task.id}. Nothing was sent now"
        self._write_journal(
            "done", replace(action, id=earlier.action), outcome=str(Outcome.CONFIRMED), words="found later"
        )
        return action.done(Outcome.ALREADY_SENT, words, task)

    async def _find_earlier_result(self, action: Action, before: StateBefore, earlier: EarlierAction) -> Task | None:
        """Find the task that an earlier creation has created, or the one that has the message of an earlier action."""
        if action.verb is Verb.CREATE and earlier.at:
            return await self._confirmer.find_created(action, StateBefore(earlier.at))
        if action.verb is Verb.CONTINUE and before.record and earlier.at:
            since = earlier.at - timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
            log = await self._client.log(before.record)
            if evidence.has_message_since(log, action.body, since):
                return before.record
        return None

    async def _send(self, action: Action, before: StateBefore) -> Action:
        """Send the request and confirm its outcome.

        Only this method sends requests. From here on, every outcome says that the request was sent, unless it is
        certain that it was not.
        """
        self._on_step(replace(action, phase=Phase.SENDING))
        try:
            answer = ActionAnswer(await send_request(self._client, action, before.review))
        except ApiError as error:
            if error.status is None and not error.maybe_done:
                return _end_unsent(action, error)
            answer = ActionAnswer(error=error)
        except BadAddress as error:
            return replace(action, is_sent=False).done(Outcome.NOT_SENT, f"not sent: {error}")
        except asyncio.CancelledError:
            self._finish(action.done(Outcome.UNKNOWN, INTERRUPTED))
            raise
        except Exception as error:  # noqa: BLE001 - the request may have been sent: the operator must learn it
            answer = ActionAnswer(error=ApiError(f"xp-tui failed: {type(error).__name__}", maybe_done=True))
        action = replace(action, phase=Phase.SETTLING)
        self._on_step(action)
        try:
            return await self._confirmer.confirm(action, before, answer)
        except asyncio.CancelledError:
            self._finish(action.done(Outcome.UNKNOWN, f"{INTERRUPTED}{answer.detail}"))
            raise
        except Exception as error:  # noqa: BLE001 - the request was sent: the operator must learn it
            words = f"sent, and what became of it could not be read ({type(error).__name__}){answer.detail}"
            return action.done(Outcome.UNKNOWN, words, error=answer.error)

    def _finish(self, action: Action) -> Action:
        """Finish an action: journal its end and report it; a failure to journal is added to its words."""
        try:
            self._journal.write("done", **self._journal_fields(action), outcome=str(action.outcome), words=action.words)
        except OSError as error:
            action = replace(action, words=f"{action.words} (the journal could not be written: {error})")
        self._on_step(action)
        return action

    def _journal_fields(self, action: Action) -> dict[str, Any]:
        fields = {
            "deed": action.id,
            "verb": str(action.verb),
            "target": action.target,
            "digest": action.digest,
            "request": action.request,
            "platform": self._client.surfaces.platform_ids,
        }
        if title := self._title(action):
            fields["title"] = title[:MAX_TITLE_CHARS]
        if self.place:
            fields["profile"] = self.place
        if action.task is not None and action.task.id != action.target:
            fields["task"] = action.task.id
        if action.comment:
            fields["comment"] = action.comment
        if action.summary != action.verb:
            fields["summary"] = action.summary
        return fields

    def _title(self, action: Action) -> str:
        """Return the title of the task that an action is about; empty if it is not known yet."""
        if action.task is not None:
            return action.task.name
        if action.verb is Verb.CREATE:
            task_input = object_of(action.body.get("input"))
            return text_of(action.body.get("title")) or text_or_empty(task_input.get("text"))
        return self.title_of(action.target)


def _end_unsent(action: Action, error: ApiError) -> Action:
    """End an action whose request certainly was not sent."""
    words = f"not sent: {error.message}"
    if isinstance(error, NotSupported | ReadOnly):
        words = error.sentence
    return replace(action, is_sent=False).done(Outcome.NOT_SENT, words, error=error)


def boottime_seconds() -> float:
    """Return the seconds since boot, including the time in which the machine was asleep where the system counts it."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
