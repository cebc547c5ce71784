"""ListPoller: what a round reads, in which order, and the status that it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import FastClock
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request
from tui.client.client import Client
from tui.client.errors import ApiError
from tui.client.task_rows import TaskQuery
from tui.domain.list_status import ListLink, ListStatus
from tui.services import list_poller
from tui.services.list_poller import ListPoller, PollIntervals, error_sentence
from tui.services.state_store import StateStore
from tui.services.task_reader import TaskReader

SECONDS = 10
"""How long a test waits for what must come."""


class PollerSetup:
    """A poller with everything that it uses."""

    def __init__(self, client: Client, platform: Platform) -> None:
        self.client = client
        self.platform = platform
        self.store = StateStore()
        self.statuses: list[ListStatus] = []
        self.clock = FastClock(factor=1000.0)
        reader = TaskReader(client, self.store)
        self.poller = ListPoller(
            client,
            self.store,
            reader,
            intervals=PollIntervals(lists=10.0),
            clock=self.clock,
            on_status=self.statuses.append,
        )
        self.requests: list[Request] = []
        platform.before_reply = self._note

    async def _note(self, request: Request, connection: Connection) -> bool:
        self.requests.append(request)
        return False

    @property
    def links(self) -> list[ListLink]:
        return [status.link for status in self.statuses if status.checked_at]

    async def read_round(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.poller.read_round()


@pytest.fixture
async def polled(client: Client, platform: Platform) -> AsyncIterator[PollerSetup]:
    made = PollerSetup(client, platform)
    yield made
    made.store.close()


async def test_a_round_reads_agents_and_tasks_and_publishes_a_live_status(polled: PollerSetup) -> None:
    polled.platform.task("t1")
    first_rounds: list[bool] = []
    polled.poller.on_first_round = lambda: first_rounds.append(polled.poller.has_read_all)
    await polled.read_round()
    await polled.read_round()
    assert set(polled.store.state.agents) == {"a1", "a2"}
    assert set(polled.store.state.tasks) == {"t1"}
    assert set(polled.links) == {ListLink.LIVE}
    assert polled.statuses[-1].total == 1
    assert polled.statuses[-1].max_age_seconds == 35.0
    assert first_rounds == [True]


async def test_active_tasks_are_read_before_the_newest_tasks(polled: PollerSetup) -> None:
    polled.platform.task("t1")
    await polled.read_round()
    queries = [parse_qs(urlsplit(request.target).query) for request in polled.requests]
    lists = [query for query in queries if ("page" in query and "status" in query) or "per_page" in query]
    statuses = [str(query.get("status", "")) for query in lists]
    assert any("paused" in status for status in statuses)
    assert "paused" not in statuses[-1]


async def test_a_waiting_task_is_read_once_for_each_of_its_updates(polled: PollerSetup) -> None:
    polled.platform.task("t1", status="paused")

    def reads() -> int:
        return sum("t1" in request.target and "activity" not in request.target for request in polled.requests)

    await polled.read_round()
    first = reads()
    assert first
    await polled.read_round()
    assert reads() == first
    polled.platform.change("t1", title="Changed")
    await polled.read_round()
    assert reads() > first


async def test_an_active_task_that_left_the_lists_is_read_by_itself(polled: PollerSetup) -> None:
    polled.platform.task("t1")
    await polled.read_round()
    polled.platform.local.platform.destroy("t1")
    await polled.read_round()
    polled.store.step()
    assert polled.store.state.is_gone("t1")


async def test_an_error_publishes_offline_and_the_next_round_live(
    polled: PollerSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = asyncio.Event()
    polled.platform.task("t1")
    error = ApiError("no route to the platform")

    async def fail() -> None:
        failed.set()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(polled.poller, "read_round", fail)
        job = asyncio.create_task(polled.poller.run())
        async with asyncio.timeout(SECONDS):
            await failed.wait()
    live = asyncio.Event()
    polled.poller.on_first_round = live.set
    async with asyncio.timeout(SECONDS):
        await live.wait()
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job
    assert polled.links[0] is ListLink.OFFLINE
    assert polled.statuses[0].reason == error_sentence(error)
    assert polled.links[-1] is ListLink.LIVE
    assert 10.0 in polled.clock.slept


async def test_an_unexpected_error_ends_the_poller(polled: PollerSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(polled.poller, "read_round", fail)
    with pytest.raises(ZeroDivisionError):
        await polled.poller.run()


async def test_a_retry_is_published_with_its_reason(polled: PollerSetup) -> None:
    polled.poller.note_retry("the platform is busy", 3.0)
    (status,) = polled.statuses
    assert (status.link, status.reason) == (ListLink.RETRYING, "the platform is busy")


async def test_more_pages_are_read_from_where_the_last_ended(
    polled: PollerSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_poller, "TASKS_PER_PAGE", 50)
    for number in range(120):
        polled.platform.task(f"t{number}", status="completed")
    for _ in range(10):
        await polled.poller.read_more()
        if len(polled.store.state.tasks) == 120:
            break
    assert len(polled.store.state.tasks) == 120
    pages = [request.target for request in polled.requests]
    assert len(pages) > 1
    assert len(set(pages)) == len(pages)


async def test_only_one_reading_of_more_pages_runs_at_a_time(polled: PollerSetup) -> None:
    polled.platform.task("t1")
    await asyncio.gather(polled.poller.read_more(), polled.poller.read_more())
    assert len(polled.requests) <= 2


async def test_a_filter_is_sent_to_the_platform_in_each_round(polled: PollerSetup) -> None:
    polled.platform.task("t1", status="failed")
    query = TaskQuery(status=("failed",))
    await polled.poller.read_filtered(query)
    assert polled.statuses[-1].filtered == (query, 1)
    polled.requests.clear()
    await polled.read_round()
    assert any("failed" in request.target for request in polled.requests)
    await polled.poller.read_filtered(None)
    assert polled.poller.status.filtered is None
    polled.requests.clear()
    await polled.read_round()
    assert not any("failed" in request.target for request in polled.requests)
