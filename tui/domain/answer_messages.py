"""Messages that repeat an answer: after a question was answered, a platform may add the answer as a user's message."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from tui.client.json_values import parse_time
from tui.client.log_entries import Entry, Message, Questions
from tui.domain.recorded_decision import answer_texts

ANSWER_WINDOW = timedelta(seconds=30)
"""The longest time between an answer on record and the message that repeats it, where both times are told."""
SEPARATORS = (", ", "\n", " ", "; ")
"""What may stand between the answers to several questions in one message."""


def answer_messages(entries: Iterable[Entry]) -> dict[str, Questions]:
    """Return the answered questions by the ids of the messages that repeat their answers; the record must have both."""
    unmatched: list[Questions] = []
    matches: dict[str, Questions] = {}
    for entry in entries:
        if isinstance(entry, Questions) and not entry.is_open:
            unmatched.append(entry)
        elif isinstance(entry, Message) and entry.role == "user" and entry.id:
            questions = next((questions for questions in unmatched if repeats_answer(entry, questions)), None)
            if questions is not None:
                unmatched.remove(questions)
                matches[entry.id] = questions
    return matches


def repeats_answer(message: Message, questions: Questions) -> bool:
    """Return whether a message repeats the recorded answer to these questions: its text, about the same time."""
    texts = answer_texts(questions)
    answered_at = parse_time(questions.raw.get("answered_at"))
    if not texts or message.text.strip() not in {separator.join(texts).strip() for separator in SEPARATORS}:
        return False
    if answered_at is None or message.created_at is None:
        return True
    return abs(message.created_at - answered_at) <= ANSWER_WINDOW
