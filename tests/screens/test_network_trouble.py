"""What the screens show when the network, the platform or an agent fails."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.local.conftest import Serve, Served
from tests.screens.operator import dashboard_with_invoice, invoice, open_dashboard
from tests.wire.platform import KEY, Platform
from tests.wire.server import Connection, Request, Server
from tui.local.chaos import Chaos
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.services import confirmation
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
