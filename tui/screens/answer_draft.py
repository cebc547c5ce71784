"""The draft of the answers to a card: what is picked and written for each question, until it is sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from tui.client.json_codec import canonical
from tui.domain.answers import Answer, UnclearAnswer, choose, parse_text
from tui.widgets.question_form import OWN_WORDS

if TYPE_CHECKING:
    from tui.client.log_entries import Questions
    from tui.client.questions import Question


NOT_SHOWN = frozenset({
    "questions", "answers", "id", "request_id", "tool_call_id", "decision_id", "entry_id", "card_id", "agent_id",
    "plan_task_id", "task_id", "created_at", "updated_at",
})  # fmt: skip
"""The fields of a card that tell nothing about its questions: ids and times, and what the form shows in its own way."""


def shown_fields(card: Questions) -> dict[str, Any]:
    """Return the fields of a card that are shown above its questions, also those that this version does not know."""
    return {
        name: value for name, value in card.raw.items() if name not in NOT_SHOWN and value not in (None, "", [], {})
    }


class AnswerDraft:
    """The draft of the answers to all questions of a card, kept under keys of its task, card and questions.

    Each key has a hash of all that is shown about its question, so that no answer is kept for another question.
    """

    def __init__(self, task_id: str, card: Questions, drafts: MutableMapping[str, str]) -> None:
        self.card = card
        self.questions: Sequence[Question] = card.asked
        self._drafts = drafts
        self.question_keys = [f"answer {task_id} {card.id} {digest}" for digest in _question_digests(card)]
        """The key of the draft of each question."""
        self.texts = [drafts.get(key, "") for key in self.question_keys]
        """The text in the operator's own words, for each question."""
        self.picked: dict[int, int | None] = dict(enumerate(map(self._kept_choice, range(len(self.questions)))))
        """The number of the choice that is picked for each question, or `OWN_WORDS`."""

    @property
    def keys(self) -> list[str]:
        """The keys of all drafts."""
        return [name for key in self.question_keys for name in (key, f"{key} choice")]

    def _kept_choice(self, index: int) -> int | None:
        """Return the choice of a question that was kept; None if it is not among its choices now."""
        question = self.questions[index]
        if not question.options:
            return OWN_WORDS
        try:
            option = json.loads(self._drafts.get(f"{self.question_keys[index]} choice") or "null")
        except (ValueError, RecursionError):  # the drafts of two processes, joined
            option = None
        if isinstance(option, list) and tuple(option) in question.options:
            return question.options.index(tuple(option)) + 1
        if self.texts[index].strip() and question.takes_text:
            return OWN_WORDS
        return None

    def pick(self, index: int, choice: int) -> None:
        """Pick a choice of a question; raise UnclearAnswer for one that does not exist."""
        if choice != OWN_WORDS:
            choose(self.questions[index], choice)
        self.picked[index] = choice
        self._keep(index)

    def restore(self, choices: Mapping[int, int | None]) -> None:
        """Restore the choices of questions that were picked before."""
        for index, choice in choices.items():
            self.picked[index] = choice
            self._keep(index)

    def write(self, index: int, text: str) -> None:
        """Write an answer in the operator's own words, which picks them; an empty text picks nothing."""
        self.texts[index] = text
        self.picked[index] = None
        if text.strip() or not self.questions[index].options:
            self.picked[index] = OWN_WORDS
        self._keep(index)

    def _keep(self, index: int) -> None:
        key, choice = self.question_keys[index], self.picked[index]
        option = ""
        if choice is not None and choice != OWN_WORDS:
            option = json.dumps(self.questions[index].options[choice - 1])
        for name, text in ((key, self.texts[index]), (f"{key} choice", option)):
            if self._drafts.get(name, "") != text:
                self._drafts[name] = text

    def answer(self, index: int) -> Answer:
        """Return the answer to a question; raise UnclearAnswer if there is none yet."""
        question, choice = self.questions[index], self.picked[index]
        if choice is not None and choice != OWN_WORDS:
            return choose(question, choice)
        if choice == OWN_WORDS and self.texts[index].strip():
            return parse_text(question, self.texts[index])
        raise UnclearAnswer("not answered yet")

    @property
    def answers(self) -> list[Answer]:
        """The answers to all questions."""
        return [self.answer(index) for index in range(len(self.questions))]

    def describe(self, index: int) -> tuple[str, bool]:
        """Return a description of the answer to a question, and whether that answer is clear."""
        try:
            answer = self.answer(index)
        except UnclearAnswer as error:
            return str(error), False
        if answer.choice is None:
            return f'"{answer.label}" in your own words', True
        return f'"{answer.label}"', True

    def name_of(self, index: int) -> str:
        """Return the name of a question on the screen: its number, where there are several."""
        return f"question {index + 1}" if len(self.questions) > 1 else "answer"

    @property
    def problem(self) -> str:
        """The first question without a clear answer, and what is not clear about it; empty if all have one."""
        for index in range(len(self.questions)):
            try:
                self.answer(index)
            except UnclearAnswer as error:
                return f"{self.name_of(index)}: {error}"
        return ""


def _question_digests(card: Questions) -> list[str]:
    """Return a digest of each question of a card, with the fields of the card that are shown."""
    fields = shown_fields(card)
    contents = [[question.id, raw, fields] for question, raw in zip(card.asked, card.questions, strict=True)]
    return [hashlib.sha256(canonical(content).encode()).hexdigest()[:32] for content in contents]
