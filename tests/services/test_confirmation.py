"""ActionConfirmer: the outcome of a sent action, by what the record, the lists and the log show."""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.action_operator import (
    ANSWERS,
    DONE,
    HELLO,
    LOST,
    QUESTION,
    RECORD,
    REQUEST,
    Json,
    StartOperator,
    arguments_of,
    creates,
    lost,
    row,
    said,
    task_for,
)
from tui.client.errors import ConnectionLost, UnexpectedAnswer
from tui.services.actions import Outcome, Phase, Verb

# After an answer

STILL = (Outcome.UNKNOWN, "sent, the task still waits")
CHANGED = (Outcome.UNKNOWN, "sent, the task still waits, and its request has changed: open it")
OTHER = (Outcome.UNKNOWN, "sent; the task now asks for something else than you saw: open it")


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing", "hitl_request": {**REQUEST, "rejected_by": "Kofi"}}, Outcome.ALREADY,
         "sent, but decided the other way by Kofi"),
        ({"status": "executing", "hitl_request": {**REQUEST, "approved_by": "Kofi"}}, Outcome.CONFIRMED,
         "approved, on record as Kofi"),
        ({"hitl_request": {**REQUEST, "approved_by": "Kofi"}}, Outcome.CONFIRMED, "approved, on record as Kofi"),
        ({"hitl_request": {**REQUEST, "approved_by": {"id": "k", "name": "Kofi"}}}, Outcome.CONFIRMED,
         "approved, on record as Kofi"),
        ({"status": "stopped"}, Outcome.GONE, "sent, but the task is stopped and does not say that it was approved"),
        ({"status": "failed"}, Outcome.GONE, "sent, but the task is failed and does not say that it was approved"),
        ({"status": "completed"}, Outcome.CONFIRMED, "approved by you"),
        ({"status": "pending"}, Outcome.CONFIRMED, "approved by you"),
        ({"hitl_request": None, "deep_planning": {"question_raised": True}}, Outcome.CONFIRMED, "approved by you"),
        ({"hitl_request": None}, *STILL),
        ({"status": "queued", "hitl_request": None}, *STILL),
        ({"paused_at": 2}, *STILL),
        ({}, *STILL),
        ({"hitl_request": {**REQUEST, "votes": 1}}, *CHANGED),
        *(({"hitl_request": {**REQUEST, "approved_by": nobody}}, *CHANGED)
          for nobody in (False, 0, [], {}, "", " ", None, {"name": ""}, [False, ""])),
        ({"status": "executing", "hitl_request": {**REQUEST, "approved_by": "Dana", "rejected_by": "Kofi"}}, *OTHER),
        *(({"hitl_request": {**REQUEST, name: "another"}}, *OTHER) for name in REQUEST),
        *(({"hitl_request": {**REQUEST, name: None}}, *CHANGED) for name in REQUEST),
    ],
)  # fmt: skip
def test_a_decision_is_confirmed_only_by_the_record(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    operator.platform.act = operator.platform.becomes(200, {}, **changes)
    assert operator.decides() == (outcome, words)
    assert operator.steps[-1].task
    assert operator.steps[-1].task.raw == operator.platform.task


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing", "hitl_request": {**REQUEST, "approved_by": "Kofi"}}, Outcome.ALREADY,
         "sent, but decided the other way by Kofi"),
        ({"status": "stopped"}, Outcome.CONFIRMED, "rejected by you: the task is stopped"),
        ({"status": "failed"}, Outcome.GONE, "sent, but the task is failed and does not say that it was rejected"),
        ({}, *STILL),
    ],
)  # fmt: skip
def test_a_rejection_is_confirmed_only_where_nothing_else_explains_the_end(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    operator.platform.act = operator.platform.becomes(200, {}, **changes)
    assert operator.decides(Verb.REJECT) == (outcome, words)


NO_RECORDS: list[Any] = [
    {}, {"detail": "quota exceeded"}, None, [], "ok", 7, [RECORD], {**RECORD, "id": "other"}, {**RECORD, "id": None},
    {**RECORD, "id": ""}, {**RECORD, "id": ["t"]}, {**RECORD, "status": None}, {**RECORD, "status": ""},
    {**RECORD, "status": 5}, {"task": {**RECORD, "status": "executing"}}, {"id": "t"},
    {**RECORD, "id": "other", "status": "executing", "hitl_request": {**REQUEST, "approved_by": "Dana"}},
]  # fmt: skip
"""Answers to the question for task t that are no record of it."""


@pytest.mark.parametrize("told", NO_RECORDS)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.STOP, Verb.UPDATE, Verb.CREATE, Verb.CONTINUE])
def test_an_answer_that_is_not_the_record_confirms_nothing(
    start_operator: StartOperator, verb: Verb, told: Any
) -> None:
    operator = start_operator(**task_for(verb))
    more = arguments_of(operator, verb)

    def act() -> tuple[int, Any]:
        operator.platform.read = lambda: (200, told)
        return 200, RECORD

    operator.platform.act = act
    done = operator.does(verb, **more)
    assert (done.outcome, done.is_sent) == (Outcome.UNKNOWN, True)
    assert "could not be read" in done.words


