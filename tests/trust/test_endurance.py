"""Endurance: millions of events through the screens and the stream, and released resources."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RecordTried
from tests.local.conftest import Serve, Served
from tests.screens.operator import QUICK, Operator, open_dashboard
from tests.trust.storm import Storm, percentile
from tests.wire.platform import KEY as STORM_KEY
from tests.wire.platform import Platform
from tests.wire.server import Server
from tui.client.events import Event
from tui.client.retry import SystemClock
from tui.client.sse import SSEDecoder
from tui.domain.state import EventSeen, State
from tui.screens.task_detail import TaskScreen
from tui.screens.task_list import TaskListScreen
from tui.services.task_follower import TaskFollower
from tui.widgets.event_pane import EventPane

EVENTS = int(os.environ.get("XP_EVENTS", "2000"))
MUTATED = int(os.environ.get("XP_MUTATED", "10000"))
IS_LONG = EVENTS >= 1_000_000


def resident() -> float:
    """Return the resident memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def told(number: int, task_id: str) -> Event:
    """Generate the events of a busy agent: chunks, and now and then a status, a call, a plan."""
    kind, data = "chunk", "word " * (1 + number % 7)  # type: str, Any
    if number % 40 == 1:
        kind, data = "context_status", {"tokens": number, "percent": number % 100}
    elif number % 40 == 2:
        kind = "tool_call_request" if number % 80 == 2 else "tool_call_result"
        data = {"request_id": f"r{number // 80 % 500}", "tool_name": "search", "payload": {"q": number // 80 % 500}}
    elif number % 400 == 3:
        kind, data = "process_update", {"note": "x" * 200}
    return Event.from_value(
        {"type": kind, "task_id": task_id, "time": f"2026-11-21T10:{number % 60:02}:00Z", "data": data}
    )


async def key_to_paint(operator: Operator, count: int) -> list[float]:
    """Return the seconds from a key to the frame that shows its effect."""
    app, pane, taken, frames = operator.app, operator.app.screen.query_one(EventPane), [], 0
    display = app._display

    def counted(screen: Any, renderable: Any) -> None:
        nonlocal frames
        display(screen, renderable)
        frames += renderable is not None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "_display", counted)
        for _ in range(count):
            before, begun, drawn = pane.cursor, time.perf_counter(), -1
            app.simulate_key("up" if before > 5 else "down")
            while drawn in {-1, frames} and time.perf_counter() - begun < 2:
                await asyncio.sleep(0)
                if drawn == -1 and pane.cursor != before:
                    drawn = frames
            taken.append(time.perf_counter() - begun)
    return taken


async def test_millions_of_events_cost_no_growing_memory_on_the_screens(
    serve: Serve, tmp_path: Path, record_tried: RecordTried
) -> None:
    async with serve() as here:
        made = here.local.platform.create("your-agent", {"input": {"text": "Write"}, "title": "Write it all"})
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "Write it all" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: isinstance(operator.app.screen, TaskScreen) and "Events" in operator.text)
            await operator.press("2")
            pane = operator.app.screen.query_one(EventPane)
            at: list[float] = []
            keys: list[list[float]] = []
            for number in range(EVENTS):
                operator.app.services.store.add(
                    EventSeen(made["id"], told(number, made["id"]), operator.app.client.now)
                )
                if number % 500 == 499:
                    await operator.pilot.pause(0.001)
                if number in {EVENTS // 10, EVENTS - 1}:
                    await operator.until(lambda: pane.total + pane.unseen_count > 0)
                    gc.collect()
                    at.append(resident())
                    keys.append(await key_to_paint(operator, 200 if IS_LONG else 12))
            await operator.until(lambda: not operator.app.services.store.has_pending)
            grown = at[-1] - at[0]
            first, last = (percentile(taken, 0.99) for taken in keys)
            assert grown <= 64, f"{grown:.0f} MB more"
            assert last <= (0.1 if IS_LONG else max(2.0, 3 * first)), (
                f"a key took {last * 1000:.0f} ms, at first {first * 1000:.0f} ms"
            )
            words = (
                f"{grown:.1f} MB more; key to paint p99 {first * 1000:.0f} ms at first, {last * 1000:.0f} ms at last"
            )
            record_tried("endurance: events through the running screens", EVENTS, words)


def mutations(dice: random.Random) -> Iterator[bytes]:
    """Generate damaged frames: fields missing, duplicated, null, of another type, huge, deep, cut, and bytes flipped."""
    seeds = [told(number, "t").raw for number in range(0, 800, 7)]
    strange: list[Any] = [None, [], {}, "", "\ud800", 0, -1, 1e308, True, "x" * 5000, [[[[[[]]]]]], {"a": {"b": {}}}]
    while True:
        raw = dict(dice.choice(seeds))
        match dice.randrange(6):
            case 0:
                raw.pop(dice.choice(list(raw)))
            case 1:
                raw[dice.choice(list(raw))] = dice.choice(strange)
            case 2 if isinstance(raw["data"], dict):
                raw["data"] = {**raw["data"], dice.choice(list(raw["data"])): dice.choice(strange)}
            case 3:
                raw["data"] = {"data": raw["data"], "n": int("9" * dice.choice([1, 20, 400]))}
            case _:
                pass
        body = bytearray(json.dumps(raw).encode())
        if dice.random() < 0.3:
            for _ in range(dice.randrange(1, 6)):
                body[dice.randrange(len(body))] = dice.randrange(256)
        yield b"data: " + bytes(body).replace(b"\n", b"").replace(b"\r", b"") + b"\n\n"


def test_damaged_events_affect_no_neighbouring_event(record_tried: RecordTried) -> None:
    dice, frames, state = random.Random(4), SSEDecoder(), State()

    strange, sound = mutations(dice), 0
    for start in range(0, MUTATED, 1000):
        wire = bytearray()
        for number in range(start, start + 1000):
            wire += next(strange)
            if number % 50 == 0:
                call = {"type": "tool_call_request", "data": {"request_id": f"sound-{number}", "tool_name": "x"}}
                wire += f"data: {json.dumps(call)}\n\n".encode()
        changes = []
        heard = 0
        while wire:
            size = dice.randrange(1, 4000)
            for frame in frames.feed(bytes(wire[:size])):
                event = Event.from_sse(frame.data, frame.id)
                entry = event.entry
                heard += entry is not None and entry.id.startswith("sound-")
                changes.append(EventSeen(f"t{start // 5000}", event, datetime.now(UTC)))
            del wire[:size]
        assert heard == 20, f"{20 - heard} sound events were lost near {start}"
        state = state.after(changes)
        sound += heard
    record_tried("endurance: mutated events, no sound neighbour lost", MUTATED, f"{sound:,} sound ones between them")


def held() -> tuple[int, int, int]:
    """Return the numbers of open files, tasks of the event loop, and threads."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks()), threading.active_count()


async def test_files_tasks_and_threads_are_released(serve: Serve, tmp_path: Path, record_tried: RecordTried) -> None:
    """A task is opened, followed, and left, again and again."""
    times = 50 if IS_LONG else 5
    async with serve() as here:
        here.local.platform.create("your-agent", {"input": {"text": "x"}, "title": "A run", "events_streaming": True})
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "A run" in operator.text)
            after: list[tuple[int, int, int]] = []
            for _ in range(times + 2):
                await operator.press("enter")
                await operator.until(lambda: "● live" in operator.text.split("\n")[0])
                await operator.press("escape")
                await operator.until(lambda: isinstance(operator.app.screen, TaskListScreen))
                await operator.until(lambda: not any("stream" in job.get_name() for job in asyncio.all_tasks()))
                after.append(held())
            first, last = after[1], after[-1]
            assert all(now <= before + 3 for before, now in zip(first, last, strict=True)), after
            words = f"files, tasks, threads: {first} and {last}"
            record_tried("endurance: files, tasks and threads are given back", times, words)


async def test_the_dashboard_quits_at_once_with_eight_live_streams(
    serve: Serve, tmp_path: Path, record_tried: RecordTried
) -> None:
    async with serve() as here:
        about = {"input": {"text": "x"}, "title": "A run", "events_streaming": True}
        ids = [here.local.platform.create("your-agent", about)["id"] for _ in range(8)]
        begun = 0.0
        async with open_dashboard(here, tmp_path) as operator:
            await operator.until(lambda: "A run" in operator.text)
            for task_id in ids:
                follower = TaskFollower(operator.app.client, task_id, operator.app.services.store.add, intervals=QUICK)
                operator.app.run_worker(follower.run(), group="eight")
            await operator.until(
                lambda: sum(operator.app.services.store.state.links.get(one) is not None for one in ids) == 8
            )
            begun = time.perf_counter()
            await operator.press("q")
        took = time.perf_counter() - begun
        assert took < (1.0 if IS_LONG else 10.0), f"{took:.2f} s"
        record_tried("quit with eight live streams: within a second", 8, f"{took:.2f} s")


@pytest.fixture
def live_only() -> Iterator[Platform]:
    """A platform whose reopened streams get only new events."""
    with closing(Platform("live only")) as made:
        yield made


@pytest.mark.long
async def test_the_screens_survive_a_storm_of_faults(
    live_only: Platform, tmp_path: Path, record_tried: RecordTried
) -> None:
    """Keys are pressed all the while; nothing stands still, and the chip says what is so."""
    faults = 100 if IS_LONG else 10
    platform = live_only
    platform.agent("a1", "A")
    platform.task("t1")
    storm = Storm(platform, random.Random(9), SystemClock(), 0)  # type: ignore[arg-type]
    async with Server(platform.handle) as server:
        here = Served(platform.local, server.url)
        async with open_dashboard(here, tmp_path, key=STORM_KEY) as operator:
            await operator.until(lambda: "Task t1" in operator.text)
            await operator.press("enter")
            await operator.until(lambda: "● live" in operator.text.split("\n")[0])
            storm.left = faults
            stood: list[float] = []
            is_over = asyncio.Event()

            async def watch() -> None:
                while not is_over.is_set():
                    begun = time.perf_counter()
                    await asyncio.sleep(0.01)
                    stood.append(time.perf_counter() - begun - 0.01)

            watching = asyncio.create_task(watch())
            calls = 0
            while storm.left:
                await platform.tool("t1", f"r{calls}", "search", {"q": calls}, {"hits": calls})
                calls += 1
                await operator.pilot.press(["down", "up", "2", "1", "v"][calls % 5])
                await operator.pilot.pause(0.05)
            await platform.finish("t1")
            await operator.until(lambda: "■ ended" in operator.text)
            is_over.set()
            await watching
            wanted = sorted(f"r{number}" for number in range(calls))

            def found() -> list[str]:
                activity = operator.app.services.store.state.activity("t1")
                return sorted(node.entry.id for node in activity.nodes if node.entry.kind == "tool") if activity else []

            await operator.until(lambda: found() == wanted)  # the log is read once more after the end
            longest = max(stood)
            assert longest < (0.25 if IS_LONG else 5.0), f"stood still for {longest:.2f} s"
            record_tried(
                "screens in a storm of faults: never still for 250 ms", faults, f"at most {longest * 1000:.0f} ms"
            )
