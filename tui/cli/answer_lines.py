"""The questions of a card as the command line prints them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.client.questions import Question


def question_lines(card: Questions) -> Iterator[str]:
    """Yield the questions of a card with their numbered choices, as `show` prints them."""
    for number, question in enumerate(card.asked, 1):
        start = f"{number}. " if len(card.asked) > 1 else ""
        yield f"{start}{question.text}"
        yield from (f"  {choice} {label}" for choice, (_, label) in enumerate(question.options, 1))
        if question.options and question.takes_text:
            yield "  or a text of your own"


def questions_json(card: Questions) -> list[dict[str, Any]]:
    """Return the questions of a card with their numbered choices as JSON."""
    return [
        {
            "id": question.id,
            "question": question.text,
            "choices": [
                {"number": number, "id": option_id, "label": label}
                for number, (option_id, label) in enumerate(question.options, 1)
            ],
            "takes_text": question.takes_text,
        }
        for question in card.asked
    ]


def answer_flags(questions: Sequence[Question]) -> str:
    """Return the flags that answer questions, with a placeholder for each."""
    return " ".join("--choice N" if question.options else "--text TEXT" for question in questions)
