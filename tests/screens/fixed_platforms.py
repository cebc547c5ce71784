"""Platforms that never change: the same answers at the same time, for screens that must always look the same."""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

from tests.conftest import cases
from tui.client.client import Client
from tui.client.endpoints import Surfaces
from tui.client.secret import Secret
from tui.client.session import KeyAuth, PlatformSession

Json = dict[str, Any]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEY = "xpl-the-key-of-the-boards"
URL = "https://platform.example"
ORG = "local"
ROW = (
    "id", "agent_id", "organization_id", "status", "triggering_agent_id", "created_at", "updated_at", "result", "title",
    "execution_kind", "conversation_kind", "user_id", "parent_task_id", "source_node_type", "internal_status",
)  # fmt: skip
"""What a row of a list has; the rest is in the task's own record."""
DANA = {"id": "u-dana", "display_name": "Dana Reyes", "email": "dana@example.com"}
PER_PAGE = 50
DEFINITIONS: Mapping[str, Json] = {
    "invoice-bot": {
        "orchestration_nodes": [
            {"id": "wait-4", "type": "wait", "name": "Release payment", "description": "Two eyes for what leaves the bank."}
        ],
        "graph": {"items": [{"id": "wait-4", "type": "human_in_the_loop", "settings": {"hitl_options": {
            "approvers": {"user_ids": ["u-dana"], "group_ids": ["treasury"]}, "timeout_seconds": 3600, "on_deny": "continue",
        }}}]},
    },
}  # fmt: skip
"""What the records of agents define besides the row of a list: the nodes of their workflows."""


class StoppedClock:
    """A clock that stands at NOW; its sleeps return after the real time."""

    def time(self) -> float:
        return NOW.timestamp()

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Body(httpx.AsyncByteStream):
    """A body that is sent at once, and then ends or stays open."""

    def __init__(self, content: bytes, *, ends: bool = True) -> None:
        self._content = content
        self._ends = ends

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        if not self._ends:
            await asyncio.Event().wait()


@dataclass
class FixedPlatform:
    """A platform with fixed agents and tasks, and fixed answers."""

    agents: list[Json] = field(default_factory=list)
    tasks: list[Json] = field(default_factory=list)
    logs: Mapping[str, list[Json]] = field(default_factory=dict)
    events: Mapping[str, list[Json]] = field(default_factory=dict)
    """What the stream of a task tells before it falls silent; a task without has no stream."""
    total: int | None = None
    """How many tasks it says there are, where that is more than it shows."""
    refuses: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    """How often it was asked for each thing."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request."""
        self.asked[str(request.url)] += 1
        parts = request.url.path.strip("/").split("/")
        if self.refuses or request.headers.get("x-api-key") != KEY:
            return _json({"detail": "Invalid API key"}, 401)
        if request.method != "GET":
            return _json({"detail": "nothing changes here"}, 405)
        match parts:
            case ["v1", "agents"]:
                return self._page(self.agents, request, len(self.agents))
            case ["v1", "tasks"]:
                status = request.url.params.get("status")
                rows = [_row(task) for task in self.tasks if status in {None, task["status"]}]
                return self._page(rows, request, len(rows) if status else self.total or len(rows))
            case ["v1", "tasks", task_id]:
                found = next((task for task in self.tasks if task["id"] == task_id), None)
                return _json(found) if found else _json({"detail": "Task not found"}, 404)
            case ["agents", agent_id]:
                found = next((agent for agent in self.agents if agent["id"] == agent_id), None)
                return (
                    _json({**found, **DEFINITIONS.get(agent_id, {})}) if found else _json({"detail": "Not found"}, 404)
                )
            case ["activity", _, task_id]:
                return _json({"id": task_id, "messages": self.logs.get(task_id, [])})
            case [_, "agent-execution", task_id, "events"] if task_id in self.events:
                frames = (f"id: {n}\ndata: {json.dumps(told)}\n\n" for n, told in enumerate(self.events[task_id], 1))
                body = Body("".join(frames).encode(), ends=False)
                return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=body)
            case _:
                return _json({"detail": "Not found"}, 404)

    def _page(self, items: list[Json], request: httpx.Request, total: int) -> httpx.Response:
        number = int(request.url.params.get("page", 1))
        shown = items[(number - 1) * PER_PAGE : number * PER_PAGE]
        return _json({"items": shown, "total": total, "total_pages": math.ceil(total / PER_PAGE), "page": number})

    def client(self) -> Client:
        """Return a client whose clock stands still."""
        transport = _FunctionSession(Secret(KEY), frozenset, clock=StoppedClock(), answer=self.answer)
        return Client(Surfaces(URL, URL, ORG), transport)


