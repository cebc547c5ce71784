"""Messages that repeat an answer: only a message that the record makes one is taken for it."""

from __future__ import annotations

from typing import Any

import pytest

from tui.client.log_entries import parse_entry
from tui.domain.answer_messages import answer_messages

OPTIONS = [{"id": "o1", "label": "eu-west-1"}, {"id": "o2", "label": "us-east-1"}]
CARD = {"id": "card", "questions": [{"id": "q", "text": "Which?", "options": OPTIONS}, {"id": "p", "text": "Why?"}]}
ANSWERS = [{"question_id": "q", "selected_option_ids": ["o2"]}, {"question_id": "p", "free_text": "near"}]
ANSWERED = {**CARD, "answers": ANSWERS, "answered_at": "2026-11-20T09:20:00Z"}


def message(text: str, at: str | None = "2026-11-20T09:20:03Z", role: str = "user") -> dict[str, Any]:
    return {"id": f"m {text} {at}", "role": role, "content": {"text": text}, "created_at": at}


@pytest.mark.parametrize("text", ["us-east-1, near", "us-east-1\nnear", " us-east-1 near "])
def test_a_message_with_the_recorded_answers_repeats_them(text: str) -> None:
    said = message(text)
    matches = answer_messages(map(parse_entry, [ANSWERED, said, message(text, None)]))
    assert {name: questions.id for name, questions in matches.items()} == {said["id"]: "card"}


@pytest.mark.parametrize(
    "entries",
    [
        [CARD, message("us-east-1, near")],
        [ANSWERED, message("us-east-1")],
        [ANSWERED, message("eu-west-1, near")],
        [ANSWERED, message("us-east-1, near", role="agent")],
        [ANSWERED, message("us-east-1, near", "2026-11-20T10:20:03Z")],
        [message("us-east-1, near"), ANSWERED],
        [{**CARD, "answers": {"odd": True}}, message("us-east-1, near")],
    ],
)
def test_any_other_message_is_a_message(entries: list[dict[str, Any]]) -> None:
    assert answer_messages(map(parse_entry, entries)) == {}
