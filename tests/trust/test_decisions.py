"""Decisions: whatever the network, the platform and other people do, none goes wrong or is reported wrong."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from tests.conftest import RecordTried
from tests.local.conftest import Serve
from tests.memory_journal import MemoryJournal
from tests.trust.truth import FAULTS, RECORD_FORMS, TASK, FaultyTransport, TransportSession, Truth
from tests.trust.virtual import VirtualClock, VirtualLoop
from tui.cli.action_commands import action_exit_code
from tui.cli.exit_codes import TOO_LATE
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.errors import ApiError
from tui.client.retry import Backoff
from tui.client.secret import Secret
from tui.domain.answers import answer_action, choose, parse_text, questions_of
from tui.domain.review import ReviewSnapshot
from tui.services.actions import Action, ActionRunner, Outcome, Verb
from tui.services.review_loader import load_review

RUNS = int(os.environ.get("XP_RUNS", "300"))
NOTHING_LEFT = {Outcome.NOT_SENT, Outcome.TAKEN_BACK, Outcome.CHANGED, Outcome.ALREADY_SENT}
UNSETTLED = {None, Outcome.UNKNOWN, Outcome.STILL_RUNNING}
ANSWERS = st.sampled_from(["1", "2", "3", "mars"])
"""Three choices, and words of one's own."""
HOLDS = st.sampled_from([0.0, 5.0])
LIES = ("another task", "another task after", "as if done", "as if done, and paused anew", "307 later", "200 later")
"""The worst of the faults, which come more often than chance would have it."""
READING = st.one_of(st.just("good"), st.just("good"), st.sampled_from(FAULTS), st.sampled_from(LIES))
"""What becomes of a reading: many are answered, or nothing would ever be sent."""
TIMES = st.sampled_from([0.03, 0.06, 0.11, 0.3, 1.0, 4.9, 12.0, 40.0])
outcomes: Counter[str] = Counter()


class Journal(MemoryJournal):
    """A journal that checks what was written before an action is sent."""

    def write(self, kind: str, **told: Any) -> None:
        if kind == "sent":
            assert told["deed"] not in self.names("sent")
        super().write(kind, **told)

    def names(self, kind: str) -> set[str]:
        """Return the ids of the actions with a line of this kind."""
        return {line["deed"] for line in self.entries if line["kind"] == kind}

    def outcome(self, name: str) -> str:
        """Return the last outcome that was journaled for an action."""
        return str([line["outcome"] for line in self.entries if line["kind"] == "done" and line["deed"] == name][-1])


