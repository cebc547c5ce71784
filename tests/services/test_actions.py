"""ActionRunner: what is held, read again, sent, reported and journaled, in virtual time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.services.action_operator import (
    ANSWERS,
    DONE,
    HELLO,
    QUESTION,
    RECORD,
    REQUEST,
    Json,
    StartOperator,
    arguments_of,
    creates,
    row,
)
from tests.trust.virtual import VirtualClock
from tui.client.errors import (
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
    NotSupported,
    ReadOnly,
    Unreachable,
)
from tui.client.retry import SystemClock
from tui.domain.review import ReviewSnapshot
from tui.services import actions
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb

# Holding


def test_the_journal_names_the_task_the_place_and_what_is_created(start_operator: StartOperator) -> None:
    operator = start_operator()
    operator.runner.place, operator.runner.title_of = "prod · cloud", lambda target: f"read before: {target}"
    operator.does(Verb.APPROVE, digest=operator.digest, hold=1.0)
    held, sent, done = operator.journal.entries
    assert held["title"] == "read before: t"
    assert sent["title"] == done["title"] == "pay"
    assert {line["profile"] for line in (held, sent, done)} == {"prod · cloud"}
    operator.does(Verb.CREATE, target="a", body={"input": {"text": "x" * 300}})
    operator.does(Verb.CREATE, target="a", body={"title": "Named", "input": {"text": "x"}})
    titles = [line["title"] for line in operator.journal.entries if line["kind"] == "sent"]
    assert titles[1:] == ["x" * 200, "Named"]


def test_a_new_action_has_the_default_values() -> None:
    one, other = Action(Verb.STOP, "t"), Action(Verb.STOP, "t")
    assert (len(one.id), one.id != other.id, one.hold, one.phase, one.body) == (12, True, 0.0, Phase.HELD, {})
    assert (one.digest, one.comment, one.outcome, one.words, one.task, one.error) == (None, None, None, "", None, None)


def test_the_texts_of_verbs_phases_and_outcomes_are_stable() -> None:
    """The journal, the output of the verbs and the screens tell them."""
    assert [*map(str, Verb)] == ["approve", "reject", "stop", "continue", "create", "answer", "update"]
    phases = ["held", "reading again", "sending", "waiting for the task to show it", "done"]
    assert [*map(str, Phase)] == phases
    outcomes = "confirmed, taken back, already decided, changed, gone, refused, not sent, unknown, still running, already sent, held back"
    assert ", ".join(Outcome) == outcomes


@pytest.mark.parametrize("hold", [0.5, 5.0])
def test_a_held_action_is_sent_when_its_hold_is_over(start_operator: StartOperator, hold: float) -> None:
    operator = start_operator()
    took: list[bool] = []
    operator.on_step = lambda action: took.append(action.phase is not Phase.CHECKING and operator.runner.take_back("d"))
    operator.platform.act = operator.platform.becomes(
        status="executing", hitl_request={**REQUEST, "approved_by": "Dana"}
    )
    digest, begun = operator.digest, operator.loop.now
    done = operator.does(Verb.APPROVE, digest=digest, comment="fine", hold=hold, id="d")
    assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved: fine (on record as Dana)")
    assert took == [False] * 5, "it is not held yet, or it is too late"
    assert not asyncio.all_tasks(operator.loop)
    assert (done.phase, done.task and done.task.status, done.error) == (Phase.DONE, "executing", None)
    assert operator.loop.now - begun == hold
    assert operator.platform.sent == [("POST", "/hitl/t/approve", {"comment": "fine"})]
    assert operator.phases == [Phase.HELD, Phase.CHECKING, Phase.SENDING, Phase.SETTLING, Phase.DONE]
    assert [step.task and step.task.status for step in operator.steps] == [None, None, "paused", "paused", "executing"]
    told = {"deed": "d", "verb": "approve", "target": "t", "digest": digest, "comment": "fine"}
    told["summary"] = 'approve "fine"'
    assert operator.lines == [
        {"kind": "held", **told, "seconds": hold},
        {"kind": "sent", **told},
        {"kind": "done", **told, "outcome": "confirmed", "words": done.words},
    ]
    assert not operator.runner.take_back("d")


def test_an_action_without_a_hold_is_sent_at_once_and_cannot_be_taken_back(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    operator.on_step = lambda action: took.append(operator.runner.take_back(action.id))
    took: list[bool] = []
    operator.platform.act = operator.platform.becomes(status="stopped")
    assert operator.does(Verb.STOP, id="d").outcome is Outcome.CONFIRMED
    assert [line["kind"] for line in operator.lines] == ["sent", "done"]
    assert operator.lines[0] == {"kind": "sent", "deed": "d", "verb": "stop", "target": "t", "digest": None}
    assert took == [False] * 5


@pytest.mark.parametrize("when", [Phase.HELD, Phase.CHECKING])
def test_an_action_that_is_taken_back_in_time_is_not_sent(start_operator: StartOperator, when: Phase) -> None:
    operator = start_operator()
    operator.platform.pause = 1.0
    digest, begun = operator.digest, operator.loop.now
    operator.on_step = lambda action: took.append(
        action.phase is when and operator.loop.call_later(0.5, taken) is not None
    )
    took: list[bool] = []

    def taken() -> None:
        took.append(operator.runner.take_back("d"))

    done = operator.does(Verb.APPROVE, digest=digest, hold=5.0, id="d")
    assert (done.outcome, done.words) == (Outcome.TAKEN_BACK, "taken back, nothing was sent")
    assert operator.platform.sent == []
    assert took.count(True) == 2
    assert operator.loop.now - begun == (0.5 if when is Phase.HELD else 8.0)
    assert not operator.runner.take_back("d")
    assert [line["kind"] for line in operator.lines] == ["held", "done"]


def test_one_action_at_a_time_runs_for_a_task_and_each_once(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    operator.platform.others = [{**RECORD, "id": "z"}]
    stop = operator.platform.becomes(status="stopped")
    operator.platform.act = lambda: (
        (200, operator.platform.others[0]) if operator.platform.sent[-1][0] == "PATCH" else stop()
    )
    first, again, other = (
        Action(Verb.STOP, "t", hold=5.0),
        Action(Verb.STOP, "t"),
        Action(Verb.UPDATE, "z", body={"result": None}),
    )

    async def hurry() -> list[Action]:
        job = asyncio.ensure_future(operator.runner.run_action(first))
        await asyncio.sleep(1)
        return [await operator.runner.run_action(one) for one in (again, again, other)] + [
            await job,
            await operator.runner.run_action(first),
        ]

    ended = operator.loop.run_until_complete(hurry())
    busy = (Outcome.NOT_SENT, "something is already under way for this task")
    assert [(one.outcome, one.words) for one in ended] == [
        busy, busy, (Outcome.CONFIRMED, "the record shows the change"), (Outcome.CONFIRMED, "stopped"), busy,
    ]  # fmt: skip
    assert [path for _, path, _ in operator.platform.sent] == ["/agent-execution/z/update", "/v1/tasks/t/stop"]
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.ALREADY, "it had ended already: stopped, nothing was sent"), (
        "it is free again"
    )


def test_the_runner_uses_the_system_clock_by_default(start_operator: StartOperator) -> None:
    # Private: the default clock is not visible from outside.
    operator = start_operator()
    assert isinstance(ActionRunner(operator.client, operator.journal, operator.tell)._clock, SystemClock)


# Checking before the sending


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.GONE, "gone: the task is stopped"),
        ({"hitl_request": {**REQUEST, "approved_by": "Kofi"}}, Outcome.ALREADY, "already approved by Kofi"),
        ({"hitl_request": {**REQUEST, "rejected_by": "Kofi"}}, Outcome.ALREADY, "already rejected by Kofi"),
        (
            {"hitl_request": {**REQUEST, "content": {"amount": 8}}},
            Outcome.CHANGED,
            "changed while you read, nothing was sent",
        ),
        ({"status": "executing"}, Outcome.CHANGED, "changed while you read, nothing was sent"),
    ],
)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_a_request_that_changed_since_it_was_shown_is_not_decided(
    start_operator: StartOperator, verb: Verb, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.task |= changes
    done = operator.does(verb, digest=digest)
    assert (done.outcome, done.words, done.task and done.task.raw) == (outcome, words, operator.platform.task)
    assert operator.platform.sent == []
    assert operator.phases == [Phase.HELD, Phase.CHECKING, Phase.DONE]


def test_a_wait_that_cannot_be_decided_here_is_not_sent(start_operator: StartOperator) -> None:
    for verb in (Verb.APPROVE, Verb.REJECT):
        operator = start_operator(hitl_request=None, deep_planning={"question_raised": True})
        outcome, words = operator.decides(verb)
        assert (outcome, words) == (
            Outcome.NOT_SENT,
            "the task waits for an answer to its question, not for an approval",
        )
        assert operator.platform.sent == []


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "kind"),
    [
        ((404, {}), Outcome.GONE, "gone: the platform no longer knows the task", NotFound),
        ((403, {"detail": "no"}), Outcome.NOT_SENT, "not sent, the task could not be read: no (403)", Forbidden),
    ],
)
def test_an_action_on_an_unreadable_task_is_not_sent(
    start_operator: StartOperator, answer: tuple[int, Any], outcome: Outcome, words: str, kind: type[ApiError]
) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.read = lambda: answer
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, kind)
    assert operator.platform.sent == []


def test_a_task_without_an_id_is_not_requested(start_operator: StartOperator) -> None:
    done = start_operator().does(Verb.APPROVE, target=" ", digest="0" * 16)
    assert (done.outcome, done.error) == (Outcome.NOT_SENT, None)
    assert done.words == "not sent, the task could not be read: ' ' is no id of task"
    done = start_operator().does(Verb.STOP, target=" ")
    assert (done.outcome, done.words, done.error) == (
        Outcome.NOT_SENT,
        "not sent, the task could not be read: ' ' is no id of task",
        None,
    )


@pytest.mark.parametrize(
    ("verb", "more", "changes", "sent", "words"),
    [
        (Verb.REJECT, {}, {}, ("POST", "/hitl/t/reject", {}), "rejected by you"),
        (Verb.REJECT, {"comment": "no"}, {}, ("POST", "/hitl/t/reject", {"comment": "no"}), "rejected: no (by you)"),
        (Verb.UPDATE, {"body": {"result": "x"}}, {"result": "x"},
         ("PATCH", "/agent-execution/t/update", {"result": "x"}), "the record shows the change"),
        (Verb.CREATE, {"target": "a", "body": {"agent": "a", **HELLO}}, HELLO,
         ("POST", "/v1/agents/a/invoke/async", {"events_streaming": True, **HELLO}), "the task was created"),
        (Verb.CONTINUE, {"body": {"agent": "a", "agent_version": "3", "id": "t", **HELLO}}, HELLO,
         ("POST", "/v1/agents/a/invoke/async?version=3", {"events_streaming": True, "id": "t", **HELLO}),
         "the message is in the thread"),
    ],
)  # fmt: skip
def test_each_verb_sends_its_request(
    start_operator: StartOperator, verb: Verb, more: Json, changes: Json, sent: tuple[Any, ...], words: str
) -> None:
    operator = start_operator()
    operator.platform.act = operator.platform.becomes(status="executing", hitl_request=None, **changes)
    if verb is Verb.REJECT:
        more = {**more, "digest": operator.digest}
    done = operator.does(verb, **more)
    assert (done.outcome, done.words, done.is_sent) == (Outcome.CONFIRMED, words, True)
    assert done.task
    assert done.task.status == "executing"
    assert operator.platform.sent == [sent]


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
@pytest.mark.parametrize("before", [None, {**REQUEST, "approved_by": "Dana"}, {**REQUEST, "rejected_by": "Dana"}])
def test_a_card_is_decided_in_its_conversation_despite_earlier_decisions(
    start_operator: StartOperator, verb: Verb, before: Json | None
) -> None:
    operator = start_operator(hitl_request=before, conversation_id="head")
    operator.platform.log = [{"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}]
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.decides(verb) == (Outcome.CONFIRMED, f"{verb}{'d' if verb is Verb.APPROVE else 'ed'} by you")
    body = {"request_id": "card", "approve": verb is Verb.APPROVE}
    assert operator.platform.sent == [("POST", "/v1/agents/a/conversations/head/confirm", body)]


@pytest.mark.parametrize(
    ("card", "outcome", "words"),
    [
        ({"approved": True, "decided_by": "Dana"}, Outcome.CONFIRMED, "approved, on record as Dana"),
        ({"approved": True}, Outcome.CONFIRMED, "approved, the record says so"),
        ({"approved": False}, Outcome.ALREADY, "sent, but decided the other way"),
        ({"approved": None}, Outcome.UNKNOWN, "sent, the task still waits"),
        ({"id": "next", "request_id": "next"}, Outcome.UNKNOWN, "sent, the task still waits"),
        (
            {"title": "Another?", "approved": True},
            Outcome.UNKNOWN,
            "sent; the task now asks for something else than you saw: open it",
        ),
    ],
)
def test_a_card_is_decided_by_the_log_although_the_task_waits_for_the_next(
    start_operator: StartOperator, card: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator(hitl_request=None, conversation_id="head")
    first = {"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}
    operator.platform.log = [first]

    def act() -> tuple[int, Any]:
        operator.platform.log = [{**first, **card}]
        return 200, {}

    operator.platform.act = act
    assert operator.decides() == (outcome, words)


def test_a_question_is_answered_in_its_conversation_despite_an_old_approval(
    start_operator: StartOperator,
) -> None:
    operator = start_operator(**{**QUESTION, "hitl_request": {**REQUEST, "approved_by": "Dana"}})
    operator.platform.log = [{"id": "d", "questions": ["sure?"]}]
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    told = operator.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.CONFIRMED, "accepted; the record does not show which answer")
    body = {"decision_id": "d", "answers": ANSWERS}
    assert operator.platform.sent == [("POST", "/v1/agents/a/conversations/head/answers", body)]


def test_a_question_that_was_answered_differently_is_reported(start_operator: StartOperator) -> None:
    operator = start_operator(**QUESTION)
    question = {"id": "d", "questions": ["sure?"]}
    operator.platform.log = [question]

    def act() -> tuple[int, Any]:
        operator.platform.log = [{**question, "answers": [{"question_id": "q", "answer": "no"}]}]
        return 200, {}

    operator.platform.act = act
    told = operator.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.ALREADY, "sent, but the answers on record are others than yours")


def test_an_answer_to_an_unread_question_is_not_sent(start_operator: StartOperator) -> None:
    operator = start_operator(**QUESTION)
    done = operator.does(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert (done.outcome, done.words) == (Outcome.NOT_SENT, "answer needs the task to have been read")
    assert isinstance(done.error, NotSupported)
    assert operator.platform.sent == []


def test_an_action_in_read_only_mode_is_not_sent(start_operator: StartOperator) -> None:
    done = start_operator(read_only=True, status="executing").does(Verb.STOP)
    assert (done.outcome, type(done.error), done.is_sent) == (Outcome.NOT_SENT, ReadOnly, False)
    assert done.words == "read-only: stop was not sent. Leave read-only mode to act"


def test_an_ended_task_is_not_stopped(start_operator: StartOperator) -> None:
    operator = start_operator(status="completed")
    done = operator.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.ALREADY, "it had ended already: completed, nothing was sent")
    assert (operator.platform.sent, done.is_sent) == ([], False)


def test_a_stop_does_not_wait_for_a_slow_record(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = operator.platform.becomes(status="stopped")
    operator.platform.pause = 5.0
    begun = operator.loop.now
    sent_at: list[float] = []
    operator.on_step = lambda action: sent_at.append(operator.loop.now) if action.phase is Phase.SENDING else None
    assert operator.does(Verb.STOP).outcome is Outcome.CONFIRMED
    assert [at - begun for at in sent_at] == [2.0]


# Refusals


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "kind"),
    [
        ((404, {"detail": "no task"}), Outcome.REFUSED, "refused: no task (404)", NotFound),
        ((409, {"detail": "Dana was first"}), Outcome.REFUSED, "refused: Dana was first (409)", Conflict),
        ((403, {"detail": "no"}), Outcome.REFUSED, "refused: no (403)", Forbidden),
        ((0, "refused"), Outcome.NOT_SENT, "not sent: 127.0.0.1 cannot be reached: nobody there", Unreachable),
    ],
)
def test_a_refusal_is_reported_with_the_message_of_the_platform(
    start_operator: StartOperator, answer: tuple[int, Any], outcome: Outcome, words: str, kind: type[ApiError]
) -> None:
    operator = start_operator()
    operator.platform.act = lambda: answer
    done = operator.does(Verb.APPROVE, digest=operator.digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, kind)
    assert done.is_sent is (answer[0] != 0)
    assert len(operator.platform.sent) == 1


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing"}, Outcome.UNKNOWN, "refused (403), yet the task no longer waits: it is executing"),
        ({"status": "executing", "hitl_request": {**REQUEST, "approved_by": "Kofi"}}, Outcome.ALREADY,
         "already approved by Kofi, yours was refused (403)"),
        ({"status": "executing", "hitl_request": {**REQUEST, "rejected_by": "Kofi"}}, Outcome.ALREADY,
         "decided the other way by Kofi, yours was refused (403)"),
        ({"hitl_request": {**REQUEST, "votes": 1}}, Outcome.UNKNOWN,
         "refused (403), but its request has changed: open it"),
        ({"hitl_request": {**REQUEST, "content": "other"}}, Outcome.UNKNOWN,
         "refused (403), but the task now asks for something else: open it"),
    ],
)  # fmt: skip
def test_after_a_refusal_the_record_is_read_once_and_believed(
    start_operator: StartOperator, changes: Json, outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.act = operator.platform.becomes(403, {"detail": "no"}, **changes)
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words, done.is_sent) == (outcome, words, True)
    assert len(operator.platform.read_at) == 3


@pytest.mark.parametrize(
    ("read", "outcome", "words"),
    [
        ((404, {}), Outcome.REFUSED, "refused: no (403); the platform knows no such task"),
        ((401, {}), Outcome.REFUSED, "refused: no (403)"),
        ((200, {}), Outcome.UNKNOWN,
         "refused (403), and the task could not be read since: the platform's answer is no task"),
    ],
)  # fmt: skip
def test_an_unreadable_record_after_a_refusal_is_reported(
    start_operator: StartOperator, read: tuple[int, Any], outcome: Outcome, words: str
) -> None:
    operator = start_operator()
    digest = operator.digest

    def act() -> tuple[int, Any]:
        operator.platform.read = lambda: read
        return 403, {"detail": "no"}

    operator.platform.act = act
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words) == (outcome, words)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (Verb.STOP, "refused (403), yet the task is stopped"),
        (Verb.UPDATE, "refused (403), yet the record shows the change"),
        (Verb.CONTINUE, "refused (403), yet the thread has the message"),
    ],
)
def test_an_action_that_was_refused_but_done_is_reported(start_operator: StartOperator, verb: Verb, words: str) -> None:
    operator = start_operator(status="executing")
    operator.platform.act = operator.platform.becomes(403, {"detail": "no"}, **DONE[verb])
    done = operator.does(verb, **arguments_of(operator, verb))
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, words)
    operator = start_operator(status="executing")
    operator.platform.act = lambda: (403, {"detail": "no"})
    done = operator.does(verb, **arguments_of(operator, verb))
    assert (done.outcome, done.words) == (Outcome.REFUSED, "refused: no (403)")


def test_a_refused_new_task_is_searched_for_once(start_operator: StartOperator) -> None:
    for is_made in (False, True):
        operator = start_operator()
        operator.platform.act = creates(
            operator, [row(operator, "x", 0)] if is_made else [], 429, {"detail": "no credits"}
        )
        done = operator.does(Verb.CREATE, **arguments_of(operator, Verb.CREATE))
        if is_made:
            assert (done.outcome, done.words) == (Outcome.UNKNOWN, "refused (429), yet the platform has it: task x")
        else:
            assert (done.outcome, done.words) == (Outcome.REFUSED, "refused: no credits (429)")


@pytest.mark.parametrize("record", [{"conversation_id": "another"}, {"agent_id": "b"}])
def test_a_message_goes_only_to_a_thread_that_the_task_names(start_operator: StartOperator, record: Json) -> None:
    """Rows of a list decide nothing: what the composer showed is compared with the task's own record."""
    operator = start_operator(status="completed", **record)
    done = operator.does(Verb.CONTINUE, **arguments_of(operator, Verb.CONTINUE))
    assert (done.outcome, done.is_sent, operator.platform.sent) == (Outcome.CHANGED, False, [])