class _FunctionSession(PlatformSession, kw_only=True):
    """A session whose answers come from a function."""

    answer: Callable[[httpx.Request], httpx.Response]

    def _new_client(self, url: str, silence: float, *, is_page: bool = False) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer), auth=KeyAuth(self.key, self.origins))


def _json(body: Any, status: int = 200) -> httpx.Response:
    return httpx.Response(status, headers={"content-type": "application/json"}, stream=Body(json.dumps(body).encode()))


def _row(task: Json) -> Json:
    names = {"parent_task_id": "parent_execution", "source_node_type": "source"}
    row = {name: task.get(names.get(name, name)) for name in ROW}
    return {**row, "user_id": DANA["id"]}


def ago(minutes: float) -> str:
    """Return a time before NOW in wire format."""
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def id_of(name: str) -> str:
    """Return an id that looks like the platform's and is always the same for a name."""
    return str(uuid5(NAMESPACE_URL, json.dumps(name)))


def agent(agent_id: str, name: str) -> Json:
    """Return an agent."""
    model = {"model_provider": "openai", "model_name": "gpt-4.1", "status": "ACTIVE"}
    return {"id": agent_id, "name": name, "organization_id": ORG, "created_at": ago(90_000), **model}


def task(name: str, agent_id: str, status: str, title: str | None, begun: float, **more: Any) -> Json:
    """Return the record of a task; `begun` and `changed` are minutes ago, `waits` is since when it is paused."""
    changed, waits = more.pop("changed", begun), more.pop("waits", None)
    prompt, completion = more.pop("tokens", (0, 0))
    steps, done = more.pop("plan", ([], 0))
    plan = [{"id": str(n), "title": step, "completed": n <= done} for n, step in enumerate(steps, 1)]
    is_final = status in {"completed", "failed", "error", "stopped"}
    return {
        "id": id_of(name), "agent_id": agent_id, "organization_id": ORG, "status": status, "title": title,
        "input": {"text": title or f"Do {name}", "files": [], "user": DANA},
        "internal_status": None, "source": "api", "result": None, "events_streaming": True,
        "created_at": ago(begun), "started_at": None if status == "pending" else ago(begun),
        "updated_at": ago(changed if waits is None else waits), "paused_at": None if waits is None else ago(waits),
        "finished_at": ago(changed) if is_final else None,
        "parent_execution": None, "triggering_agent_id": None, "sub_executions": [],
        "hitl_request": None, "pending_eca_request": None,
        "tokens": {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion},
        "deep_planning": {"enabled": bool(plan), "started": bool(plan), "question_raised": False, "tasks": plan},
        **more,
    }  # fmt: skip


def below(parent: str, triggering: str) -> Json:
    """Return the fields that make a task a sub-task of another."""
    return {"parent_execution": id_of(parent), "triggering_agent_id": triggering, "source": "agent"}


def call(key: str, minutes: float, tool: str, body: Any, **more: Any) -> Json:
    """Return a tool call of a log."""
    why = {"title": more.pop("why", f"Use {tool}"), "description": ""}
    payload = {"payload": {"body_params": body, "headers": {"toolcallid": "c1"}}}
    told = {"id": id_of(key), "created_at": ago(minutes), "tool_name": tool, "payload": payload, "is_error": False}
    return {**told, "reasoning": why, "plan_task_id": None, **more}


