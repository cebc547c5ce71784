"""Recorded answers: only one equal answer to each question is a record of what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.errors import ApiError
from tui.client.log_entries import Log, parse_entry
from tui.domain.action import Action, ActionAnswer, Outcome, Verb
from tui.domain.recorded_answers import RecordedAnswers, check_recorded_answers, compare_answers

CARD: dict[str, Any] = {"id": "c1", "questions": [{"id": "q1", "question": "Where?"}]}
SENT = [{"question_id": "q1", "answer": "us"}]
LOST = ActionAnswer(error=ApiError("timed out", maybe_done=True))
OTHER = {"question_id": "q1", "answer": "eu"}
UNREADABLE: list[Any] = [
    None, [], {}, {"q1": "eu"}, {"q1": "us"}, True, 7, "Frankfurt", ["us"], [None],
    [{"question_id": "q9", "answer": "us"}], [{"question_id": ["q1"], "answer": "us"}], [{"id": "q1", "answer": "us"}],
    [{"question_id": "q1"}], [{"question_id": "q1", "value": "us"}], [{"question_id": "q1", "answer": {"id": "us"}}],
    [{"question_id": "q1", "selected_option_id": "us"}], [{"question_id": "q1", "selected_option_ids": [["us"]]}],
    [OTHER, SENT[0]], [SENT[0], SENT[0]], [{**SENT[0], "free_text": "no: Frankfurt"}],
    [{**SENT[0], "selected_option_ids": ["eu"]}],
]  # fmt: skip


def verdict(recorded: Any, answer: ActionAnswer) -> tuple[Outcome, str]:
    action = Action(Verb.ANSWER, "t", body={"decision_id": "c1", "answers": SENT}, answer_labels=("Ohio",))
    log = Log((parse_entry({**CARD, "answers": recorded}),))
    return check_recorded_answers(action, answer, log, 'answered "Ohio" (the record says so)')


@pytest.mark.parametrize("recorded", UNREADABLE)
def test_an_answer_that_no_record_shows_is_not_confirmed_as_ours(recorded: Any) -> None:
    words = "sent, and the record does not show which answer (no clear answer came: timed out)"
    assert verdict(recorded, LOST) == (Outcome.UNKNOWN, words)
    accepted = (Outcome.CONFIRMED, "accepted; the record does not show which answer")
    assert verdict(recorded, ActionAnswer()) == accepted


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": "us"}, {"answer": "us", "selected_option_ids": [], "free_text": ""},
        {"answer": None, "selected_option_ids": ["us"], "free_text": None}, {"free_text": "us"},
        {"answer": "us", "selected_option_ids": ["us"]},
    ],
)  # fmt: skip
def test_an_equal_answer_on_record_in_any_form_confirms(fields: dict[str, Any]) -> None:
    recorded = [{"question_id": "q9", "answer": "eu"}, {"question_id": "q1", **fields}]
    assert verdict(recorded, LOST)[0] is verdict(recorded, ActionAnswer())[0] is Outcome.CONFIRMED
    assert "the record says so" in verdict(recorded, LOST)[1]


@pytest.mark.parametrize("fields", [{"answer": "eu"}, {"selected_option_ids": ["us", "eu"]}, {"free_text": "mars"}])
def test_another_answer_on_record_is_told_as_such(fields: dict[str, Any]) -> None:
    recorded = [{"question_id": "q1", **fields}]
    words = "sent, but the answers on record are others than yours"
    assert verdict(recorded, LOST) == verdict(recorded, ActionAnswer()) == (Outcome.ALREADY, words)


def test_each_question_must_be_on_record() -> None:
    both = [*SENT, {"question_id": "q2", "answer": "8"}]
    assert compare_answers(both, both[::-1]) is RecordedAnswers.SAME
    assert compare_answers(both, SENT) is RecordedAnswers.NOT_SHOWN
    assert compare_answers(both, [{**both[1], "answer": "9"}]) is RecordedAnswers.OTHER


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["us", "eu", "q1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["question_id", "answer", "selected_option_ids", "free_text"]), inner)
    ),
)


@given(JSON)
def test_no_odd_record_is_taken_for_the_sent_answer(recorded: Any) -> None:
    if compare_answers(SENT, recorded) is not RecordedAnswers.SAME:
        return
    (item,) = [item for item in recorded if isinstance(item, dict) and item.get("question_id") == "q1"]
    assert "eu" not in str(item)
    assert "us" in str(item)
