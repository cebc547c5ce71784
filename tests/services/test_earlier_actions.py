"""Earlier actions: which actions are not sent again, and how that is reported."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.services.action_operator import (
    BODIES,
    REQUEST,
    ActionOperator,
    Json,
    StartOperator,
    arguments_of,
    lost,
    row,
    task_for,
)
from tests.trust.virtual import VirtualClock
from tui.services.actions import Action, ActionRunner, Outcome, Verb

RESENDABLE = [Verb.APPROVE, Verb.REJECT, Verb.STOP, Verb.CONTINUE, Verb.CREATE]


def unknown_before(operator: ActionOperator, verb: Verb, **more: Any) -> None:
    """Run an action that gets no answer and leaves no trace in the record."""
    operator.platform.act = lost(operator)
    assert operator.does(verb, **more).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("verb", RESENDABLE)
def test_an_action_that_may_have_been_done_is_sent_again_only_with_anyway(
    start_operator: StartOperator, verb: Verb
) -> None:
    operator = start_operator(**task_for(verb))
    more = arguments_of(operator, verb)
    unknown_before(operator, verb, **more)
    another_process = ActionRunner(operator.client, operator.journal, operator.tell, clock=VirtualClock(operator.loop))
    for doer in (operator.runner, another_process):
        operator.runner = doer
        again = operator.does(verb, hold=5.0, **more)
        assert (again.outcome, again.is_sent, len(operator.platform.sent)) == (Outcome.ALREADY_SENT, False, 1)
        name = "run" if verb is Verb.CREATE else str(verb)
        assert again.words.startswith(f"{name} was sent before at ")
        assert again.words.endswith(" --anyway sends it again")
    if "digest" in more:
        other = Verb.REJECT if verb is Verb.APPROVE else Verb.APPROVE
        assert operator.does(other, **more).outcome is Outcome.ALREADY_SENT
    operator.does(verb, anyway=True, **more)
    assert len(operator.platform.sent) == 2


def test_a_known_outcome_allows_sending_again(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    unknown_before(operator, Verb.STOP)
    operator.platform.act = operator.platform.becomes(status="stopped")
    assert operator.does(Verb.STOP, anyway=True).outcome is Outcome.CONFIRMED
    operator.platform.task = {**operator.platform.task, "status": "executing"}
    assert operator.does(Verb.STOP).outcome is Outcome.CONFIRMED
    assert len(operator.platform.sent) == 3


def test_a_refused_second_sending_leaves_the_first_unknown(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    unknown_before(operator, Verb.APPROVE, digest=digest)
    operator.platform.act = lambda: (429, {"detail": "no"})
    assert operator.does(Verb.APPROVE, digest=digest, anyway=True).outcome is Outcome.REFUSED
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


@pytest.mark.parametrize("change", [{"paused_at": 2}, {"title": "new"}, {"hitl_request": {**REQUEST, "reminded": 1}}])
def test_a_request_that_may_be_the_same_is_held_back(start_operator: StartOperator, change: Json) -> None:
    """The log has grown, or what names the pause has changed: another digest, and perhaps the same request."""
    operator = start_operator()
    unknown_before(operator, Verb.APPROVE, digest=operator.digest)
    operator.platform.task = {**operator.platform.task, **change}
    operator.platform.log = [{"id": "e", "type": "think", "thought": "approval received"}]
    assert operator.decides()[0] is Outcome.ALREADY_SENT
    assert len(operator.platform.sent) == 1


def test_an_action_on_a_task_that_was_gone_for_a_moment_is_held_back(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest, truth = operator.digest, operator.platform.read

    def vanish() -> tuple[int, Any]:
        operator.platform.read = lambda: (404, {})
        return 200, {}

    operator.platform.act = vanish
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.GONE
    operator.platform.read = truth
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


def test_a_confirmed_request_that_is_shown_again_unchanged_is_outdated(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest, before = operator.digest, operator.platform.task
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED
    operator.platform.task = before
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT
    operator.platform.task = {**before, "paused_at": 2}
    assert operator.decides()[0] is Outcome.CONFIRMED, "it asks anew"


def test_a_stop_of_a_task_that_was_restarted_is_sent(start_operator: StartOperator) -> None:
    operator = start_operator(status="executing")
    unknown_before(operator, Verb.STOP)
    operator.loop.now += 100
    operator.platform.act = operator.platform.becomes(status="stopped")
    operator.platform.task = {**operator.platform.task, "started_at": operator.client.now.isoformat()}
    assert operator.does(Verb.STOP).outcome is Outcome.CONFIRMED


def test_the_same_message_in_one_thread_is_held_back_after_any_turn(start_operator: StartOperator) -> None:
    operator = start_operator(status="completed", conversation_id="head")
    operator.platform.others = [
        {**operator.platform.task, "id": "u"},
        {**operator.platform.task, "id": "head", "conversation_id": None},
    ]
    body = {**BODIES[Verb.CONTINUE], "id": "head"}
    unknown_before(operator, Verb.CONTINUE, body=body)
    assert operator.does(Verb.CONTINUE, target="u", body=body).outcome is Outcome.ALREADY_SENT


def test_another_request_of_the_task_is_not_held_back(start_operator: StartOperator) -> None:
    operator = start_operator()
    unknown_before(operator, Verb.APPROVE, digest=operator.digest)
    operator.platform.task = {**operator.platform.task, "hitl_request": {**REQUEST, "content": {"amount": 8}}}
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.decides()[0] is Outcome.CONFIRMED


def test_a_new_task_is_held_back_for_ten_minutes(start_operator: StartOperator) -> None:
    operator = start_operator()
    more = arguments_of(operator, Verb.CREATE)
    unknown_before(operator, Verb.CREATE, **more)
    operator.loop.now += 500
    assert operator.does(Verb.CREATE, **more).outcome is Outcome.ALREADY_SENT
    other = {**more, "body": {"agent": "a", "input": {"text": "other"}}}
    assert operator.does(Verb.CREATE, **other).outcome is Outcome.UNKNOWN
    operator.loop.now += 100
    assert operator.does(Verb.CREATE, **more).outcome is Outcome.UNKNOWN
    assert len(operator.platform.sent) == 3


def test_a_task_that_appears_later_is_reported_and_not_created_again(start_operator: StartOperator) -> None:
    operator = start_operator()
    more = arguments_of(operator, Verb.CREATE)
    unknown_before(operator, Verb.CREATE, **more)
    operator.platform.others = [row(operator, "x", -20)]
    again = operator.does(Verb.CREATE, **more)
    assert (again.outcome, len(operator.platform.sent)) == (Outcome.ALREADY_SENT, 1)
    assert again.words == "it was sent before, and the platform has it: task x. Nothing was sent now"
    operator.platform.others = []
    operator.does(Verb.CREATE, **more)
    assert len(operator.platform.sent) == 2, "what is known holds nothing back: it is a new one now"


def test_an_action_that_another_process_was_sending_is_not_sent_again(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    about = {"verb": "approve", "target": "t", "digest": digest, "request": Action(Verb.APPROVE, "t", digest).request}
    operator.journal.write("sent", deed="x", platform=operator.client.surfaces.platform_ids, **about)
    again = operator.does(Verb.APPROVE, digest=digest)
    assert (again.outcome, operator.platform.sent) == (Outcome.ALREADY_SENT, [])
    assert "it has not ended yet, or xp-tui ended meanwhile" in again.words


def test_actions_on_another_platform_hold_nothing_back(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    about = {"verb": "approve", "target": "t", "digest": digest, "request": Action(Verb.APPROVE, "t", digest).request}
    operator.journal.write("sent", deed="x", platform=["https://elsewhere.example"], **about)
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    assert operator.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED


def test_only_one_of_two_simultaneous_actions_is_sent(start_operator: StartOperator) -> None:
    operator = start_operator()
    digest = operator.digest
    other = ActionRunner(operator.client, operator.journal, operator.tell, clock=VirtualClock(operator.loop))
    operator.platform.act = operator.platform.becomes(200, {}, status="executing")
    operator.platform.pause = 0.1

    async def both() -> list[Action]:
        simultaneous = [Action(Verb.APPROVE, "t", digest) for _ in range(2)]
        return list(
            await asyncio.gather(operator.runner.run_action(simultaneous[0]), other.run_action(simultaneous[1]))
        )

    ended = operator.loop.run_until_complete(both())
    assert sorted(action.outcome or "" for action in ended) == [Outcome.ALREADY_SENT, Outcome.CONFIRMED]
    assert len(operator.platform.sent) == 1