def said(role: str, minutes: float, text: str, **more: Any) -> Json:
    """Return a message of a log."""
    key = id_of(f"{role} {minutes} {text}")
    told = {"id": key, "created_at": ago(minutes), "role": role, "content": {"text": text, "files": []}}
    return {**told, **({"user": DANA} if role == "user" else {}), **more}


def thought(kind: str, minutes: float, title: str, words: str, confidence: float) -> Json:
    """Return a reasoning step of a log."""
    told = {"id": id_of(f"{kind} {minutes} {title}"), "created_at": ago(minutes), "type": kind, "title": title}
    return {**told, "confidence": confidence, "thought": words, "action": None, "result": None, "analysis": None}


def other(minutes: float, **told: Any) -> Json:
    """Return any other entry of a log."""
    return {"id": id_of(json.dumps([minutes, told])), "created_at": ago(minutes), **told}


def event(name: str, minutes: float, kind: str, data: Any) -> Json:
    """Return an event of a task's stream."""
    return {"type": kind, "task_id": id_of(name), "organization_id": ORG, "time": ago(minutes), "data": data}


def approval(title: str, description: str, content: Any) -> Json:
    """Return a request for an approval."""
    told = {"wait_node_id": "wait-4", "operation_id": "wait-4", "title": title, "description": description}
    return {**told, "content": json.dumps(content), "approved_by": None, "rejected_by": None}


AGENTS = [
    agent("invoice-bot", "Invoice bot"),
    agent("release-bot", "Release bot"),
    agent("researcher", "Researcher"),
    agent("scout", "Scout"),
    agent("mail", "Mail writer"),
    agent("analyst", "数据分析师"),
    agent("importer", "An importer with a name that fits in no column"),
]
TRANSFER = {
    "operation": "bank.transfer", "amount": "1,204.00", "currency": "EUR", "to": "ACME GmbH",
    "iban": "DE02 1203 0000 0000 2020 51", "reference": "Invoice 4417", "approvers": ["dana", "kim"],
    "note": "Payment is 31 days late; the second reminder came on Tuesday. " * 4,
    "lines": [{"sku": f"SKU-{n:03}", "units": n * 3, "net": f"{n * 17.5:.2f}"} for n in range(1, 9)],
}  # fmt: skip
QUESTION = {
    "id": "q1", "question": "Which region should get ledger 3.0 first?", "allow_free_text": True,
    "options": [{"id": "o1", "label": "eu-west (quiet now)"}, {"id": "o2", "label": "us-east (most capacity)"}],
}  # fmt: skip
STEPS = ["Collect the sources", "Compare them", "Ask the scout", "Write the brief", "Have it read"]


