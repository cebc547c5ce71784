"""Answers that are activity logs, and answers that are not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tui.client.errors import UnexpectedAnswer
from tui.client.lazy_log import MAX_MODELS_PER_STEP, LargeLog
from tui.client.log_responses import read_log, read_thread_messages


def messages(count: int) -> list[dict[str, Any]]:
    return [{"id": f"m{number}", "role": "user", "content": "x"} for number in range(count)]


async def test_reading_a_log_yields_to_the_event_loop() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    log = await read_log({"id": "t", "messages": messages(5 * MAX_MODELS_PER_STEP)}, "t")
    counting.cancel()
    assert [entry.id for entry in log.entries] == [f"m{number}" for number in range(5 * MAX_MODELS_PER_STEP)]
    assert turns >= 5


async def test_a_large_log_of_another_task_is_refused() -> None:
    assert not (await read_log(LargeLog("t", []), "t", "thread")).entries
    with pytest.raises(UnexpectedAnswer, match="asked for was 'other'"):
        await read_log(LargeLog("t", []), "other")


@pytest.mark.parametrize("body", [None, [], {"id": "t"}, {"id": "t", "messages": {}}, {"id": "other", "messages": []}])
async def test_an_answer_that_is_no_log_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        await read_log(body, "t")


def test_messages_of_threads_are_a_partial_log() -> None:
    log = read_thread_messages(
        {"root": [{"id": "a", "role": "assistant", "content": "x"}], "child": ["odd"], "total": 5}
    )
    assert log.is_partial
    assert [(entry.id, entry.raw["role"]) for entry in log.entries] == [("a", "agent")]
    assert [(task_id, [entry.kind for entry in child.entries]) for task_id, child in log.child_logs()] == [
        ("child", ["other"])
    ]


@pytest.mark.parametrize("body", [None, [], {"root": None}])
def test_an_answer_without_a_thread_is_an_error(body: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        read_thread_messages(body)
