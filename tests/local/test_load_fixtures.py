"""Fixtures for load tests: the requested number of tasks, each as a real one would be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.local.conftest import NOW
from tui.client.log_entries import parse_entry
from tui.client.models import Task
from tui.local.process import LocalPlatform, ServerOptions


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[LocalPlatform]:
    """A platform that was filled for a load test."""
    wishes = ServerOptions(tmp_path, seed="7", now=NOW, arrivals=False, history=False, tasks=300, entries=50)
    local = LocalPlatform(wishes, ":memory:")
    yield local
    local.store.close()


def test_the_requested_number_of_ended_tasks_is_made(filled: LocalPlatform) -> None:
    tasks = [Task.from_value(task) for task in filled.store.tasks({}) if task["agent_id"] != "your-agent"]
    assert len({task.id for task in tasks}) == 300
    assert all(task.is_final and task.result and task.tokens and task.tokens.total for task in tasks)
    for task in tasks:
        assert task.started_at
        assert task.finished_at
        assert task.started_at < task.finished_at < NOW
    statuses = Counter(task.status for task in tasks)
    assert set(statuses) == {"completed", "failed", "error", "stopped"}
    assert statuses["completed"] > 200
    assert {task.status for task in tasks if task.raw["is_manually_stopped"]} == {"stopped"}
    shares = Counter(task.agent_id for task in tasks)
    assert max(shares.values()) - min(shares.values()) <= 1


def test_one_log_has_the_requested_length_and_is_in_order(filled: LocalPlatform) -> None:
    (task,) = (task for task in filled.store.tasks({}) if task["agent_id"] == "your-agent")
    entries = [parse_entry(json.loads(entry)) for entry in filled.store.entries(task["id"])]
    said, *added = sorted(entries, key=lambda entry: entry.kind == "message" and entry.label == task["title"])[::-1]
    assert said.label == "A log of 50 entries"
    assert len({entry.id for entry in added}) == 50
    assert Counter(entry.kind for entry in added) == {"reasoning": 10, "tool": 30, "message": 10}
    moments = [entry.created_at for entry in entries if entry is not said and entry.created_at]
    assert len(moments) == 50
    assert max(moments) < NOW


def test_the_same_seed_makes_the_same_tasks(filled: LocalPlatform, tmp_path: Path) -> None:
    def told(local: LocalPlatform) -> list[tuple[str, str]]:
        return [(task["id"], task["status"]) for task in local.store.tasks({}) if task["agent_id"] != "your-agent"]

    def told_with_seed(seed: str) -> list[tuple[str, str]]:
        wishes = ServerOptions(tmp_path, seed=seed, now=NOW, arrivals=False, history=False, tasks=300)
        local = LocalPlatform(wishes, ":memory:")
        with closing(local.store):
            return told(local)

    assert told_with_seed("7") == told(filled)
    assert told_with_seed("8") != told(filled)
