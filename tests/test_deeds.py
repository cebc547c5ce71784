"""Deeds: every way one can end, and what is sent, told and written down on the way, in time that goes on by itself."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.memory_journal import MemoryJournal
from tests.trust.truth import OnThisWay
from tests.trust.virtual import VirtualClock, VirtualLoop
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.errors import (
    ApiError,
    Conflict,
    ConnectionLost,
    Forbidden,
    NotFound,
    NotSupported,
    ReadOnly,
    UnexpectedAnswer,
    Unreachable,
)
from tui.client.retry import Backoff, SystemClock
from tui.client.secret import Secret
from tui.domain.review import ReviewSnapshot
from tui.services import actions
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb
from tui.services.review_loader import load_review

Json = dict[str, Any]
ASKED = {"wait_node_id": "n", "operation_id": "o", "title": "Pay", "description": "to ACME", "content": {"amount": 7}}
RECORD = {
    "id": "t",
    "agent_id": "a",
    "organization_id": "o",
    "status": "paused",
    "input": {"text": "pay"},
    "paused_at": 1,
}


class Story(httpx.AsyncBaseTransport):
    """A platform of one task that does what a test tells it; it answers at once, or after a while."""

    def __init__(self, loop: VirtualLoop, **task: Any) -> None:
        self.loop = loop
        self.task: Json = {**RECORD, "hitl_request": ASKED, **task}
        self.log: list[Json] = []
        self.no_log: Any = ...
        """What comes in place of a log, where something else does."""
        self.others: list[Json] = []
        """What a list of tasks tells beside."""
        self.sent: list[tuple[str, str, Any]] = []
        self.read_at: list[float] = []
        """When the task was read."""
        self.act: Callable[[], tuple[int, Any]] = lambda: (200, {})
        """What comes of an action."""
        self.read: Callable[[], tuple[int, Any]] = lambda: (200, self.task)
        """What comes of reading the task."""
        self.pause = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread() or b"null")
        await asyncio.sleep(self.pause)
        path = request.url.raw_path.decode()
        if request.method != "GET":
            self.sent.append((request.method, path, body))
            status, told = self.act()
        elif path.startswith("/activity/"):
            status, told = 200, {"id": "t", "messages": self.log} if self.no_log is ... else self.no_log
        elif path.startswith("/v1/tasks?"):
            status, told = 200, {"items": self.others, "total_pages": 9}
        elif path in {"/v1/tasks/t", "/agent-execution/t/status"}:
            self.read_at.append(self.loop.now)
            status, told = self.read()
        else:
            status, told = 200, next(one for one in self.others if path.endswith(f"/{one['id']}"))
        if status == 0:
            raise {"lost": httpx.ReadError("reset"), "refused": httpx.ConnectError("nobody there")}[told]
        return httpx.Response(status, content=json.dumps(told).encode())

    def becomes(self, *answer: Any, **changes: Any) -> Callable[[], tuple[int, Any]]:
        """An action that changes the task, and its answer."""

        def act() -> tuple[int, Any]:
            self.task = {**self.task, **changes}
            return answer or (200, self.task)

        return act


@dataclass
class Desk:
    """An operator at work on a story."""

    story: Story
    loop: VirtualLoop
    client: Client
    steps: list[Action] = field(default_factory=list)
    on_step: Callable[[Action], None] = lambda action: None

    def __post_init__(self) -> None:
        clock = VirtualClock(self.loop)
        self.journal = MemoryJournal(clock.time)
        self.doer = ActionRunner(self.client, self.journal, self.tell, clock=clock)

    def tell(self, action: Action) -> None:
        self.steps.append(action)
        self.on_step(action)

    @property
    def lines(self) -> list[Json]:
        """What was written down, but for what names the request and the platform."""
        hidden = {"request", "platform", "about"}
        return [{name: told for name, told in one.items() if name not in hidden} for one in self.journal.entries]

    @property
    def digest(self) -> str:
        """What the operator sees now."""
        return self.loop.run_until_complete(load_review(self.client, "t")).digest

    def does(self, verb: Verb, **more: Any) -> Action:
        """Carry a deed out to its end."""
        self.story.read_at.clear()
        return self.loop.run_until_complete(self.doer.run_action(Action(verb, more.pop("target", "t"), **more)))

    def decides(self, verb: Verb = Verb.APPROVE, **more: Any) -> tuple[Outcome | None, str]:
        """Decide about what is shown now, and what is told of it."""
        done = self.does(verb, digest=self.digest, **more)
        return done.outcome, done.words

    @property
    def phases(self) -> list[Phase]:
        return [step.phase for step in self.steps]


Sit = Callable[..., Desk]


@pytest.fixture
def sit(request: pytest.FixtureRequest) -> Sit:
    """Sit down before a task."""

    def sit_down(*, read_only: bool = False, rest: bool = True, **task: Any) -> Desk:
        loop = VirtualLoop()
        story = Story(loop, **task)
        backoff = Backoff(rng=random.Random(1))
        transport = OnThisWay(Secret("k"), frozenset, clock=VirtualClock(loop), backoff=backoff, way=story)
        root = "http://127.0.0.1"
        client = Client(Surfaces(root, root if rest else None, "o"), transport, read_only=read_only)

        def leave() -> None:
            loop.run_until_complete(client.transport.close())
            loop.close()

        request.addfinalizer(leave)
        return Desk(story, loop, client)

    return sit_down


def makes(desk: Desk, rows: list[Json], *answer: Any) -> Callable[[], tuple[int, Any]]:
    """An action that makes tasks, and its answer; without one, the answer is lost."""

    def act() -> tuple[int, Any]:
        desk.story.others = [*rows, *desk.story.others]
        return answer or (0, "lost")

    return act


def lost(desk: Desk, **changes: Any) -> Callable[[], tuple[int, Any]]:
    """An action that takes effect, and whose answer is lost."""
    return desk.story.becomes(0, "lost", **changes)


LOST = " (no clear answer came: the connection to 127.0.0.1 broke: reset)"


# What is held


def test_a_deed_is_what_was_asked_for_and_nothing_more() -> None:
    one, other = Action(Verb.STOP, "t"), Action(Verb.STOP, "t")
    assert (len(one.id), one.id != other.id, one.hold, one.phase, one.body) == (12, True, 0.0, Phase.HELD, {})
    assert (one.digest, one.comment, one.outcome, one.words, one.task, one.error) == (None, None, None, "", None, None)


def test_the_words_that_others_read_stay_as_they_are() -> None:
    """The journal, the output of the verbs and the screens tell them."""
    assert [*map(str, Verb)] == ["approve", "reject", "stop", "continue", "create", "answer", "update"]
    phases = ["held", "reading again", "sending", "waiting for the task to show it", "done"]
    assert [*map(str, Phase)] == phases
    outcomes = "confirmed, taken back, already decided, changed, gone, refused, not sent, unknown, still running, already sent, held back"
    assert ", ".join(Outcome) == outcomes


@pytest.mark.parametrize("hold", [0.5, 5.0])
def test_what_is_held_is_sent_when_its_time_is_over(sit: Sit, hold: float) -> None:
    desk = sit()
    took: list[bool] = []
    desk.on_step = lambda action: took.append(action.phase is not Phase.CHECKING and desk.doer.take_back("d"))
    desk.story.act = desk.story.becomes(status="executing", hitl_request={**ASKED, "approved_by": "Dana"})
    digest, begun = desk.digest, desk.loop.now
    done = desk.does(Verb.APPROVE, digest=digest, comment="fine", hold=hold, id="d")
    assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved, on record as Dana")
    assert took == [False] * 5, "it is not held yet, or it is too late"
    assert not asyncio.all_tasks(desk.loop)
    assert (done.phase, done.task and done.task.status, done.error) == (Phase.DONE, "executing", None)
    assert desk.loop.now - begun == hold
    assert desk.story.sent == [("POST", "/hitl/t/approve", {"comment": "fine"})]
    assert desk.phases == [Phase.HELD, Phase.CHECKING, Phase.SENDING, Phase.SETTLING, Phase.DONE]
    assert [step.task and step.task.status for step in desk.steps] == [None, None, "paused", "paused", "executing"]
    told = {"deed": "d", "verb": "approve", "target": "t", "digest": digest, "comment": "fine"}
    assert desk.lines == [
        {"kind": "held", **told, "seconds": hold},
        {"kind": "sent", **told},
        {"kind": "done", **told, "outcome": "confirmed", "words": done.words},
    ]
    assert not desk.doer.take_back("d")


def test_what_is_not_held_is_sent_at_once_and_cannot_be_taken_back(sit: Sit) -> None:
    desk = sit(status="executing")
    desk.on_step = lambda action: took.append(desk.doer.take_back(action.id))
    took: list[bool] = []
    desk.story.act = desk.story.becomes(status="stopped")
    assert desk.does(Verb.STOP, id="d").outcome is Outcome.CONFIRMED
    assert [line["kind"] for line in desk.lines] == ["sent", "done"]
    assert desk.lines[0] == {"kind": "sent", "deed": "d", "verb": "stop", "target": "t", "digest": None}
    assert took == [False] * 5


@pytest.mark.parametrize("when", [Phase.HELD, Phase.CHECKING])
def test_what_is_taken_back_in_time_is_not_sent(sit: Sit, when: Phase) -> None:
    desk = sit()
    desk.story.pause = 1.0
    digest, begun = desk.digest, desk.loop.now
    desk.on_step = lambda action: took.append(action.phase is when and desk.loop.call_later(0.5, taken) is not None)
    took: list[bool] = []

    def taken() -> None:
        took.append(desk.doer.take_back("d"))

    done = desk.does(Verb.APPROVE, digest=digest, hold=5.0, id="d")
    assert (done.outcome, done.words) == (Outcome.TAKEN_BACK, "taken back, nothing was sent")
    assert desk.story.sent == []
    assert took.count(True) == 2
    assert desk.loop.now - begun == (0.5 if when is Phase.HELD else 8.0)
    assert not desk.doer.take_back("d")
    assert [line["kind"] for line in desk.lines] == ["held", "done"]


def test_one_thing_at_a_time_is_done_to_a_task_and_each_once(sit: Sit) -> None:
    desk = sit(status="executing")
    desk.story.others = [{**RECORD, "id": "z"}]
    stop = desk.story.becomes(status="stopped")
    desk.story.act = lambda: (200, desk.story.others[0]) if desk.story.sent[-1][0] == "PATCH" else stop()
    first, again, other = (
        Action(Verb.STOP, "t", hold=5.0),
        Action(Verb.STOP, "t"),
        Action(Verb.UPDATE, "z", body={"result": None}),
    )

    async def hurry() -> list[Action]:
        job = asyncio.ensure_future(desk.doer.run_action(first))
        await asyncio.sleep(1)
        return [await desk.doer.run_action(one) for one in (again, again, other)] + [
            await job,
            await desk.doer.run_action(first),
        ]

    ended = desk.loop.run_until_complete(hurry())
    busy = (Outcome.NOT_SENT, "something is already under way for this task")
    assert [(one.outcome, one.words) for one in ended] == [
        busy, busy, (Outcome.CONFIRMED, "the record shows the change"), (Outcome.CONFIRMED, "stopped"), busy,
    ]  # fmt: skip
    assert [path for _, path, _ in desk.story.sent] == ["/agent-execution/z/update", "/v1/tasks/t/stop"]
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.ALREADY, "it had ended already: stopped, nothing was sent"), (
        "it is free again"
    )


def test_the_machines_clock_is_the_clock_unless_a_test_brings_another(sit: Sit) -> None:
    desk = sit()
    assert isinstance(ActionRunner(desk.client, desk.journal, desk.tell)._clock, SystemClock)


# What is not sent, after the task was read again


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.GONE, "gone: the task is stopped"),
        ({"hitl_request": {**ASKED, "approved_by": "Kofi"}}, Outcome.ALREADY, "already approved by Kofi"),
        ({"hitl_request": {**ASKED, "rejected_by": "Kofi"}}, Outcome.ALREADY, "already rejected by Kofi"),
        (
            {"hitl_request": {**ASKED, "content": {"amount": 8}}},
            Outcome.CHANGED,
            "changed while you read, nothing was sent",
        ),
        ({"status": "executing"}, Outcome.CHANGED, "changed while you read, nothing was sent"),
    ],
)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
def test_what_is_no_longer_as_it_was_shown_is_not_decided(
    sit: Sit, verb: Verb, changes: Json, outcome: Outcome, words: str
) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.task |= changes
    done = desk.does(verb, digest=digest)
    assert (done.outcome, done.words, done.task and done.task.raw) == (outcome, words, desk.story.task)
    assert desk.story.sent == []
    assert desk.phases == [Phase.HELD, Phase.CHECKING, Phase.DONE]


def test_what_cannot_be_decided_from_here_is_not_sent(sit: Sit) -> None:
    for verb in (Verb.APPROVE, Verb.REJECT):
        desk = sit(hitl_request=None, deep_planning={"question_raised": True})
        outcome, words = desk.decides(verb)
        assert (outcome, words) == (
            Outcome.NOT_SENT,
            "the task waits for an answer to its question, not for an approval",
        )
        assert desk.story.sent == []


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "kind"),
    [
        ((404, {}), Outcome.GONE, "gone: the platform no longer knows the task", NotFound),
        ((403, {"detail": "no"}), Outcome.NOT_SENT, "not sent, the task could not be read: no (403)", Forbidden),
    ],
)
def test_what_cannot_be_read_is_not_sent(
    sit: Sit, answer: tuple[int, Any], outcome: Outcome, words: str, kind: type[ApiError]
) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.read = lambda: answer
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, kind)
    assert desk.story.sent == []


def test_a_task_without_a_name_is_not_asked_for(sit: Sit) -> None:
    done = sit().does(Verb.APPROVE, target=" ", digest="0" * 16)
    assert (done.outcome, done.error) == (Outcome.NOT_SENT, None)
    assert done.words == "not sent, the task could not be read: ' ' is no id of task"
    done = sit().does(Verb.STOP, target=" ")
    assert (done.outcome, done.words, done.error) == (
        Outcome.NOT_SENT,
        "not sent, the task could not be read: ' ' is no id of task",
        None,
    )


# What is sent

QUESTION = {
    "status": "paused",
    "hitl_request": None,
    "deep_planning": {"question_raised": True},
    "conversation_id": "head",
}
ANSWERS = [{"question_id": "q", "answer": "yes"}]
HELLO = {"input": {"text": "hello"}}
BODIES: dict[Verb, Json] = {
    Verb.UPDATE: {"result": "x"},
    Verb.CREATE: {"agent": "a", **HELLO},
    Verb.CONTINUE: {"agent": "a", "id": "t", **HELLO},
}
DONE: dict[Verb, Json] = {Verb.STOP: {"status": "stopped"}, Verb.UPDATE: {"result": "x"}, Verb.CONTINUE: HELLO}
"""How the record shows that an action was carried out."""


def wanted(desk: Desk, verb: Verb) -> Json:
    """What a deed of this kind is made of."""
    more: Json = {"body": BODIES.get(verb, {}), "target": "a" if verb is Verb.CREATE else "t"}
    return {**more, "digest": desk.digest} if verb in {Verb.APPROVE, Verb.REJECT} else more


def task_for(verb: Verb) -> Json:
    """A task that waits for a decision, or one that runs."""
    return {} if verb in {Verb.APPROVE, Verb.REJECT} else {"status": "executing"}


@pytest.mark.parametrize(
    ("verb", "more", "changes", "sent", "words"),
    [
        (Verb.REJECT, {}, {}, ("POST", "/hitl/t/reject", {}), "rejected by you"),
        (Verb.REJECT, {"comment": "no"}, {}, ("POST", "/hitl/t/reject", {"comment": "no"}), "rejected by you"),
        (Verb.UPDATE, {"body": {"result": "x"}}, {"result": "x"},
         ("PATCH", "/agent-execution/t/update", {"result": "x"}), "the record shows the change"),
        (Verb.CREATE, {"target": "a", "body": {"agent": "a", **HELLO}}, HELLO,
         ("POST", "/v1/agents/a/invoke/async", {"events_streaming": True, **HELLO}), "the task was created"),
        (Verb.CONTINUE, {"body": {"agent": "a", "agent_version": "3", "id": "t", **HELLO}}, HELLO,
         ("POST", "/v1/agents/a/invoke/async?version=3", {"events_streaming": True, "id": "t", **HELLO}),
         "the message is in the thread"),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_was_asked_for(
    sit: Sit, verb: Verb, more: Json, changes: Json, sent: tuple[Any, ...], words: str
) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(status="executing", hitl_request=None, **changes)
    if verb is Verb.REJECT:
        more = {**more, "digest": desk.digest}
    done = desk.does(verb, **more)
    assert (done.outcome, done.words, done.is_sent) == (Outcome.CONFIRMED, words, True)
    assert done.task
    assert done.task.status == "executing"
    assert desk.story.sent == [sent]


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT])
@pytest.mark.parametrize("before", [None, {**ASKED, "approved_by": "Dana"}, {**ASKED, "rejected_by": "Dana"}])
def test_a_card_is_confirmed_or_dismissed_in_its_conversation_whatever_was_decided_before(
    sit: Sit, verb: Verb, before: Json | None
) -> None:
    desk = sit(hitl_request=before, conversation_id="head")
    desk.story.log = [{"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}]
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.decides(verb) == (Outcome.CONFIRMED, f"{verb}{'d' if verb is Verb.APPROVE else 'ed'} by you")
    body = {"request_id": "card", "approve": verb is Verb.APPROVE}
    assert desk.story.sent == [("POST", "/v1/agents/a/conversations/head/confirm", body)]


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
def test_a_card_is_decided_when_the_log_says_so_although_the_task_waits_for_the_next(
    sit: Sit, card: Json, outcome: Outcome, words: str
) -> None:
    desk = sit(hitl_request=None, conversation_id="head")
    first = {"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}
    desk.story.log = [first]

    def act() -> tuple[int, Any]:
        desk.story.log = [{**first, **card}]
        return 200, {}

    desk.story.act = act
    assert desk.decides() == (outcome, words)


def test_a_question_is_answered_in_its_conversation_also_when_an_old_approval_was_decided(sit: Sit) -> None:
    desk = sit(**{**QUESTION, "hitl_request": {**ASKED, "approved_by": "Dana"}})
    desk.story.log = [{"id": "d", "questions": ["sure?"]}]
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.CONFIRMED, "answered by you")
    body = {"decision_id": "d", "answers": ANSWERS}
    assert desk.story.sent == [("POST", "/v1/agents/a/conversations/head/answers", body)]


def test_a_question_that_was_answered_otherwise_is_told(sit: Sit) -> None:
    desk = sit(**QUESTION)
    question = {"id": "d", "questions": ["sure?"]}
    desk.story.log = [question]

    def act() -> tuple[int, Any]:
        desk.story.log = [{**question, "answers": [{"question_id": "q", "answer": "no"}]}]
        return 200, {}

    desk.story.act = act
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.ALREADY, "sent, but the answers on record are others than yours")


def test_an_answer_to_what_was_never_read_is_not_sent(sit: Sit) -> None:
    desk = sit(**QUESTION)
    done = desk.does(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert (done.outcome, done.words) == (Outcome.NOT_SENT, "answer needs the task to have been read")
    assert isinstance(done.error, NotSupported)
    assert desk.story.sent == []


def test_what_may_not_or_cannot_be_sent_says_what_to_do(sit: Sit) -> None:
    done = sit(read_only=True, status="executing").does(Verb.STOP)
    assert (done.outcome, type(done.error), done.is_sent) == (Outcome.NOT_SENT, ReadOnly, False)
    assert done.words == "read-only: stop was not sent. Leave read-only mode to act"


def test_what_has_ended_is_not_stopped(sit: Sit) -> None:
    desk = sit(status="completed")
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.ALREADY, "it had ended already: completed, nothing was sent")
    assert (desk.story.sent, done.is_sent) == ([], False)


def test_a_stop_does_not_wait_for_a_platform_that_is_slow_to_tell_of_the_task(sit: Sit) -> None:
    desk = sit(status="executing")
    desk.story.act = desk.story.becomes(status="stopped")
    desk.story.pause = 5.0
    begun = desk.loop.now
    sent_at: list[float] = []
    desk.on_step = lambda action: sent_at.append(desk.loop.now) if action.phase is Phase.SENDING else None
    assert desk.does(Verb.STOP).outcome is Outcome.CONFIRMED
    assert [at - begun for at in sent_at] == [2.0]


# What the platform refuses


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "kind"),
    [
        ((404, {"detail": "no task"}), Outcome.REFUSED, "refused: no task (404)", NotFound),
        ((409, {"detail": "Dana was first"}), Outcome.REFUSED, "refused: Dana was first (409)", Conflict),
        ((403, {"detail": "no"}), Outcome.REFUSED, "refused: no (403)", Forbidden),
        ((0, "refused"), Outcome.NOT_SENT, "not sent: 127.0.0.1 cannot be reached: nobody there", Unreachable),
    ],
)
def test_what_the_platform_does_not_take_is_told_in_its_words(
    sit: Sit, answer: tuple[int, Any], outcome: Outcome, words: str, kind: type[ApiError]
) -> None:
    desk = sit()
    desk.story.act = lambda: answer
    done = desk.does(Verb.APPROVE, digest=desk.digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, kind)
    assert done.is_sent is (answer[0] != 0)
    assert len(desk.story.sent) == 1


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing"}, Outcome.UNKNOWN, "refused (403), yet the task no longer waits: it is executing"),
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Kofi"}}, Outcome.ALREADY,
         "already approved by Kofi, yours was refused (403)"),
        ({"status": "executing", "hitl_request": {**ASKED, "rejected_by": "Kofi"}}, Outcome.ALREADY,
         "decided the other way by Kofi, yours was refused (403)"),
        ({"hitl_request": {**ASKED, "votes": 1}}, Outcome.UNKNOWN,
         "refused (403), but its request has changed: open it"),
        ({"hitl_request": {**ASKED, "content": "other"}}, Outcome.REFUSED,
         "refused: no (403); the task now asks for something else: open it"),
    ],
)  # fmt: skip
def test_after_a_refusal_the_record_is_read_once_and_believed(
    sit: Sit, changes: Json, outcome: Outcome, words: str
) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.act = desk.story.becomes(403, {"detail": "no"}, **changes)
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words, done.is_sent) == (outcome, words, True)
    assert len(desk.story.read_at) == 3


@pytest.mark.parametrize(
    ("read", "outcome", "words"),
    [
        ((404, {}), Outcome.REFUSED, "refused: no (403); the platform knows no such task"),
        ((401, {}), Outcome.REFUSED, "refused: no (403)"),
        ((200, {}), Outcome.UNKNOWN,
         "refused (403), and the task could not be read since: the platform's answer is no task"),
    ],
)  # fmt: skip
def test_after_a_refusal_a_record_that_cannot_be_read_is_told(
    sit: Sit, read: tuple[int, Any], outcome: Outcome, words: str
) -> None:
    desk = sit()
    digest = desk.digest

    def act() -> tuple[int, Any]:
        desk.story.read = lambda: read
        return 403, {"detail": "no"}

    desk.story.act = act
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words) == (outcome, words)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (Verb.STOP, "refused (403), yet the task is stopped"),
        (Verb.UPDATE, "refused (403), yet the record shows the change"),
        (Verb.CONTINUE, "refused (403), yet the thread has the message"),
    ],
)
def test_what_was_done_although_it_was_refused_is_told(sit: Sit, verb: Verb, words: str) -> None:
    desk = sit(status="executing")
    desk.story.act = desk.story.becomes(403, {"detail": "no"}, **DONE[verb])
    done = desk.does(verb, **wanted(desk, verb))
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, words)
    desk = sit(status="executing")
    desk.story.act = lambda: (403, {"detail": "no"})
    done = desk.does(verb, **wanted(desk, verb))
    assert (done.outcome, done.words) == (Outcome.REFUSED, "refused: no (403)")


def test_a_new_task_that_was_refused_is_looked_for_once(sit: Sit) -> None:
    for is_made in (False, True):
        desk = sit()
        desk.story.act = makes(desk, [row(desk, "x", 0)] if is_made else [], 429, {"detail": "no credits"})
        done = desk.does(Verb.CREATE, **wanted(desk, Verb.CREATE))
        if is_made:
            assert (done.outcome, done.words) == (Outcome.UNKNOWN, "refused (429), yet the platform has it: task x")
        else:
            assert (done.outcome, done.words) == (Outcome.REFUSED, "refused: no credits (429)")


# What became of it

STILL = (Outcome.UNKNOWN, "sent, the task still waits")
CHANGED = (Outcome.UNKNOWN, "sent, the task still waits, and its request has changed: open it")
OTHER = (Outcome.UNKNOWN, "sent; the task now asks for something else than you saw: open it")


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing", "hitl_request": {**ASKED, "rejected_by": "Kofi"}}, Outcome.ALREADY,
         "sent, but decided the other way by Kofi"),
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Kofi"}}, Outcome.CONFIRMED,
         "approved, on record as Kofi"),
        ({"hitl_request": {**ASKED, "approved_by": "Kofi"}}, Outcome.CONFIRMED, "approved, on record as Kofi"),
        ({"hitl_request": {**ASKED, "approved_by": {"id": "k", "name": "Kofi"}}}, Outcome.CONFIRMED,
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
        ({"hitl_request": {**ASKED, "votes": 1}}, *CHANGED),
        *(({"hitl_request": {**ASKED, "approved_by": nobody}}, *CHANGED)
          for nobody in (False, 0, [], {}, "", " ", None, {"name": ""}, [False, ""])),
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Dana", "rejected_by": "Kofi"}}, *OTHER),
        *(({"hitl_request": {**ASKED, name: "another"}}, *OTHER) for name in ASKED),
        *(({"hitl_request": {**ASKED, name: None}}, *CHANGED) for name in ASKED),
    ],
)  # fmt: skip
def test_a_decision_is_done_only_when_the_task_says_so(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(200, {}, **changes)
    assert desk.decides() == (outcome, words)
    assert desk.steps[-1].task
    assert desk.steps[-1].task.raw == desk.story.task


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Kofi"}}, Outcome.ALREADY,
         "sent, but decided the other way by Kofi"),
        ({"status": "stopped"}, Outcome.CONFIRMED, "rejected by you: the task is stopped"),
        ({"status": "failed"}, Outcome.CONFIRMED, "rejected by you"),
        ({}, *STILL),
    ],
)  # fmt: skip
def test_a_rejection_is_done_when_the_task_no_longer_waits(
    sit: Sit, changes: Json, outcome: Outcome, words: str
) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(200, {}, **changes)
    assert desk.decides(Verb.REJECT) == (outcome, words)


NO_RECORDS: list[Any] = [
    {}, {"detail": "quota exceeded"}, None, [], "ok", 7, [RECORD], {**RECORD, "id": "other"}, {**RECORD, "id": None},
    {**RECORD, "id": ""}, {**RECORD, "id": ["t"]}, {**RECORD, "status": None}, {**RECORD, "status": ""},
    {**RECORD, "status": 5}, {"task": {**RECORD, "status": "executing"}}, {"id": "t"},
    {**RECORD, "id": "other", "status": "executing", "hitl_request": {**ASKED, "approved_by": "Dana"}},
]  # fmt: skip
"""Answers to the question for task t that are no record of it."""


@pytest.mark.parametrize("told", NO_RECORDS)
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.STOP, Verb.UPDATE, Verb.CREATE, Verb.CONTINUE])
def test_what_is_no_record_of_the_task_confirms_nothing(sit: Sit, verb: Verb, told: Any) -> None:
    desk = sit(**task_for(verb))
    more = wanted(desk, verb)

    def act() -> tuple[int, Any]:
        desk.story.read = lambda: (200, told)
        return 200, RECORD

    desk.story.act = act
    done = desk.does(verb, **more)
    assert (done.outcome, done.is_sent) == (Outcome.UNKNOWN, True)
    assert "could not be read" in done.words


@pytest.mark.parametrize("told", NO_RECORDS)
def test_what_is_no_record_of_the_task_is_not_decided_about(sit: Sit, told: Any) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.read = lambda: (200, told)
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, desk.story.sent) == (Outcome.NOT_SENT, [])
    with pytest.raises(UnexpectedAnswer):
        _ = desk.digest


NO_LOGS: list[Any] = [
    {}, {"detail": "no"}, None, [], "ok", [{"id": "e"}], {"messages": []}, {"id": "other", "messages": []},
    {"id": "t"}, {"id": "t", "messages": {}}, {"id": ["t"], "messages": []},
]  # fmt: skip
"""Answers to the question for the log of task t that are no log of it."""


@pytest.mark.parametrize("told", NO_LOGS)
def test_what_is_no_log_of_the_task_is_not_decided_about(sit: Sit, told: Any) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.no_log = told
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, desk.story.sent) == (Outcome.NOT_SENT, [])


@pytest.mark.parametrize("told", NO_RECORDS)
@pytest.mark.parametrize("verb", [Verb.STOP, Verb.UPDATE, Verb.CREATE, Verb.CONTINUE])
@pytest.mark.parametrize("is_done", [False, True])
def test_an_answer_that_is_no_task_proves_nothing_and_the_record_does(
    sit: Sit, verb: Verb, told: Any, is_done: bool
) -> None:
    desk = sit(status="executing")
    desk.story.act = desk.story.becomes(200, told, **(DONE.get(verb, {}) if is_done else {}))
    if verb is Verb.CREATE:
        made = [row(desk, "new", 0)] if is_done else []
        if isinstance(told, dict) and told.get("id") == "other":
            made.append(row(desk, "other", 0, "something else"))
            is_done = False  # the task that the platform names is none that was asked for
        desk.story.act = makes(desk, made, 200, told)
    done = desk.does(verb, **wanted(desk, verb))
    assert done.outcome in ({Outcome.CONFIRMED} if is_done else {Outcome.UNKNOWN, Outcome.STILL_RUNNING}), done.words


def test_a_task_that_is_gone_after_it_was_sent_is_gone(sit: Sit) -> None:
    desk = sit()

    def vanish() -> tuple[int, Any]:
        desk.story.read = lambda: (404, {})
        return 200, {}

    desk.story.act = vanish
    assert desk.decides() == (Outcome.GONE, "sent, and then the platform no longer knew the task")
    desk = sit(status="executing")
    desk.story.act = lambda: (vanish(), (200, desk.story.task))[1]
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.GONE, "sent, and then the platform no longer knew the task")


def test_a_task_is_read_less_and_less_often_and_not_for_ever(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    done = desk.does(Verb.APPROVE, digest=digest)
    assert done.outcome is Outcome.UNKNOWN
    first, *others = desk.story.read_at[2:]  # the first two are of before it was sent
    steps = [0.5, 0.75, 1.125, 1.6875, 2.53125, 3.796875, 5.0, 5.0, 5.0, 5.0]
    assert [moment - first for moment in others] == pytest.approx([sum(steps[: n + 1]) for n in range(len(steps))])


def test_while_the_task_cannot_be_read_it_is_tried_on(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    answers = iter([(200, desk.story.task)] * 2 + [(403, {})] * 3)
    desk.story.read = lambda: next(answers, (200, desk.story.task))
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED
    assert len(desk.story.read_at) == 6
    desk = sit()
    digest = desk.digest
    answers = iter([(200, desk.story.task)] * 2)
    desk.story.read = lambda: next(answers, (403, {}))
    done = desk.does(Verb.APPROVE, digest=digest)
    assert done.outcome is Outcome.UNKNOWN
    assert done.words == "sent, and the task could not be read since: the API key may not do this (403)"
    assert desk.loop.now - desk.story.read_at[2] < 36


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, "stopped"),
        ({"status": "failed"}, Outcome.ALREADY, "it had ended by itself: failed"),
        ({}, Outcome.STILL_RUNNING, "sent, still executing after 30 s"),
    ],
)
def test_a_stop_is_done_only_when_the_task_says_so(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit(status="executing")
    desk.story.act = desk.story.becomes(**changes)
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert desk.loop.now < (1000.1 if changes else 1036)


def test_the_answer_to_a_stop_is_no_proof_that_it_stopped(sit: Sit) -> None:
    desk = sit(status="executing")
    desk.story.act = lambda: (200, {**desk.story.task, "status": "stopped"})
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.STILL_RUNNING, "sent, still executing after 30 s")


# Where no clear answer came


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({}, Outcome.UNKNOWN, f"sent, the task still waits{LOST}"),
        ({"status": "executing"}, Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}"),
        ({"status": "stopped"}, Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}"),
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Dana"}}, Outcome.CONFIRMED,
         f"approved, on record as Dana{LOST}"),
        ({"hitl_request": {**ASKED, "content": "other"}}, Outcome.UNKNOWN,
         f"sent; the task now asks for something else than you saw: open it{LOST}"),
    ],
)  # fmt: skip
def test_of_a_lost_decision_only_what_the_task_shows_is_told(
    sit: Sit, changes: Json, outcome: Outcome, words: str
) -> None:
    desk = sit()
    desk.story.act = lost(desk, **changes)
    done = desk.does(Verb.APPROVE, digest=desk.digest)
    assert (done.outcome, done.words, type(done.error)) == (outcome, words, ConnectionLost)
    assert done.task
    assert done.task.raw == desk.story.task
    assert (len(desk.story.sent), desk.phases[-3:]) == (1, [Phase.SENDING, Phase.SETTLING, Phase.DONE])


def test_of_a_lost_answer_what_was_decided_before_says_nothing(sit: Sit) -> None:
    desk = sit(**{**QUESTION, "hitl_request": {**ASKED, "approved_by": "Dana"}})
    desk.story.log = [{"id": "d", "questions": ["sure?"]}]
    desk.story.act = lost(desk, status="executing")
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.UNKNOWN, f"sent, the task no longer waits and does not say who decided{LOST}")


def test_what_another_decides_after_an_answer_is_not_about_the_answer(sit: Sit) -> None:
    desk = sit(**QUESTION)
    desk.story.log = [{"id": "d", "questions": ["sure?"]}]
    desk.story.act = desk.story.becomes(200, {}, status="executing", hitl_request={**ASKED, "approved_by": "Kofi"})
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.CONFIRMED, "answered by you")


def test_of_a_lost_decision_on_a_task_that_is_gone_nothing_is_known(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    answers = iter([(200, desk.story.task)] * 2)
    desk.story.read = lambda: next(answers, (404, {}))
    desk.story.act = lost(desk)
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and then the platform no longer knew the task{LOST}")


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, f"stopped{LOST}"),
        ({"status": "completed"}, Outcome.ALREADY, "it had ended by itself: completed"),
        ({}, Outcome.UNKNOWN, f"sent, and the task does not say that it stopped: it is executing{LOST}"),
    ],
)
def test_of_a_lost_stop_the_task_tells(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit(status="executing")
    desk.story.act = lost(desk, **changes)
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert len(desk.story.sent) == 1


@pytest.mark.parametrize("is_done", [False, True])
def test_of_a_lost_update_the_record_tells(sit: Sit, is_done: bool) -> None:
    desk = sit()
    desk.story.act = lost(desk, **({"result": "x"} if is_done else {}))
    done = desk.does(Verb.UPDATE, body={"result": "x"})
    if is_done:
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, f"the record shows the change{LOST}")
    else:
        assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and the record does not show the change{LOST}")


def row(desk: Desk, name: str, seconds: float | None, text: str | None = "hello", **more: Any) -> Json:
    """A task of a list, made so many seconds after now."""
    created = None if seconds is None else (desk.client.now + timedelta(seconds=seconds)).isoformat()
    return {**RECORD, "id": name, "created_at": created, "input": text and {"text": text}, **more}


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
def test_a_lost_new_task_is_found_among_the_newest(sit: Sit, made: list[tuple[Any, ...]], found: str | None) -> None:
    desk = sit()
    desk.story.act = makes(desk, [row(desk, *one) for one in made])
    begun = desk.loop.now
    done = desk.does(Verb.CREATE, **wanted(desk, Verb.CREATE))
    if found:
        words = f"the task was created{LOST}"
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, words)
    else:
        look = "Look before sending it again: xp-tui tasks 'agent:a age:<1h'"
        assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"sent, and no such task was found{LOST}. {look}")
        assert 30 <= desk.loop.now - begun < 40
    assert (done.task.id if done.task else None) == found
    assert len(desk.story.sent) == 1


CAROL = {"text": "hello", "user": {"id": "carol"}}


@pytest.mark.parametrize(
    "more",
    [
        {"agent_id": "b"}, {"source": "slack"}, {"input": {"text": "hello", "files": ["https://x/1"]}}, {"input": CAROL},
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_named", [False, True])
def test_a_task_that_somebody_else_made_is_not_taken_for_ours(sit: Sit, more: Json, is_named: bool) -> None:
    desk = sit()
    made = row(desk, "x", 0, **more)
    desk.story.act = makes(desk, [made], 200, made if is_named else {})
    wanted_input = {"text": "hello", "user": {"id": "dana"}}
    done = desk.does(Verb.CREATE, target="a", body={"agent": "a", "source": "xp-tui", "input": wanted_input})
    assert done.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("answer", [(200, "old"), (500, None)])
def test_a_task_that_was_there_before_is_not_taken_for_a_new_one(sit: Sit, answer: tuple[int, str | None]) -> None:
    """The platform names one of years ago, or fails, and one with the same words was made a moment before."""
    desk = sit()
    twin, old = row(desk, "twin", -1), row(desk, "old", -200_000_000)
    desk.story.others = [twin]
    desk.story.act = makes(desk, [old], answer[0], old if answer[1] else {"detail": "no"})
    done = desk.does(Verb.CREATE, **wanted(desk, Verb.CREATE))
    assert done.outcome is Outcome.UNKNOWN


def test_a_new_task_that_appears_later_is_found(sit: Sit) -> None:
    desk = sit()
    desk.story.act = lost(desk)
    desk.loop.call_later(12.0, lambda: desk.story.others.append(row(desk, "x", 0)))
    done = desk.does(Verb.CREATE, **wanted(desk, Verb.CREATE))
    assert (done.outcome, done.task and done.task.id) == (Outcome.CONFIRMED, "x")


def said(name: str, text: str, role: str = "user") -> Json:
    """A message of the log."""
    return {"id": name, "role": role, "content": {"text": text}, "created_at": 5}


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
    sit: Sit, before: list[Json], after: list[Json], found: bool, answer: tuple[int, Any] | None
) -> None:
    desk = sit(status="completed", **HELLO)
    desk.story.log = before

    def act() -> tuple[int, Any]:
        desk.story.log = after
        return answer or (200, desk.story.task)

    desk.story.act = act
    done = desk.does(Verb.CONTINUE, **wanted(desk, Verb.CONTINUE))
    assert done.outcome is (Outcome.CONFIRMED if found else Outcome.UNKNOWN)
    assert done.words.startswith("the message is in the thread" if found else "sent, ")


def test_where_the_log_cannot_be_read_the_latest_message_of_the_record_tells(sit: Sit) -> None:
    for text, outcome in (("pay", Outcome.CONFIRMED), ("hello", Outcome.UNKNOWN)):
        desk = sit(status="completed", input={"text": text})
        desk.story.no_log = {}
        desk.story.act = desk.story.becomes(**HELLO)
        assert desk.does(Verb.CONTINUE, **wanted(desk, Verb.CONTINUE)).outcome is outcome


@pytest.mark.parametrize("record", [{"conversation_id": "another"}, {"agent_id": "b"}])
def test_a_message_goes_to_no_thread_that_the_task_itself_does_not_name(sit: Sit, record: Json) -> None:
    """Rows of a list decide nothing: what the composer showed is compared with the task's own record."""
    desk = sit(status="completed", **record)
    done = desk.does(Verb.CONTINUE, **wanted(desk, Verb.CONTINUE))
    assert (done.outcome, done.is_sent, desk.story.sent) == (Outcome.CHANGED, False, [])


