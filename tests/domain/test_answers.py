"""Answers: which choice or text a number, a label or a text means, and when a question can be answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.log_entries import Log, Questions, parse_entry
from tui.client.models import Task
from tui.client.questions import Question
from tui.client.task_facts import WaitKind
from tui.domain.action import Verb
from tui.domain.activity_log import Activity
from tui.domain.answers import (
    Answer,
    UnclearAnswer,
    answer_action,
    choose,
    is_number,
    parse_choice,
    parse_text,
    questions_of,
    unanswerable_reason,
)
from tui.domain.review import ReviewSnapshot, review_of
from tui.domain.waits import WaitSources, wait_of

OPTIONS = Question(
    "q", "Which?", (("a", "First"), ("Second", "Second"), ("b", "yes"), ("c", "Yes"), ("e", "d"), ("d", "f"))
)
REGIONS = Question("q", "Where?", (("o1", "eu-west (quiet now)"), ("o2", "us-east"), ("o3", "Do not")))
CARD: dict[str, Any] = {
    "id": "d1",
    "questions": [{"id": "q1", "question": "Where?", "options": [{"id": "o1", "label": "eu-west"}]}, "How many?"],
}
PAUSED: dict[str, Any] = {"id": "t", "agent_id": "a", "status": "paused", "deep_planning": {"question_raised": True}}


def review(*entries: Any, **task: Any) -> ReviewSnapshot:
    return review_of(Task.from_value({**PAUSED, **task}), Log(tuple(map(parse_entry, entries))))


def said(role: str, text: str = "hm") -> dict[str, Any]:
    return {"id": f"{role} {text}", "role": role, "content": {"text": text}}


CONFIRMATION = {"id": "k", "request_id": "k", "card_id": "k", "type": "confirmation", "title": "Delete?", "action": "x"}
WAKES = {"paused_at": "2026-11-21T12:00:00Z", "deep_planning": None, "process": {"wake": "2026-11-21T13:00:00Z"}}


def test_a_question_or_card_of_a_task_with_a_wake_time_can_be_decided() -> None:
    asked = review(CARD, **WAKES)
    assert (asked.wait and asked.wait.kind, asked.ends_here) == (WaitKind.QUESTION, True)
    assert questions_of(asked) is not None
    confirmation = review(CONFIRMATION, **WAKES)
    assert (confirmation.request_id, confirmation.blocked_now) == ("k", None)


@pytest.mark.parametrize(
    ("entry", "task", "kind"),
    [
        ({"id": "s", "action": "self_schedule"}, WAKES, WaitKind.SCHEDULE),
        (said("agent"), WAKES, WaitKind.SCHEDULE),
        ({"id": "s", "action": "self_schedule"}, {}, WaitKind.QUESTION),
        ({"id": "s", "action": "self_schedule"}, {"deep_planning": None}, WaitKind.SCHEDULE),
        ({"id": "s", "action": "ask_for_secret"}, WAKES, WaitKind.SECRET),
    ],
)
def test_a_review_waits_for_what_the_lists_say(entry: Any, task: dict[str, Any], kind: WaitKind) -> None:
    shown = review(entry, **task)
    assert shown.wait
    assert shown.wait.kind is kind
    logged = Activity("t")
    logged.add_log(shown.log, datetime.min)
    listed = wait_of(shown.task, WaitSources(logged.wait))
    assert listed
    assert listed.kind is kind


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("1", "a"), (" first ", "a"), ("2", "Second"), ("my own ", "my own"), ("yes", "b"), ("Yes", "c"), ("3", "b"),
        ('"d"', "e"), ("d", "e"), ("f", "d"), ("7 of them", "7 of them"), ("50%", "50%"), ("7 EUR", "7 EUR"),
    ],
)  # fmt: skip
def test_an_answer_is_the_named_choice_or_the_text(text: str, sent: str) -> None:
    assert parse_text(OPTIONS, text).value == sent


@pytest.mark.parametrize("text", ["YES", "7", "0", '"YES"', "", " "])
def test_a_text_that_names_two_choices_or_a_missing_number_is_no_answer(text: str) -> None:
    with pytest.raises(UnclearAnswer):
        parse_text(OPTIONS, text)


@pytest.mark.parametrize("text", ["", " ", '""', '" "', "\u200b", '"\u200b"'])
def test_an_empty_text_is_no_answer_even_where_a_label_is_blank(text: str) -> None:
    blank = Question("q", "Delete?", (("yes", " "), ("also", ""), ("hidden", "\u200b"), ("no", "No")))
    for question in (blank, Question("q", "?", ())):
        with pytest.raises(UnclearAnswer, match="the answer is empty"):
            parse_text(question, text)
    with pytest.raises(UnclearAnswer, match="the answer is empty"):
        parse_choice(blank, text)
    assert choose(blank, 1).value == "yes"


def test_a_text_that_is_an_id_is_not_the_choice_with_another_label() -> None:
    question = Question("q", "Delete?", (("no", "Yes, delete"), ("yes", "Keep"), ("Later", "later")))
    assert parse_text(question, "no") == Answer("no", "no")
    assert parse_text(question, "Later") == Answer("Later", "later", 3)
    assert parse_choice(question, "no") == Answer("no", "Yes, delete", 1, is_named_by_id=True)
    assert not parse_choice(question, "Later").is_named_by_id
    assert parse_choice(Question("q", "?", (("Go", "Stop"), ("x", "go"))), "Go") == Answer("x", "go", 2)
    with pytest.raises(UnclearAnswer, match='names 1 "First" and 2 "Second"'):
        parse_choice(Question("q", "?", (("2", "First"), ("b", "Second"))), "2")


@pytest.mark.parametrize(
    "text",
    [
        "7.", "#7", "(7)", "-1", "1.5", "٧", "⑦", "7\u200b", "[7]", "No. 7", "nr 7", "choice 7", "Option 7:", "7!", "7/",
        "1 2", "1,2,3", "１", "1\u200b", "²", "7\ufe0f\u20e3", "Ⅳ", "/ 7 /", "7\u00ad", "\u202e7",
    ],
)  # fmt: skip
def test_a_number_that_is_not_plain_is_not_sent_as_a_text(text: str) -> None:
    with pytest.raises(UnclearAnswer, match="choose 1 to 6"):
        parse_text(OPTIONS, text)
    with pytest.raises(UnclearAnswer, match="choose 1 to 6"):
        parse_choice(OPTIONS, text)
    assert parse_text(Question("q", "How many?", ()), text).value == text


@pytest.mark.parametrize("number", [0, 4, -1, 99])
def test_a_number_that_is_no_choice_is_refused_with_the_range(number: int) -> None:
    with pytest.raises(UnclearAnswer, match=f"there is no choice {number}: choose 1 to 3"):
        choose(REGIONS, number)
    with pytest.raises(UnclearAnswer, match="choose 1 to 3"):
        parse_text(REGIONS, str(number))


def test_a_choice_is_named_by_number_label_or_id_and_an_unknown_one_is_refused_with_the_labels() -> None:
    wanted = Answer("o2", "us-east", 2)
    assert [parse_choice(REGIONS, text) for text in ("2", "US-East", '"us-east"')] == [wanted] * 3
    assert parse_choice(REGIONS, "o2") == wanted._replace(is_named_by_id=True)
    with pytest.raises(UnclearAnswer, match='no choice is called "mars": choose 1 "eu-west'):
        parse_choice(REGIONS, "mars")
    with pytest.raises(UnclearAnswer, match="no choices"):
        parse_choice(Question("q", "?", ()), "1")


def test_a_question_without_choices_takes_every_text() -> None:
    assert parse_text(Question("q", "How many?", ()), " 12 ") == Answer("12", "12")


def test_a_question_that_takes_no_text_takes_its_choices_only() -> None:
    question = Question("q", "Where?", REGIONS.options, takes_text=False)
    assert parse_text(question, "us-east").value == "o2"
    with pytest.raises(UnclearAnswer, match="takes no other words: choose 1 to 3"):
        parse_text(question, "mars")


def test_choices_with_the_same_id_cannot_be_told_apart_by_the_platform() -> None:
    question = Question("q", "?", (("x", "Go"), ("y", "Wait"), ("x", "Stop")))
    assert choose(question, 2).value == "y"
    with pytest.raises(UnclearAnswer, match="choices 1 and 3 have the same id"):
        choose(question, 1)


@given(st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=5), st.text())
def test_a_text_never_becomes_a_choice_that_it_does_not_name(options: list[tuple[str, str]], text: str) -> None:
    question = Question("q", "?", tuple(options))
    try:
        answer = parse_text(question, text)
    except UnclearAnswer:
        return
    if answer.choice is None:
        assert answer.value == answer.label == text.strip()
        assert not (options and is_number(answer.value))
    else:
        option_id, label = options[answer.choice - 1]
        assert (answer.value, answer.label) == (option_id, label)
        names = {text.strip().casefold(), text.strip().strip('"').strip().casefold()}
        assert names & {label.strip().casefold(), str(answer.choice)}


def test_the_action_has_the_ids_of_the_choices_in_its_body_and_their_labels_beside() -> None:
    snapshot = review(CARD)
    card = questions_of(snapshot)
    assert card
    answers = [choose(card.asked[0], 1), parse_text(card.asked[1], "8")]
    action = answer_action(snapshot, card, answers, 5.0)
    assert (action.verb, action.target, action.digest, action.hold) == (Verb.ANSWER, "t", snapshot.digest, 5.0)
    items = [{"question_id": "q1", "answer": "o1"}, {"question_id": "q2", "answer": "8"}]
    assert action.body == {"decision_id": "d1", "answers": items}
    assert action.summary == 'answer "eu-west", "8"'


def test_the_reason_why_nothing_can_be_answered_is_told() -> None:
    assert unanswerable_reason(review(CARD)) == ""
    twice = {"id": "d", "questions": [{"id": "q"}, {"id": "q"}]}
    assert "same id" in unanswerable_reason(review(twice))
    assert "no question without an answer" in unanswerable_reason(review({**CARD, "answers": [{"answer": "o1"}]}))
    plain = {"deep_planning": None}
    assert unanswerable_reason(review(status="executing", **plain)) == "nothing to answer: the task is executing"
    request = {**plain, "hitl_request": {"wait_node_id": "n", "title": "Pay"}}
    assert unanswerable_reason(review(**request)) == "nothing to answer: the task waits for approval"
    partial = review_of(Task.from_value(PAUSED), Log((), is_partial=True))
    assert "XPANDER_BASE_URL" in unanswerable_reason(partial)


def test_a_message_does_not_hide_the_question_before_it() -> None:
    snapshot = review(said("user", "go"), CARD, said("user", "hello?"), said("user", "still there?"))
    card = questions_of(snapshot)
    assert isinstance(card, Questions)
    assert (card.id, unanswerable_reason(snapshot)) == ("d1", "")


def test_a_question_is_superseded_once_the_agent_goes_on_after_a_message() -> None:
    entries = (CARD, said("user", "never mind"), said("agent", "all right"))
    went_on = review(*entries, status="executing", deep_planning=None)
    assert questions_of(went_on) is None
    assert "superseded" in unanswerable_reason(went_on)
    paused_again = review(*entries, said("user", "next"), deep_planning=None)
    assert questions_of(paused_again) is None


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_of_two_questions_is_the_one_to_answer(order: int) -> None:
    other = {**CARD, "id": "d2", "questions": ["And when?"]}
    snapshot = review(*[CARD, other][::order])
    card = questions_of(snapshot)
    assert card
    assert card.id == ("d2" if order == 1 else "d1")
