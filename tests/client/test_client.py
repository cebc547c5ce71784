"""Client over real HTTP: both surfaces, odd answers, and requests that are never sent."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.client.reads import RUNNING_RECORD
from tests.conftest import make_client
from tests.wire.platform import Platform, add_waiting_task
from tests.wire.server import Connection, Request, Server
from tui.client import errors
from tui.client.client import MAX_CACHED_PAGES, Client
from tui.client.errors import (
    NotFound,
    NotSupported,
    UnexpectedAnswer,
)
from tui.client.models import Task
from tui.client.task_rows import TaskQuery


async def listed(client: Client, **query: Any) -> list[str]:
    """Return the ids of the matching tasks."""
    return sorted([task.id async for page in client.tasks(TaskQuery(**query)) for task in page.items])


@pytest.mark.parametrize("surfaces", [{"rest": False}, {"controller": False}, {}])
async def test_the_tasks_of_a_user_are_the_same_from_either_surface(
    platform: Platform, server: Server, surfaces: dict[str, Any]
) -> None:
    platform.task("t1", input={"text": "x", "user": {"id": "u1"}})
    platform.task("t2", "a2", "failed", input={"text": "x", "user": {"id": "u1"}})
    platform.task("t3", input={"text": "x", "user": {"id": "u2"}})
    async with make_client(server.url, **surfaces) as client:
        assert await listed(client, user_id="u1") == ["t1", "t2"]
        assert await listed(client, user_id="u1", status=("failed", "stopped")) == ["t2"]
        assert await listed(client, user_id="u1", agent_id="a1") == ["t1"]
        assert (await client.agent("a2")).name == "Release bot"


async def test_the_organization_is_learned_from_agents_or_tasks(platform: Platform, server: Server) -> None:
    async with make_client(server.url, organization=None) as client:
        assert await client.organization() == "local"
    with closing(Platform()) as empty:
        async with Server(empty.handle) as server, make_client(server.url, organization=None) as client:
            with pytest.raises(NotSupported, match="set XPANDER_ORGANIZATION_ID"):
                await client.organization()
            asked = [request.path for request in server.requests]
            assert asked == ["/v1/agents", "/v1/tasks"]


async def test_the_version_of_an_agent_is_sent_to_either_surface(platform: Platform, server: Server) -> None:
    async with make_client(server.url, rest=False) as client:
        await client.create("a1", {"input": {"text": "x"}}, agent_version="7")
        assert (server.requests[-1].headers["x-agent-version"], server.requests[-1].query) == ("7", {})
    async with make_client(server.url, controller=False) as client:
        task = await client.create("a1", {"input": {"text": "x"}}, agent_version="7")
        assert server.requests[-1].query == {"version": "7"}
        assert platform.tasks[task.id]["agent_version"] == "7"


async def test_an_unchanged_page_is_not_decoded_again() -> None:
    # Private: the size of the cache is not visible from outside.
    titles, is_broken = ["one", "two"], False

    async def serve(request: Request, connection: Connection) -> None:
        if is_broken:
            await connection.reply(404, {"detail": "gone"})
        elif request.path.endswith("/tasks"):
            items = [{"id": f"t{number}", "title": title} for number, title in enumerate(titles)]
            await connection.reply(200, {"items": items, "total": len(items), "total_pages": 1})

    async def read(**query: Any) -> list[Task]:
        return [task for page in [page async for page in client.tasks(TaskQuery(**query))] for task in page.items]

    async with Server(serve) as server, make_client(server.url, controller=False) as client:
        first = await read()
        assert all(one is other for one, other in zip(first, await read(), strict=True))
        assert first[0] is not (await read(user_id="u1"))[0]  # another question has another answer
        is_broken = True
        with pytest.raises(NotFound):
            await read()
        is_broken, titles[1] = False, "other"
        assert [task.title for task in await read()] == ["one", "other"]
        for number in range(20):  # not every page is kept that was ever read
            await read(user_id=f"u{number}")
        assert len(client._page_cache) == MAX_CACHED_PAGES
        assert (await read())[0] == first[0]


@pytest.mark.parametrize("body", ["[]", "null", '"ok"'])
async def test_an_answer_that_is_no_task_is_an_error_for_reads_and_actions(body: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, body.encode(), {"Content-Type": "application/json"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="the platform's answer is no task"):
            await client.task("t1")
        with pytest.raises(UnexpectedAnswer, match=r"the platform's answer is (no task|null)"):
            await client.stop("t1")


async def test_a_log_in_an_unknown_shape_is_an_error() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        is_log = "activity" in request.path
        await connection.reply(200, {"id": "t1", "messages": "none"} if is_log else RUNNING_RECORD)

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="no activity log: it has no list of messages"):
            await client.log(await client.task("t1"))


async def test_messages_in_odd_shapes_become_entries() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        said = [{"role": "assistant", "content": "fine"}, "odd", {"role": ["x"], "content": "?"}]
        await connection.reply(
            200,
            {"root": said, "child": said[:1], "none": 5} if "thread" in request.path else RUNNING_RECORD,
        )

    async with Server(serve) as server, make_client(server.url, controller=False) as client:
        log = await client.log(await client.task("t1"))
    assert (log.is_partial, len(log.entries), list(log.children)) == (True, 3, ["child"])
    assert getattr(log.entries[0], "role", None) == "agent"


SURFACES = [
    {"rest": True, "controller": True},
    {"rest": False, "controller": True},
    {"rest": True, "controller": False},
]


@pytest.mark.parametrize("surfaces", SURFACES)
async def test_lists_and_records_come_from_whichever_surface_is_configured(
    platform: Platform, server: Server, surfaces: dict[str, Any]
) -> None:
    for number in range(120):
        platform.task(f"t{number}", "a1" if number % 2 else "a2", "completed" if number % 3 else "paused")
    async with make_client(server.url, **surfaces) as client:
        pages = [page async for page in client.tasks(TaskQuery(status=("paused", "completed")))]
        ids = [task.id for page in pages for task in page.items]
        assert sorted(ids) == sorted(platform.tasks)
        assert (await client.task("t3")).title == "Task t3"
        agents = [agent.name async for page in client.agents() for agent in page.items]
    assert agents == ["Invoice bot", "Release bot"]
    assert all(int(request.query.get("per_page", 50)) == 50 for request in server.requests)


@pytest.mark.parametrize("surfaces", SURFACES)
async def test_no_action_sends_a_delete_request(platform: Platform, server: Server, surfaces: dict[str, Any]) -> None:
    add_waiting_task(platform)
    async with make_client(server.url, **surfaces) as client:
        action_runner = [
            client.create("a1", {"input": {"text": "x"}}), client.create("a1", {"id": "w", "input": {"text": "x"}}),
            client.stop("w"), client.approve("w"), client.reject("w", "no"), client.update("w", {"result": "x"}),
            client.answer("a1", "w", "d", []), client.confirm("a1", "w", "r", True),
        ]  # fmt: skip
        for action in action_runner:
            with suppress(errors.ApiError):
                await action
    assert not [one for one in server.requests if one.method == "DELETE" and "/v1/" in one.path]
    assert "DESTROYED" not in {verb for verb, _, _ in platform.decisions}


async def test_an_id_that_would_change_the_path_is_refused(client: Client, server: Server) -> None:
    for task_id in ("", ".", "..", " "):
        with pytest.raises(ValueError, match="no id"):
            await client.stop(task_id)
    await asyncio.gather(client.stop("../../v1/agents"), return_exceptions=True)
    assert all("/v1/tasks/..%2F..%2Fv1%2Fagents/stop" in request.target for request in server.requests)


async def test_a_read_only_client_sends_no_action(platform: Platform, server: Server) -> None:
    platform.task("t1")
    async with make_client(server.url, read_only=True) as client:
        with pytest.raises(errors.ReadOnly):
            await client.stop("t1")
        assert (await client.task("t1")).id == "t1"
    assert [request.method for request in server.requests] == ["GET"]


ANSWERS = [
    (401, {"detail": "Invalid API key"}, errors.Unauthorized, "Invalid API key"),
    (403, {"detail": "no"}, errors.Forbidden, "no"),
    (404, {}, errors.NotFound, "no such thing"),
    (409, {"detail": "decided"}, errors.Conflict, "decided"),
    (
        422,
        {"detail": [{"loc": ["body", "input"], "msg": "field required"}]},
        errors.Invalid,
        "body.input: field required",
    ),
    (502, b"<html><h1>Bad gateway</h1></html>", errors.ServerError, "the platform failed (502)"),
    (200, b"<html>hello</html>", errors.UnexpectedAnswer, "an HTML page"),
    (200, b'{"id": "t', errors.UnexpectedAnswer, "ends too early"),
    (200, b"[1, 2]", errors.UnexpectedAnswer, "no task"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), ANSWERS)
async def test_every_bad_answer_raises_an_error_with_a_message(
    status: int, body: Any, kind: type[Exception], words: str
) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(status, body)

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(kind, match=None) as caught:
            await client.task("t1")
    assert words in str(caught.value)
    assert "<h" not in str(caught.value)


async def test_a_bad_row_of_a_page_does_not_affect_the_others() -> None:
    rows = [5, {"id": "a", "status": "on_fire"}, {"title": "no id"}, None, {"id": "b", "created_at": "yesterday"}]

    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, {"items": rows, "total": 5, "page": 1, "total_pages": 1})

    async with Server(serve) as server, make_client(server.url) as client:
        (page,) = [page async for page in client.tasks()]
    assert len({task.id for task in page.items}) == 5
