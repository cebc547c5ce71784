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

from tests.trust.truth import OnThisWay
from tests.trust.virtual import VirtualClock, VirtualLoop
from tui.api.client import Client
from tui.api.errors import ApiError, Conflict, Forbidden, Lost, NotFound, NotOffered, ReadOnly, Unreachable
from tui.api.pace import Backoff, SystemClock
from tui.api.routes import Surfaces
from tui.api.secret import Secret
from tui.decision import shown
from tui.deeds import Deed, Deeds, Outcome, Phase, Verb

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
            status, told = 200, {"messages": self.log}
        elif path.startswith("/v1/tasks?"):
            status, told = 200, {"items": self.others, "total_pages": 9}
        elif path == "/v1/tasks/t":
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
    steps: list[Deed] = field(default_factory=list)
    lines: list[Json] = field(default_factory=list)
    on_step: Callable[[Deed], None] = lambda deed: None

    def __post_init__(self) -> None:
        self.doer = Deeds(self.client, self, self.tell, clock=VirtualClock(self.loop))

    def tell(self, deed: Deed) -> None:
        self.steps.append(deed)
        self.on_step(deed)

    def write(self, kind: str, **told: Any) -> None:
        self.lines.append({"kind": kind, **told})

    @property
    def digest(self) -> str:
        """What the operator sees now."""
        return self.loop.run_until_complete(shown(self.client, "t")).digest

    def does(self, verb: Verb, **more: Any) -> Deed:
        """Carry a deed out to its end."""
        self.story.read_at.clear()
        return self.loop.run_until_complete(self.doer.carry_out(Deed(verb, more.pop("target", "t"), **more)))

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
        backoff = Backoff(dice=random.Random(1))
        transport = OnThisWay(Secret("k"), frozenset, clock=VirtualClock(loop), backoff=backoff, way=story)
        root = "http://127.0.0.1"
        client = Client(Surfaces(root, root if rest else None, "o"), transport, read_only=read_only)

        def leave() -> None:
            loop.run_until_complete(client.transport.close())
            loop.close()

        request.addfinalizer(leave)
        return Desk(story, loop, client)

    return sit_down


def lost(desk: Desk, **changes: Any) -> Callable[[], tuple[int, Any]]:
    """An action that takes effect, and whose answer is lost."""
    return desk.story.becomes(0, "lost", **changes)


LOST = "the answer was lost (the connection to 127.0.0.1 broke: reset)"


# What is held


def test_a_deed_is_what_was_asked_for_and_nothing_more() -> None:
    one, other = Deed(Verb.STOP, "t"), Deed(Verb.STOP, "t")
    assert (len(one.id), one.id != other.id, one.hold, one.phase, one.body) == (12, True, 0.0, Phase.HELD, {})
    assert (one.digest, one.comment, one.outcome, one.words, one.task, one.error) == (None, None, None, "", None, None)


def test_the_words_that_others_read_stay_as_they_are() -> None:
    """The journal, the output of the verbs and the screens tell them."""
    assert [*map(str, Verb)] == ["approve", "reject", "stop", "continue", "create", "answer", "update"]
    phases = ["held", "reading again", "sending", "waiting for the task to show it", "done"]
    assert [*map(str, Phase)] == phases
    outcomes = "confirmed, taken back, already decided, changed, gone, refused, not sent, unknown, still running"
    assert ", ".join(Outcome) == outcomes


@pytest.mark.parametrize("hold", [0.5, 5.0])
def test_what_is_held_is_sent_when_its_time_is_over(sit: Sit, hold: float) -> None:
    desk = sit()
    took: list[bool] = []
    desk.on_step = lambda deed: took.append(deed.phase is not Phase.CHECKING and desk.doer.take_back("d"))
    desk.story.act = desk.story.becomes(status="executing", hitl_request={**ASKED, "approved_by": "Dana"})
    digest, begun = desk.digest, desk.loop.now
    done = desk.does(Verb.APPROVE, digest=digest, comment="fine", hold=hold, id="d")
    assert (done.outcome, done.words) == (Outcome.CONFIRMED, "approved by you, on record as Dana")
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
    desk.on_step = lambda deed: took.append(desk.doer.take_back(deed.id))
    took: list[bool] = []
    desk.story.act = desk.story.becomes(status="stopped")
    assert desk.does(Verb.STOP, id="d").outcome is Outcome.CONFIRMED
    assert [line["kind"] for line in desk.lines] == ["sent", "done"]
    assert desk.lines[0] == {"kind": "sent", "deed": "d", "verb": "stop", "target": "t", "digest": None}
    assert took == [False] * 4


