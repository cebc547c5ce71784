"""What the screens show when the network, the platform or an agent fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.local.conftest import Serve, Served
from tests.screens.operator import Operator, dashboard_with_invoice, invoice, open_dashboard
from tests.wire.platform import KEY, Platform, add_waiting_task
from tests.wire.server import Connection, Request, Server
from tui.app import review_manager
from tui.client import session
from tui.client.retry import Backoff
from tui.local.chaos import Chaos
from tui.screens.review import ReviewScreen
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.services import confirmation, list_poller
from tui.widgets.event_pane import EventPane


async def test_a_lost_answer_is_settled_by_the_record(serve: Serve, tmp_path: Path) -> None:
    async with dashboard_with_invoice(lambda: serve(chaos=Chaos(lose_answers=1.0)), tmp_path) as operator:
        await operator.press("a", "end")
        await operator.ready_to_decide()
        await operator.press("A")
        await operator.until(lambda: "approved, on record as Local Operator (no clear answer came" in operator.text)
        assert operator.sent == ["approve"]
        await operator.here.until(invoice(operator)["id"], "completed")


async def test_a_run_that_does_not_stop_is_shown_as_still_running(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation, "CONFIRMATION_SECONDS", 0.5)
    async with dashboard_with_invoice(serve, tmp_path) as operator:
        platform = operator.here.local.platform
        monkeypatch.setattr(platform, "stop", platform.task)
        await operator.press("X", "tab", "enter")
        await operator.until(lambda: "stop requested" in operator.toasts())
        await operator.until(lambda: "still paused after" in operator.toasts())
        assert "stopped" not in operator.text


async def test_a_cut_stream_loses_nothing_on_the_screen(platform: Platform, tmp_path: Path) -> None:
    cuts = 0

    async def cut_once(connection: Connection, frame: bytes) -> bool:
        nonlocal cuts
        if b"second" in frame and not cuts:
            cuts += 1
            return False
        await connection.chunk(frame)
        return True

    platform.stream_hook = cut_once
    platform.resume = "nothing"
    platform.task("t1")
    async with Server(platform.handle) as server:
        here = Served(platform.local, server.url)
        async with open_dashboard(here, tmp_path, key=KEY) as operator:
            await operator.until(lambda: "Task t1" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: "● live" in operator.text)
            for number, name in enumerate(("first", "second", "third")):
                await platform.tool("t1", f"r{number}", f"{name}.tool", {"n": number}, "fine")
                await asyncio.sleep(0)
            await operator.until(lambda: all(f"{name}.tool" in operator.text for name in ("first", "second", "third")))
            await operator.until(lambda: "gap " in operator.text and "back-filled" in operator.text)
            assert cuts == 1
            await operator.until(lambda: "● live" in operator.text)


async def test_the_screen_shows_a_lost_and_restored_network(platform: Platform, tmp_path: Path) -> None:
    is_down = False

    async def maybe_down(request: Request, connection: Connection) -> bool:
        if is_down:
            connection.reset()
        return is_down

    platform.before_reply = maybe_down
    platform.task("t1")
    async with Server(platform.handle) as server:
        async with open_dashboard(Served(platform.local, server.url), tmp_path, key=KEY) as operator:
            await operator.until(lambda: "● live" in operator.text and "Task t1" in operator.text)
            is_down = True
            await operator.until(lambda: "● offline" in operator.text)
            assert "Task t1" in operator.text
            platform.task("t2")
            is_down = False
            await operator.until(lambda: "● live" in operator.text and "Task t2" in operator.text)


# Point 9: truth about the link


class Switch:
    """A switch of the network: while it is down, every connection is reset; `status` answers each request instead."""

    def __init__(self, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(session, "THROTTLE_SECONDS", 0.05)
        self.is_down = False
        self.status = 0
        self._platform = platform
        self._folder = tmp_path
        platform.before_reply = self._handle

    @asynccontextmanager
    async def dashboard(self) -> AsyncIterator[Operator]:
        """Run the dashboard behind the switch, with short pauses between the tries of a request."""
        async with Server(self._platform.handle) as server:
            async with open_dashboard(Served(self._platform.local, server.url), self._folder, key=KEY) as operator:
                operator.app.client.transport.backoff = Backoff(first_seconds=0.02)
                yield operator

    async def _handle(self, request: Request, connection: Connection) -> bool:
        if self.status:
            await connection.reply(self.status, {"detail": "Invalid API key"})
        elif self.is_down:
            connection.reset()
        return self.is_down or bool(self.status)


async def test_point_9_nothing_known_is_no_zero(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = Switch(platform, tmp_path, monkeypatch)
    switch.is_down = True
    async with switch.dashboard() as operator:
        await operator.until(lambda: "● offline" in operator.text)
        assert "‖ ? need you" in operator.text
        assert "0 need you" not in operator.text
        switch.is_down = False
        await operator.until(lambda: "● live" in operator.text)
        assert "‖ 0 need you" in operator.text


async def test_point_9_counts_of_a_lost_link_are_old_and_say_how_old(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = Switch(platform, tmp_path, monkeypatch)
    add_waiting_task(platform)
    async with switch.dashboard() as operator:
        await operator.until(lambda: "● live" in operator.text and "1 need you" in operator.text)
        switch.is_down = True
        await operator.until(lambda: "● offline, read " in operator.text)
        column, row = operator.at("1 need you")
        style = operator.app.screen.get_style_at(column, row)
        faint = operator.app.screen.get_style_at(*operator.at(" loaded"))
        assert style.color == faint.color
        switch.is_down = False
        await operator.until(lambda: "● live" in operator.text)
        await operator.until(lambda: operator.app.screen.get_style_at(column, row).color != faint.color)


async def test_point_9_a_refused_key_is_not_authorized_everywhere(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = Switch(platform, tmp_path, monkeypatch)
    add_waiting_task(platform)
    async with switch.dashboard() as operator:
        await operator.until(lambda: "‖ approval" in operator.text)
        switch.status = 401
        await operator.until(lambda: "● not authorized" in operator.text)
        assert "offline" not in operator.text
        await operator.press("a")
        await operator.until(lambda: "not authorized: Invalid API key" in operator.text)
        assert "retried" not in operator.text
        assert "offline" not in operator.text


@pytest.mark.long
async def test_point_9_a_review_opened_while_offline_heals_by_itself(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_manager, "RETRY_SECONDS", 0.3)
    switch = Switch(platform, tmp_path, monkeypatch)
    add_waiting_task(platform)
    async with switch.dashboard() as operator:
        await operator.until(lambda: "‖ approval" in operator.text)
        switch.is_down = True
        await operator.until(lambda: "● offline" in operator.text)
        await operator.press("a")
        await operator.until(lambda: "offline, retried every" in operator.text)
        await operator.press("A")
        switch.is_down = False
        await operator.until(lambda: "pay 1,204 EUR" in operator.text)
        await operator.until(lambda: "offline" not in operator.text)
        await operator.ready_to_decide()
        assert operator.sent == []


async def test_an_open_review_says_that_the_platform_is_offline_and_heals_by_itself(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C9: nothing changed on an open review after the platform had ended."""
    switch = Switch(platform, tmp_path, monkeypatch)
    add_waiting_task(platform)
    async with switch.dashboard() as operator:
        await operator.until(lambda: "‖ approval" in operator.text)
        await operator.press("a")
        await operator.until(lambda: "pay 1,204 EUR" in operator.text)
        switch.is_down = True
        await operator.until(lambda: "offline, read " in operator.text)
        operator.app.services.has_platform_ended = lambda: True
        await operator.until(lambda: "the local platform has ended: quit (" in operator.text)
        operator.app.services.has_platform_ended = lambda: False
        review = operator.app.screen
        assert isinstance(review, ReviewScreen)
        read_at = review._read_at
        switch.is_down = False
        await operator.until(lambda: "offline" not in operator.text)
        await operator.until(lambda: review._read_at != read_at)
        assert operator.sent == []


