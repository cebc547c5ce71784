"""TaskReader: what it reads of one task, and when it reads nothing."""

from __future__ import annotations

import pytest

from tests.wire.platform import Platform
from tests.wire.server import Connection, Request
from tui.client.client import Client
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader


@pytest.fixture
def store() -> StateStore:
    return StateStore()


@pytest.fixture
def reader(client: Client, store: StateStore) -> TaskReader:
    return TaskReader(client, store)


def requests_of(platform: Platform) -> list[Request]:
    """Return the list of requests from now on."""
    requests: list[Request] = []

    async def note(request: Request, connection: Connection) -> bool:
        requests.append(request)
        return False

    platform.before_reply = note
    return requests


async def test_a_record_and_its_log_are_added_to_the_store(
    platform: Platform, store: StateStore, reader: TaskReader
) -> None:
    platform.task("t1")
    platform.entry("t1", type="message", role="user", content="hello")
    await reader.read_record_and_log("t1")
    store.step()
    assert store.state.task("t1") is not None
    assert store.state.activity("t1")


async def test_a_known_task_that_the_platform_no_longer_has_is_gone(store: StateStore, reader: TaskReader) -> None:
    assert await reader.read_known("t9") is None
    store.step()
    assert store.state.is_gone("t9")


async def test_a_preview_is_read_once_for_each_update(
    platform: Platform, store: StateStore, reader: TaskReader
) -> None:
    platform.task("t1")
    await reader.read_record("t1")
    store.step()
    requests = requests_of(platform)
    await reader.read_preview("t1", with_log=False)
    assert len(requests) == 1
    await reader.read_preview("t1", with_log=False)
    assert len(requests) == 1
    await reader.read_preview("t1", with_log=True)
    assert len(requests) > 1
    count = len(requests)
    platform.change("t1", title="Changed")
    await reader.read_record("t1")
    store.step()
    await reader.read_preview("t1", with_log=False)
    assert len(requests) == count + 2


async def test_a_task_that_is_not_loaded_has_no_preview(platform: Platform, reader: TaskReader) -> None:
    requests = requests_of(platform)
    await reader.read_preview("t1", with_log=True)
    assert requests == []


async def test_a_task_is_found_by_its_id_or_a_unique_prefix(
    platform: Platform, store: StateStore, reader: TaskReader
) -> None:
    for task_id in ("ab", "abc", "b1"):
        platform.task(task_id)
        await reader.read_record(task_id)
    store.step()
    requests = requests_of(platform)
    for prefix, found in (("ab", "ab"), ("abc", "abc"), ("b", "b1")):
        task = await reader.find(prefix)
        assert task is not None
        assert task.id == found
    assert requests == []
    assert await reader.find("a") is None
    platform.task("new")
    task = await reader.find("new")
    assert task is not None
    kept = store.state.task("new")
    assert kept is not None
    assert kept.raw == task.raw
    store.close()