@pytest.mark.parametrize("told", NO_RECORDS)
def test_nothing_is_decided_on_an_answer_that_is_not_the_record(start_operator: StartOperator, told: Any) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.read = lambda: (200, told)
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, operator.platform.sent) == (Outcome.NOT_SENT, [])
    with pytest.raises(UnexpectedAnswer):
        _ = operator.digest


NO_LOGS: list[Any] = [
    {}, {"detail": "no"}, None, [], "ok", [{"id": "e"}], {"messages": []}, {"id": "other", "messages": []},
    {"id": "t"}, {"id": "t", "messages": {}}, {"id": ["t"], "messages": []},
]  # fmt: skip
"""Answers to the question for the log of task t that are no log of it."""


@pytest.mark.parametrize("told", NO_LOGS)
def test_nothing_is_decided_on_an_answer_that_is_not_the_log(start_operator: StartOperator, told: Any) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.no_log = told
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, operator.platform.sent) == (Outcome.NOT_SENT, [])


@pytest.mark.parametrize("told", NO_RECORDS)
@pytest.mark.parametrize("verb", [Verb.STOP, Verb.UPDATE, Verb.CREATE, Verb.CONTINUE])
@pytest.mark.parametrize("is_done", [False, True])
def test_only_the_record_confirms_if_the_answer_is_no_task(
    start_operator: StartOperator, verb: Verb, told: Any, is_done: bool
) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = operator.platform.becomes(200, told, **(DONE.get(verb, {}) if is_done else {}))
    if verb is Verb.CREATE:
        made = [row(operator, "new", 0)] if is_done else []
        if isinstance(told, dict) and told.get("id") == "other":
            made.append(row(operator, "other", 0, "something else"))
            is_done = False  # the task that the platform names is none that was asked for
        operator.platform.act = creates(operator, made, 200, told)
    done = operator.does(verb, **arguments_of(operator, verb))
    assert done.outcome in ({Outcome.CONFIRMED} if is_done else {Outcome.UNKNOWN, Outcome.STILL_RUNNING}), done.words


def test_a_task_that_vanishes_after_the_sending_is_gone(start_operator: StartOperator) -> None:
    operator = start_operator()

    def vanish() -> tuple[int, Any]:
        operator.platform.read = lambda: (404, {})
        return 200, {}

    operator.platform.act = vanish
    assert operator.decides() == (Outcome.GONE, "sent, and then the platform no longer knew the task")
    operator = start_operator(status="executing")
    operator.platform.act = lambda: (vanish(), (200, operator.platform.task))[1]
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.GONE, "sent, and then the platform no longer knew the task")


