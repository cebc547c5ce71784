"""Confirms actions that were sent: reads the platform's records until they show the outcome, or time is up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from tui.client.client import Client
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError, Forbidden, NotFound, Unauthorized
from tui.client.retry import Clock
from tui.client.task_rows import AnyTask, TaskQuery, TaskRow
from tui.domain import evidence
from tui.domain.action import Action, ActionAnswer, Outcome, Verb
from tui.domain.evidence import Evidence
from tui.domain.recorded_answers import check_recorded_answers
from tui.domain.review import ReviewSnapshot

if TYPE_CHECKING:
    from tui.client.log_entries import Log
    from tui.client.models import Task

CREATED = "the task was created"
REPORTED = "the report is on record"
DONE_WORDS = {Verb.CREATE: CREATED, Verb.REPORT: REPORTED}
UPDATED_PARTS = {Verb.UPDATE: "the change", Verb.METRICS: "the tokens"}
"""The part of a record that shows that an update, or the metrics, arrived."""
CONFIRMATION_SECONDS = 30.0
"""How long the records are read for a confirmation."""
NEWEST_TASKS = 50
"""How many of an agent's newest tasks are searched for one whose creation was not confirmed."""
CLOCK_DIFFERENCE_SECONDS = 5.0
"""How far the platform's clock and ours may differ when a task is searched by its time."""
FIRST_RECORD_PAUSE_SECONDS = 0.5
FIRST_SEARCH_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 5.0
PAUSE_GROWTH = 1.5


class StateBefore(Struct, frozen=True):
    """The state that was read before an action was sent."""

    sent_at: datetime
    review: ReviewSnapshot | None = None
    """The snapshot that was decided about; None for an action that is no decision."""
    record: Task | None = None
    newest_tasks: tuple[TaskRow, ...] | None = None
    """The newest tasks of the agent that gets a new task; None if they could not be read."""
    message_ids: frozenset[str] | None = None
    """The messages of the thread with the same text as the new one; None if the log could not be read."""

    def reason_not_new(self, task: AnyTask) -> str:
        """Return the reason why a task is not new since this state was read; empty if it may be new."""
        if self.newest_tasks is None:
            return ""
        if any(task.id == row.id for row in self.newest_tasks):
            return "was there before"
        newest_created_at = max((row.created_at for row in self.newest_tasks if row.created_at), default=None)
        margin = timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
        if newest_created_at and task.created_at and task.created_at < newest_created_at - margin:
            return "is older"
        return ""


class Reading(Struct, frozen=True):
    """The reading of a task's record: the last record, and whether it shows what it was read for."""

    record: Task | None = None
    is_conclusive: bool = False
    error: ApiError | None = None
    """The error of the last attempt, if that failed."""