@pytest.mark.parametrize("when", [Phase.HELD, Phase.CHECKING])
def test_what_is_taken_back_in_time_is_not_sent(sit: Sit, when: Phase) -> None:
    desk = sit()
    desk.story.pause = 1.0
    digest, begun = desk.digest, desk.loop.now
    desk.on_step = lambda deed: took.append(deed.phase is when and desk.loop.call_later(0.5, taken) is not None)
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
    desk.story.act = desk.story.becomes(status="stopped")
    first, again, other = Deed(Verb.STOP, "t", hold=5.0), Deed(Verb.STOP, "t"), Deed(Verb.UPDATE, "z")

    async def hurry() -> list[Deed]:
        job = asyncio.ensure_future(desk.doer.carry_out(first))
        await asyncio.sleep(1)
        return [await desk.doer.carry_out(one) for one in (again, again, other)] + [
            await job,
            await desk.doer.carry_out(first),
        ]

    ended = desk.loop.run_until_complete(hurry())
    busy = (Outcome.NOT_SENT, "something is already under way for this task")
    assert [(one.outcome, one.words) for one in ended] == [
        busy, busy, (Outcome.CONFIRMED, "update: the platform took it"), (Outcome.CONFIRMED, "stopped"), busy,
    ]  # fmt: skip
    assert [path for _, path, _ in desk.story.sent] == ["/agent-execution/z/update", "/v1/tasks/t/stop"]
    assert desk.does(Verb.STOP).outcome is Outcome.CONFIRMED, "it is free again"


def test_the_machines_clock_is_the_clock_unless_a_test_brings_another(sit: Sit) -> None:
    desk = sit()
    assert isinstance(Deeds(desk.client, desk, desk.tell)._clock, SystemClock)


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
    assert (done.outcome, done.words, done.error) == (Outcome.NOT_SENT, "not sent: ' ' is no id of task", None)


# What is sent

QUESTION = {
    "status": "paused",
    "hitl_request": None,
    "deep_planning": {"question_raised": True},
    "conversation_id": "head",
}
ANSWERS = [{"question_id": "q", "answer": "yes"}]


@pytest.mark.parametrize(
    ("verb", "more", "sent"),
    [
        (Verb.REJECT, {}, ("POST", "/hitl/t/reject", {})),
        (Verb.REJECT, {"comment": "no"}, ("POST", "/hitl/t/reject", {"comment": "no"})),
        (Verb.UPDATE, {"body": {"result": "x"}}, ("PATCH", "/agent-execution/t/update", {"result": "x"})),
        (Verb.CREATE, {"target": "a", "body": {"agent": "a", "input": {"text": "x"}}},
         ("POST", "/v1/agents/a/invoke/async", {"events_streaming": True, "input": {"text": "x"}})),
        (Verb.CONTINUE, {"body": {"agent": "a", "agent_version": "3", "id": "t"}},
         ("POST", "/v1/agents/a/invoke/async?version=3", {"events_streaming": True, "id": "t"})),
    ],
)  # fmt: skip
def test_what_is_sent_is_what_was_asked_for(sit: Sit, verb: Verb, more: Json, sent: tuple[Any, ...]) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(status="executing", hitl_request=None)
    if verb is Verb.REJECT:
        assert desk.decides(verb, **more) == (Outcome.CONFIRMED, "rejected by you")
    else:
        done = desk.does(verb, **more)
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, f"{verb}: the platform took it")
        assert done.task
        assert done.task.status == "executing"
        assert [step.task is None for step in desk.steps] == [True, True, False, False]
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


def test_a_question_is_answered_in_its_conversation_also_when_an_old_approval_was_decided(sit: Sit) -> None:
    desk = sit(**{**QUESTION, "hitl_request": {**ASKED, "approved_by": "Dana"}})
    desk.story.log = [{"id": "d", "questions": ["sure?"]}]
    desk.story.act = desk.story.becomes(200, {}, status="executing")
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.CONFIRMED, "answered by you")
    body = {"decision_id": "d", "answers": ANSWERS}
    assert desk.story.sent == [("POST", "/v1/agents/a/conversations/head/answers", body)]