def test_confirmation_reads_less_and_less_often_and_then_stops(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    done = operator.does(Verb.APPROVE, digest=digest)
    assert done.outcome is Outcome.UNKNOWN
    first, *others = operator.platform.read_at[2:]  # the first two are of before it was sent
    steps = [0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5.0, 5.0, 5.0, 5.0]
    assert [moment - first for moment in others] == pytest.approx([sum(steps[: n + 1]) for n in range(len(steps))])


def test_confirmation_retries_while_the_task_cannot_be_read(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    answers = iter([(200, operator.platform.task)] * 2 + [(403, {})] * 3)
    operator.platform.read = lambda: next(answers, (200, operator.platform.task))
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED
    assert len(operator.platform.read_at) == 6
    operator = start_operator()
    digest = operator.digest
    answers = iter([(200, operator.platform.task)] * 2)
    operator.platform.read = lambda: next(answers, (403, {}))
    done = operator.does(Verb.APPROVE, digest=digest)
    assert done.outcome is Outcome.UNKNOWN
    assert done.words == "sent, and the task could not be read since: the API key may not do this (403)"
    assert operator.loop.now - operator.platform.read_at[2] < 36


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, "stopped"),
        ({"status": "failed"}, Outcome.ALREADY, "it had ended by itself: failed"),
        ({}, Outcome.STILL_RUNNING, "sent, still executing after 30 s"),
    ],
)
def test_a_stop_is_confirmed_only_by_the_record(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = operator.platform.becomes(**changes)
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert operator.loop.now < (1000.1 if changes else 1036)


def test_the_answer_to_a_stop_is_no_proof_that_it_stopped(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = lambda: (200, {**operator.platform.task, "status": "stopped"})
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.STILL_RUNNING, "sent, still executing after 30 s")


# Without a clear answer


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({}, Outcome.UNKNOWN, f"sent, the task still waits{LOST}"),
        ({"status": "executing"}, Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}"),
        ({"status": "stopped"}, Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}"),
        ({"status": "executing", "hitl_request": {**REQUEST, "approved_by": "Dana"}}, Outcome.CONFIRMED,
         f"approved, on record as Dana{LOST}"),
        ({"hitl_request": {**REQUEST, "content": "other"}}, Outcome.UNKNOWN,
         f"sent; the task now asks for something else than you saw: open it{LOST}"),
    ],
)  # fmt: skip
def test_a_decision_with_a_lost_answer_is_settled_by_the_record(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    operator.platform.act = lost(operator, **changes)
    done = operator.does(Verb.APPROVE, digest=operator.digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, ConnectionLost)
    assert done.task
    assert done.task.raw == operator.platform.task
    assert (len(operator.platform.sent), operator.phases[-3:]) == (1, [Phase.SENDING, Phase.SETTLING, Phase.DONE])


def test_an_earlier_decision_does_not_confirm_a_lost_answer(start_operator: StartOperator) -> None:
    operator = start_operator(**{**QUESTION, "hitl_request": {**REQUEST, "approved_by": "Dana"}})
    operator.platform.log = [{"id": "d", "questions": ["sure?"]}]
    operator.platform.act = lost(operator, status="executing")
    told = operator.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}")


def test_a_later_decision_of_another_person_does_not_confirm_an_answer(start_operator: StartOperator) -> None:
    operator = start_operator(**QUESTION)
    operator.platform.log = [{"id": "d", "questions": ["sure?"]}]
    operator.platform.act = operator.platform.becomes(
        200, {}, status="executing", hitl_request={**REQUEST, "approved_by": "Kofi"}
    )
    told = operator.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.CONFIRMED, "accepted; the record does not show which answer")


def test_the_outcome_of_a_decision_names_the_answer_or_the_reason(start_operator: StartOperator) -> None:
    operator = start_operator(**QUESTION)
    operator.platform.log = [{"id": "d", "questions": ["where?"]}]

    def answered() -> tuple[int, Any]:
        operator.platform.log = [{"id": "d", "questions": ["where?"], "answers": ANSWERS}]
        return operator.platform.becomes(200, {}, status="executing")()

    operator.platform.act = answered
    body = {"decision_id": "d", "answers": ANSWERS}
    told = operator.decides(Verb.ANSWER, body=body, answer_labels=("eu-west (quiet now)",))
    assert told == (Outcome.CONFIRMED, 'answered "eu-west (quiet now)" (the record says so)')
    operator = start_operator()
    rejected = {**REQUEST, "rejected_by": "Ann", "comment": "wrong supplier"}
    operator.platform.act = operator.platform.becomes(200, {}, hitl_request=rejected)
    told = operator.decides(Verb.REJECT, comment="wrong supplier")
    assert told == (Outcome.CONFIRMED, "rejected: wrong supplier (on record as Ann)")
    assert operator.journal.entries[0]["summary"] == 'reject "wrong supplier"'