class ActionConfirmer:
    """Confirms actions: ends each with the outcome that the records of the platform show."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def confirm(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        """Confirm an action that was sent; return it with its outcome."""
        match action.verb:
            case Verb.CREATE | Verb.REPORT:
                return await self._confirm_creation(action, before, answer)
            case Verb.CONTINUE:
                return await self._confirm_message(action, before, answer)
            case Verb.UPDATE | Verb.METRICS:
                return await self._confirm_update(action, before, answer)
            case Verb.STOP:
                return await self._confirm_stop(action, answer)
            case _:
                return await self._confirm_decision(action, before, answer)

    # Decisions

    async def _confirm_decision(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        assert before.review
        review = before.review
        finding = Evidence(still_waits=True)
        log: Log | None = None

        async def is_conclusive(record: Task) -> bool:
            nonlocal finding, log
            finding = evidence.find_evidence(review, record)
            if review.is_in_log:
                log = None
                log = await self._client.log(record)
                finding = evidence.find_evidence(review, record, log)
            return not finding.still_waits or finding.is_other

        reading = await self._read_until(action.target, is_conclusive, once=answer.is_refusal)
        if reading.record is None:
            return _end_unread(action, answer, reading.error)
        if review.is_in_log and log is None and not answer.is_refusal:
            words = f"sent, and the log that has the request could not be read since: {reading.error}{answer.detail}"
            return action.done(Outcome.UNKNOWN, words, reading.record, answer.error or reading.error)
        outcome, words = evidence.decision_verdict(action, answer, reading.record, finding)
        if action.verb is Verb.ANSWER and outcome is Outcome.CONFIRMED and log is not None:
            outcome, words = check_recorded_answers(action, answer, log, words)
        return action.done(outcome, words, reading.record, answer.error)

    # Stops and updates

    async def _confirm_stop(self, action: Action, answer: ActionAnswer) -> Action:
        async def is_conclusive(record: Task) -> bool:
            return record.is_final

        reading = await self._read_until(action.target, is_conclusive, once=answer.is_refusal)
        if reading.record is None:
            return _end_unread(action, answer, reading.error)
        outcome, words = evidence.stop_verdict(answer, reading.record, CONFIRMATION_SECONDS)
        return action.done(outcome, words, reading.record, answer.error)

    async def _confirm_update(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        async def is_conclusive(record: Task) -> bool:
            return evidence.shows_update(record, action)

        subject = UPDATED_PARTS[action.verb]
        had_changes_before = before.record is not None and await is_conclusive(before.record)
        reading = await self._read_until(action.target, is_conclusive, once=answer.is_refusal)
        if reading.record is None:
            return _end_unread(action, answer, reading.error)
        if answer.is_refusal:
            if reading.is_conclusive and not had_changes_before:
                words = f"{answer.refusal}, yet the record shows {subject}"
                return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)
            return action.done(Outcome.REFUSED, answer.refused_because, reading.record, answer.error)
        if action.verb is Verb.METRICS and had_changes_before and not answer.is_clear:
            words = f"sent, and the record showed {subject} before{answer.detail}"
            return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)
        if reading.is_conclusive:
            return action.done(Outcome.CONFIRMED, f"the record shows {subject}{answer.detail}", reading.record)
        words = f"sent, and the record does not show {subject}{answer.detail}"
        return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)

    # Messages and new tasks

    async def _confirm_message(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        async def is_conclusive(record: Task) -> bool:
            return await self._has_new_message(action, record, before)

        assert before.record
        reading = await self._read_until(before.record.id, is_conclusive, once=answer.is_refusal)
        if reading.record is None:
            return _end_unread(action, answer, reading.error)
        if reading.is_conclusive:
            if answer.is_refusal:
                words = f"{answer.refusal}, yet the thread has the message"
                return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)
            return action.done(Outcome.CONFIRMED, f"the message is in the thread{answer.detail}", reading.record)
        if answer.is_refusal:
            return action.done(Outcome.REFUSED, answer.refused_because, reading.record, answer.error)
        words = f"sent, and the thread does not show the message: look before sending it again{answer.detail}"
        return action.done(Outcome.UNKNOWN, words, reading.record, answer.error)

    async def _has_new_message(self, action: Action, record: Task, before: StateBefore) -> bool:
        """Return whether the thread has the action's message now, and did not have it before the sending."""
        text = evidence.message_text(action.body)
        had_text_before = evidence.same_text(_input_text(before.record), text)
        if evidence.same_text(_input_text(record), text) and not had_text_before:
            return True
        log = await self._client.log(record)
        return before.message_ids is not None and bool(evidence.message_ids(log, text) - before.message_ids)

    async def _confirm_creation(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        claimed_task = answer.task
        if claimed_task is None:
            return await self._confirm_unanswered_creation(action, before, answer)
        mismatch = ""

        async def is_conclusive(record: Task) -> bool:
            nonlocal mismatch
            if action.reported_id and record.id != action.reported_id:
                mismatch = "is another than the reported one"
                return False
            mismatch = _reason_not_new(action, before, record) or evidence.mismatch_with_action(record, action)
            return not mismatch

        reading = await self._read_until(claimed_task.id, is_conclusive)
        if reading.is_conclusive:
            return action.done(Outcome.CONFIRMED, DONE_WORDS[action.verb], reading.record)
        mismatch = mismatch or f"could not be read: {reading.error}"
        words = f"sent, and answered with task {claimed_task.id}, which {mismatch}. {_how_to_look(action)}"
        return action.done(Outcome.UNKNOWN, words, reading.record, reading.error)

    async def _confirm_unanswered_creation(self, action: Action, before: StateBefore, answer: ActionAnswer) -> Action:
        """Confirm a creation without an answer that names its task, by searching for that task."""
        end = self._clock.monotonic() + CONFIRMATION_SECONDS
        pause = FIRST_SEARCH_PAUSE_SECONDS
        while True:
            task = await self.find_created(action, before)
            if task is not None and answer.is_refusal:
                words = f"{answer.refusal}, yet the platform has it: task {task.id}"
                return action.done(Outcome.UNKNOWN, words, task, answer.error)
            if task is not None:
                return action.done(Outcome.CONFIRMED, f"{DONE_WORDS[action.verb]}{answer.detail}", task)
            if answer.is_refusal:
                return action.done(Outcome.REFUSED, answer.refused_because, error=answer.error)
            if self._clock.monotonic() >= end:
                words = f"sent, and no such task was found{answer.detail}. {_how_to_look(action)}"
                return action.done(Outcome.UNKNOWN, words, error=answer.error)
            await self._clock.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, MAX_PAUSE_SECONDS)

    async def read_newest_tasks(self, agent_id: str) -> tuple[TaskRow, ...] | None:
        """Read the newest tasks of an agent; None if that fails."""
        try:
            async with aclosing(self._client.tasks(TaskQuery(agent_id=agent_id))) as pages:
                return tuple((await anext(pages)).items[:NEWEST_TASKS])
        except (ApiError, BadAddress, StopAsyncIteration):
            return None

    async def find_created(self, action: Action, before: StateBefore) -> Task | None:
        """Find the task that a creation has created: by the id that a report names, or among the agent's newest."""
        since = before.sent_at - timedelta(seconds=CLOCK_DIFFERENCE_SECONDS)
        if action.reported_id is not None:
            return await self._find_reported(action, since)
        for row in await self.read_newest_tasks(action.target) or ():
            if before.reason_not_new(row) or not evidence.is_recent(row, since):
                continue
            with suppress(ApiError, BadAddress):
                task = await self._client.task(row.id)
                mismatch = evidence.mismatch_with_action(task, action)
                if not mismatch and evidence.is_recent(task, since):
                    return task
        return None

    async def _find_reported(self, action: Action, since: datetime) -> Task | None:
        """Find the task with the id that a report names; None if its record shows no such report since then."""
        with suppress(ApiError, BadAddress):
            task = await self._client.task(action.reported_id or "")
            changed_at = task.updated_at or task.created_at
            is_recent = changed_at is not None and changed_at >= since
            if is_recent and not evidence.mismatch_with_action(task, action):
                return task
        return None

    async def _read_until(
        self, task_id: str, is_conclusive: Callable[[Task], Awaitable[bool]], *, once: bool = False
    ) -> Reading:
        """Read a task's record until it is conclusive or time is up; with `once`, read it a single time."""
        end = self._clock.monotonic() + CONFIRMATION_SECONDS
        pause = FIRST_RECORD_PAUSE_SECONDS
        reading = Reading()
        while True:
            try:
                record = await self._client.task(task_id)
                reading = Reading(record)
                reading = Reading(record, await is_conclusive(record))
            except NotFound as error:
                return Reading(error=error)
            except ApiError as error:
                reading = Reading(reading.record, error=error)
            except BadAddress as error:
                reading = Reading(reading.record, error=ApiError(str(error)))
            if once or reading.is_conclusive or self._clock.monotonic() >= end:
                return reading
            await self._clock.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, MAX_PAUSE_SECONDS)


