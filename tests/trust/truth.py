"""A minimal platform with one task that asks, is decided and asks again, and a faulty transport to it."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from tui.client.session import PlatformSession

TASK = "t"
PATIENCE = 30.0
"""Seconds after which the client gives an answer up."""
FINAL = {"stopped", "failed", "completed"}
Answer = tuple[int, Any]


RECORD_FORMS = (
    "as sent", "as options", "a mapping", "a text", "true", "of another question", "without a value", "twice",
    "beside another text",
)  # fmt: skip
"""The forms in which the platform may record an answer; most of them do not show which answer it was."""


def recorded_answers(form: str, answers: list[dict[str, Any]]) -> Any:
    """Return answers as they are recorded in one of the forms."""
    (item,) = answers
    question_id, value = item["question_id"], item["answer"]
    forms: dict[str, Any] = {
        "as sent": answers,
        "as options": [{"question_id": question_id, "selected_option_ids": [value], "free_text": ""}],
        "a mapping": {question_id: value},
        "a text": f"choice {value}",
        "true": True,
        "of another question": [{**item, "question_id": "another"}],
        "without a value": [{"question_id": question_id, "value": value}],
        "twice": [{**item, "answer": "o1"}, {**item, "answer": "o2"}],
        "beside another text": [{**item, "free_text": "no: another"}],
    }
    return forms[form]


@dataclass(frozen=True)
class Applied:
    """A decision that took effect: its verb, its author, the version of the request, and the answer to a question."""

    verb: str
    by: str
    version: int
    answer: str = ""
    """The value of the answer, for a question."""


@dataclass
class Truth:
    """The true state of the task, whatever the client was told."""

    now: Callable[[], float]
    status: str = "executing"
    version: int = 0
    request: dict[str, Any] | None = None
    applied: list[Applied] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)
    """The entries of the log."""
    card: dict[str, Any] | None = None
    """The question that waits for an answer; None if none does."""
    record_form: str = "as sent"
    """The form in which answers are recorded."""
    stops: int = 0
    votes_needed: int = 1
    """How many approvals the request needs."""
    votes: list[Applied] = field(default_factory=list)
    """Approvals that were counted and were not enough."""
    pauses: int = 0
    """How often the pause was written down anew."""

    def ask(self) -> None:
        """Ask for a decision, or for another one than before."""
        self.version += 1
        self.log.append({"id": f"e{len(self.log)}", "type": "think", "thought": "…"})
        self.status = "paused"
        self.card = None
        self.votes_needed = 1
        self.request = {"wait_node_id": "n", "title": "Pay", "content": {"amount": self.version}}

    def ask_question(self) -> None:
        """Ask a question; one that was asked before is superseded."""
        self.version += 1
        if not self.is_decided:
            self.request = None
        options = [{"id": f"o{number}", "label": f"choice {number} of {self.version}"} for number in range(1, 4)]
        question = {"id": "q", "question": f"Which of {self.version}?", "options": options}
        self.card = {"id": f"d{self.version}", "decision_id": f"d{self.version}", "questions": [question]}
        self.log.append(self.card)
        self.status = "paused"

    def answer(self, body: dict[str, Any], by: str) -> Answer:
        """Answer the question that waits."""
        if self.status != "paused" or self.card is None or self.card["id"] != body["decision_id"]:
            return 400, {"detail": "decision_id names no open question"}
        (item,) = body["answers"]
        self.card["answers"] = recorded_answers(self.record_form, body["answers"])
        self.card = None
        self.applied.append(Applied("answer", by, self.version, item["answer"]))
        self.status = "executing"
        return 200, self.record()

    def pause_again(self) -> None:
        """Write another pause time for the same request."""
        if self.status == "paused":
            self.pauses += 1

    def end(self, status: str) -> None:
        """End the task once, by itself or by another person; an open request expires."""
        if self.status in FINAL:
            return
        self.status = status
        self.card = None
        if self.request and not self.is_decided:
            self.request = None

    @property
    def is_decided(self) -> bool:
        request = self.request or {}
        return bool(request.get("approved_by") or request.get("rejected_by"))

    def decide(self, verb: str, by: str) -> Answer:
        """Approve or reject the current request."""
        if self.status != "paused" or self.request is None or self.is_decided:
            return 409, {"detail": "task waits for no approval"}
        if verb == "approve" and self.votes_needed > 1:
            self.votes_needed -= 1
            self.votes.append(Applied(verb, by, self.version))
            self.request = {**self.request, "votes": [*self.request.get("votes", ()), by]}
            return 200, self.record()
        self.applied.append(Applied(verb, by, self.version))
        self.request = {**self.request, "approved_by" if verb == "approve" else "rejected_by": by}
        self.status = "executing"
        return 200, self.record()

    def stop(self) -> Answer:
        """Stop the task, unless it has ended."""
        if self.status not in FINAL:
            self.stops += 1
            self.end("stopped")
        return 200, self.record()

    def record(self) -> dict[str, Any]:
        """Return the record of the task."""
        paused = f"2026-11-20T09:00:{self.pauses % 60:02}Z" if self.status == "paused" else None
        return {
            "id": TASK, "agent_id": "a", "organization_id": "o", "status": self.status, "input": {"text": "pay"},
            "created_at": "2026-11-20T09:00:00Z", "updated_at": self.told(), "paused_at": paused,
            "hitl_request": self.request, "deep_planning": {"question_raised": self.card is not None},
        }  # fmt: skip

    def told(self) -> str:
        return datetime.fromtimestamp(self.now(), UTC).isoformat()

    def handle(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """Answer a request as the platform does."""
        match method, path.strip("/").split("/"):
            case "POST", ["hitl", _, ("approve" | "reject") as verb]:
                return self.decide(verb, str(body.get("comment")))
            case "POST", [*_, "answers"]:
                return self.answer(body, body["by"])
            case "POST", [*_, "stop"]:
                return self.stop()
            case "GET", ["activity", *_]:
                return 200, {"id": TASK, "messages": self.log}
            case "GET", [*_, "tasks", _]:
                return 200, self.record()
        raise AssertionError(f"nobody foresaw {method} {path}")


LIES: dict[str, Any] = {
    "{}": {}, "detail": {"detail": "quota exceeded"}, "null": None, "list": [], "text": "ok", "number": 7,
    "no id": {"agent_id": "a", "status": "executing"}, "no status": {"id": TASK, "agent_id": "a"},
    "wrapped": {"task": {"id": TASK, "agent_id": "a", "status": "executing"}},
}  # fmt: skip
"""Answers of status 200 that are no record and no log of the task."""
FAULTS = (
    "good", "refused", "lost before", "lost after", "late", "too late", "twice, the first", "twice, the second",
    "500", "503", "500 after", "404", "409", "429", "nonsense", "nonsense after", "cut after",
    "403", "403 after", "404 after", "409 after", "422 after", "429 after", "204 after", "207", "207 after",
    "302", "307 after", "418 after", "another task", "another task after", "as if done",
    "as if done, and paused anew", "200 later", "307 later", "500 later",
    *(f"{lie}{after}" for lie in LIES for after in ("", " after")),
)  # fmt: skip
"""What may become of a request; with `after`, the action is carried out before."""


class FaultyTransport(httpx.AsyncBaseTransport):
    """A transport to the platform on which each request suffers the next fault."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.faults: deque[str] = deque()
        """What the next readings suffer."""
        self.act_faults: deque[str] = deque()
        """What the next actions suffer."""
        self.faults_after_act: deque[str] = deque()
        """What the readings suffer that come after the next action."""
        self.on_act: Callable[[str, dict[str, Any]], str] = lambda path, body: ""
        """Told of every action the moment it leaves; returns its name."""
        self.read_version = 0
        """Of the request, when it was read last with success."""
        self._late: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(await request.aread() or b"{}") or {}
        faults = self.faults if request.method == "GET" else self.act_faults
        fault = faults.popleft() if faults else "good"
        if request.method != "GET":
            body["by"] = self.on_act(request.url.path, body)
            self.faults.extend(self.faults_after_act)
            self.faults_after_act.clear()
        await asyncio.sleep(0.05)
        status, told = await self._suffer(fault, lambda: self._apply(request, body), request.method != "GET")
        await asyncio.sleep(0.05)
        content = told if isinstance(told, bytes) else json.dumps(told).encode()
        headers = {"Retry-After": "3"} if status == 429 else {}
        return httpx.Response(status, content=content, headers=headers)

    def _apply(self, request: httpx.Request, body: dict[str, Any]) -> Answer:
        if request.method == "GET" and "activity" not in request.url.path:
            self.read_version = self.truth.version
        return self.truth.handle(request.method, request.url.path, body)

    async def _suffer(self, fault: str, apply: Callable[[], Answer], is_action: bool) -> Answer:
        match fault:
            case "good":
                return apply()
            case "refused":
                raise httpx.ConnectError("refused")
            case "lost before":
                raise httpx.WriteError("broken pipe")
            case "lost after":
                apply()
                raise httpx.ReadError("reset")
            case "late":
                await asyncio.sleep(12.0)
                return apply()
            case "too late":
                self._run(self._later(apply, PATIENCE + 15.0))
                await asyncio.sleep(PATIENCE)
                raise httpx.ReadTimeout("no answer")
            case "twice, the first":
                first = apply()
                apply()
                return first
            case "twice, the second":
                apply()
                return apply()
            case "500 after":
                apply()
                return 500, {"detail": "oops"}
            case "nonsense":
                return 200, b"<html>sign in to the network</html>"
            case "nonsense after":
                apply()
                return 200, b"<html>oops</html>"
            case "cut after":
                apply()
                raise httpx.RemoteProtocolError("peer closed the connection")
            case "another task" | "another task after":
                if fault.endswith("after"):
                    apply()
                request = {**(self.truth.request or {}), "approved_by": "somebody"}
                return 200, {**self.truth.record(), "id": "x", "status": "executing", "hitl_request": request}
            case "200 later" | "307 later" | "500 later":
                self._run(self._later(apply, 5.0))
                return int(fault[:3]), self.truth.record() if fault.startswith("200") else {"detail": "no"}
            case "as if done, and paused anew" if is_action:
                self.truth.pause_again()
                return 200, {**self.truth.record(), "status": "executing", "hitl_request": None}
            case "as if done" | "as if done, and paused anew":
                done = {**self.truth.record(), "status": "executing", "hitl_request": None}
                return (200, done) if is_action else apply()
            case _ if (lie := fault.removesuffix(" after")) in LIES:
                if fault.endswith("after"):
                    apply()
                return 200, LIES[lie]
            case _:
                status, _, rest = fault.partition(" ")
                if rest == "after":
                    apply()
                return int(status), {"detail": "no"}

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        job = asyncio.create_task(coroutine)
        self._late.add(job)
        job.add_done_callback(self._late.discard)

    async def _later(self, apply: Callable[[], Answer], seconds: float) -> None:
        await asyncio.sleep(seconds)
        apply()


class TransportSession(PlatformSession):
    """A session of the client over a given transport."""

    http_transport: httpx.AsyncBaseTransport | None = None

    def _new_client(self, url: str, silence: float, *, is_page: bool = False) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.http_transport)