def busy() -> FixedPlatform:
    """Return a platform with every status and wait; the only task with a live stream has every kind of entry."""
    tasks = [
        task("invoice", "invoice-bot", "paused", "Pay overdue invoice 4417", 44, waits=31.5, tokens=(16_900, 1_300),
             plan=(["Find it", "Check the bank details", "Ask for approval", "Pay", "File it"], 2),
             hitl_request=approval("Pay 1,204.00 EUR to ACME GmbH?", "Invoice 4417 is 31 days overdue", TRANSFER)),
        task("signin", "mail", "paused", "Answer the mails of this week", 25, waits=18,
             pending_eca_request={"connector_name": "Gmail", "auth_url": "https://accounts.example.com/o/oauth2?client=7"}),
        task("rollout", "release-bot", "paused", "Which region for the rollout?", 9, waits=3.2, tokens=(5_800, 310)),
        task("stuck", "importer", "paused", None, 240, waits=12.1, input={"text": "Import the orders of 2019", "user": DANA}),
        task("digest", "analyst", "executing", "Weekly sales digest", 12),
        task("plan", "analyst", "executing", "Plan the offsite", 11, **below("digest", "analyst")),
        task("venue", "scout", "paused", "Find a venue for forty", 10, waits=7.4, **below("plan", "analyst")),
        task("brief", "researcher", "executing", "Brief me on post-quantum TLS", 6.5, changed=0.4, tokens=(41_200, 2_050),
             plan=(STEPS, 3)),
        task("scouting", "scout", "completed", "Which vendors ship hybrid key exchange?", 5, changed=3.9,
             result="Four of the six largest do, two of these by default.", **below("brief", "researcher")),
        task("sheet", "analyst", "executing", "売上レポートを作成して、四半期ごとの差異をすべて説明してください", 33),
        task("long", "importer", "executing", "Import " + ", ".join(f"ledger-{n}.csv" for n in range(1, 40)), 95),
        task("hook", "release-bot", "paused", "Ship ledger 3.0 once the build is signed", 55, waits=41, last_executed_node_id="signed"),
        task("clock", "analyst", "paused", "Watch the price of copper", 70, waits=6),
        task("secret", "mail", "paused", "Set up the newsletter", 5, waits=2.1),
        task("queued", "scout", "pending", "Look for fares to Lisbon", 0.7),
        task("emoji", "mail", "pending", "🚀 Launch mail — naïve café, 한국어, Ελληνικά", 1.2),
        task("failed", "importer", "failed", "Import orders from the old shop", 120, changed=118, result="connection refused"),
        task("error", "release-bot", "error", "Ship ledger 2.9", 300, changed=290, result="Interrupted: the worker went away"),
        task("odd", "scout", "hibernating", "A status of next year", 50),
        task("stopped", "mail", "stopped", "Draft an apology", 400, changed=399, is_manually_stopped=True),
        *(
            task(f"done {n}", AGENTS[n % 6]["id"], "completed", title, 500 + n * 97, changed=490 + n * 97, result=f"{title}: done.")
            for n, title in enumerate(("Close the month", "Rotate the on-call", "Sum up the incident", "Translate 使用手册",
                                       "Tag 412 photos", "Order linen", "Compare offers", "Clean up branches"), 1)
        ),
    ]  # fmt: skip
    logs = {
        id_of("invoice"): [
            said("user", 44, "Pay the overdue invoices"),
            thought("think", 43, "Find overdue", "4417 is the only one that is overdue; the bank details match.", 0.82),
            call("c0", 42, "invoices.search", {"status": "overdue"}, result={"found": 1}, finished_at=ago(41.9)),
        ],
        id_of("rollout"): [
            said("user", 9, "Ship it"),
            other(3.2, title="Where to begin?", questions=[QUESTION], decision_id="d1"),
        ],
        id_of("venue"): [
            said("user", 10, "Find a venue for forty"),
            call("c9", 8, "venues.book", {"venue": "Old Mill", "seats": 40}, approval_request_id="r9",
                 result="venues.book has not run: it waits for approval", finished_at=ago(7.4)),
        ],
        id_of("clock"): [
            said("user", 70, "Watch the price of copper"),
            other(6, action="self_schedule", title="Look again", run_at=ago(-24)),
        ],
        id_of("secret"): [
            said("user", 5, "Set up the newsletter"),
            other(2.1, action="ask_for_secret", name="SMTP_PASSWORD", reason="to send from your address"),
        ],
        id_of("scouting"): [
            said("user", 5, "Which vendors ship hybrid key exchange?"),
            call("c8", 4.8, "web.search", {"q": "hybrid key exchange"}, result="6 hits", finished_at=ago(4.7)),
            said("agent", 3.9, "Four of the six largest do, two of these by default."),
        ],
        id_of("brief"): _everything(),
    }  # fmt: skip
    nodes = [{"id": "signed", "type": "wait", "name": "Build is signed", "definition": {"type": "webhook"}}]
    agents = [{**known, "orchestration_nodes": nodes} if known["id"] == "release-bot" else known for known in AGENTS]
    return FixedPlatform(agents, tasks, logs, {id_of("brief"): _live()})


