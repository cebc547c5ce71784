"""Content that is too large, too deep or invalid JSON is shown with what is left out, and blocks nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import RecordTried
from tests.screens.operator import open_dashboard
from tests.wire.server import Connection, Request, Server

AT = "2026-11-21T12:00:00Z"
DATA = {
    "a line of ten megabytes": '{"text": "ten-megabytes ' + "x" * 10_000_000 + '"}',
    "ten thousand levels": '{"deep-beginning": ' + "[" * 10_000 + "1" + "]" * 10_000 + "}",
    "an integer of 5,000 digits": '{"digits": ' + "9" * 5_000 + "}",
    "no proper numbers": '{"not-a-number": NaN, "beyond": -Infinity, "more": 1e999}',
    "half a pair": '{"half-a-pair": "\\ud800 and after it"}',
}
"""JSON that Python, a widget or a terminal would choke on."""
SEEN = ["ten-megabytes xxx", "deep-beginning", "digits", "not-a-number", "and after it"]
"""What an operator sees of each."""


def _call(number: int, name: str, data: str) -> str:
    return (
        f'{{"id": "e{number}", "created_at": "{AT}", "tool_name": "call {number}", "request_id": "r{number}", '
        f'"payload": {data}, "reasoning": {{"title": "{name}"}}}}'
    )


def _event(number: int, data: str) -> str:
    inner = f'{{"request_id": "live{number}", "tool_name": "live {number}", "payload": {data}}}'
    return f'{{"type": "tool_call_request", "task_id": "t1", "time": "{AT}", "data": {inner}}}'


async def _platform(request: Request, connection: Connection) -> None:
    task: dict[str, Any] = {"id": "t1", "agent_id": "a1", "organization_id": "local", "status": "executing",
                            "title": "A large one", "events_streaming": True, "created_at": AT, "updated_at": AT}  # fmt: skip
    last = request.path.rpartition("/")[2]
    if last == "events":
        await connection.start()
        for number, data in enumerate(DATA.values()):
            await connection.chunk(f"id: {number}\ndata: {_event(number, data)}\n\n".encode())
        await connection.gone()
    elif "/activity/" in request.path:
        log = ", ".join(_call(number, name, data) for number, (name, data) in enumerate(DATA.items()))
        await connection.reply(
            200, f'{{"id": "t1", "messages": [{log}]}}'.encode(), {"Content-Type": "application/json"}
        )
    elif last == "tasks":
        is_there = request.query.get("status", "executing") == "executing"
        await connection.reply(200, {"items": [task] * is_there, "total": int(is_there), "total_pages": 1})
    elif last in {"agents", "list"}:
        await connection.reply(200, {"items": [{"id": "a1", "name": "Agent", "organization_id": "local"}], "total": 1})
    else:
        await connection.reply(200, {**task, "input": {"text": "Do it"}})


@pytest.mark.long
async def test_oversized_content_is_shown_without_blocking(tmp_path: Path, record_tried: RecordTried) -> None:
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(0.01)
            longest = max(longest, time.perf_counter() - begun - 0.01)

    seen: set[str] = set()
    async with Server(_platform) as server:
        here: Any = SimpleNamespace(url=server.url)
        async with open_dashboard(here, tmp_path) as operator:

            async def look(*keys: str) -> None:
                await operator.press(*keys)
                await operator.pilot.pause(0.05)
                seen.update(words for words in SEEN if words in operator.text)

            await operator.until(lambda: "A large one" in operator.text)
            watching = asyncio.create_task(watch())
            await operator.press("enter")
            await operator.until(lambda: "call 4" in operator.text and "live 4" in operator.text)
            for keys in (["1", "home"], ["2", "home"], ["2", "W", "home"]):  # the tree, the events, these as JSON
                await look(*keys)
                for _ in range(len(DATA) + 1):
                    await look("down")
                    await look("3", "w", "end", "w", keys[0])
            watching.cancel()
    assert seen == set(SEEN)
    assert longest < 5.0, f"stood still for {longest:.2f} s"
    record_tried(
        "too large, too deep, no JSON: shown, cut, quick", len(DATA), f"still for {longest * 1000:.0f} ms at most"
    )
