"""The answers on record for the questions of a card, compared with those that were sent.

The models of log entries are imported when a log is read, so that the first frame does not wait for pydantic.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from tui.domain.action import Action, ActionAnswer, Outcome

if TYPE_CHECKING:
    from tui.client.log_entries import Log
    from tui.domain.evidence import OutcomeWithWords


class RecordedAnswers(Enum):
    """The answers on record, compared with those that were sent."""

    SAME = "same"
    OTHER = "other"
    NOT_SHOWN = "not shown"
    """An answer is missing on record, or cannot be read."""


def check_recorded_answers(action: Action, answer: ActionAnswer, log: Log, words: str) -> OutcomeWithWords:
    """Check the answers on record for a confirmed action; return the verdict."""
    comparisons = _compare_cards(action, log)
    if RecordedAnswers.OTHER in comparisons:
        return Outcome.ALREADY, "sent, but the answers on record are others than yours"
    if comparisons and RecordedAnswers.NOT_SHOWN not in comparisons:
        return Outcome.CONFIRMED, words
    if answer.is_clear:
        return Outcome.CONFIRMED, "accepted; the record does not show which answer"
    return Outcome.UNKNOWN, f"sent, and the record does not show which answer{answer.detail}"


def _compare_cards(action: Action, log: Log) -> list[RecordedAnswers]:
    """Return the comparison for each entry of the card that has answers on record."""
    from tui.client.log_entries import Questions

    wanted_id = action.body.get("decision_id")
    return [
        compare_answers(action.body["answers"], entry.answers)
        for entry in log.entries
        if isinstance(entry, Questions) and entry.answers and wanted_id in {entry.id, entry.decision_id}
    ]


def compare_answers(sent: list[dict[str, Any]], recorded: object) -> RecordedAnswers:
    """Compare the answers on record with those that were sent, one for each question."""
    comparisons = [_compare_answer(item, recorded) for item in sent]
    if RecordedAnswers.OTHER in comparisons:
        return RecordedAnswers.OTHER
    if RecordedAnswers.NOT_SHOWN in comparisons:
        return RecordedAnswers.NOT_SHOWN
    return RecordedAnswers.SAME


def _compare_answer(sent: dict[str, Any], recorded: object) -> RecordedAnswers:
    """Compare the answer to one question, which must be on record exactly once."""
    if not isinstance(recorded, list):
        return RecordedAnswers.NOT_SHOWN
    items = [item for item in recorded if isinstance(item, dict) and item.get("question_id") == sent["question_id"]]
    if len(items) != 1:
        return RecordedAnswers.NOT_SHOWN
    texts = _recorded_texts(items[0])
    if not texts:
        return RecordedAnswers.NOT_SHOWN
    if texts == {sent["answer"]}:
        return RecordedAnswers.SAME
    return RecordedAnswers.OTHER


def _recorded_texts(item: dict[str, Any]) -> frozenset[str]:
    """Return the ids or the text of an answer, in either form of the platform; none if they cannot be read."""
    forms = set()
    for name in ("answer", "selected_option_ids", "free_text"):
        value = item.get(name)
        if value in (None, "", []):
            continue
        if not isinstance(value, list):
            value = [value]
        if not all(isinstance(text, str) for text in value):
            return frozenset()
        forms.add(frozenset(value))
    if len(forms) != 1:  # none, or several that contradict each other
        return frozenset()
    return forms.pop()