def _everything() -> list[Json]:
    """Return a log with each kind of entry."""
    found = [{"created_execution_id": id_of("done 1"), "status": "completed", "result": "Close the month: done."}]
    return [
        said("user", 6.5, "Brief me on post-quantum TLS, in two pages"),
        said("system", 6.4, "Files may be read, nothing may be sent."),
        thought("think", 6.3, "Divide the question", "It needs a market view and a technical one.", 0.77),
        call("c1", 6.2, "web.fetch", {"url": "https://example.com/articles/tls"}, why="The first of three",
             result={"sections": 8, "changed": "2026-10-02"}, finished_at=ago(6.1)),
        call("c2", 6.0, "web.fetch", {"url": "https://example.com/gone"}, is_error=True,
             result="HTTP 410: gone", finished_at=ago(5.95)),
        other(5.9, type="login_required", data={"server_name": "Library", "url": "https://library.example.com/in"}),
        other(5.6, type="token_ready", data={"server_name": "Library", "access_token": "REDACTED"}),
        other(5.0, agent_id="scout", query="Which vendors ship hybrid key exchange?", files=[],
              reasoning={"title": "Scouting is the scout's work", "description": ""}, sub_task_id=id_of("scouting")),
        said("agent", 3.9, "Four of the six largest do, two of these by default.", sub_execution_result=True),
        thought("analyze", 3.5, "Compare the offers", "用户希望得到简短的答案。So two pages it is.", 0.91),
        other(3.2, action="get_executions_result", title="Ask how the last run went", executions=found),
        other(2.8, title="How deep?", questions=[{"id": "q1", "question": "For engineers, or for managers?"}],
              decision_id="d2", answers=[{"question_id": "q1", "free_text": "for both"}]),
        other(2.1, request_id="k1", card_id="k1", type="confirmation", title="Delete the draft of last year?",
              description="This cannot be undone.", action="confirm_delete", approved=True),
        other(1.6, action="live_surface_created", title="Sources by year"),
        other(1.5, colour="teal", weight=3),
        said("agent", 1.2, "# Post-quantum TLS\n\nHybrid key exchange is **here**; signatures are not.\n\n- `X25519MLKEM768`"),
        call("c3", 0.4, "documents.write", {"title": "Brief", "pages": 2, "tags": ["tls", "量子"]}, why="Put it on paper"),
    ]  # fmt: skip


def _live() -> list[Json]:
    """Return the events of that task, some of which only a stream has."""
    tried = {"trigger": "auto", "attempt": 1}
    compactions = [
        {"type": "compaction_started", "data": {**tried, "estimated_tokens": 104_900, "message_count": 148}},
        {"type": "compaction_progress", "data": {**tried, "percent": 55, "label": "Summarizing"}},
    ]
    plan = [{"id": str(n), "title": step, "completed": n <= 3} for n, step in enumerate(STEPS, 1)]
    write = {"request_id": id_of("c3"), "tool_name": "documents.write", "operation_id": "documents.write",
             "payload": {"payload": {"body_params": {"title": "Brief", "pages": 2, "tags": ["tls", "量子"]}}}}  # fmt: skip
    fetched = {"request_id": id_of("c2"), "tool_name": "web.fetch", "is_error": True, "result": "HTTP 410: gone"}
    return [
        event("brief", 6.5, "connected", {}),
        event("brief", 5.95, "tool_call_result", fetched),
        event("brief", 3.9, "sub_task_finished", {"id": id_of("scouting"), "status": "completed", "title": "Scouting"}),
        *(event("brief", 1.0 - n / 10, "task_compactization", {"id": id_of(f"k{n}"), **told})
          for n, told in enumerate(compactions)),
        event("brief", 0.8, "plan_updated", {"enabled": True, "started": True, "tasks": plan}),
        event("brief", 0.7, "context_status", {"percent": 41, "estimated_tokens": 52_480, "context_window": 128_000}),
        event("brief", 0.6, "weather_changed", {"to": "rain"}),
        event("brief", 0.5, "chunk", "Hybrid key exchange is here; "),
        event("brief", 0.45, "chunk", "signatures are not."),
        event("brief", 0.4, "tool_call_request", write),
    ]  # fmt: skip


