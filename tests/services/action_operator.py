"""An operator who runs actions on a platform with one task, in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from tests.memory_journal import MemoryJournal
from tests.trust.virtual import VirtualClock, VirtualLoop
from tui.client.client import Client
from tui.services.actions import Action, ActionRunner, Outcome, Phase, Verb
from tui.services.review_loader import load_review

Json = dict[str, Any]
REQUEST = {"wait_node_id": "n", "operation_id": "o", "title": "Pay", "description": "to ACME", "content": {"amount": 7}}
RECORD = {
    "id": "t",
    "agent_id": "a",
    "organization_id": "o",
    "status": "paused",
    "input": {"text": "pay"},
    "paused_at": 1,
}


class OneTaskPlatform(httpx.AsyncBaseTransport):
    """A platform with one task; a test sets its answers and their delay."""

    def __init__(self, loop: VirtualLoop, **task: Any) -> None:
        self.loop = loop
        self.task: Json = {**RECORD, "hitl_request": REQUEST, **task}
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
        """Return an action that changes the task, and its answer."""

        def act() -> tuple[int, Any]:
            self.task = {**self.task, **changes}
            return answer or (200, self.task)

        return act


@dataclass
class ActionOperator:
    """An operator who runs actions on a platform with one task."""

    platform: OneTaskPlatform
    loop: VirtualLoop
    client: Client
    steps: list[Action] = field(default_factory=list)
    on_step: Callable[[Action], None] = lambda action: None

    def __post_init__(self) -> None:
        clock = VirtualClock(self.loop)
        self.journal = MemoryJournal(clock.time)
        self.runner = ActionRunner(self.client, self.journal, self.tell, clock=clock)

    def tell(self, action: Action) -> None:
        self.steps.append(action)
        self.on_step(action)

    @property
    def lines(self) -> list[Json]:
        """The journal lines, without the fields that name the request and the platform."""
        hidden = {"request", "platform", "about", "title"}
        return [{name: told for name, told in one.items() if name not in hidden} for one in self.journal.entries]

    @property
    def digest(self) -> str:
        """The digest of what the operator sees now."""
        return self.loop.run_until_complete(load_review(self.client, "t")).digest

    def does(self, verb: Verb, **more: Any) -> Action:
        """Run an action to its end."""
        self.platform.read_at.clear()
        return self.loop.run_until_complete(self.runner.run_action(Action(verb, more.pop("target", "t"), **more)))

    def decides(self, verb: Verb = Verb.APPROVE, **more: Any) -> tuple[Outcome | None, str]:
        """Decide on what is shown now; return the outcome and its words."""
        done = self.does(verb, digest=self.digest, **more)
        return done.outcome, done.words

    @property
    def phases(self) -> list[Phase]:
        return [step.phase for step in self.steps]


StartOperator = Callable[..., ActionOperator]


def creates(operator: ActionOperator, rows: list[Json], *answer: Any) -> Callable[[], tuple[int, Any]]:
    """Return an action that creates tasks, and its answer; without one, the answer is lost."""

    def act() -> tuple[int, Any]:
        operator.platform.others = [*rows, *operator.platform.others]
        return answer or (0, "lost")

    return act


def lost(operator: ActionOperator, **changes: Any) -> Callable[[], tuple[int, Any]]:
    """Return an action that takes effect, and whose answer is lost."""
    return operator.platform.becomes(0, "lost", **changes)


LOST = " (no clear answer came: the connection to 127.0.0.1 broke: reset)"


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


def arguments_of(operator: ActionOperator, verb: Verb) -> Json:
    """Return the arguments of an action with this verb."""
    more: Json = {"body": BODIES.get(verb, {}), "target": "a" if verb is Verb.CREATE else "t"}
    return {**more, "digest": operator.digest} if verb in {Verb.APPROVE, Verb.REJECT} else more


def task_for(verb: Verb) -> Json:
    """Return the fields of a task that an action with this verb needs."""
    return {} if verb in {Verb.APPROVE, Verb.REJECT} else {"status": "executing"}


def row(operator: ActionOperator, name: str, seconds: float | None, text: str | None = "hello", **more: Any) -> Json:
    """Return a row of a list of tasks, created this many seconds after now."""
    created = None if seconds is None else (operator.client.now + timedelta(seconds=seconds)).isoformat()
    return {**RECORD, "id": name, "created_at": created, "input": text and {"text": text}, **more}


def said(name: str, text: str, role: str = "user") -> Json:
    """Return a message of the log."""
    return {"id": name, "role": role, "content": {"text": text}, "created_at": 5}
