"""The network at its worst: every kind of fault on every operation, and a thousand of them in one stream."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import trustme

from tests.conftest import FastClock, Survived, make_client
from tests.wire.platform import Platform
from tests.wire.proxy import Proxy, Toxic
from tests.wire.server import Connection, Request, Server
from tui.api.client import Client
from tui.api.errors import ApiError
from tui.api.stream import Link, LinkState, Stream, Told

TOXICS = {
    "nothing": Toxic(),
    "latency": Toxic(latency=0.05),
    "jitter": Toxic(jitter=0.1),
    "slicer": Toxic(slices=7),
    "limit in the handshake": Toxic(limit=100),
    "limit in the answer": Toxic(limit=2_400),
    "reset at once": Toxic(reset=0),
    "reset in the answer": Toxic(reset=2_400),
    "half-open from the beginning": Toxic(deaf=0),
    "half-open in the answer": Toxic(deaf=2_400),
    "requests are lost": Toxic(loses_requests=True),
    "slow close": Toxic(slow_close=0.3),
    "down": Toxic(is_down=True),
    "corruption in the handshake": Toxic(corrupt=300),
    "corruption in the answer": Toxic(corrupt=2_500),
}
READS = ("tasks", "agents", "task", "log", "events")
ACTS = ("create", "stop", "approve", "reject", "answer", "confirm", "update")


class Enough(Exception):
    """It was tried often enough."""


@dataclass
class Bench:
    """A platform behind TLS, and how each operation is done on a task of its own."""

    platform: Platform
    server: Server
    trusted: ssl.SSLContext
    number: int = 0

    async def prepare(self, operation: str) -> str:
        """A task on which this can be done."""
        self.number += 1
        task_id = f"{operation.replace(' ', '-')}-{self.number}"
        waits: dict[str, Any] = {"status": "paused"}
        if operation in {"approve", "reject"}:
            waits["hitl_request"] = {"wait_node_id": "n", "content": "pay"}
        self.platform.task(task_id, **(waits if operation in {"approve", "reject", "answer", "confirm"} else {}))
        if operation == "answer":
            self.platform.entry(task_id, id=f"q-{task_id}", questions=[{"id": "q", "text": "?", "options": []}])
        if operation == "confirm":
            self.platform.entry(task_id, id=f"c-{task_id}", action="confirmation_card")
        await self.platform.tool(task_id, f"r-{task_id}", "search", {"q": 1}, {"hits": 1})
        return task_id

    async def do(self, client: Client, operation: str, task_id: str) -> None:
        """Do it, and look at what comes back."""
        match operation:
            case "tasks":
                async with aclosing(client.tasks()) as pages:
                    assert [page.items async for page in pages]
            case "agents":
                async with aclosing(client.agents()) as pages:
                    assert [agent.name async for page in pages for agent in page.items] == [
                        "Invoice bot",
                        "Release bot",
                    ]
            case "task":
                assert (await client.task(task_id)).title == f"Task {task_id}"
            case "log":
                log = await client.log(await client.task(task_id))
                assert [entry.id for entry in log.entries] == [f"r-{task_id}"]
            case "events":
                await self._listen(client, task_id)
            case "create":
                assert (await client.create("a1", {"input": {"text": task_id}})).id
            case "answer":
                await client.answer("a1", task_id, f"q-{task_id}", [{"question_id": "q", "answer": "yes"}])
            case "confirm":
                await client.confirm("a1", task_id, f"c-{task_id}", True)
            case "update":
                assert (await client.update(task_id, {"title": "x"})).id == task_id
            case _:
                await getattr(client, operation)(task_id)

    async def _listen(self, client: Client, task_id: str) -> None:
        """Hear the two events, or be told that there is no link."""
        stream, heard = Stream(client, task_id, clock=client.transport.clock), list[str]()
        attempts = 0

        def tell(told: Told) -> None:
            nonlocal attempts
            if isinstance(told, Link):
                attempts += told.state is LinkState.RECONNECTING
                if attempts == 3:
                    raise Enough
            elif hasattr(told, "type"):
                heard.append(told.type)
            if heard == ["tool_call_request", "tool_call_result"]:
                stream.stop()

        with suppress(Enough):
            await stream.run(tell)
        assert ["tool_call_request", "tool_call_result"][: len(heard)] == heard

    def applied(self, operation: str, task_id: str) -> int:
        """How often an action took effect."""
        verb = {"create": "async", "answer": "answers"}.get(operation, operation)
        done = [(task, body) for what, task, body in self.platform.decisions if what == verb]
        if operation == "create":
            return sum(body["input"]["text"] == task_id for _, body in done)
        return sum(task == task_id for task, _ in done)


@pytest.fixture
async def bench(platform: Platform) -> Any:
    """The platform of the tests, behind TLS."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(trusted := ssl.create_default_context())

    async def decide(request: Request, connection: Connection) -> bool:
        """Answers and cards: the platform answers with a stream that goes on for as long as the run does."""
        verb = request.path.rpartition("/")[2]
        if verb not in {"answers", "confirm"}:
            return False
        task_id, body, decisions = request.path.split("/")[-2], request.json, platform.local.decisions
        if verb == "answers":
            decisions.answer(task_id, body["decision_id"], body["answers"])
        else:
            decisions.confirm(task_id, body["request_id"], body["approve"])
        platform.decisions.append((verb, task_id, body))
        await connection.start()
        await connection.gone()
        return True

    platform.before_reply = decide
    async with Server(platform.handle, context) as server:
        yield Bench(platform, server, trusted)


async def test_every_fault_on_every_operation(bench: Bench, survived: Survived) -> None:
    """Each ends in time, with a right answer or with an error in words; an action takes effect once at the most."""
    few = asyncio.Semaphore(12)
    ended: dict[str, int] = {"done": 0, "told": 0}

    async def one(name: str, operation: str) -> None:
        task_id = await bench.prepare(operation)
        async with few, Proxy(bench.server.port, TOXICS[name]) as proxy:
            url = proxy.url.replace("http", "https")
            error: ApiError | None = None
            more = {"_context": bench.trusted, "timeout": 0.7, "silence": 0.7}
            async with asyncio.timeout(30), make_client(url, clock=FastClock(100.0), **more) as client:
                try:
                    await bench.do(client, operation, task_id)
                except ApiError as found:
                    error = found
            ended["told" if error else "done"] += 1
            about = f"{name} on {operation}: {error!r}"
            assert error is None or error.message, about
            if operation in ACTS:
                times = bench.applied(operation, task_id)
                assert times <= 1, about
                assert times or error, about
                assert not times or error is None or error.maybe_done, about
                assert proxy.calls == 1, about
            if name in {"nothing", "latency", "jitter", "slicer", "slow close"}:
                assert error is None, about
            elif name in {"down", "reset at once", "requests are lost"} and operation != "events":
                assert error, about

    await asyncio.gather(*(one(name, operation) for name in TOXICS for operation in (*READS, *ACTS)))
    assert ended["done"] > 60 < ended["told"], ended
    promise = "every fault of the way on every operation: a right answer or an error, acts once at most"
    survived(promise, sum(ended.values()), f"{len(TOXICS)} kinds x {len(READS + ACTS)} operations")