def _reason_not_new(action: Action, before: StateBefore, record: Task) -> str:
    """Return the reason why a task is not new; empty also for the one whose id a report names: it may be older."""
    if record.id == action.reported_id:
        return ""
    return before.reason_not_new(record)


def _input_text(task: Task | None) -> str | None:
    if task is None or not task.input:
        return None
    return task.input.text


def _end_unread(action: Action, answer: ActionAnswer, error: ApiError | None) -> Action:
    """End an action whose task could not be read since it was sent."""
    if answer.is_refusal:
        return _end_refused_unread(action, answer, error)
    if isinstance(error, NotFound):
        outcome = Outcome.GONE if answer.is_clear else Outcome.UNKNOWN
        words = f"sent, and then the platform no longer knew the task{answer.detail}"
        return action.done(outcome, words, error=answer.error)
    words = f"sent, and the task could not be read since: {error}{answer.detail}"
    return action.done(Outcome.UNKNOWN, words, error=answer.error or error)


def _end_refused_unread(action: Action, answer: ActionAnswer, error: ApiError | None) -> Action:
    """End an action that the platform refused, and whose task could not be read since."""
    if isinstance(error, NotFound):
        words = f"{answer.refused_because}; the platform knows no such task"
        return action.done(Outcome.REFUSED, words, error=answer.error)
    if isinstance(error, Unauthorized | Forbidden):
        return action.done(Outcome.REFUSED, answer.refused_because, error=answer.error)
    words = f"{answer.refusal}, and the task could not be read since: {error}"
    return action.done(Outcome.UNKNOWN, words, error=answer.error)


def _how_to_look(action: Action) -> str:
    """Return how the operator can look for a task that may have been created."""
    return f"Look before sending it again: xp-tui tasks 'agent:{action.target} age:<1h'"
