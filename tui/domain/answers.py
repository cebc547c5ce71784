"""Answers to an agent's questions: the choice or text that an operator means, and the action that sends it.

The models of log entries are imported when a log is read, so that the first frame does not wait for pydantic.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from tui.client.task_facts import WaitKind
from tui.domain.action import Action, Verb
from tui.security.sanitize import one_line, without_hidden

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.client.questions import Question
    from tui.domain.review import ReviewSnapshot

MAX_ENTRIES_LOOKED_BACK = 256
"""Latest entries of a log that are searched for a question without an answer."""
NO_CHOICES = "this question has no choices: answer it with a text"
NO_SURFACE = "answers go over the public REST API, and no address of it is set: nothing can be answered from here"
NO_SURFACE_HINT = "Set XPANDER_API_URL and start again, or answer in the platform's own chat"
SUPERSEDED = "the task went on without an answer to its question, which is superseded"
EMPTY = "the answer is empty"
_WORDS_BEFORE_NUMBER = re.compile("(no|nr|number|choice|option|answer)(?=[0-9])")
_QUANTITY_SIGNS = frozenset("%‰‱")
"""Punctuation that makes an amount of a number."""
_BESIDE_NUMBER = ("P", "Z", "C", "M", "Sk", "Sm")
"""Categories of characters that may stand beside the number of a choice: punctuation, white space, invisible ones."""


class Answer(NamedTuple):
    """The answer to one question: the value to send, and the label that the operator saw."""

    value: str
    label: str
    choice: int | None = None
    """The number of the choice; None for a text in the operator's own words."""
    is_named_by_id: bool = False
    """Whether the operator has named the choice by its id, and so may not have read its label."""


class UnclearAnswer(ValueError):
    """An unclear answer: it names several choices or none, or the question takes no text."""


# One question


def choose(question: Question, number: int) -> Answer:
    """Return the answer that is a question's choice with this number, counted from 1."""
    if not question.options:
        raise UnclearAnswer(NO_CHOICES)
    if not 1 <= number <= len(question.options):
        raise UnclearAnswer(f"there is no choice {number}: {choices_range(question)}")
    option_id, label = question.options[number - 1]
    same = [other for other, option in enumerate(question.options, 1) if option[0] == option_id]
    if len(same) > 1:
        numbers = " and ".join(map(str, same))
        raise UnclearAnswer(f"choices {numbers} have the same id: the platform could not tell them apart")
    return Answer(option_id, label, number)


def parse_text(question: Question, text: str) -> Answer:
    """Parse a text into an answer: the choice that it names by number or label, else the text itself."""
    text = text.strip()
    if (answer := _named_choice(question, text)) is not None:
        return answer
    if not question.takes_text:
        raise UnclearAnswer(f"this question takes no other words: {choices_range(question)}")
    return Answer(text, text)


def parse_choice(question: Question, text: str) -> Answer:
    """Parse the number or label of a choice, or its id if no label is the same."""
    text = text.strip()
    if not question.options:
        raise UnclearAnswer(NO_CHOICES)
    if (answer := _named_choice(question, text, by_id=True)) is not None:
        return answer
    labels = ", ".join(f'{number} "{label}"' for number, (_, label) in enumerate(question.options, 1))
    raise UnclearAnswer(f'no choice is called "{text}": choose {labels}')


def choices_range(question: Question) -> str:
    """Return the range of numbers to choose from, in words."""
    last = len(question.options)
    if last == 1:
        return "choose 1"
    return f"choose 1 to {last}"


def _named_choice(question: Question, text: str, *, by_id: bool = False) -> Answer | None:
    """Return the choice that a text names; None if it names none, and is no number."""
    if _is_blank(text) or _is_blank(_unquoted(text)):
        raise UnclearAnswer(EMPTY)
    labelled = _options_labelled(question, _unquoted(text))
    numbers = set(labelled)
    identified: set[int] = set()
    if _unquoted(text) == text:
        numbers |= {number for number in range(1, len(question.options) + 1) if str(number) == text}
        if by_id and not labelled:
            identified = {number for number, (option_id, _) in enumerate(question.options, 1) if option_id == text}
    numbers |= identified
    if len(numbers) > 1:
        labels = " and ".join(f'{number} "{question.options[number - 1][1]}"' for number in sorted(numbers))
        raise UnclearAnswer(f'"{text}" names {labels}: write the label of one in quotation marks')
    for number in numbers:
        is_number_too = str(number) == text
        return choose(question, number)._replace(is_named_by_id=number in identified and not is_number_too)
    if question.options and text.isdecimal():
        raise UnclearAnswer(f"there is no choice {text}: {choices_range(question)}")
    if question.options and is_number(text):
        raise UnclearAnswer(f'"{text}" is not the plain number of a choice: {choices_range(question)}')
    return None


