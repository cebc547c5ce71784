"""Reads what became of an action that was sent, until a record shows it or the time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, Forbidden, NotFound, Unauthorized
from tui.client.retry import Clock
from tui.client.task_rows import AnyTask, TaskQuery, TaskRow
from tui.domain import evidence
from tui.domain.action import Action, ActionAnswer, Outcome, Verb
from tui.domain.evidence import Evidence
from tui.domain.review import ReviewSnapshot

if TYPE_CHECKING:
    from tui.client.models import Task

CONFIRMATION_SECONDS = 30.0
"""How long a task is read until it shows what became of a deed."""
NEWEST_TASKS = 50
"""Among how many of an agent's newest tasks one is looked for whose creation was not confirmed."""
CLOCK_DIFFERENCE_SECONDS = 5.0
"""How far the platform's clock and ours may be apart when a task is looked for by its time."""
T = TypeVar("T")


class StateBefore(Struct, frozen=True):
    """What was read before an action was sent."""

    sent_at: datetime
    shown: ReviewSnapshot | None = None
    """What was decided about."""
    record: Task | None = None
    newest: tuple[TaskRow, ...] | None = None
    """The newest tasks of the agent that a new one is for; None where they could not be read."""
    message_ids: frozenset[str] | None = None
    """The messages that had the words of a continuation already; None where the log could not be read."""

    def why_not_new(self, task: AnyTask) -> str:
        """Why a task cannot be one that was made after this was read; empty when it can."""
        if self.newest is None:
            return ""
        if any(task.id == row.id for row in self.newest):
            return "was there before"
        latest = max((row.created_at for row in self.newest if row.created_at), default=None)
        margin = timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
        return "is older" if latest and task.created_at and task.created_at < latest - margin else ""


class Reading(Struct, frozen=True):
    """The record that was read last, and whether it settles what it was read for."""

    record: Task | None = None
    is_settled: bool = False
    error: ApiError | None = None
    """Why it could not be read the last time."""