# Standstills, locks and invalid text


def test_a_standstill_between_reading_and_sending_sends_nothing(
    start_operator: StartOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = start_operator()
    digest = operator.digest
    moments = iter([100.0, 104.0])
    monkeypatch.setattr(actions, "boottime_seconds", lambda: next(moments))
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent, operator.platform.sent) == (Outcome.TAKEN_BACK, False, [])
    monkeypatch.undo()
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED, (
        "it was not sent: nothing holds it back"
    )


def test_a_locked_journal_is_waited_for_up_to_a_limit(
    start_operator: StartOperator,
) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.journal.is_locked = True
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, operator.platform.sent) == (Outcome.NOT_SENT, [])
    assert "another xp-tui has held the journal for too long" in done.words
    operator.loop.call_later(2.0, lambda: setattr(operator.journal, "is_locked", False))
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("more", [{"comment": "caf\udce9"}, {"body": {"input": {"text": "\ud800"}}}])
def test_text_with_lone_surrogates_is_neither_journaled_as_sent_nor_sent(
    start_operator: StartOperator, more: Json
) -> None:
    operator = start_operator()
    done = operator.does(Verb.APPROVE, digest=operator.digest, **more)
    assert (done.outcome, operator.platform.sent) == (Outcome.NOT_SENT, [])
    assert [line["kind"] for line in operator.lines] == ["done"]