def test_a_lost_decision_on_a_vanished_task_is_unknown(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    answers = iter([(200, operator.platform.task)] * 2)
    operator.platform.read = lambda: next(answers, (404, {}))
    operator.platform.act = lost(operator)
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and then the platform no longer knew the task{LOST}")


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, f"stopped{LOST}"),
        ({"status": "completed"}, Outcome.ALREADY, "it had ended by itself: completed"),
        ({}, Outcome.UNKNOWN, f"sent, and the task does not say that it stopped: it is executing{LOST}"),
    ],
)
def test_a_lost_stop_is_settled_by_the_record(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = lost(operator, **changes)
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert len(operator.platform.sent) == 1


@pytest.mark.parametrize("is_done", [False, True])
def test_a_lost_update_is_settled_by_the_record(start_operator: StartOperator, is_done: bool) -> None:
    operator = start_operator()
    operator.platform.act = lost(operator, **({"result": "x"} if is_done else {}))
    done = operator.does(Verb.UPDATE, body={"result": "x"})
    if is_done:
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, f"the record shows the change{LOST}")
    else:
        assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and the record does not show the change{LOST}")


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ([("x", 0, "hello")], "x"),
        ([("x", -5, "hello")], "x"),
        ([("x", -5.1, "hello")], None),
        ([("x", None, "hello")], None),
        ([("x", 0, "other"), ("y", 0, None), ("z", 0, " hello ")], "z"),
        ([*((f"o{n}", 0, "other") for n in range(49)), ("x", 0, "hello")], "x"),
        ([*((f"o{n}", 0, "other") for n in range(50)), ("x", 0, "hello")], None),
        ([], None),
    ],
)
def test_a_lost_new_task_is_found_among_the_newest(
    start_operator: StartOperator, made: list[tuple[Any, ...]], found: str | None
) -> None:
    operator = start_operator()
    operator.platform.act = creates(operator, [row(operator, *one) for one in made])
    begun = operator.loop.now
    done = operator.does(Verb.CREATE, **arguments_of(operator, Verb.CREATE))
    if found:
        words = f"the task was created{LOST}"
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, words)
    else:
        look = "Look before sending it again: xp-tui tasks 'agent:a age:<1h'"
        assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and no such task was found{LOST}. {look}")
        assert 30 <= operator.loop.now - begun < 40
    assert (done.task.id if done.task else None) == found
    assert len(operator.platform.sent) == 1


CAROL = {"text": "hello", "user": {"id": "carol"}}