class ActionConfirmer:
    """Settles actions: each ends with what the records of the platform show."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def settle(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        """End a deed that was sent, by what can be read now."""
        match action.verb:
            case Verb.CREATE:
                return await self._settle_creation(action, before, answer)
            case Verb.CONTINUE:
                return await self._settle_message(action, before, answer)
            case Verb.UPDATE:
                return await self._settle_update(action, before, answer)
            case Verb.STOP:
                return await self._settle_stop(action, answer)
            case _:
                return await self._settle_decision(action, before, answer)

    # Decisions

    async def _settle_decision(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        assert before.shown
        shown = before.shown
        finding = Evidence(still_waits=True)

        async def is_over(record: Task) -> bool:
            nonlocal finding
            finding = evidence.find_evidence(shown, record)
            if finding.still_waits and shown.is_in_log:
                finding = evidence.find_evidence(shown, record, await self._client.log(record))
            return not finding.still_waits or finding.is_other

        reading = await self._read_until(action.target, is_over, once=answer.is_refusal)
        if reading.record is None:
            return _unread(action, answer, reading.error)
        outcome, words = evidence.decision_verdict(action.verb, answer, reading.record, finding)
        if action.verb is Verb.ANSWER and outcome is Outcome.CONFIRMED:
            outcome, words = await self._check_answers(action, reading.record, outcome, words)
        return action.done(outcome, words, reading.record, answer.error)

    async def _check_answers(self, action: Action, record: Task, outcome: Outcome, words: str) -> tuple[Outcome, str]:
        """Whether the answers on record, where the log has them, are those that were sent."""
        try:
            log = await self._client.log(record)
        except (ApiError, BadAddress):
            return outcome, words
        wanted = action.body.get("decision_id")
        from tui.client.log_entries import Questions  # pydantic: the first frame has no entries

        cards = [entry for entry in log.entries if isinstance(entry, Questions)]
        for card in reversed(cards):
            if wanted in {card.id, card.decision_id} and evidence.answers_differ(action.body["answers"], card):
                return Outcome.ALREADY, "sent, but the answers on record are others than yours"
        return outcome, words

    # Stopping, changing

    async def _settle_stop(self, action: Action, answer: ActionAnswer) -> Action:
        async def is_over(record: Task) -> bool:
            return record.is_final

        reading = await self._read_until(action.target, is_over, once=answer.is_refusal)
        if reading.record is None:
            return _unread(action, answer, reading.error)
        outcome, words = evidence.stop_verdict(answer, reading.record, CONFIRMATION_SECONDS)
        return action.done(outcome, words, reading.record, answer.error)

    async def _settle_update(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        async def is_over(record: Task) -> bool:
            return evidence.shows_changes(record, action.body)

        reading = await self._read_until(action.target, is_over, once=answer.is_refusal)
        if reading.record is None:
            return _unread(action, answer, reading.error)
        if answer.is_refusal:
            was_shown = before.record is not None and await is_over(before.record)
            if reading.is_settled and not was_shown:
                words = f"{answer.refusal}, yet the record shows the change"
                return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)
            return action.done(Outcome.REFUSED, answer.refused_because, reading.record, answer.error)
        if reading.is_settled:
            return action.done(Outcome.CONFIRMED, f"the record shows the change{answer.detail}", reading.record)
        words = f"sent, and the record does not show the change{answer.detail}"
        return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)

    # Messages and new tasks

    async def _settle_message(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        async def is_over(record: Task) -> bool:
            return await self.has_message(action, record, before)

        assert before.record
        reading = await self._read_until(before.record.id, is_over, once=answer.is_refusal)
        if reading.record is None:
            return _unread(action, answer, reading.error)
        if reading.is_settled:
            if answer.is_refusal:
                words = f"{answer.refusal}, yet the thread has the message"
                return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)
            return action.done(Outcome.CONFIRMED, f"the message is in the thread{answer.detail}", reading.record)
        if answer.is_refusal:
            return action.done(Outcome.REFUSED, answer.refused_because, reading.record, answer.error)
        words = f"sent, and the thread does not show the message: look before sending it again{answer.detail}"
        return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)

    async def has_message(self, action: Action, record: Task, before: StateBefore) -> bool:
        """Whether a thread has the message of a deed now, and had not before it was sent."""
        text = evidence.message_text(action.body)
        latest, earlier = (one.input.text if one and one.input else None for one in (record, before.record))
        if evidence.same_text(latest, text) and not evidence.same_text(earlier, text):
            return True
        log = await self._client.log(record)
        return before.message_ids is not None and bool(evidence.message_ids(log, text) - before.message_ids)

    async def _settle_creation(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        claimed = answer.task
        if claimed is None:
            return await self._settle_lost_creation(action, before, answer)
        why = ""

        async def is_over(record: Task) -> bool:
            nonlocal why
            why = before.why_not_new(record) or evidence.mismatch_with_request(record, action.target, action.body)
            return not why

        reading = await self._read_until(claimed.id, is_over)
        if reading.is_settled:
            return action.done(Outcome.CONFIRMED, "the task was created", reading.record)
        why = why or f"could not be read: {reading.error}"
        words = f"sent, and answered with task {claimed.id}, which {why}. {_how_to_look(action)}"
        return action.done(Outcome.UNKNOWN, words, reading.record, reading.error)

    async def _settle_lost_creation(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        """Look for a task that may have been made although no clear answer came."""
        end, pause = self._clock.monotonic() + CONFIRMATION_SECONDS, 1.0
        while True:
            task = await self.find_created(action, before)
            if task is not None and answer.is_refusal:
                words = f"{answer.refusal}, yet the platform has it: task {task.id}"
                return action.done(Outcome.UNKNOWN, words, task, answer.error)
            if task is not None:
                return action.done(Outcome.CONFIRMED, f"the task was created{answer.detail}", task)
            if answer.is_refusal:
                return action.done(Outcome.REFUSED, answer.refused_because, error=answer.error)
            if self._clock.monotonic() >= end:
                words = f"sent, and no such task was found{answer.detail}. {_how_to_look(action)}"
                return action.done(Outcome.UNKNOWN, words, error=answer.error)
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, 5.0)

    async def newest_tasks(self, agent_id: str) -> tuple[TaskRow, ...] | None:
        """The newest tasks of an agent; None where they cannot be read."""
        try:
            async with aclosing(self._client.tasks(TaskQuery(agent_id=agent_id))) as pages:
                return tuple((await anext(pages)).items[:NEWEST_TASKS])
        except (ApiError, BadAddress, StopAsyncIteration):
            return None

    async def find_created(self, action: Action, before: StateBefore) -> Task | None:
        """Look among an agent's newest tasks for one that a creation made."""
        since = before.sent_at - timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
        for row in await self.newest_tasks(action.target) or ():
            if before.why_not_new(row) or not evidence.is_recent(row, since):
                continue
            with suppress(ApiError, BadAddress):
                task = await self._client.task(row.id)
                if not evidence.mismatch_with_request(task, action.target, action.body) and evidence.is_recent(
                    task, since
                ):
                    return task
        return None

    async def _read_until(
        self, task_id: str, is_over: Callable[[Task], Awaitable[bool]], *, once: bool = False
    ) -> Reading:
        """Read a task until what was read is the end of it, or the time is over; once where one look is enough."""
        end, pause = self._clock.monotonic() + CONFIRMATION_SECONDS, 0.5
        reading = Reading()
        while True:
            try:
                record = await self._client.task(task_id)
                reading = Reading(record)
                reading = Reading(record, await is_over(record))
            except NotFound as error:
                return Reading(error=error)
            except (ApiError, BadAddress) as error:
                reading = Reading(reading.record, error=error if isinstance(error, ApiError) else ApiError(str(error)))
            if once or reading.is_settled or self._clock.monotonic() >= end:
                return reading
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, 5.0)


def _unread(action: Action, answer: ActionAnswer, error: ApiError | None) -> Action:
    """The end of a deed about whose task nothing could be read since it was sent."""
    is_gone = isinstance(error, NotFound)
    if answer.is_refusal and is_gone:
        return action.done(
            Outcome.REFUSED, f"{answer.refused_because}; the platform knows no such task", error=answer.error
        )
    if answer.is_refusal and isinstance(error, Unauthorized | Forbidden):
        return action.done(Outcome.REFUSED, answer.refused_because, error=answer.error)
    if answer.is_refusal:
        words = f"{answer.refusal}, and the task could not be read since: {error}"
        return action.done(Outcome.UNKNOWN, words, error=answer.error)
    if is_gone:
        outcome = Outcome.GONE if answer.is_clear else Outcome.UNKNOWN
        return action.done(
            outcome, f"sent, and then the platform no longer knew the task{answer.detail}", error=answer.error
        )
    words = f"sent, and the task could not be read since: {error}{answer.detail}"
    return action.done(Outcome.UNKNOWN, words, error=answer.error or error)


def _how_to_look(action: Action) -> str:
    """What to run to see whether a task was made."""
    return f"Look before sending it again: xp-tui tasks 'agent:{action.target} age:<1h'"
