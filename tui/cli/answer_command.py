"""The verb answer: answers the questions that a task waits with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from tui.cli.action_commands import action_exit_code, objection_to_digest, print_outcome, run_action, write_note
from tui.cli.context import Session
from tui.cli.exit_codes import UsageError
from tui.client.endpoints import Operation
from tui.client.errors import NotSupported
from tui.domain.answers import (
    NO_SURFACE,
    NO_SURFACE_HINT,
    Answer,
    UnclearAnswer,
    answer_action,
    parse_choice,
    parse_text,
    questions_of,
    unanswerable_reason,
)
from tui.services.action_checks import end_if_outdated
from tui.services.actions import Action, Outcome, Verb
from tui.services.review_loader import load_review

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.domain.review import ReviewSnapshot


async def answer_task(session: Session) -> int:
    """Answer the questions of a task: those with the given digest, or any with --yes-unseen."""
    arguments = session.arguments
    if not session.client.surfaces.supports(Operation.ANSWER):
        raise NotSupported(NO_SURFACE, hint=NO_SURFACE_HINT)
    review = await load_review(session.client, arguments.task)
    digest = review.digest
    objection = None
    if arguments.digest is not None:
        digest = arguments.digest.strip()
        objection = partial(objection_to_digest, session.out.redactor)
    else:
        write_note(session, f"unseen: digest {digest}, {review.task.name}")
    if (ended := _end_unanswerable(Action(Verb.ANSWER, arguments.task, digest), review)) is not None:
        print_outcome(session, ended)
        return action_exit_code(ended)
    card = questions_of(review)
    assert card is not None
    answers = read_answers(card, arguments.answers)
    for answer in answers:
        if answer.is_named_by_id:
            write_note(session, f'{answer.value} is the id of choice {answer.choice} "{answer.label}"')
    action = answer_action(review, card, answers)
    return action_exit_code(await run_action(session, action, objection=objection))


def _end_unanswerable(action: Action, review: ReviewSnapshot) -> Action | None:
    """End an answer to a question that has changed or cannot be answered; None if it may be sent."""
    if (ended := end_if_outdated(action, review)) is not None:
        return ended
    if reason := unanswerable_reason(review):
        return action.done(Outcome.NOT_SENT, reason, review.task)
    return None


def read_answers(card: Questions, given: Sequence[tuple[str, str]]) -> list[Answer]:
    """Return the answers of --choice and --text: one for each question, in their order."""
    questions = card.asked
    if len(given) != len(questions):
        count = "one question" if len(questions) == 1 else f"{len(questions)} questions"
        order = "" if len(questions) == 1 else " for each, in their order"
        raise UsageError(f"the task asks {count}, {len(given)} are answered: give --choice or --text{order}")
    answers = []
    for number, (question, (flag, text)) in enumerate(zip(questions, given, strict=True), 1):
        parse = parse_choice if flag == "choice" else parse_text
        try:
            answers.append(parse(question, text))
        except UnclearAnswer as error:
            subject = "" if len(questions) == 1 else f"question {number}: "
            raise UsageError(f"{subject}{error}") from error
    return answers