def test_an_answer_to_what_was_never_read_is_not_sent(sit: Sit) -> None:
    desk = sit(**QUESTION)
    done = desk.does(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert (done.outcome, done.words) == (Outcome.NOT_SENT, "answer needs the task to have been read")
    assert isinstance(done.error, NotOffered)
    assert desk.story.sent == []


@pytest.mark.parametrize(
    ("answer", "outcome", "words", "kind"),
    [
        ((404, {"detail": "no task"}), Outcome.GONE, "gone: no task (404)", NotFound),
        ((409, {"detail": "Dana was first"}), Outcome.ALREADY, "Dana was first (409)", Conflict),
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
    assert (len(desk.story.sent), desk.phases[-2:]) == (1, [Phase.SENDING, Phase.DONE])


def test_what_may_not_or_cannot_be_sent_says_what_to_do(sit: Sit) -> None:
    done = sit(read_only=True).does(Verb.STOP)
    assert (done.outcome, type(done.error)) == (Outcome.NOT_SENT, ReadOnly)
    assert done.words == "read-only: stop was not sent. Leave read-only mode to act"


# What became of it


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "executing", "hitl_request": {**ASKED, "rejected_by": "Kofi"}}, Outcome.ALREADY, "decided the other way by Kofi"),
        ({"status": "stopped"}, Outcome.GONE, "the platform took it, but the task was stopped"),
        ({"status": "completed"}, Outcome.CONFIRMED, "approved by you"),
        ({"paused_at": 2}, Outcome.CONFIRMED, "approved by you"),
        ({}, Outcome.UNKNOWN, "the platform took it, but the task still waits"),
        *(({"hitl_request": {**ASKED, name: "another"}}, Outcome.UNKNOWN,
           "the platform took it, but now it is about something else than you saw: open the task") for name in ASKED),
        *(({"hitl_request": {**ASKED, name: None}}, Outcome.CONFIRMED, "approved by you") for name in ASKED),
    ],
)  # fmt: skip
def test_a_decision_is_done_only_when_the_task_says_so(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(200, {}, **changes)
    assert desk.decides() == (outcome, words)
    assert desk.steps[-1].task
    assert desk.steps[-1].task.raw == desk.story.task


def test_a_rejection_that_was_approved_by_another_is_told(sit: Sit) -> None:
    desk = sit()
    desk.story.act = desk.story.becomes(200, {}, status="executing", hitl_request={**ASKED, "approved_by": "Kofi"})
    assert desk.decides(Verb.REJECT) == (Outcome.ALREADY, "decided the other way by Kofi")


def test_a_task_that_is_gone_after_the_platform_took_it_is_gone(sit: Sit) -> None:
    desk = sit()

    def vanish() -> tuple[int, Any]:
        desk.story.read = lambda: (404, {})
        return 200, {}

    desk.story.act = vanish
    assert desk.decides() == (Outcome.GONE, "the platform took it, and then knew the task no more")
    desk = sit(status="executing")
    desk.story.act = lambda: (vanish(), (200, desk.story.task))[1]
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (Outcome.GONE, "the platform took it, and then knew the task no more")


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
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, "the platform took it, but the task still waits")
    assert desk.loop.now - desk.story.read_at[2] < 33


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, "stopped"),
        ({"status": "failed"}, Outcome.ALREADY, "it had ended by itself: failed"),
        ({}, Outcome.STILL_RUNNING, "still executing after 30 s"),
    ],
)
def test_a_stop_is_done_only_when_the_task_says_so(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit(status="executing")
    desk.story.act = desk.story.becomes(**changes)
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert (len(desk.story.read_at) == 0) == bool(changes), "the answer itself may tell"
    assert desk.loop.now < (1000.1 if changes else 1036)


# Where the answer was lost


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, f"{LOST}, the task still waits"),
        ({"status": "executing"}, f"{LOST}, the task no longer waits"),
        ({"status": "executing", "hitl_request": None}, f"{LOST}, the task no longer waits"),
        ({"status": "executing", "hitl_request": {**ASKED, "approved_by": "Dana"}}, f"{LOST}, the task no longer waits, decided by Dana"),
        ({"hitl_request": {**ASKED, "content": "other"}}, f"{LOST}, the task no longer waits"),
    ],
)  # fmt: skip
def test_of_a_lost_decision_only_what_the_task_shows_is_told(sit: Sit, changes: Json, words: str) -> None:
    desk = sit()
    desk.story.act = lost(desk, **changes)
    done = desk.does(Verb.APPROVE, digest=desk.digest)
    assert (done.outcome, done.words, type(done.error)) == (Outcome.UNKNOWN, words, Lost)
    assert done.task
    assert done.task.raw == desk.story.task
    assert (len(desk.story.sent), desk.phases[-3:]) == (1, [Phase.SENDING, Phase.SETTLING, Phase.DONE])


def test_of_a_lost_answer_what_was_decided_before_says_nothing(sit: Sit) -> None:
    desk = sit(**{**QUESTION, "hitl_request": {**ASKED, "approved_by": "Dana"}})
    desk.story.act = lost(desk, status="executing")
    told = desk.decides(Verb.ANSWER, body={"decision_id": "d", "answers": ANSWERS})
    assert told == (Outcome.UNKNOWN, f"{LOST}, the task no longer waits")


