"""The verbs that send actions: run, continue, stop, approve, reject, update. The journal records each action."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from msgspec.structs import replace

from tui.cli.context import Session, task_json
from tui.cli.exit_codes import DECLINED, FAILED, OK, TOO_LATE, UNCONFIRMED, UsageError, exit_code_of, whole_id_note
from tui.cli.output import FAINT, STRONG, Cell, ignore_broken_pipe
from tui.cli.request_body import agent_of_request, read_prompt, read_request_body, task_id_in_prompt
from tui.cli.show_command import NOT_FULLY_SHOWN, deciding_command, printed_request, show
from tui.cli.signals import cancelled_by_signals
from tui.cli.watch_command import follow
from tui.client.endpoints import BadAddress
from tui.client.errors import ApiError
from tui.client.task_facts import WaitKind
from tui.domain import wait_words
from tui.domain.answers import questions_of
from tui.domain.filters import parse_filter
from tui.domain.review import ReviewSnapshot, review_of
from tui.security.redact import Redactor
from tui.services.actions import NO_FIELDS, Action, ActionRunner, Outcome, Phase, Verb
from tui.services.crash_report import write_crash_report
from tui.services.review_loader import load_review

if TYPE_CHECKING:
    from tui.client.models import Task

SIGNAL_EXIT_CODE_BASE = 128
"""The exit code after a signal is this and the signal's number."""


async def run_task(session: Session) -> int:
    """Run a new task; a prompt that names an existing task shows that one instead."""
    arguments = session.arguments
    body = read_request_body(arguments)
    words = list(arguments.words)
    agent = agent_of_request(session, body, words[: len(words) - 1])
    if len(words) > 1:
        words.pop(0)
    prompt = read_prompt(words, body)
    if task_id := task_id_in_prompt(prompt):
        arguments.task = task_id
        if arguments.watch:
            return await follow(session, [task_id], parse_filter(""), None)
        return await show(session)
    if not agent:
        raise UsageError("which agent? xp-tui run AGENT PROMPT, or set XPANDER_AGENT_ID; xp-tui agents lists them")
    body["input"]["text"] = prompt
    return await _create(session, Action(Verb.CREATE, agent, body={**body, "agent": agent}))


async def continue_task(session: Session) -> int:
    """Continue a task's thread with a message."""
    body = read_request_body(session.arguments)
    task = await session.client.task(session.arguments.task)
    body["input"]["text"] = read_prompt(list(session.arguments.words), body)
    body |= {"id": task.thread_id, "agent": task.agent_id}
    action = Action(Verb.CONTINUE, task.id, body=body)
    _refuse_surrogates(action)
    if not session.arguments.anyway and await _is_held_back(session, task):
        return DECLINED
    return await _create(session, action)


async def _is_held_back(session: Session, task: Task) -> bool:
    """Return whether a message is held back, because the task waits for a decision that a message is not; say so."""
    from tui.client.log_entries import Log

    try:
        review = review_of(task, await session.client.log(task))
    except (ApiError, BadAddress):  # the record may tell enough
        review = ReviewSnapshot(task, Log(is_partial=True), task.wait, None)
    card, wait = questions_of(review), review.wait
    if wait is None or not wait.is_decided_by_person:
        return False
    if card is None and wait.kind is WaitKind.QUESTION and not review.log.is_partial:
        return False  # it cannot be answered: a message is all that can be said
    subject = f"waits for {wait_words.subject_of(wait.kind)}"
    if card is not None:
        subject = f'waits for an answer to its question "{card.label}"'
    session.out.error(f"the task {subject}, which a message does not decide: nothing was sent")
    session.out.note(_way_to_decide(session, review))
    session.out.note("send the message all the same with: --anyway")
    return True


def _way_to_decide(session: Session, review: ReviewSnapshot) -> str:
    """Return the command that decides what a task waits for, or else where it is decided."""
    kind = review.wait.kind if review.wait else WaitKind.UNKNOWN
    command = deciding_command(session.out, review)
    if kind is WaitKind.SIGN_IN:
        return f"signing in does; it is shown by: {command}"
    if kind in wait_words.DECIDED_ON_PLATFORM:
        return f"{wait_words.DECIDED_ON_PLATFORM[kind]}; it is shown by: {command}"
    if questions_of(review) is None and review.blocked_now:
        return f"{review.blocked_now}; it is shown by: {command}"
    return f"decide it with: {command}"