# What was sent before, and of which nothing is known

RESENDABLE = [Verb.APPROVE, Verb.REJECT, Verb.STOP, Verb.CONTINUE, Verb.CREATE]


def unknown_before(desk: Desk, verb: Verb, **more: Any) -> None:
    """Do something of which no answer comes, and of which the record tells nothing."""
    desk.story.act = lost(desk)
    assert desk.does(verb, **more).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("verb", RESENDABLE)
def test_what_may_have_been_done_is_not_sent_again_unless_that_is_meant(sit: Sit, verb: Verb) -> None:
    desk = sit(**task_for(verb))
    more = wanted(desk, verb)
    unknown_before(desk, verb, **more)
    another_process = ActionRunner(desk.client, desk.journal, desk.tell, clock=VirtualClock(desk.loop))
    for doer in (desk.doer, another_process):
        desk.doer = doer
        again = desk.does(verb, hold=5.0, **more)
        assert (again.outcome, again.is_sent, len(desk.story.sent)) == (Outcome.ALREADY_SENT, False, 1)
        name = "run" if verb is Verb.CREATE else str(verb)
        assert again.words.startswith(f"{name} was sent before at ")
        assert again.words.endswith(" --anyway sends it again")
    if "digest" in more:
        other = Verb.REJECT if verb is Verb.APPROVE else Verb.APPROVE
        assert desk.does(other, **more).outcome is Outcome.ALREADY_SENT
    desk.does(verb, anyway=True, **more)
    assert len(desk.story.sent) == 2


