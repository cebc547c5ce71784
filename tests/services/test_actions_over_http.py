"""ActionRunner over real HTTP: decisions, stops, new tasks, and lost answers."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import FastClock
from tests.memory_journal import MemoryJournal
from tests.wire.platform import Platform, add_waiting_task
from tests.wire.server import Connection, Request, Server
from tui.client.client import Client
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb
from tui.services.review_loader import load_review


def action_runner(client: Client, told: list[Action] | None = None) -> tuple[ActionRunner, MemoryJournal]:
    lines = MemoryJournal()
    steps: list[Action] = [] if told is None else told
    return ActionRunner(client, lines, steps.append, clock=FastClock()), lines


async def test_an_approval_of_the_shown_request_is_confirmed(platform: Platform, client: Client) -> None:
    add_waiting_task(platform)
    seen = await load_review(client, "w")
    told: list[Action] = []
    doer, lines = action_runner(client, told)
    done = await doer.run_action(Action(Verb.APPROVE, "w", seen.digest, "fine", hold=1.0))
    assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved: fine (on record as Local Operator)")
    assert platform.decisions == [("approve", "w", {"comment": "fine"})]
    assert [line["kind"] for line in lines.entries] == ["held", "sent", "done"]
    assert [one.phase for one in told] == [Phase.HELD, Phase.CHECKING, Phase.SENDING, Phase.SETTLING, Phase.DONE]
    assert (await doer.run_action(done)).outcome is Outcome.NOT_SENT


async def test_an_approval_of_a_changed_gone_or_decided_request_is_not_sent(platform: Platform, client: Client) -> None:
    doer, lines = action_runner(client)
    for name, change, outcome in (
        ("a", {"hitl_request": {"wait_node_id": "n1", "content": "pay 9,204 EUR"}}, Outcome.CHANGED),
        ("b", {"status": "stopped"}, Outcome.GONE),
        ("c", {"hitl_request": {"content": "pay 1,204 EUR", "approved_by": "Dana"}}, Outcome.ALREADY),
    ):
        add_waiting_task(platform, name)
        seen = await load_review(client, name)
        platform.change(name, **change)
        assert (await doer.run_action(Action(Verb.APPROVE, name, seen.digest))).outcome is outcome
    assert platform.decisions == []
    assert "sent" not in [line["kind"] for line in lines.entries]


async def test_a_held_decision_can_be_taken_back(platform: Platform, client: Client) -> None:
    add_waiting_task(platform)
    doer, _ = action_runner(client)
    action = Action(Verb.REJECT, "w", (await load_review(client, "w")).digest, hold=600.0)
    job = asyncio.create_task(doer.run_action(action))
    await asyncio.sleep(0)
    assert doer.take_back(action.id)
    assert (await job).outcome is Outcome.TAKEN_BACK
    assert platform.decisions == []


async def test_a_hold_during_a_standstill_is_taken_back(
    platform: Platform, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ctrl+z, or a lid that was closed: nobody could have taken it back meanwhile."""
    add_waiting_task(platform)
    monkeypatch.setattr("tui.services.actions.MAX_STANDSTILL_SECONDS", -1.0)
    doer, lines = action_runner(client)
    done = await doer.run_action(Action(Verb.APPROVE, "w", (await load_review(client, "w")).digest, hold=5.0))
    assert done.outcome is Outcome.TAKEN_BACK
    assert "stood still" in done.words
    assert [line["kind"] for line in lines.entries] == ["held", "done"]
    assert platform.decisions == []


@pytest.mark.parametrize("applied", [True, False])
async def test_a_lost_answer_is_unknown_and_nothing_is_sent_again(
    platform: Platform, client: Client, server: Server, applied: bool
) -> None:
    add_waiting_task(platform)
    digest = (await load_review(client, "w")).digest

    async def lose(request: Request, connection: Connection) -> bool:
        if "/hitl/" not in request.path:
            return False
        if applied:
            platform.change("w", status="executing", hitl_request=None)
        connection.reset()
        return True

    platform.before_reply = lose
    done = await action_runner(client)[0].run_action(Action(Verb.APPROVE, "w", digest))
    assert done.outcome is Outcome.UNKNOWN
    assert ("no longer waits" if applied else "still waits") in done.words
    assert sum("/hitl/" in request.path for request in server.requests) == 1


async def test_a_stop_reports_what_became_of_the_task(platform: Platform, client: Client) -> None:
    platform.task("t1")
    platform.task("t2", status="completed")
    doer, _ = action_runner(client)
    assert (await doer.run_action(Action(Verb.STOP, "t1"))).words == "stopped"
    assert (await doer.run_action(Action(Verb.STOP, "t2"))).words == "it had ended already: completed, nothing was sent"
    assert (await doer.run_action(Action(Verb.STOP, "nope"))).outcome is Outcome.GONE


async def test_a_new_task_whose_answer_was_lost_is_found(platform: Platform, client: Client) -> None:
    async def lose(request: Request, connection: Connection) -> bool:
        if "/invoke/async" in request.path:
            created = client.now.isoformat()
            platform.task("made", "a1", "pending", input=request.json["input"], created_at=created)
            connection.reset()
        return "/invoke/async" in request.path

    platform.before_reply = lose
    done = await action_runner(client)[0].run_action(
        Action(Verb.CREATE, "a1", body={"agent": "a1", "input": {"text": "hello"}})
    )
    assert (done.outcome, done.task.id if done.task else None) == (Outcome.CONFIRMED, "made")
