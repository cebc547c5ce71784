"""ListPoller: what a round reads, in which order, and the status that it publishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import FastClock, make_client
from tests.wire.platform import Platform
from tests.wire.server import Connection, Request, Server
from tui.client.client import Client
from tui.client.errors import ApiError
from tui.client.task_facts import WaitKind
from tui.client.task_rows import TaskQuery
from tui.domain.list_status import ListLink, ListStatus
from tui.domain.state import State
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


async def test_the_record_of_a_task_that_has_ended_is_read_once(polled: PollerSetup) -> None:
    """C6: the row of a task that had ended kept the numbers of the middle of its run."""
    polled.platform.task("t1")
    await polled.read_round()
    polled.requests.clear()
    polled.platform.change("t1", status="completed")
    for _ in range(3):
        await polled.read_round()
    assert sum(request.path.endswith("/t1") for request in polled.requests) == 1


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


async def test_a_filter_that_the_platform_does_not_take_is_no_broken_link(polled: PollerSetup) -> None:
    async def refuse(request: Request, connection: Connection) -> bool:
        polled.requests.append(request)
        if is_filtered := "hibernating" in request.target:
            await connection.reply(422, {"detail": "no such status"})
        return is_filtered

    polled.platform.task("t1")
    polled.platform.before_reply = refuse
    query = TaskQuery(status=("hibernating",))
    await polled.read_round()
    await polled.poller.read_filtered(query)
    refused = polled.statuses[-1].refused
    assert refused is not None
    assert refused[0] == query
    assert "no such status" in refused[1]
    polled.requests.clear()
    await polled.read_round()
    assert set(polled.links) == {ListLink.LIVE}
    assert not any("hibernating" in request.target for request in polled.requests)
    await polled.poller.read_filtered(None)
    assert polled.poller.status.refused is None


# Point 9: the truth about the link, and about how much is loaded


@pytest.mark.parametrize(
    ("status", "link"),
    [(401, ListLink.NOT_AUTHORIZED), (403, ListLink.NOT_AUTHORIZED), (422, ListLink.REFUSED), (None, ListLink.OFFLINE)],
)
async def test_a_refused_key_is_not_authorized_and_only_a_lost_network_is_offline(
    polled: PollerSetup, status: int | None, link: ListLink
) -> None:
    async def refuse(request: Request, connection: Connection) -> bool:
        if status is None:
            connection.reset()
        else:
            await connection.reply(status, {"detail": "no"})
        return True

    polled.platform.before_reply = refuse
    job = asyncio.create_task(polled.poller.run())
    async with asyncio.timeout(SECONDS):
        while not any(seen.link.is_lost for seen in polled.statuses):
            await asyncio.sleep(0)
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job
    lost = next(seen for seen in polled.statuses if seen.link.is_lost)
    assert (lost.link, lost.is_known) == (link, False)


async def test_the_time_of_the_last_whole_read_stays_when_the_link_is_lost(polled: PollerSetup) -> None:
    polled.platform.task("t1")
    await polled.read_round()
    read_at = polled.poller.status.read_at
    assert read_at
    polled.poller.note_retry("the platform is busy", 3.0)
    assert (polled.poller.status.read_at, polled.poller.status.is_known) == (read_at, True)


async def test_the_controller_tells_no_total_until_all_pages_were_read(
    server: Server, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_poller, "TASKS_PER_PAGE", 3)
    for number in range(6):
        platform.task(f"t{number}", agent=f"a{number % 2 + 1}", status="completed")
    async with make_client(server.url, rest=False) as client:
        made = PollerSetup(client, platform)
        await made.read_round()
        assert (made.poller.status.total, made.poller.status.has_more(3)) == (None, True)
        await made.poller.read_more()
        assert made.poller.status.total is None or made.poller.status.total == 6
        await made.poller.read_more()
        assert (made.poller.status.total, made.poller.status.has_all(6)) == (6, True)
        await made.read_round()
        assert made.poller.status.total == 6
        made.store.close()


async def test_the_agent_of_a_workflow_is_read_once_for_its_nodes(polled: PollerSetup) -> None:
    """Point 7: only the agent's record tells that a node waits for a machine."""
    node = {"id": "hook", "type": "wait", "definition": {"type": "webhook"}}
    agent = polled.platform.store.agent("a1")
    assert agent
    polled.platform.store.put_agent({**agent, "orchestration_nodes": []})
    await polled.read_round()
    polled.platform.store.put_agent({**agent, "orchestration_nodes": [node]})
    for name in ("t1", "t2"):
        polled.platform.task(name, status="paused", last_executed_node_id="hook")
    await polled.read_round()
    waits = [polled.store.state.wait(name) for name in ("t1", "t2")]
    assert [wait.kind for wait in waits if wait] == [WaitKind.WEBHOOK, WaitKind.WEBHOOK]
    assert sum(request.path.endswith("/agents/a1") for request in polled.requests) == 1


async def test_the_reason_of_a_wait_is_called_unknown_only_once_it_was_read(polled: PollerSetup) -> None:
    """C17: the log and the agent were not read yet, and the screens said that the platform tells no reason."""
    polled.platform.task("t1", status="paused")
    before: list[str] = []
    polled.store.subscribe(lambda state, changes: before.extend(_words_of(state, "t1")))
    await polled.read_round()
    assert before[0] == "paused, reading why …"
    assert before[-1] == "paused (reason unknown)"


async def test_the_reason_stays_being_read_while_its_read_fails(polled: PollerSetup) -> None:
    async def fail(request: Request, connection: Connection) -> bool:
        if is_log := "activity" in request.path:
            await connection.reply(403, {"detail": "no"})
        return is_log

    polled.platform.before_reply = fail
    polled.platform.task("t1", status="paused")
    with pytest.raises(ApiError):
        await polled.read_round()
    polled.store.step()
    assert _words_of(polled.store.state, "t1") == ["paused, reading why …"]
    assert not polled.store.state.awaits_reason("t1")


def _words_of(state: State, task_id: str) -> list[str]:
    wait = state.wait(task_id)
    return [wait.words] if wait else []


async def test_an_agent_that_may_not_be_read_leaves_the_reason_unknown(polled: PollerSetup) -> None:
    async def forbid(request: Request, connection: Connection) -> bool:
        polled.requests.append(request)
        if is_forbidden := request.path.endswith("/agents/a1"):
            await connection.reply(403, {"detail": "no"})
        return is_forbidden

    polled.platform.before_reply = forbid
    polled.platform.task("t1", status="paused", last_executed_node_id="hook")
    await polled.read_round()
    polled.platform.change("t1", title="Changed")
    await polled.read_round()
    wait = polled.store.state.wait("t1")
    assert wait
    assert wait.kind is WaitKind.UNKNOWN
    assert sum(request.path.endswith("/agents/a1") for request in polled.requests) == 1