def empty() -> FixedPlatform:
    """Return a platform with agents and no tasks."""
    return FixedPlatform(AGENTS)


def refused() -> FixedPlatform:
    """Return a platform that refuses the key."""
    return FixedPlatform(refuses=True)


def fleet() -> FixedPlatform:
    """Return a platform with many tasks, and more pages of them."""
    mix = ("completed", "completed", "executing", "completed", "failed", "pending", "completed", "stopped", "paused")
    begun = sorted((n * 7919) % 4001 + 1 for n in range(300))
    tasks = []
    for n, minutes in enumerate(begun):
        status, who = mix[n % len(mix)], AGENTS[n % len(AGENTS)]
        waits = (
            {"waits": minutes / 2, "hitl_request": approval("Go on?", "", {"step": n})} if status == "paused" else {}
        )
        result = {"changed": minutes * 0.9, "result": f"{n} rows"} if status in {"completed", "failed"} else {}
        tasks.append(task(f"fleet {n}", who["id"], status, f"Nightly run {n:03}", minutes, **waits, **result))
    return FixedPlatform(AGENTS, tasks, total=3341)


def attacks() -> list[str]:
    """Return every text that attacks a terminal, a markup parser or a layout, with its ends marked."""
    return [case["text"].replace("{T}", "¦") for case in cases("hostile")]


WORST = (
    "CSI-ed", "CSI8-sgr", "OSC0-title-bel", "OSC8-link-bel", "OSC52-clip-st", "ESC-ris", "C0-0d", "TAB", "LF",
    "MK-click-quit", "MK-badclose", "MK-link", "U-rlo", "U-isolate-trojan", "U-family", "U-zalgo", "U-skintone",
    "U-fullwidth", "U-devanagari", "U-hebrew", "U-surrogate", "EMPTY",
)  # fmt: skip
"""The attacks that a first look at the list and at a task shows; the others are further down."""


def hostile() -> FixedPlatform:
    """Return a platform with hostile text in every field."""
    named = {case["name"]: text for case, text in zip(cases("hostile"), attacks(), strict=True)}
    worst = [named[name] for name in WORST]
    texts = [*worst, "W" + "o" * 400 + "rd", "漢" * 300, *(text for text in attacks() if text not in worst)]
    evil = "\x1b]0;PWNED\x07[@click=app.quit]click[/] [/red] \u202egnp.exe \x9b31m\nA second line"
    request = approval(
        evil, f"{evil} {'x' * 300}", {evil: evil, "words": texts[:24], "[b]key[/b]": {"\u202e": "\x1b[2J"}}
    )
    agents = [agent("evil", evil), agent("wide", "漢字" * 20)]
    tasks = [
        task("approval", "evil", "paused", evil, 50, waits=40, hitl_request=request, source=evil),
        task("running", "evil", "executing", f"A log of attacks {evil}", 30),
        *(
            task(f"attack {n}", "wide" if n % 2 else "evil", ("failed", "completed", text)[n % 3], text, 60 + n, result=text)
            for n, text in enumerate(texts)
        ),
    ]  # fmt: skip
    log = [said("user", 29, evil), thought("think", 28.9, evil, evil, 0.5)]
    for n, text in enumerate(texts):
        minutes = 28 - n / 10
        match n % 4:
            case 0:
                log.append(said("agent", minutes, text))
            case 1:
                log.append(call(f"x{n}", minutes, text, {text: text}, result=text, why=text, finished_at=ago(minutes)))
            case 2:
                log.append(other(minutes, action=text, title=text))
            case _:
                log.append(other(minutes, agent_id="evil", query=text, reasoning={"title": text}))
    return FixedPlatform(agents, tasks, {id_of("running"): log, id_of("approval"): log[:2]})


PLATFORMS: Mapping[str, Callable[[], FixedPlatform]] = {
    "busy": busy, "empty": empty, "hostile": hostile, "refused": refused, "fleet": fleet,
}  # fmt: skip