def test_what_another_decides_after_an_answer_is_not_about_the_answer(sit: Sit) -> None:
    desk = sit(**QUESTION)
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
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"{LOST}, the task no longer waits")


@pytest.mark.parametrize(
    ("changes", "outcome", "words"),
    [
        ({"status": "stopped"}, Outcome.CONFIRMED, "stopped (the answer was lost, the task says so)"),
        ({"status": "completed"}, Outcome.ALREADY, "it had ended by itself: completed"),
        ({}, Outcome.UNKNOWN, "the answer was lost, and the task does not say that it stopped"),
    ],
)
def test_of_a_lost_stop_the_task_tells(sit: Sit, changes: Json, outcome: Outcome, words: str) -> None:
    desk = sit(status="executing")
    desk.story.act = lost(desk, **changes)
    done = desk.does(Verb.STOP)
    assert (done.outcome, done.words) == (outcome, words)
    assert len(desk.story.sent) == 1
    desk.story.act = lost(desk)
    desk.story.read = lambda: (404, {})
    gone = desk.does(Verb.STOP)
    assert (gone.outcome, gone.words) == (
        Outcome.UNKNOWN,
        "the answer was lost, and the task does not say that it stopped",
    )


def test_of_a_lost_update_nothing_is_known(sit: Sit) -> None:
    desk = sit()
    desk.story.act = lost(desk)
    done = desk.does(Verb.UPDATE, body={"result": "x"})
    assert (done.outcome, done.words) == (Outcome.UNKNOWN, f"{LOST}; read the task before trying again")
    assert isinstance(done.error, Lost)


NOT_FOUND = (Outcome.UNKNOWN, f"{LOST}, and no such message was found; look before sending again")


def row(desk: Desk, name: str, seconds: float | None, text: str | None = "hello") -> Json:
    """A task of a list, made so many seconds after now."""
    created = None if seconds is None else (desk.client.now + timedelta(seconds=seconds)).isoformat()
    return {"id": name, "agent_id": "a", "created_at": created, "input": text and {"text": text}}


@pytest.mark.parametrize(
    ("made", "found"),
    [
        ([("x", 0, "hello")], "x"),
        ([("x", -5, "hello")], "x"),
        ([("x", -5.1, "hello")], None),
        ([("x", None, "hello")], None),
        ([("x", 0, "other"), ("y", 0, None), ("z", 0, "hello")], "z"),
        ([*((f"o{n}", 0, "other") for n in range(4)), ("x", 0, "hello")], "x"),
        ([*((f"o{n}", 0, "other") for n in range(5)), ("x", 0, "hello")], None),
        ([], None),
    ],
)
def test_a_lost_new_task_is_found_among_the_newest(sit: Sit, made: list[tuple[Any, ...]], found: str | None) -> None:
    desk = sit()
    desk.story.act = lost(desk)
    desk.story.others = [row(desk, *one) for one in made]
    done = desk.does(Verb.CREATE, target="a", body={"agent": "a", "input": {"text": "hello"}})
    if found:
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, f"{LOST}, but the platform has it: task {found}")
    else:
        assert (done.outcome, done.words) == NOT_FOUND
    assert (done.task.id if done.task else None) == found
    assert len(desk.story.sent) == 1


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ([("hello", 0)], True),
        ([("hello", -5), ("other", 0)], True),
        ([("hello", -5.1)], False),
        ([("hello", None)], True),
        ([("other", 0)], False),
        ([], False),
    ],
)
def test_a_lost_message_is_found_in_the_log(sit: Sit, log: list[tuple[str, float | None]], found: bool) -> None:
    desk = sit()
    desk.story.act = lost(desk)
    now = desk.client.now
    desk.story.log = [{"id": "think", "type": "think", "thought": "hello"}]
    desk.story.log += [
        {
            "id": f"m{n}",
            "role": "user",
            "content": text,
            "created_at": None if seconds is None else (now + timedelta(seconds=seconds)).isoformat(),
        }
        for n, (text, seconds) in enumerate(log)
    ]
    done = desk.does(Verb.CONTINUE, body={"agent": "a", "id": "t", "input": {"text": "hello"}})
    if found:
        assert (done.outcome, done.words) == (Outcome.CONFIRMED, f"{LOST}, but the platform has it: task t")
    else:
        assert (done.outcome, done.words) == NOT_FOUND


def test_a_lost_message_that_cannot_be_looked_for_is_unknown(sit: Sit) -> None:
    desk = sit()
    desk.story.act = lost(desk)
    desk.story.read = lambda: (403, {})
    done = desk.does(Verb.CONTINUE, body={"agent": "a", "id": "t"})
    assert (done.outcome, done.words) == NOT_FOUND
