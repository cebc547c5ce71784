"""The client over real HTTP, where only one surface is there, where it goes in circles, and where patience is asked for."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import FastClock, make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.client.client import MAX_CACHED_PAGES, Client
from tui.client.errors import (
    ApiError,
    ConnectionLost,
    NotFound,
    NotSupported,
    Redirected,
    TimedOut,
    UnexpectedAnswer,
    Unreachable,
)
from tui.client.event_stream import Link, LinkState
from tui.client.models import Task
from tui.client.session import is_retryable
from tui.client.task_rows import TaskQuery

RECORD = {"id": "t1", "agent_id": "a1", "status": "executing"}


async def listed(client: Client, **query: Any) -> list[str]:
    """The ids of the tasks that match."""
    return sorted([task.id async for page in client.tasks(TaskQuery(**query)) for task in page.items])


@pytest.mark.parametrize("surfaces", [{"rest": False}, {"controller": False}, {}])
async def test_a_users_tasks_are_the_same_from_either_surface(
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


async def test_the_organization_is_learned_from_what_there_is(platform: Platform, server: Server) -> None:
    async with make_client(server.url, organization=None) as client:
        assert await client.organization() == "local"
    empty = Platform()
    async with Server(empty.handle) as server, make_client(server.url, organization=None) as client:
        with pytest.raises(NotSupported, match="set XPANDER_ORGANIZATION_ID"):
            await client.organization()
        asked = [request.path for request in server.requests]
        assert asked == ["/v1/agents", "/v1/tasks"]


async def test_which_version_of_an_agent_is_meant_is_told_to_either_surface(platform: Platform, server: Server) -> None:
    async with make_client(server.url, rest=False) as client:
        await client.create("a1", {"input": {"text": "x"}}, agent_version="7")
        assert (server.requests[-1].headers["x-agent-version"], server.requests[-1].query) == ("7", {})
    async with make_client(server.url, controller=False) as client:
        task = await client.create("a1", {"input": {"text": "x"}}, agent_version="7")
        assert server.requests[-1].query == {"version": "7"}
        assert platform.tasks[task.id]["agent_version"] == "7"


async def test_how_an_approval_stands_is_read(platform: Platform, client: Client) -> None:
    with pytest.raises(ApiError, match="Approval request not found"):
        await client.tool_approval("a1", "r1")


async def test_a_page_whose_bytes_are_as_before_is_not_read_anew() -> None:
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
async def test_an_answer_that_is_no_task_is_told_and_no_proof_of_an_action(body: str) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, body.encode(), {"Content-Type": "application/json"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="the platform's answer is no task"):
            await client.task("t1")
        with pytest.raises(UnexpectedAnswer, match=r"the platform's answer is (no task|null)"):
            await client.stop("t1")


async def test_a_log_in_no_known_shape_is_not_understood() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        is_log = "activity" in request.path
        await connection.reply(200, {"id": "t1", "messages": "none"} if is_log else RECORD)

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="no activity log: it has no list of messages"):
            await client.log(await client.task("t1"))


async def test_messages_in_odd_shapes_are_entries_all_the_same() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        said = [{"role": "assistant", "content": "fine"}, "odd", {"role": ["x"], "content": "?"}]
        await connection.reply(
            200,
            {"root": said, "child": said[:1], "none": 5} if "thread" in request.path else RECORD,
        )

    async with Server(serve) as server, make_client(server.url, controller=False) as client:
        log = await client.log(await client.task("t1"))
    assert (log.is_partial, len(log.entries), list(log.children)) == (True, 3, ["child"])
    assert getattr(log.entries[0], "role", None) == "agent"


async def test_redirects_are_followed_within_the_origin_and_not_for_ever(platform: Platform) -> None:
    async def serve(request: Request, connection: Connection) -> None:
        headers = {"Location": "/v1/there/t1"} if request.path.endswith("tasks/t1") else {"Location": request.path}
        if request.path.endswith("nowhere"):
            headers = {}
        if request.path.endswith("/there/t1"):
            await connection.reply(200, RECORD)
        else:
            await connection.reply(307, b"", headers)

    async with Server(serve) as server, make_client(server.url, controller=False) as client:
        assert (await client.task("t1")).id == "t1"
        with pytest.raises(Redirected, match="goes round in circles"):
            await client.task("circle")
        with pytest.raises(Redirected, match="answered 307 without saying where to go"):
            await client.task("nowhere")
        asked = len(server.requests)
        with pytest.raises(Redirected, match=r"an action with a redirect \(307\), not followed"):
            await client.stop("t1")
        assert len(server.requests) == asked + 1
        with pytest.raises(Redirected, match="the address of the stream goes round in circles"):
            async with client.open_events(f"{server.url}/circle", ""):
                pass


async def test_when_the_limit_is_used_up_the_next_reading_waits_and_says_so(platform: Platform) -> None:
    clock = FastClock()
    waits: list[tuple[str, float]] = []

    async def serve(request: Request, connection: Connection) -> None:
        left = "0" if len(server.requests) == 1 else "9"
        reset = str(int(clock.time()) + 30)
        await connection.reply(200, RECORD, {"x-ratelimit-remaining": left, "x-ratelimit-reset": reset})

    async with Server(serve) as server:
        async with make_client(
            server.url, clock=clock, on_wait=lambda why, seconds: waits.append((why, seconds))
        ) as client:
            for _ in range(3):
                await client.task("t1")
    ((why, seconds),) = waits
    assert why == "the platform's rate limit is used up"
    assert 0 < seconds <= 31
    assert clock.slept == [seconds]


async def test_who_does_not_answer_in_time_is_told_and_may_have_done_it() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.gone()

    async with Server(serve) as server, make_client(server.url, timeout=0.05) as client:
        begun = time.monotonic()
        with pytest.raises(TimedOut, match=r"127\.0\.0\.1 did not answer in time") as caught:
            await client.stop("t1")
    assert caught.value.maybe_done
    assert time.monotonic() - begun < 2


async def test_an_answer_that_is_damaged_is_not_understood() -> None:
    async def serve(request: Request, connection: Connection) -> None:
        await connection.reply(200, b"no gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"})

    async with Server(serve) as server, make_client(server.url) as client:
        with pytest.raises(UnexpectedAnswer, match="compressed and damaged"):
            await client.task("t1")


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionLost("x"), True), (TimedOut("x"), True), (Unreachable("x"), True), (Unreachable("x", wait=0.0), False),
        (ApiError("x", status=408), True), (ApiError("x", status=503), True), (ApiError("x", status=404), False),
        (Redirected("x"), False),
    ],
)  # fmt: skip
def test_only_what_may_go_well_in_a_moment_is_tried_again(error: ApiError, passes: bool) -> None:
    assert is_retryable(error) is passes


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (Link(LinkState.LIVE), "live"),
        (Link(LinkState.POLLING, "no stream", 5.0), "polling 5 s: no stream"),
        (Link(LinkState.ENDED, "it is over"), "ended: it is over"),
        (Link(LinkState.RECONNECTING, "it broke", 3.2, 1), "reconnecting 3 s (1st): it broke"),
        (Link(LinkState.RECONNECTING, "it broke", 3.2, 12), "reconnecting 3 s (12th): it broke"),
    ],
)
def test_how_live_it_is_in_words(link: Link, words: str) -> None:
    assert str(link) == words