def _is_blank(text: str) -> bool:
    """Return whether nothing of a text can be seen."""
    return not without_hidden(text).strip()


def _unquoted(text: str) -> str:
    """Return a text without its quotation marks; in these, it can only be a label."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].strip()
    return text


def is_number(text: str) -> bool:
    """Return whether a text is nothing but a number, as a person may write that of a choice: 4, 4., (4) or No. 4."""
    return any(_is_plain_number(form) for form in (text, unicodedata.normalize("NFKC", text)))


def _is_plain_number(text: str) -> bool:
    bare = "".join(char for char in text if not _may_stand_beside_number(char)).casefold()
    return _WORDS_BEFORE_NUMBER.sub("", bare, count=1).isnumeric()


def _may_stand_beside_number(char: str) -> bool:
    return char not in _QUANTITY_SIGNS and unicodedata.category(char).startswith(_BESIDE_NUMBER)


def text_as_drawn(text: str) -> str:
    """Return a text as a person sees it on a line, to find texts that look the same."""
    return one_line(unicodedata.normalize("NFKC", without_hidden(text))).casefold()


def _options_labelled(question: Question, text: str) -> set[int]:
    """Return the numbers of the options labelled so; upper and lower case differ only if a label matches exactly."""
    labels = {number: label.strip() for number, (_, label) in enumerate(question.options, 1)}
    exact = {number for number, label in labels.items() if label == text}
    return exact or {number for number, label in labels.items() if label.casefold() == text.casefold()}


# The card with all questions


def questions_of(review: ReviewSnapshot) -> Questions | None:
    """Return the card with the questions that a task waits with; None if it waits with none."""
    from tui.client.log_entries import Questions, parse_entry

    if not review.is_in_log or review.wait is None or review.wait.kind is not WaitKind.QUESTION:
        return None
    card = parse_entry(review.held)
    return card if isinstance(card, Questions) and card.asked else None


def unanswerable_reason(review: ReviewSnapshot) -> str:
    """Return the reason why a task's question cannot be answered; empty if it can."""
    if (card := questions_of(review)) is not None:
        ids = Counter(question.id for question in card.asked)
        if ids.most_common(1)[0][1] > 1:
            return "two of its questions have the same id: the platform could not tell their answers apart"
        return ""
    wait = review.wait
    if wait is None:
        if has_superseded_question(review):
            return f"nothing to answer: {SUPERSEDED}"
        return f"nothing to answer: the task is {review.task.status or 'in no known state'}"
    if wait.kind is not WaitKind.QUESTION:
        return f"nothing to answer: the task waits for {wait.kind}"
    if review.log.is_partial:
        return "the question cannot be read: without the controller the log has messages only. Set XPANDER_BASE_URL"
    return "the task says that it asked something, but its log has no question without an answer"


def has_superseded_question(review: ReviewSnapshot) -> bool:
    """Return whether a task went on without an answer to its latest question."""
    from tui.client.log_entries import Questions

    if review.wait is not None or review.task.is_final:
        return False
    latest = islice(reversed(review.log.entries), MAX_ENTRIES_LOOKED_BACK)
    card = next((entry for entry in latest if isinstance(entry, Questions)), None)
    return card is not None and card.is_open


def answer_action(review: ReviewSnapshot, card: Questions, answers: Sequence[Answer], hold: float = 0.0) -> Action:
    """Return the action that answers all questions of a card, in their order."""
    items = [
        {"question_id": question.id, "answer": answer.value}
        for question, answer in zip(card.asked, answers, strict=True)
    ]
    return Action(
        Verb.ANSWER,
        review.task.id,
        review.digest,
        body={"decision_id": card.decision_id or card.id, "answers": items},
        answer_labels=tuple(answer.label for answer in answers),
        hold=hold,
    )