class World(RuleBasedStateMachine):
    """A model of an operator, an agent, another person and a bad network, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        clock = VirtualClock(self.loop)
        self.truth = Truth(clock.time)
        self.http_transport = FaultyTransport(self.truth)
        self.http_transport.on_act = self._leaves
        backoff = Backoff(rng=random.Random(1))
        transport = TransportSession(
            Secret("k"), frozenset, clock=clock, backoff=backoff, http_transport=self.http_transport
        )
        self.client = Client(Surfaces("http://127.0.0.1", "http://127.0.0.1", "o"), transport)
        self.journal = Journal(clock.time)
        self.doer = ActionRunner(self.client, self.journal, lambda action: None, clock=clock)
        self.seen: tuple[ReviewSnapshot, int] | None = None
        self.actions: dict[str, tuple[Action, int]] = {}
        self.jobs: dict[str, asyncio.Task[Action]] = {}
        self.left: Counter[str] = Counter()
        self.violations: list[str] = []
        """What was wrong the moment an action left."""
        self.number = 0
        self.rival = ""
        """The answer that another person gives the moment the next action leaves."""

    @initialize(is_question=st.booleans())
    def it_begins(self, is_question: bool) -> None:
        if is_question:
            self.truth.ask_question()
        else:
            self.truth.ask()
        self.operator_looks()

    def _leaves(self, path: str, body: dict[str, Any]) -> str:
        """Check an action that is sent: it must be journaled, and the last reading must be what was shown."""
        try:
            return self._check_what_leaves(path, body)
        except AssertionError as error:  # whatever is raised here is taken for a fault of the transport
            self.violations.append(str(error))
            return ""

    def _check_what_leaves(self, path: str, body: dict[str, Any]) -> str:
        (action_id,) = self.journal.names("sent") - self.journal.names("done")
        self.left[action_id] += 1
        action, version = self.actions[action_id]
        assert TASK in path.split("/"), "it left for another task"
        for name, (other, other_version) in self.actions.items():
            is_same = other.request == action.request and (action.verb is Verb.STOP or other_version == version)
            if name != action_id and self.left[name] and is_same:
                assert self.jobs[name].result().outcome not in UNSETTLED, "sent again, and the first may have been done"
        if action.verb is Verb.ANSWER:  # the request names its question, so the platform cannot take it for another
            assert body == action.body
            assert body["decision_id"] == f"d{version}", "it answers another question than was shown"
        elif action.verb is not Verb.STOP:
            assert self.http_transport.read_version == version, "another version was read than was shown"
        if self.rival:
            self.another_answers(self.rival)
            self.rival = ""
        return action_id

    def run_for(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    # What may happen

    @rule(faults=st.lists(READING, min_size=1, max_size=4))
    def readings_will_suffer(self, faults: list[str]) -> None:
        self.http_transport.faults.extend(faults)

    @rule(fault=st.sampled_from(FAULTS))
    def the_next_action_will_suffer(self, fault: str) -> None:
        self.http_transport.act_faults.append(fault)

    @rule(seconds=TIMES)
    def time_passes(self, seconds: float) -> None:
        self.run_for(seconds)

    @rule()
    def operator_looks(self) -> None:
        async def look() -> None:
            try:
                seen = await load_review(self.client, TASK)
            except ApiError:
                return
            content = seen.task.hitl_request.content if seen.task.hitl_request else None
            version = content["amount"] if isinstance(content, dict) else 0
            if (card := questions_of(seen)) is not None:
                version = int(card.id.removeprefix("d"))
            self.seen = (seen, version)

        self.loop.run_until_complete(look())

    @precondition(lambda self: self.seen and not self.seen[0].blocked_now and self.is_idle)
    @rule(
        verb=st.sampled_from([Verb.APPROVE, Verb.REJECT]),
        hold=HOLDS,
        fault=READING,
        after=st.lists(READING, max_size=3),
    )
    def operator_decides(self, verb: Verb, hold: float, fault: str, after: list[str]) -> None:
        assert self.seen
        self.http_transport.act_faults.append(fault)
        self.http_transport.faults_after_act.extend(after)
        self._begin(Action(verb, TASK, self.seen[0].digest, hold=hold), self.seen[1])

    @precondition(lambda self: self.truth.card is not None and self.is_idle)
    @rule(
        text=ANSWERS,
        hold=HOLDS,
        fault=READING,
        after=st.lists(READING, max_size=3),
        rival=st.sampled_from(["", "", "1", "2"]),
        form=st.sampled_from(["as sent", *RECORD_FORMS]),
    )
    def operator_answers(self, text: str, hold: float, fault: str, after: list[str], rival: str, form: str) -> None:
        if self.seen is None or questions_of(self.seen[0]) is None:
            self.operator_looks()
        if self.seen is None or (card := questions_of(self.seen[0])) is None:
            return
        snapshot, version = self.seen
        self.rival = rival
        self.truth.record_form = form
        self.http_transport.act_faults.append(fault)
        self.http_transport.faults_after_act.extend(after)
        self._begin(answer_action(snapshot, card, [parse_text(card.asked[0], text)], hold), version)

    @precondition(lambda self: self.jobs and self.is_idle)
    @rule()
    def operator_stops(self) -> None:
        self._begin(Action(Verb.STOP, TASK), 0)

    @precondition(lambda self: not self.is_idle)
    @rule()
    def operator_presses_again(self) -> None:
        action, version = next(reversed(self.actions.values()))
        self._begin(action, version)

    @precondition(lambda self: self.actions)
    @rule()
    def operator_tries_again_once_it_has_ended(self) -> None:
        self.run_for(90.0)
        action, version = next(reversed(self.actions.values()))
        self._begin(replace(action, hold=0.0), version)

    @property
    def is_idle(self) -> bool:
        return all(job.done() for job in self.jobs.values())

    def _begin(self, action: Action, version: int) -> None:
        self.number += 1
        name = f"action{self.number}"
        action = replace(action, id=name, comment=None if action.verb is Verb.ANSWER else name)
        self.actions[name] = action, version
        self.jobs[name] = self.loop.create_task(self.doer.run_action(action))
        self.run_for(0)

    @rule()
    def operator_takes_back(self) -> None:
        for name in self.actions:
            self.doer.take_back(name)
        self.run_for(0)

    @rule(verb=st.sampled_from(["approve", "reject"]))
    def another_decides(self, verb: str) -> None:
        self.truth.decide(verb, "Kofi")

    @rule(answer=ANSWERS)
    def another_answers(self, answer: str) -> None:
        value = answer if answer == "mars" else f"o{answer}"
        body = {"decision_id": f"d{self.truth.version}", "answers": [{"question_id": "q", "answer": value}]}
        self.truth.answer(body, "Kofi")

    @rule(votes=st.sampled_from([1, 1, 2]))
    def agent_asks(self, votes: int) -> None:
        self.truth.ask()
        self.truth.votes_needed = votes

    @rule()
    def agent_asks_a_question(self) -> None:
        self.truth.ask_question()

    @rule()
    def the_pause_is_written_anew(self) -> None:
        self.truth.pause_again()

    @rule(how=st.sampled_from(["another stops it", "failed", "completed"]))
    def it_ends(self, how: str) -> None:
        if how == "another stops it":
            self.truth.stop()
        elif how == "failed" or self.truth.status != "paused":  # what waits for a person does not complete
            self.truth.end(how)

    # What must hold

    @invariant()
    def nothing_is_wrong(self) -> None:
        assert not self.violations
        for name, (_, version) in self.actions.items():
            mine = [one for one in (*self.truth.applied, *self.truth.votes) if one.by == name]
            assert len(mine) <= 1, "applied more than once"
            assert self.left[name] <= 1, "sent more than once"
            if self.jobs[name].done():
                self._told_right(self.jobs[name].result(), mine, version)

    def _told_right(self, action: Action, mine: list[Any], version: int) -> None:
        outcome = action.outcome
        assert outcome is not None
        assert action.words
        if outcome in NOTHING_LEFT and action.error is None:
            assert not self.left[action.id], f"{outcome}, and it was sent"
        # Private: the exit code of an outcome, without a process for each of them.
        if action_exit_code(action) == TOO_LATE:
            assert not self.left[action.id], "exit 7 says that nothing was sent"
        if action.verb is Verb.STOP:
            if outcome is Outcome.CONFIRMED:
                assert self.truth.stops, "it was never stopped"
            return
        if action.verb is Verb.ANSWER:
            self._answer_told_right(action, mine, version)
            return
        if outcome is Outcome.CONFIRMED and action.words.endswith("(by you): the task is stopped"):
            assert self.truth.stops  # of one that was rejected and one that another stopped nothing tells which it is
        elif outcome is Outcome.CONFIRMED:
            took = [one for one in self.truth.applied if (one.verb, one.version) == (action.verb, version)]
            assert took, "false: confirmed"
            assert mine or f"on record as {took[0].by}" in action.words, "told as ours, and it was another's"
        if mine:
            told = {Outcome.CONFIRMED, Outcome.UNKNOWN, Outcome.ALREADY, Outcome.GONE}
            assert outcome in told, f"it took effect, and {outcome} was told"
            if mine[0].version != version:
                assert outcome in {Outcome.UNKNOWN, Outcome.ALREADY}, "another version was decided about, in silence"

    def _answer_told_right(self, action: Action, mine: list[Any], version: int) -> None:
        """Check what was told of an answer: it must be the one that was shown, with its label."""
        outcome, value, (label,) = action.outcome, action.body["answers"][0]["answer"], action.answer_labels
        if mine:
            assert (mine[0].version, mine[0].answer) == (version, value), "another answer than was shown"
            told = {Outcome.CONFIRMED, Outcome.UNKNOWN, Outcome.ALREADY, Outcome.GONE}
            assert outcome in told, f"it took effect, and {outcome} was told"
        took = [one for one in self.truth.applied if (one.verb, one.version) == ("answer", version)]
        if "others than yours" in action.words:
            assert [one.answer for one in took] != [value], "false: told as another answer"
        if outcome is Outcome.CONFIRMED and action.words == "accepted; the record does not show which answer":
            assert action.error is None, "told as accepted, and no clear answer came"
        elif outcome is Outcome.CONFIRMED:
            assert f'answered "{label}"' in action.words
            assert [one.answer for one in took] == [value], "false: confirmed"
            assert mine or "the record says so" in action.words, "told as ours, and it was another's"

    def teardown(self) -> None:
        """Check that every action has ended and that the journal has its outcome."""
        self.http_transport.faults.clear()
        self.http_transport.act_faults.clear()
        self.run_for(300.0)
        self.nothing_is_wrong()
        for name, job in self.jobs.items():
            assert job.done(), f"{self.actions[name]} is stuck"
            assert self.journal.outcome(name) == str(job.result().outcome)
            outcomes[f"{job.result().verb}: {job.result().outcome}"] += 1
        self.loop.run_until_complete(self.client.transport.close())
        self.loop.close()


@pytest.mark.parametrize("part", range(2))
def test_no_decision_goes_wrong_or_is_reported_wrong(part: int, record_tried: RecordTried) -> None:
    wishes = settings(
        max_examples=RUNS // 2, stateful_step_count=16, deadline=None, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(seed(part)(World), settings=wishes)
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    assert len(outcomes) > (10 if RUNS >= 1000 else 4), outcomes
    record_tried("decisions in a bad world: applied at most once, none told wrong, none stuck", RUNS // 2, told)


RACES = int(os.environ.get("XP_RACES", "60"))


@pytest.mark.parametrize("changes", [False, True])
async def test_of_two_deciders_one_is_first_and_the_other_learns_it(
    serve: Serve, record_tried: RecordTried, monkeypatch: pytest.MonkeyPatch, changes: bool
) -> None:
    """Two operators, and the end or a change of what waits, within a moment of each other, over real sockets.

    The platform takes no condition with a decision: what changes after it was read for the last time, while the decision
    is on its way, is decided about. It is told then; the time for it is one way of one request.
    """
    dice, ended = random.Random(7), Counter[str]()
    async with serve() as here, here.client() as mine, here.client() as theirs:
        platform, decisions = here.local.platform, here.local.decisions
        applied: dict[str, tuple[Any, bool]] = {}
        decide = decisions.decide

        def noted(task_id: str, approve: bool, comment: str | None, *rest: Any) -> Any:
            content = (platform.task(task_id)["hitl_request"] or {}).get("content")
            told = decide(task_id, approve, comment, *rest)
            applied[str(comment)] = content, approve
            return told

        monkeypatch.setattr(decisions, "decide", noted)
        for number in range(1, RACES + 1):
            task_id = platform.create("your-agent", {"input": {"text": "pay"}})["id"]
            decisions.request_approval(task_id, "Pay", None, {"amount": number})
            digest = (await load_review(mine, task_id)).digest
            applied.clear()

            async def one(client: Client, name: str) -> Action:
                await asyncio.sleep(dice.uniform(0, 0.01))
                verb = dice.choice([Verb.APPROVE, Verb.REJECT])
                return await ActionRunner(client, Journal(), lambda action: None).run_action(
                    Action(verb, task_id, digest, name)
                )

            async def meanwhile(what: str) -> None:
                await asyncio.sleep(dice.uniform(0, 0.02))
                if what == "it ends":
                    platform.stop(task_id)
                elif what == "it changes":
                    decisions.request_approval(task_id, "Pay", None, {"amount": -number})

            what = meanwhile("it changes" if changes else dice.choice(["nothing", "it ends"]))
            *done, _ = await asyncio.gather(one(mine, "I"), one(theirs, "they"), what)
            for action in done:
                assert action is not None
                assert action.comment
                ended[str(action.outcome)] += 1
                took = applied.get(action.comment)
                if action.outcome is Outcome.CONFIRMED:
                    assert took == (json.dumps({"amount": number}), action.verb is Verb.APPROVE)
                elif took is None and action.is_sent:
                    assert action.outcome in {Outcome.ALREADY, Outcome.UNKNOWN, *([Outcome.REFUSED] if changes else [])}
                    assert "refused" in action.words
                    assert "(409)" in action.words
                elif took is None:
                    assert action.outcome in {Outcome.ALREADY, Outcome.CHANGED, Outcome.GONE}
                else:  # and then it ended, or asked for something else, before anybody could see it
                    assert action.outcome in {Outcome.GONE, Outcome.UNKNOWN}
                    if took[0] != json.dumps({"amount": number}):
                        assert action.outcome is Outcome.UNKNOWN
                        ended["on what came while it was on its way, and told so"] += 1
            assert len({content for content, _ in applied.values()}) == len(applied)
    told = ", ".join(f"{count} {outcome}" for outcome, count in ended.most_common())
    assert changes or ended["confirmed"] > RACES / 3
    assert changes or not ended["on what came while it was on its way, and told so"]
    promise = "races with a change: told when it met another version" if changes else "races: the loser is told"
    record_tried(promise, RACES, told)


@pytest.mark.parametrize("changes", [False, True])
async def test_of_two_answers_one_is_first_and_the_other_learns_it(
    serve: Serve, record_tried: RecordTried, monkeypatch: pytest.MonkeyPatch, changes: bool
) -> None:
    """Two operators answer one question, and it ends or changes, within a moment of each other, over real sockets.

    An answer names its question, so it never meets another one.
    """
    dice, ended = random.Random(11), Counter[str]()
    async with serve() as here, here.client() as mine, here.client() as theirs:
        platform, decisions = here.local.platform, here.local.decisions
        applied: list[tuple[str, str]] = []
        answer = decisions.answer

        def noted(task_id: str, decision_id: str, answers: list[Any]) -> Any:
            told = answer(task_id, decision_id, answers)
            applied.append((decision_id, answers[0]["answer"]))
            return told

        def ask(task_id: str, number: int, name: str) -> None:
            options = [{"id": f"{name}{choice}", "label": f"choice {choice}"} for choice in (1, 2)]
            question = {"id": "q", "question": f"Which of {number}?", "options": options}
            task = platform.task(task_id)
            platform.record(task, "ask_user_questions", {"id": f"{task_id} {name}", "questions": [question]})
            platform.change(task, status="paused", deep_planning={**task["deep_planning"], "question_raised": True})

        monkeypatch.setattr(decisions, "answer", noted)
        for number in range(1, RACES + 1):
            task_id = platform.create("your-agent", {"input": {"text": "ship"}})["id"]
            ask(task_id, number, "first")
            review = await load_review(mine, task_id)
            card = questions_of(review)
            assert card
            applied.clear()

            async def one(client: Client) -> Action:
                chosen = choose(card.asked[0], dice.choice([1, 2]))
                await asyncio.sleep(dice.uniform(0, 0.01))
                return await ActionRunner(client, Journal(), lambda action: None).run_action(
                    answer_action(review, card, [chosen])
                )

            async def meanwhile(what: str) -> None:
                await asyncio.sleep(dice.uniform(0, 0.02))
                if what == "it ends":
                    platform.stop(task_id)
                elif what == "it changes" and platform.task(task_id)["status"] == "paused":
                    ask(task_id, number, "second")

            what = meanwhile("it changes" if changes else dice.choice(["nothing", "it ends"]))
            *done, _ = await asyncio.gather(one(mine), one(theirs), what)
            assert len(applied) <= 1
            for action in done:
                assert action is not None
                ended[str(action.outcome)] += 1
                value = action.body["answers"][0]["answer"]
                took_mine = applied == [(card.id, value)]
                if action.outcome is Outcome.CONFIRMED:
                    assert took_mine
                    assert f'answered "{action.answer_labels[0]}"' in action.words
                elif not took_mine:
                    assert action.outcome in {
                        Outcome.ALREADY, Outcome.CHANGED, Outcome.GONE, Outcome.REFUSED, Outcome.UNKNOWN,
                    }  # fmt: skip
                    assert not action.is_sent or "refused" in action.words
    told = ", ".join(f"{count} {outcome}" for outcome, count in ended.most_common())
    assert changes or ended["confirmed"] > RACES / 3
    promise = "races of answers with another question" if changes else "races of answers: the loser is told"
    record_tried(promise, RACES, told)
