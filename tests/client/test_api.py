"""The public functions of the library: connect, list tasks, follow a task to its end."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server
from tui.client import (
    BadAddress,
    Client,
    Event,
    NotFound,
    ReadOnly,
    connect,
    connect_from_environment,
    follow,
    list_tasks,
)

SDK_VARIABLES = ("XPANDER_API_KEY", "XPANDER_BASE_URL", "XPANDER_API_URL", "XPANDER_ORGANIZATION_ID", "IS_STG")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the time that a client waits for late events of an ended task."""
    monkeypatch.setattr("tui.client.api.LAST_EVENTS_SECONDS", 0.2)


@pytest.fixture
def without_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment that names no platform."""
    for name in SDK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


async def followed(client: Client, task_id: str) -> list[Event]:
    """Follow a task to its end, and return its events."""
    async with asyncio.timeout(10):
        return [event async for event in follow(client, task_id)]


# Connecting


@pytest.mark.parametrize("key", ["", "kéy", "a\nb"])
def test_a_key_that_cannot_be_sent_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="API key"):
        connect(key)


def test_an_address_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(BadAddress, match="unencrypted"):
        connect(KEY, base_url="http://platform.example")


async def test_a_client_that_is_connected_reads_and_a_read_only_one_never_acts(
    platform: Platform, server: Server
) -> None:
    platform.task("t1")
    async with connect(KEY, base_url=server.url, api_url=server.url, read_only=True) as client:
        assert (await client.task("t1")).title == "Task t1"
        with pytest.raises(ReadOnly):
            await client.stop("t1")
    assert platform.decisions == []


async def test_the_environment_names_the_platform(
    platform: Platform, server: Server, without_settings: pytest.MonkeyPatch
) -> None:
    platform.task("t1")
    with pytest.raises(ValueError, match="set XPANDER_API_KEY"):
        connect_from_environment()
    without_settings.setenv("XPANDER_API_KEY", f" {KEY}\n")
    without_settings.setenv("XPANDER_BASE_URL", server.url)
    without_settings.setenv("XPANDER_API_URL", server.url)
    async with connect_from_environment() as client:
        assert [task.id for task in await list_tasks(client)] == ["t1"]


@pytest.mark.parametrize(
    ("value", "host"), [("", "api.xpander.ai"), ("0", "api.xpander.ai"), ("1", "api.stg.xpander.ai")]
)
async def test_the_staging_variable_selects_the_staging_platform(
    without_settings: pytest.MonkeyPatch, value: str, host: str
) -> None:
    without_settings.setenv("XPANDER_API_KEY", KEY)
    without_settings.setenv("IS_STG", value)
    async with connect_from_environment() as client:
        assert client.surfaces.rest == f"https://{host}"


# Listing


async def test_all_tasks_are_listed_and_each_once(platform: Platform, client: Client) -> None:
    for number in range(120):
        platform.task(f"t{number}", "a1" if number % 2 else "a2", status="paused" if number < 3 else "completed")
    everything = [task.id for task in await list_tasks(client)]
    assert (len(everything), len(set(everything))) == (120, 120)
    assert {task.id for task in await list_tasks(client, status="paused")} == {"t0", "t1", "t2"}
    assert [task.id for task in await list_tasks(client, status="paused", agent_id="a1")] == ["t1"]


async def test_a_task_that_comes_on_two_pages_is_listed_once(platform: Platform, client: Client) -> None:
    for number in range(60):
        platform.task(f"t{number}")

    async def add_before_the_second_page(request: Request, connection: Connection) -> bool:
        if request.query.get("page") == "2":
            platform.task("new")  # the newest is listed first: the last row of the first page moves to the second
        return False

    platform.before_reply = add_before_the_second_page
    assert [task.id for task in await list_tasks(client)] == [f"t{number}" for number in reversed(range(60))]


# Following


async def test_events_are_yielded_as_they_happen_until_the_task_has_ended(platform: Platform, client: Client) -> None:
    platform.task("t1")
    await platform.push("t1", "chunk", "first")
    seen: list[str] = []
    async with asyncio.timeout(10):
        async for event in follow(client, "t1"):
            seen.append(event.type)
            if event.data == "first":
                await platform.push("t1", "chunk", "second")
            elif event.data == "second":
                await platform.finish("t1")
    assert seen[:2] == ["chunk", "chunk"]
    assert seen[-1] == "task_finished"


async def test_after_a_lost_connection_no_event_is_missing_and_none_comes_twice(
    platform: Platform, client: Client
) -> None:
    platform.task("t1")
    for number in range(5):
        await platform.push("t1", "chunk", str(number))
    cuts = iter([True, False, False, True])

    async def cut_after_a_frame(connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame)
        return not next(cuts, False)

    platform.stream_hook = cut_after_a_frame
    chunks = []
    async with asyncio.timeout(10), aclosing(follow(client, "t1")) as events:
        async for event in events:
            chunks.append(event.data)
            if len(chunks) == 5:
                break
    assert chunks == ["0", "1", "2", "3", "4"]


async def test_all_events_of_an_ended_task_are_yielded(platform: Platform, client: Client) -> None:
    platform.task("t1")
    await platform.push("t1", "chunk", "first turn")
    await platform.finish("t1")
    await platform.push("t1", "chunk", "second turn")
    await platform.finish("t1")
    events = await followed(client, "t1")
    assert [event.data for event in events if event.type == "chunk"] == ["first turn", "second turn"]


async def test_a_turn_that_ends_does_not_end_a_task_that_goes_on(
    platform: Platform, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.client.api.LAST_EVENTS_SECONDS", 0.0)
    platform.task("t1")
    await platform.finish("t1")
    platform.change("t1", status="executing")
    seen: list[str] = []
    async with asyncio.timeout(10):
        async for event in follow(client, "t1"):
            seen.append(event.type)
            if event.type == "task_finished" and len(platform.store.entries("t1")) == 1:
                await platform.push("t1", "chunk", "on it goes")
            elif event.type == "chunk":
                await platform.finish("t1")
    assert seen.count("task_finished") == 2
    assert "chunk" in seen


async def test_a_stream_that_closes_after_the_end_of_the_task_ends_the_iteration(
    platform: Platform, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.client.api.LAST_EVENTS_SECONDS", 1000.0)
    platform.task("t1")
    await platform.finish("t1")

    async def close_after_the_end(connection: Connection, frame: bytes) -> bool:
        await connection.chunk(frame)
        return b"task_finished" not in frame

    platform.stream_hook = close_after_the_end
    events = await followed(client, "t1")
    assert events[-1].type == "task_finished"


async def test_following_an_unknown_task_is_an_error(client: Client) -> None:
    with pytest.raises(NotFound):
        await followed(client, "nobody")


async def test_breaking_off_leaves_nothing_running(platform: Platform, client: Client) -> None:
    platform.task("t1")
    await platform.push("t1", "chunk", "x")
    async with asyncio.timeout(10), aclosing(follow(client, "t1")) as events:
        assert (await anext(events)).type == "chunk"
        assert [task for task in asyncio.all_tasks() if task.get_name() == "follow t1"]
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "follow t1"]