async def _create(session: Session, action: Action) -> int:
    """Create a task or a message, and follow the task if the operator wants to watch it."""
    ended = await run_action(session, action)
    if ended.outcome is not Outcome.CONFIRMED or ended.task is None or not session.arguments.watch:
        return action_exit_code(ended)
    return await _follow_started(session, ended.task.id)


async def _follow_started(session: Session, task_id: str) -> int:
    """Follow a task that was started; if following fails, print that it was started and how to follow it."""
    how_to_follow = f"the task {task_id} was started; to follow it: xp-tui watch {task_id}"
    try:
        return await follow(session, [task_id], parse_filter(""), None)
    except asyncio.CancelledError:
        write_note(session, f"interrupted: {how_to_follow}")
        raise
    except ApiError as error:
        reason = error.message
    except OSError as error:  # standard output was closed
        reason = str(error)
    except Exception as error:  # noqa: BLE001 - the operator must learn that the task was started, whatever failed
        reason = write_crash_report(error, session.settings.state, session.out.redactor)
    session.out.error(f"{how_to_follow}. Following it failed: {reason}")
    return UNCONFIRMED


async def stop_task(session: Session) -> int:
    """Stop a task, and wait until it has stopped."""
    return action_exit_code(await run_action(session, Action(Verb.STOP, session.arguments.task)))


async def decide_task(session: Session) -> int:
    """Approve or reject the request that a task waits with: the one with the given digest, or any with --yes-unseen."""
    arguments = session.arguments
    verb, task_id = Verb(arguments.verb), arguments.task
    if arguments.digest is not None:
        action = Action(verb, task_id, arguments.digest.strip(), arguments.comment)
        objection = partial(objection_to_digest, session.out.redactor)
        ended = await run_action(session, action, objection=objection)
        if ended.outcome is Outcome.NOT_SENT and ended.error is None and ended.task is not None:
            with suppress(ApiError, BadAddress):  # the outcome is printed already
                _note_other_way(session, await load_review(session.client, task_id))
        return action_exit_code(ended)
    review = await load_review(session.client, task_id)
    kind = review.wait.kind if review.wait else "no wait"
    write_note(session, f"unseen: {kind}, digest {review.digest}, {review.task.name}")
    action = Action(verb, task_id, review.digest, arguments.comment)
    ended = await run_action(session, action)
    if ended.outcome is Outcome.NOT_SENT and ended.error is None:
        _note_other_way(session, review)
    return action_exit_code(ended)


def _note_other_way(session: Session, review: ReviewSnapshot) -> None:
    """Note how a wait is decided that is no approval: with another command, or elsewhere."""
    if review.blocked_now and review.wait is not None and review.wait.is_decided_by_person:
        write_note(session, _way_to_decide(session, review))


def objection_to_digest(redactor: Redactor, review: ReviewSnapshot) -> str:
    """Return the objection to a decision by digest if `show` does not print the whole request; else an empty text."""
    _, is_whole = printed_request(redactor, review.held)
    if is_whole:
        return ""
    return f"nothing was sent: {NOT_FULLY_SHOWN}"


async def update_task(session: Session) -> int:
    """Update the record of a task by hand."""
    arguments = session.arguments
    given = {name: getattr(arguments, name) for name in ("status", "result", "internal_status")}
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageError("nothing to change: give --status, --result or --internal-status")
    if not arguments.yes:
        session.out.error("this changes the platform's record; say --yes if that is meant")
        return DECLINED
    return action_exit_code(await run_action(session, Action(Verb.UPDATE, arguments.task, body=changes)))