@pytest.mark.parametrize(
    "more",
    [
        {"agent_id": "b"}, {"source": "slack"}, {"input": {"text": "hello", "files": ["https://x/1"]}}, {"input": CAROL},
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_named", [False, True])
def test_a_task_that_another_user_made_is_not_taken_for_ours(
    start_operator: StartOperator, more: Json, is_named: bool
) -> None:
    operator = start_operator()
    made = row(operator, "x", 0, **more)
    operator.platform.act = creates(operator, [made], 200, made if is_named else {})
    wanted_input = {"text": "hello", "user": {"id": "dana"}}
    done = operator.does(Verb.CREATE, target="a", body={"agent": "a", "source": "xp-tui", "input": wanted_input})
    assert done.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("answer", [(200, "old"), (500, None)])
def test_a_task_that_was_there_before_is_not_taken_for_a_new_one(
    start_operator: StartOperator, answer: tuple[int, str | None]
) -> None:
    """The platform names one of years ago, or fails, and one with the same words was made a moment before."""
    operator = start_operator()
    twin, old = row(operator, "twin", -1), row(operator, "old", -200_000_000)
    operator.platform.others = [twin]
    operator.platform.act = creates(operator, [old], answer[0], old if answer[1] else {"detail": "no"})
    done = operator.does(Verb.CREATE, **arguments_of(operator, Verb.CREATE))
    assert done.outcome is Outcome.UNKNOWN


def test_a_new_task_that_appears_later_is_found(start_operator: StartOperator) -> None:
    operator = start_operator()
    operator.platform.act = lost(operator)
    operator.loop.call_later(12.0, lambda: operator.platform.others.append(row(operator, "x", 0)))
    done = operator.does(Verb.CREATE, **arguments_of(operator, Verb.CREATE))
    assert (done.outcome, done.task and done.task.id) == (Outcome.CONFIRMED, "x")


@pytest.mark.parametrize("answer", [None, (0, "lost"), (307, {}), (500, {}), (200, {}), (200, [])])
@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([], [said("m", "hello")], True),
        ([said("m", "hello")], [said("m", "hello"), said("n", "hello")], True),
        ([said("m", "hello")], [said("m", "hello")], False),
        ([], [said("m", "hello", "agent")], False),
        ([], [said("m", "hello", "assistant")], False),
        ([], [said("m", "other")], False),
        ([], [], False),
    ],
)
def test_a_message_was_sent_when_the_thread_has_one_more_of_its_words(
    start_operator: StartOperator, before: list[Json], after: list[Json], found: bool, answer: tuple[int, Any] | None
) -> None:
    operator = start_operator(status="completed", **HELLO)
    operator.platform.log = before

    def act() -> tuple[int, Any]:
        operator.platform.log = after
        return answer or (200, operator.platform.task)

    operator.platform.act = act
    done = operator.does(Verb.CONTINUE, **arguments_of(operator, Verb.CONTINUE))
    assert done.outcome is (Outcome.CONFIRMED if found else Outcome.UNKNOWN)
    assert done.words.startswith("the message is in the thread" if found else "sent, ")


def test_without_a_log_the_latest_message_of_the_record_confirms(start_operator: StartOperator) -> None:
    for text, outcome in (("pay", Outcome.CONFIRMED), ("hello", Outcome.UNKNOWN)):
        operator = start_operator(status="completed", input={"text": text})
        operator.platform.no_log = {}
        operator.platform.act = operator.platform.becomes(**HELLO)
        assert operator.does(Verb.CONTINUE, **arguments_of(operator, Verb.CONTINUE)).outcome is outcome


# Every HTTP status

REFUSALS = {400, 401, 403, 404, 409, 422, 429}
ACCEPTED = {200, 201, 202, 204}


def expected_outcome(verb: Verb, status: int, *, is_done: bool) -> Outcome:
    """Return the outcome of an action that was answered with a status, and was done or not."""
    is_decision = verb in {Verb.APPROVE, Verb.REJECT}
    match is_done, status in REFUSALS:
        case True, False:
            return Outcome.CONFIRMED
        case True, True:
            return Outcome.ALREADY if is_decision else Outcome.UNKNOWN
        case False, True:
            return Outcome.REFUSED
        case _:
            return Outcome.STILL_RUNNING if verb is Verb.STOP and status in ACCEPTED else Outcome.UNKNOWN


@pytest.mark.parametrize("rest", [True, False])
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT, Verb.STOP, Verb.CONTINUE, Verb.UPDATE])
def test_every_http_status_is_settled_by_the_record(
    start_operator: StartOperator, verb: Verb, is_done: bool, rest: bool
) -> None:
    """Whatever the status says, what was done is never told as not sent, and what was not done never as done."""
    by = "approved_by" if verb is Verb.APPROVE else "rejected_by"
    decided = {"status": "executing", "hitl_request": {**REQUEST, by: "Dana"}}
    changes = DONE.get(verb, decided) if is_done else {}
    operator = start_operator(rest=rest, **task_for(verb))
    begin = operator.platform.task
    for status in range(200, 600):
        operator.platform.task, operator.journal.entries, operator.journal.times = begin, [], []
        operator.platform.sent.clear()
        body = begin if status < 300 else {"detail": "no"}
        operator.platform.act = operator.platform.becomes(status, body, **changes)
        done = operator.does(verb, **arguments_of(operator, verb))
        assert (done.is_sent, len(operator.platform.sent)) == (True, 1), status
        assert done.outcome is expected_outcome(verb, status, is_done=is_done), (status, done.words)
