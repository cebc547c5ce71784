"""turns: times and counts of a thread say which of its turns they are of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.client.lazy_entries import lazy_entries
from tests.domain.activity_sources import NOW, activity_of, call
from tui.client.log_entries import Log
from tui.client.models import Task
from tui.domain.activity_log import Activity
from tui.domain.entry_format import summary
from tui.domain.turns import turn_words


def message(name: str, role: str) -> dict[str, Any]:
    return {"id": name, "role": role, "content": {"text": name}}


def ended(started: float, **more: Any) -> Task:
    at = NOW + timedelta(seconds=started)
    times = {"created_at": NOW, "started_at": at, "finished_at": at + timedelta(seconds=3)}
    return Task.from_value(
        {"id": "t", "status": "completed", **{name: time.isoformat() for name, time in times.items()}, **more}
    )


TWO_TURNS = activity_of(
    "t", message("u1", "user"), call("a"), call("b", is_error=True), message("r1", "agent"), message("u2", "user"),
    call("c"), message("r2", "agent"),
)  # fmt: skip


def test_a_thread_with_one_turn_says_nothing_of_turns() -> None:
    one = activity_of("t", message("u1", "user"), message("u2", "user"), call("a"), message("r1", "agent"))
    assert summary(ended(2, tokens={"total_tokens": 900}), one) == "completed in 3.0s · 1 call · 900 tokens"


def test_the_latest_turn_is_told_apart_from_the_whole_thread() -> None:
    assert summary(ended(4.5, tokens={"total_tokens": 900}), TWO_TURNS) == (
        "latest turn: completed in 3.0s · 1 call · whole thread: 3 calls, 1 failed · 900 tokens, of which turn is not told"
    )


def test_a_record_whose_time_began_with_the_first_turn_is_of_the_whole_thread() -> None:
    assert summary(ended(0), TWO_TURNS) == "whole thread: completed in 3.0s · 3 calls, 1 failed"


def test_the_turn_of_a_large_log_is_told_without_reading_it() -> None:
    entries = [
        {**call(f"c{number}"), "created_at": (NOW + timedelta(seconds=number)).isoformat(), "is_error": number % 2 == 0}
        for number in range(10)
    ]
    activity = Activity("t")
    activity.add_log(Log(lazy_entries(entries, 5)), NOW)
    assert turn_words(ended(6.5), activity) == "latest turn"
    kinds, failed = activity.nodes.count_kinds(NOW + timedelta(seconds=6.5))
    assert (sum(kinds.values()), failed) == (3, 1)