async def test_point_9_a_review_that_was_closed_is_not_read_any_more(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_manager, "RETRY_SECONDS", 0.1)
    switch = Switch(platform, tmp_path, monkeypatch)
    add_waiting_task(platform)
    async with switch.dashboard() as operator:
        await operator.until(lambda: "‖ approval" in operator.text)
        switch.is_down = True
        await operator.press("a")
        await operator.until(lambda: "retried every" in operator.text)
        await operator.press("escape")
        await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
        await operator.until(lambda: not any(one.group == "review w" for one in operator.app.workers if one.is_running))


async def test_point_9_counts_of_what_is_loaded_say_so(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_poller, "TASKS_PER_PAGE", 50)
    for number in range(60):
        platform.task(f"f{number}", status="failed")
    platform.task("r1")
    async with Server(platform.handle) as server:
        async with open_dashboard(Served(platform.local, server.url), tmp_path, key=KEY) as operator:
            await operator.until(lambda: "✗ 49+ failed" in operator.text)
            assert "▶ 1 running" in operator.text
            assert "▾ Failed (49+)" in operator.text
            assert "50 loaded · 61 total" in operator.text
            operator.app.screen.query_one("#filter").value = "id:f1*"  # type: ignore[attr-defined]
            await operator.until(lambda: "9 of 50 loaded · 61 total" in operator.text)
            operator.app.screen.query_one("#filter").value = ""  # type: ignore[attr-defined]
            await operator.press("m", "home")
            await operator.until(lambda: "✗ 60 failed" in operator.text and "61 loaded " in operator.text)
            await operator.until(lambda: "▾ Failed (60)" in operator.text)


async def test_a_refused_api_key_is_shown_with_advice(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here, open_dashboard(here, tmp_path, key="not-the-key-at-all") as operator:
        await operator.until(lambda: "r tries again" in operator.text)
        assert "key" in operator.text
        assert isinstance(operator.app.screen, TaskListScreen)


async def test_scrolling_up_stops_following_and_a_pause_loses_nothing(serve: Serve, tmp_path: Path) -> None:
    async with serve() as here:
        platform = here.local.platform
        made = platform.create("your-agent", {"input": {"text": "x"}, "title": "Mine", "events_streaming": True})

        def push(name: str) -> None:
            call = {"request_id": name, "tool_name": name, "payload": {}}
            platform.push(made["id"], [{"type": "tool_call_request", "data": call}])

        async with open_dashboard(here, tmp_path, (80, 24)) as operator:
            await operator.until(lambda: "Mine" in operator.text)
            await operator.press("enter", "2")
            await operator.until(lambda: isinstance(operator.app.screen, TaskScreen))
            pane = operator.app.screen.query_one(EventPane)
            for number in range(30):
                push(f"tool{number}")
            await operator.until(lambda: pane.count() >= 30)
            await operator.press("up", "up")
            push("later")
            await operator.until(lambda: "1 new" in operator.text)
            await operator.press("f")
            await operator.until(lambda: "later" in operator.text and "follow" in operator.text)
            await operator.press("p")
            push("while-paused")
            await operator.until(lambda: "1 held" in operator.text)
            before = pane.count()
            await operator.press("p")
            await operator.until(lambda: pane.count() == before + 1)
