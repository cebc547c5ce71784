"""Connections: what follows an answer on a socket is never taken for the answer to the next question."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conftest import make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server, head
from tui.client.errors import UnexpectedAnswer
from tui.client.models import Task
from tui.client.task_rows import TaskQuery

RECORD = {"id": "t1", "agent_id": "a1", "status": "paused", "hitl_request": {"wait_node_id": "n", "content": "pay"}}
LOG = {"id": "t1", "messages": []}


def whole(body: Any) -> bytes:
    """An answer as it goes over the wire."""
    content = json.dumps(body).encode()
    return head(200, {"Content-Type": "application/json", "Content-Length": str(len(content))}) + content


@pytest.mark.parametrize("surfaces", [{}, {"controller": False}, {"rest": False}])
async def test_a_second_answer_on_a_connection_is_not_taken_for_the_next(surfaces: dict[str, Any]) -> None:
    """After each answer stands another: a record that says that the task goes on and was approved."""
    lie = whole({**RECORD, "status": "executing", "hitl_request": {"wait_node_id": "n", "approved_by": "nobody"}})

    async def serve(request: Request, connection: Connection) -> None:
        is_log = "activity" in request.path or "thread" in request.path
        truth = {**LOG, "root": []} if is_log else RECORD
        await connection.raw(whole(truth) + lie)

    async with Server(serve) as server, make_client(server.url, **surfaces) as client:
        for _ in range(3):
            record = await client.task("t1")
            assert (record.status, record.raw) == ("paused", RECORD)
            assert (await client.log(record)).entries == ()
        if surfaces.get("controller", True):
            await client.approve("t1")
            assert (await client.task("t1")).status == "paused"
        assert (await client.stop("t1")).status == "paused"


async def test_every_record_log_and_action_has_a_connection_of_its_own(platform: Platform) -> None:
    platform.task("t1")
    connections: list[int] = []

    async def serve(request: Request, connection: Connection) -> None:
        connections.append(id(connection))
        kept.append(connection)
        await platform.handle(request, connection)

    kept: list[Connection] = []
    async with Server(serve) as server, make_client(server.url) as client:
        for _ in range(2):
            await client.log(await client.task("t1"))
        await client.stop("t1")
        assert len(set(connections)) == len(connections) == 5
        for _ in range(3):
            _ = [page async for page in client.tasks(TaskQuery())]
        assert len(set(connections)) == 6, "pages of a list may share one: their rows decide nothing"


async def test_a_large_log_of_another_task_is_not_taken_for_this_ones() -> None:
    entries = [
        {
            "id": f"e{number}",
            "created_at": "2026-11-20T09:00:00Z",
            "type": "think",
            "title": "x" * 500,
            "confidence": 0.5,
        }
        for number in range(5000)
    ]

    about: dict[str, Any] = {}
    told: dict[str, Any]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {**about, "messages": entries})

    task = Task.from_value({"id": "t", "agent_id": "a", "conversation_id": "head"})
    async with Server(serve) as server, make_client(server.url) as client:
        for told in ({"id": "t"}, {"id": "head"}):
            about = told
            assert len((await client.log(task)).entries) == 5000
        for told in ({"id": "other"}, {"id": ["t"]}, {}):
            about = told
            with pytest.raises(UnexpectedAnswer):
                await client.log(task)