def test_a_comment_on_a_card_is_refused_and_not_dropped(start_operator: StartOperator) -> None:
    operator = start_operator(hitl_request=None, conversation_id="head")
    operator.platform.log = [{"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}]
    assert operator.decides(comment="only if") == (Outcome.NOT_SENT, "not sent: a card takes no comment, leave it out")


def test_the_digest_covers_the_fields_around_a_request(start_operator: StartOperator) -> None:
    for change in (
        {"agent_id": "b"},
        {"conversation_id": "x"},
        {"title": "x"},
        {"input": {"text": "x"}},
        {"paused_at": 2},
    ):
        operator = start_operator()
        digest = operator.digest
        operator.platform.task = {**operator.platform.task, **change}
        assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CHANGED
        assert len(digest) == 32


@pytest.mark.parametrize("told", [None, [], "no", 5, {"detail": "no"}, {"success": False}, {**RECORD, "id": "other"}])
def test_an_answer_that_does_not_name_the_decision_confirms_nothing(start_operator: StartOperator, told: Any) -> None:
    """The task goes on, for whatever reason, and its record names nobody."""
    operator = start_operator()
    operator.platform.act = operator.platform.becomes(200, told, status="completed", hitl_request=None)
    outcome, words = operator.decides()
    assert (outcome, "no clear answer came" in words) == (Outcome.UNKNOWN, True)


def test_an_objection_to_the_last_snapshot_sends_nothing(start_operator: StartOperator) -> None:
    operator = start_operator()
    seen: list[Any] = []

    def objection(snapshot: ReviewSnapshot) -> str:
        seen.append(snapshot.held)
        return "not whole"

    operator.runner = ActionRunner(
        operator.client, operator.journal, operator.tell, clock=VirtualClock(operator.loop), objection=objection
    )
    assert operator.decides() == (Outcome.HELD_BACK, "not whole")
    assert (operator.platform.sent, seen) == ([], [REQUEST])


def test_a_stop_runs_while_a_decision_is_being_confirmed(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest

    async def both() -> list[Action]:
        job = asyncio.ensure_future(operator.runner.run_action(Action(Verb.APPROVE, "t", digest)))
        while not operator.steps or operator.steps[-1].phase is not Phase.SETTLING:
            await asyncio.sleep(0.01)
        operator.platform.act = operator.platform.becomes(status="stopped")
        return [await operator.runner.run_action(Action(Verb.STOP, "t")), await job]

    stop, decision = operator.loop.run_until_complete(both())
    assert stop.outcome is Outcome.CONFIRMED
    assert decision.outcome is Outcome.GONE


# A journal that cannot be written


@pytest.mark.parametrize("kind", ["held", "sent"])
def test_an_action_that_cannot_be_journaled_is_not_sent(start_operator: StartOperator, kind: str) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.journal.fail_on = {kind}
    done = operator.does(Verb.APPROVE, digest=digest, hold=5.0)
    assert (done.outcome, done.is_sent, operator.platform.sent) == (Outcome.NOT_SENT, False, [])
    assert done.words == "not sent: the journal cannot be written: [Errno 28] No space left on device"
    assert operator.phases[-1] is Phase.DONE


def test_an_outcome_that_cannot_be_journaled_is_still_reported(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.journal.fail_on = {"done"}
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent) == (Outcome.CONFIRMED, True)
    assert done.words == "approved by you (the journal could not be written: [Errno 28] No space left on device)"


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.SETTLING])
def test_an_action_that_is_interrupted_after_the_sending_is_reported_as_sent(
    start_operator: StartOperator, phase: Phase
) -> None:
    operator = start_operator()
    digest = operator.digest
    operator.platform.pause = 0.2

    async def interrupted() -> None:
        job = asyncio.ensure_future(operator.runner.run_action(Action(Verb.APPROVE, "t", digest)))
        while not operator.steps or operator.steps[-1].phase is not phase:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    operator.loop.run_until_complete(interrupted())
    done = operator.steps[-1]
    assert (done.phase, done.outcome, done.is_sent) == (Phase.DONE, Outcome.UNKNOWN, True)
    assert done.words.startswith("interrupted after it was sent: whether it was done, only the task tells")
    assert operator.lines[-1]["outcome"] == "unknown"
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


def test_an_unexpected_error_after_the_sending_is_reported_as_unknown(
    start_operator: StartOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = start_operator()
    digest = operator.digest

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(operator.client, "approve", broken)
    done = operator.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent) == (Outcome.UNKNOWN, True)
    assert done.words == "sent, the task still waits (no clear answer came: xp-tui failed: ZeroDivisionError)"
