"""Pruning: old ended tasks are removed in small steps; live and waiting tasks stay."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import NOW, Serve
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.pruning import Limits, Pruner
from tui.local.sqlite_store import SqliteStore


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalPlatform]:
    """A platform whose agents do nothing."""
    made = LocalPlatform(
        ServerOptions(tmp_path, seed="test", now=NOW, arrivals=False, history=False), tmp_path / "platform.db"
    )
    yield made
    made.store.close()


def made(local: LocalPlatform, days_ago: float, status: str | None = None, **more: Any) -> str:
    """Make a task that was last changed this many days ago."""
    local.clock.freeze_at(NOW - timedelta(days=days_ago))
    task = local.platform.create("your-agent", {"input": {"text": "x" * 1000}, **more})
    local.platform.push(task["id"], [{"type": "chunk", "data": "y" * 500}] * 20)
    if status:
        local.platform.change(task, status=status)
    local.clock.freeze_at(None)
    return str(task["id"])


def pruned(local: LocalPlatform, days: float = 5.0, megabytes: float = 1000.0) -> list[str]:
    """Prune, and return the notices."""
    told: list[str] = []
    pruner = Pruner(local.platform, Limits(days, megabytes), told.append)
    for _ in pruner.steps():
        pass
    pruner.notify_removed()
    return told


def rows(store: SqliteStore) -> dict[str, set[str]]:
    """Return the tasks that have rows, by table."""
    # Private: no method lists every table.
    tables = {"tasks": "id", "entries": "task_id", "events": "task_id", "approvals": "task_id", "removed": "task_id"}
    found = {}
    for table, column in tables.items():
        found[table] = {str(row[0]) for row in store._db.execute(f"SELECT DISTINCT {column} FROM {table}")}
    return found


@pytest.mark.parametrize("status", ["completed", "failed", "error", "stopped"])
def test_an_old_ended_task_is_removed_with_everything_that_belongs_to_it(local: LocalPlatform, status: str) -> None:
    # Private: no method lists every fact.
    old, young = made(local, 6), made(local, 4)
    for task in (old, young):
        local.platform.agent("your-agent")
        request = {"execution_id": task, "tool_name": "pay_invoice", "payload": {"amount": 7}}
        assert local.decisions.check_call("your-agent", request)["type"] == "approval_required"
    for task, days in ((old, 6), (young, 4)):
        local.clock.freeze_at(NOW - timedelta(days=days))
        local.platform.change(local.platform.task(task), status=status)
        local.clock.freeze_at(None)
    told = pruned(local)
    assert rows(local.store) == {name: {young} for name in ("tasks", "entries", "events", "approvals")} | {
        "removed": set()
    }
    assert local.store._db.execute("SELECT count(*) FROM facts WHERE name LIKE 'hold/%'").fetchone() == (1,)
    assert told == [
        "1 task that had ended was removed from the database: it keeps them for 5 days and 1000 MB, "
        "as local_keep_days and local_max_megabytes say"
    ]


@pytest.mark.parametrize("status", [None, "executing", "paused"])
@pytest.mark.parametrize("megabytes", [1000.0, 0.0])
def test_live_and_waiting_tasks_stay_however_old_and_large(
    local: LocalPlatform, status: str | None, megabytes: float
) -> None:
    task = made(local, 400, status)
    assert pruned(local, 0.0, megabytes) == []
    assert rows(local.store)["events"] == {task}


@pytest.mark.parametrize("of_what", ["parent", "child", "cousin"])
def test_rows_of_a_live_task_stay(local: LocalPlatform, of_what: str) -> None:
    root = made(local, 30, None if of_what == "parent" else "completed")
    one = made(local, 29, "completed", parent_execution_id=root)
    made(local, 28, "paused" if of_what == "child" else "completed", parent_execution_id=one)
    made(local, 28, None if of_what == "cousin" else "completed", parent_execution_id=root)
    alone = made(local, 30, "completed")
    before = rows(local.store)["tasks"]
    pruned(local)
    assert rows(local.store)["tasks"] == before - {alone}


def test_a_tree_is_removed_whole_once_its_last_task_is_old(local: LocalPlatform) -> None:
    root = made(local, 30, "completed")
    made(local, 29, "completed", parent_execution_id=root)
    young = made(local, 3, "completed", parent_execution_id=root)
    pruned(local)
    assert len(rows(local.store)["tasks"]) == 3
    local.platform.destroy(young)
    pruned(local)
    assert rows(local.store)["tasks"] == set()


def test_tasks_that_name_each_other_as_parents_are_one_tree(local: LocalPlatform) -> None:
    # Private: no method makes such a circle.
    one, other = made(local, 9, "completed"), made(local, 9, "completed")
    for task, parent in ((one, other), (other, one)):
        local.store._db.execute("UPDATE tasks SET parent_id = ? WHERE id = ?", (parent, task))
    pruned(local)
    assert rows(local.store)["tasks"] == set()


def test_a_thread_that_goes_on_is_live_again(local: LocalPlatform) -> None:
    task = made(local, 30, "completed")
    local.platform.create("your-agent", {"id": task, "input": {"text": "more"}})
    assert pruned(local) == []
    local.platform.stop(task)
    assert pruned(local) == []
    assert rows(local.store)["tasks"] == {task}


def test_an_oversized_database_loses_its_oldest_tasks(local: LocalPlatform) -> None:
    tasks = [made(local, 4 - number / 100, "completed") for number in range(60)]
    waits = made(local, 4.5, "paused")
    before = local.store.ended.used_bytes()
    pruned(local, megabytes=before / 2 / 1_000_000)
    left = rows(local.store)["tasks"]
    assert before / 3 < local.store.ended.used_bytes() <= before / 2
    assert left == {waits, *tasks[-(len(left) - 1) :]}
    assert local.store.ended.used_bytes() < before


def test_recently_ended_tasks_stay_however_large_the_database(local: LocalPlatform) -> None:
    young, old = made(local, 1 / 24 / 60, "completed"), made(local, 1 / 24, "completed")
    pruned(local, 0.0, 0.0)
    assert rows(local.store)["tasks"] == {young}
    assert old not in rows(local.store)["events"]


def test_rows_that_a_killed_run_left_are_removed_by_the_next(local: LocalPlatform) -> None:
    for _ in range(5):
        made(local, 9, "completed")
    next(Pruner(local.platform, Limits(5.0), lambda sentence: None).steps())  # and no more, as after a kill
    assert rows(local.store)["removed"]
    pruned(local)
    assert rows(local.store) == {name: set() for name in ("tasks", "entries", "events", "approvals", "removed")}


def test_unused_space_is_given_back(local: LocalPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Private: the database writes to its file at a time of its own.
    monkeypatch.setattr("tui.local.ended_tasks.FREE_BYTES", 100_000)
    for _ in range(80):
        made(local, 9, "completed")
    local.store._db.execute("PRAGMA wal_checkpoint (TRUNCATE)").fetchall()
    before = (tmp_path / "platform.db").stat().st_size
    steps = list(Pruner(local.platform, Limits(5.0), lambda sentence: None).steps())
    local.store._db.execute("PRAGMA wal_checkpoint (TRUNCATE)").fetchall()
    after = (tmp_path / "platform.db").stat().st_size
    assert before > 1_000_000
    assert len(steps) < 200, "many pages at once"
    assert after < local.store.ended.used_bytes() + 200_000


def test_no_pruning_step_delays_a_request(local: LocalPlatform) -> None:
    task = made(local, 9)
    for _ in range(10):
        local.platform.push(task, [{"type": "process_update", "data": {"text": "z" * 1000}}] * 1000)
    local.clock.freeze_at(NOW - timedelta(days=9))
    local.platform.change(local.platform.task(task), status="completed")
    local.clock.freeze_at(None)
    steps = Pruner(local.platform, Limits(5.0), lambda sentence: None).steps()
    took = []
    begun = time.perf_counter()
    for _ in steps:
        took.append(time.perf_counter() - begun)
        begun = time.perf_counter()
    assert len(took) > 50
    assert sorted(took)[len(took) * 9 // 10] < 0.05


async def test_pruning_runs_in_the_background_and_is_reported_once(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Private: notices go to standard error.
    monkeypatch.setattr("tui.local.pruning.CHECK_SECONDS", 0.01)
    monkeypatch.setattr("tui.local.pruning.PAUSE_SECONDS", 0)
    async with serve(pruning_limits=Limits(5.0), now=NOW) as here:
        told: list[str] = []
        here.local.notices._write = told.append
        made(here.local, 9, "completed")
        pruning = asyncio.create_task(here.local.pruner.run())
        async with here.http() as http, asyncio.timeout(10):
            for _ in range(2):
                while (await http.get("/v1/tasks")).json()["total"]:
                    pass
                made(here.local, 9, "completed")
            here.local.store.close()  # a database that fails ends nothing
            while len(told) < 2:
                await asyncio.sleep(0)
        pruning.cancel()
        assert told[0].startswith("1 task that had ended was removed")