async def run_action(
    session: Session,
    action: Action,
    *,
    objection: Callable[[ReviewSnapshot], str] | None = None,
    show: Callable[[Action], object] | None = None,
) -> Action:
    """Run an action, print its progress on a terminal, and print or `show` its outcome; a signal interrupts it."""
    show = show or partial(print_outcome, session)
    _refuse_surrogates(action)
    latest = action = replace(action, anyway=getattr(session.arguments, "anyway", False))

    def on_step(step: Action) -> None:
        nonlocal latest
        latest = step
        if step.phase in {Phase.SENDING, Phase.SETTLING} and is_terminal(sys.stderr):
            write_note(session, f"{step.verb}: {step.phase}")

    runner = ActionRunner(session.client, session.journal, on_step, objection=objection)
    runner.place = session.place
    if action.anyway and (earlier := runner.earlier(action)) is not None:
        write_note(session, f"{earlier.known}; it is sent again")
    with cancelled_by_signals() as received:
        try:
            ended = await runner.run_action(action)
        except asyncio.CancelledError:
            words = "interrupted, nothing was sent"
            if latest.is_sent:
                words = latest.words
            write_note(session, f"{action.verb} {action.target}: {words}")
            if received:
                raise SystemExit(SIGNAL_EXIT_CODE_BASE + received[0]) from None
            raise
        show(ended)
    if received:  # the signal came when the action had already ended
        raise SystemExit(SIGNAL_EXIT_CODE_BASE + received[0])
    return ended


def _refuse_surrogates(action: Action) -> None:
    """Refuse an action with lone surrogates, which JSON escapes can contain but UTF-8 cannot encode."""
    fields = [action.target, action.digest, action.comment, action.body]
    try:
        json.dumps(fields, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            "what is to be sent holds characters that are not UTF-8 (lone surrogates): nothing was sent"
        ) from error


def print_outcome(session: Session, ended: Action, fields: Mapping[str, Any] = NO_FIELDS, *, subject: str = "") -> None:
    """Print the outcome of an action, with more `fields` in JSON; on standard error if standard output takes nothing.

    The `subject` stands before the words of the outcome where they do not tell it.
    """
    try:
        _write_outcome(session, ended, fields, subject)
        session.out.flush()
    except (OSError, ValueError) as error:
        ignore_broken_pipe()
        write_note(session, f"{ended.verb} {ended.target}: {ended.words} (standard output takes nothing: {error})")
    if not ended.is_sent and (note := whole_id_note(ended.error, ended.target)):
        write_note(session, note)
    is_refused_or_unsent = not ended.is_sent or ended.outcome is Outcome.REFUSED
    if is_refused_or_unsent and ended.error is not None and ended.error.hint:
        write_note(session, ended.error.hint)


def _write_outcome(session: Session, ended: Action, fields: Mapping[str, Any], subject: str) -> None:
    """Write the outcome of an action to standard output, in the format that the operator chose."""
    out, task = session.out, ended.task
    if out.format == "table":
        style = STRONG if ended.outcome is Outcome.CONFIRMED else ""
        task_id = task.id if task else ended.target
        out.line(Cell(out.safe(subject + ended.words), style), Cell(out.safe(task_id), FAINT))
        return
    ended_task_json = None
    if task:
        ended_task_json = task_json(task, task.wait, None)
    out.json(
        {
            "kind": "deed",
            "verb": ended.verb,
            "target": ended.target,
            "outcome": ended.outcome,
            "sent": ended.is_sent,
            "words": ended.words,
            "task": ended_task_json,
            **fields,
        }
    )


def write_note(session: Session, words: str) -> None:
    """Write a note to standard error; a failure to write is ignored, so that no action depends on it."""
    with suppress(OSError, ValueError):
        session.out.note(words)


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is open and is a terminal."""
    return stream is not None and not stream.closed and stream.isatty()


def action_exit_code(action: Action) -> int:
    """Return the exit code of an action that has ended; `TOO_LATE` guarantees that nothing was sent."""
    match action.outcome:
        case Outcome.CONFIRMED:
            return OK
        case Outcome.TAKEN_BACK | Outcome.HELD_BACK:
            return DECLINED
        case Outcome.UNKNOWN | Outcome.STILL_RUNNING:
            return UNCONFIRMED
        case Outcome.REFUSED | Outcome.NOT_SENT:
            return exit_code_of(action.error)
        case Outcome.GONE if action.is_sent and action.error is not None:
            return exit_code_of(action.error)
        case _ if action.is_sent:
            return UNCONFIRMED
        case Outcome.GONE if action.digest is None:
            return FAILED
        case _:
            return TOO_LATE