def test_what_became_known_no_longer_holds_anything_back(sit: Sit) -> None:
    desk = sit(status="executing")
    unknown_before(desk, Verb.STOP)
    desk.story.act = desk.story.becomes(status="stopped")
    assert desk.does(Verb.STOP, anyway=True).outcome is Outcome.CONFIRMED
    desk.story.task = {**desk.story.task, "status": "executing"}
    assert desk.does(Verb.STOP).outcome is Outcome.CONFIRMED
    assert len(desk.story.sent) == 3


def test_a_refusal_of_what_was_sent_anyway_leaves_the_first_one_unknown(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    unknown_before(desk, Verb.APPROVE, digest=digest)
    desk.story.act = lambda: (429, {"detail": "no"})
    assert desk.does(Verb.APPROVE, digest=digest, anyway=True).outcome is Outcome.REFUSED
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


@pytest.mark.parametrize("change", [{"paused_at": 2}, {"title": "new"}, {"hitl_request": {**ASKED, "reminded": 1}}])
def test_a_request_that_may_be_the_same_is_held_back_though_it_looks_otherwise(sit: Sit, change: Json) -> None:
    """The log has grown, or what names the pause has changed: another digest, and perhaps the same request."""
    desk = sit()
    unknown_before(desk, Verb.APPROVE, digest=desk.digest)
    desk.story.task = {**desk.story.task, **change}
    desk.story.log = [{"id": "e", "type": "think", "thought": "approval received"}]
    assert desk.decides()[0] is Outcome.ALREADY_SENT
    assert len(desk.story.sent) == 1


def test_what_was_gone_for_a_moment_after_it_was_sent_is_held_back(sit: Sit) -> None:
    desk = sit()
    digest, truth = desk.digest, desk.story.read

    def vanish() -> tuple[int, Any]:
        desk.story.read = lambda: (404, {})
        return 200, {}

    desk.story.act = vanish
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.GONE
    desk.story.read = truth
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


def test_what_is_confirmed_and_shown_again_to_the_letter_is_an_old_state(sit: Sit) -> None:
    desk = sit()
    digest, before = desk.digest, desk.story.task
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED
    desk.story.task = before
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT
    desk.story.task = {**before, "paused_at": 2}
    assert desk.decides()[0] is Outcome.CONFIRMED, "it asks anew"


def test_a_stop_of_what_was_started_since_is_sent(sit: Sit) -> None:
    desk = sit(status="executing")
    unknown_before(desk, Verb.STOP)
    desk.loop.now += 100
    desk.story.act = desk.story.becomes(status="stopped")
    desk.story.task = {**desk.story.task, "started_at": desk.client.now.isoformat()}
    assert desk.does(Verb.STOP).outcome is Outcome.CONFIRMED


def test_the_same_words_in_one_thread_are_held_back_whichever_turn_they_follow(sit: Sit) -> None:
    desk = sit(status="completed", conversation_id="head")
    desk.story.others = [{**desk.story.task, "id": "u"}, {**desk.story.task, "id": "head", "conversation_id": None}]
    body = {**BODIES[Verb.CONTINUE], "id": "head"}
    unknown_before(desk, Verb.CONTINUE, body=body)
    assert desk.does(Verb.CONTINUE, target="u", body=body).outcome is Outcome.ALREADY_SENT


def test_another_request_of_the_task_is_not_held_back(sit: Sit) -> None:
    desk = sit()
    unknown_before(desk, Verb.APPROVE, digest=desk.digest)
    desk.story.task = {**desk.story.task, "hitl_request": {**ASKED, "content": {"amount": 8}}}
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.decides()[0] is Outcome.CONFIRMED


def test_a_new_task_is_held_back_for_ten_minutes(sit: Sit) -> None:
    desk = sit()
    more = wanted(desk, Verb.CREATE)
    unknown_before(desk, Verb.CREATE, **more)
    desk.loop.now += 500
    assert desk.does(Verb.CREATE, **more).outcome is Outcome.ALREADY_SENT
    other = {**more, "body": {"agent": "a", "input": {"text": "other"}}}
    assert desk.does(Verb.CREATE, **other).outcome is Outcome.UNKNOWN
    desk.loop.now += 100
    assert desk.does(Verb.CREATE, **more).outcome is Outcome.UNKNOWN
    assert len(desk.story.sent) == 3


def test_what_turns_up_later_is_told_and_not_sent_again(sit: Sit) -> None:
    desk = sit()
    more = wanted(desk, Verb.CREATE)
    unknown_before(desk, Verb.CREATE, **more)
    desk.story.others = [row(desk, "x", -20)]
    again = desk.does(Verb.CREATE, **more)
    assert (again.outcome, len(desk.story.sent)) == (Outcome.ALREADY_SENT, 1)
    assert again.words == "it was sent before, and the platform has it: task x. Nothing was sent now"
    desk.story.others = []
    desk.does(Verb.CREATE, **more)
    assert len(desk.story.sent) == 2, "what is known holds nothing back: it is a new one now"


def test_what_was_being_sent_when_another_xp_tui_ended_is_not_sent_again(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    about = {"verb": "approve", "target": "t", "digest": digest, "request": Action(Verb.APPROVE, "t", digest).request}
    desk.journal.write("sent", deed="x", platform=desk.client.surfaces.platform_ids, **about)
    again = desk.does(Verb.APPROVE, digest=digest)
    assert (again.outcome, desk.story.sent) == (Outcome.ALREADY_SENT, [])
    assert "it has not ended yet, or xp-tui ended meanwhile" in again.words


def test_of_another_platform_nothing_is_held_back(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    about = {"verb": "approve", "target": "t", "digest": digest, "request": Action(Verb.APPROVE, "t", digest).request}
    desk.journal.write("sent", deed="x", platform=["https://elsewhere.example"], **about)
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED


def test_of_two_that_are_sent_at_the_same_moment_one_leaves(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    other = ActionRunner(desk.client, desk.journal, desk.tell, clock=VirtualClock(desk.loop))
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    desk.story.pause = 0.1

    async def both() -> list[Action]:
        wishes = [Action(Verb.APPROVE, "t", digest) for _ in range(2)]
        return list(await asyncio.gather(desk.doer.run_action(wishes[0]), other.run_action(wishes[1])))

    ended = desk.loop.run_until_complete(both())
    assert sorted(action.outcome or "" for action in ended) == [Outcome.ALREADY_SENT, Outcome.CONFIRMED]
    assert len(desk.story.sent) == 1


# What is old, or no text


def test_who_stands_still_between_reading_and_sending_sends_nothing(sit: Sit, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sit()
    digest = desk.digest
    moments = iter([100.0, 104.0])
    monkeypatch.setattr(actions, "boottime_seconds", lambda: next(moments))
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent, desk.story.sent) == (Outcome.TAKEN_BACK, False, [])
    monkeypatch.undo()
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED, "it was not sent: nothing holds it back"


def test_while_another_process_writes_that_it_sends_it_is_waited_for_and_not_for_ever(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    desk.journal.is_locked = True
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, desk.story.sent) == (Outcome.NOT_SENT, [])
    assert "another xp-tui has held the journal for too long" in done.words
    desk.loop.call_later(2.0, lambda: setattr(desk.journal, "is_locked", False))
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("more", [{"comment": "caf\udce9"}, {"body": {"input": {"text": "\ud800"}}}])
def test_what_is_no_text_is_neither_journaled_as_sent_nor_sent(sit: Sit, more: Json) -> None:
    desk = sit()
    done = desk.does(Verb.APPROVE, digest=desk.digest, **more)
    assert (done.outcome, desk.story.sent) == (Outcome.NOT_SENT, [])
    assert [line["kind"] for line in desk.lines] == ["done"]


def test_a_comment_on_a_card_is_refused_and_not_dropped(sit: Sit) -> None:
    desk = sit(hitl_request=None, conversation_id="head")
    desk.story.log = [{"id": "card", "request_id": "card", "type": "confirm", "title": "Sure?"}]
    assert desk.decides(comment="only if") == (Outcome.NOT_SENT, "not sent: a card takes no comment, leave it out")


def test_what_stands_around_a_request_is_part_of_what_was_shown(sit: Sit) -> None:
    for change in (
        {"agent_id": "b"},
        {"conversation_id": "x"},
        {"title": "x"},
        {"input": {"text": "x"}},
        {"paused_at": 2},
    ):
        desk = sit()
        digest = desk.digest
        desk.story.task = {**desk.story.task, **change}
        assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.CHANGED
        assert len(digest) == 32


@pytest.mark.parametrize("told", [None, [], "no", 5, {"detail": "no"}, {"success": False}, {**RECORD, "id": "other"}])
def test_a_decision_is_not_called_done_by_an_answer_that_says_nothing_of_it(sit: Sit, told: Any) -> None:
    """The task goes on, for whatever reason, and its record names nobody."""
    desk = sit()
    desk.story.act = desk.story.becomes(200, told, status="completed", hitl_request=None)
    outcome, words = desk.decides()
    assert (outcome, "no clear answer came" in words) == (Outcome.UNKNOWN, True)


def test_an_objection_to_what_was_read_last_sends_nothing(sit: Sit) -> None:
    desk = sit()
    seen: list[Any] = []

    def objection(snapshot: ReviewSnapshot) -> str:
        seen.append(snapshot.held)
        return "not whole"

    desk.doer = ActionRunner(desk.client, desk.journal, desk.tell, clock=VirtualClock(desk.loop), objection=objection)
    assert desk.decides() == (Outcome.HELD_BACK, "not whole")
    assert (desk.story.sent, seen) == ([], [ASKED])


def test_a_stop_goes_on_beside_a_decision_that_settles(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest

    async def both() -> list[Action]:
        job = asyncio.ensure_future(desk.doer.run_action(Action(Verb.APPROVE, "t", digest)))
        while not desk.steps or desk.steps[-1].phase is not Phase.SETTLING:
            await asyncio.sleep(0.01)
        desk.story.act = desk.story.becomes(status="stopped")
        return [await desk.doer.run_action(Action(Verb.STOP, "t")), await job]

    stop, decision = desk.loop.run_until_complete(both())
    assert stop.outcome is Outcome.CONFIRMED
    assert decision.outcome is Outcome.GONE


# What cannot be written down


@pytest.mark.parametrize("kind", ["held", "sent"])
def test_what_cannot_be_written_down_is_not_sent(sit: Sit, kind: str) -> None:
    desk = sit()
    digest = desk.digest
    desk.journal.fail_on = {kind}
    done = desk.does(Verb.APPROVE, digest=digest, hold=5.0)
    assert (done.outcome, done.is_sent, desk.story.sent) == (Outcome.NOT_SENT, False, [])
    assert done.words == "not sent: the journal cannot be written: [Errno 28] No space left on device"
    assert desk.phases[-1] is Phase.DONE


def test_an_outcome_that_cannot_be_written_down_is_told_all_the_same(sit: Sit) -> None:
    desk = sit()
    digest = desk.digest
    desk.journal.fail_on = {"done"}
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent) == (Outcome.CONFIRMED, True)
    assert done.words == "approved by you (the journal could not be written: [Errno 28] No space left on device)"


@pytest.mark.parametrize("phase", [Phase.SENDING, Phase.SETTLING])
def test_what_is_interrupted_after_the_sending_is_told_as_sent(sit: Sit, phase: Phase) -> None:
    desk = sit()
    digest = desk.digest
    desk.story.pause = 0.2

    async def interrupted() -> None:
        job = asyncio.ensure_future(desk.doer.run_action(Action(Verb.APPROVE, "t", digest)))
        while not desk.steps or desk.steps[-1].phase is not phase:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job

    desk.loop.run_until_complete(interrupted())
    done = desk.steps[-1]
    assert (done.phase, done.outcome, done.is_sent) == (Phase.DONE, Outcome.UNKNOWN, True)
    assert done.words.startswith("interrupted after it was sent: whether it was done, only the task tells")
    assert desk.lines[-1]["outcome"] == "unknown"
    assert desk.does(Verb.APPROVE, digest=digest).outcome is Outcome.ALREADY_SENT


def test_an_error_that_nobody_foresaw_after_the_sending_is_told_as_unknown(
    sit: Sit, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit()
    digest = desk.digest

    async def broken(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.client, "approve", broken)
    done = desk.does(Verb.APPROVE, digest=digest)
    assert (done.outcome, done.is_sent) == (Outcome.UNKNOWN, True)
    assert done.words == "sent, the task still waits (no clear answer came: xp-tui failed: ZeroDivisionError)"


# Every status an action can be answered with

REFUSALS = {400, 401, 403, 404, 409, 422, 429}


@pytest.mark.parametrize("rest", [True, False])
@pytest.mark.parametrize("is_done", [False, True])
@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.REJECT, Verb.STOP, Verb.CONTINUE, Verb.UPDATE])
def test_every_status_is_settled_by_what_the_record_shows(sit: Sit, verb: Verb, is_done: bool, rest: bool) -> None:
    """Whatever the status says, what was done is never told as not sent, and what was not done never as done."""
    by = "approved_by" if verb is Verb.APPROVE else "rejected_by"
    decided = {"status": "executing", "hitl_request": {**ASKED, by: "Dana"}}
    changes = DONE.get(verb, decided) if is_done else {}
    desk = sit(rest=rest, **task_for(verb))
    begin = desk.story.task
    for status in range(200, 600):
        desk.story.task, desk.journal.entries, desk.journal.times = begin, [], []
        desk.story.sent.clear()
        body = begin if status < 300 else {"detail": "no"}
        desk.story.act = desk.story.becomes(status, body, **changes)
        done = desk.does(verb, **wanted(desk, verb))
        assert (done.is_sent, len(desk.story.sent)) == (True, 1), status
        if is_done:
            expected = {Outcome.UNKNOWN, Outcome.ALREADY} if status in REFUSALS else {Outcome.CONFIRMED}
        else:
            expected = {Outcome.REFUSED} if status in REFUSALS else {Outcome.UNKNOWN, Outcome.STILL_RUNNING}
        assert done.outcome in expected, (status, done.outcome, done.words)
