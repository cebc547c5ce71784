"""The database file: damage, other versions and a full disk are reported, and nothing is lost."""

from __future__ import annotations

import random
import resource
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local.conftest import NOW, Serve
from tests.local.crash import platform
from tui.local.database import SCHEMA_VERSION, BadDatabase
from tui.local.process import LocalPlatform, ServerOptions
from tui.local.process import serve as serve_platform
from tui.local.sqlite_store import SqliteStore
from tui.storage.private_files import NotPrivate


def filled(path: Path, count: int = 200) -> list[str]:
    """Make a database with tasks, and return their ids."""
    local = LocalPlatform(ServerOptions(path, seed="7", now=NOW, tasks=count), path / "platform.db")
    ids = [task["id"] for task in local.store.tasks({})]
    local.store.close()
    return ids


def changed(path: Path, *statements: str) -> None:
    """Change a database while the platform does not use it."""
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement)
    db.close()


def test_a_file_that_is_no_database_is_reported_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    path.write_bytes(b"no database at all " * 500)
    with pytest.raises(BadDatabase, match=f"the database {path} is damaged: move it away and start again"):
        SqliteStore(path)
    assert path.read_bytes().startswith(b"no database")


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    filled(tmp_path, 5)
    changed(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "ALTER TABLE tasks DROP COLUMN run")
    before = path.read_bytes()
    with pytest.raises(BadDatabase, match="was made by a newer version of xp-tui: use that one, or name another"):
        SqliteStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE tasks DROP COLUMN run",
        "ALTER TABLE entries DROP COLUMN body",
        "DROP TABLE facts",
    ],
)
def test_a_database_with_another_schema_is_reported_with_advice(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "platform.db"
    filled(tmp_path, 5)
    more = ("CREATE TABLE facts (value TEXT)",) if "DROP TABLE" in statement else ()
    changed(path, statement, *more)
    with pytest.raises(BadDatabase, match="was made by another version of xp-tui: move it away and start again"):
        SqliteStore(path)


def test_a_database_without_a_version_is_used(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    ids = filled(tmp_path, 20)
    changed(
        path, "DROP INDEX tasks_by_update", "ALTER TABLE tasks DROP COLUMN updated_at", "DROP TABLE removed",
        "PRAGMA user_version = 0",
    )  # fmt: skip
    store = SqliteStore(path)
    assert [task["id"] for task in store.tasks({})] == ids
    found = store.ended.ended_before("9999", ("", 0), 1000)
    assert {task_id: at for at, _, task_id in found} == {
        task["id"]: task["updated_at"] for task in store.tasks({}) if task["finished_at"]
    }
    store.close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    db.close()


def test_rows_that_an_older_version_added_keep_their_age(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    filled(tmp_path, 5)
    changed(path, "UPDATE tasks SET updated_at = '' WHERE number < 3")
    store = SqliteStore(path)
    assert store.ended.ended_before("2026", ("", 0)) == []
    kept = {task_id: at for at, _, task_id in store.ended.ended_before("9999", ("", 0), 1000)}
    assert kept == {task["id"]: task["updated_at"] for task in store.tasks({}) if task["finished_at"]}
    store.close()


@pytest.mark.parametrize("put", [lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
@pytest.mark.parametrize("name", ["platform.db", "platform.db-wal"])
def test_a_database_path_that_is_no_file_is_refused(tmp_path: Path, name: str, put: Callable[[Path], None]) -> None:
    put(tmp_path / name)
    with pytest.raises(NotPrivate, match=rf"{name} is a .*, a file is made in its place"):
        SqliteStore(tmp_path / "platform.db")


async def test_a_damaged_database_is_read_as_far_as_possible(serve: Serve, tmp_path: Path) -> None:
    ids = filled(tmp_path, 300)
    path, dice = tmp_path / "platform.db", random.Random(5)
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        for page in dice.sample(range(pages // 2, pages), pages // 20):
            file.seek(page * 4096)
            file.write(dice.randbytes(4096))
    async with serve() as here, here.http() as http:
        statuses: dict[int, int] = {}
        for task in ids:
            for place in (f"/v1/tasks/{task}", f"/v1/tasks/{task}/thread"):
                answer = await http.get(place)
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                if answer.status_code != 200:
                    assert f"the database {path} is damaged: move it away" in answer.json()["detail"]
        assert set(statuses) == {200, 503}
        assert statuses[200] > len(ids)
        assert (await http.get("/v1/agents")).status_code == 200


def limit(process: int, size: int) -> None:
    """Limit the size of files that a process writes, like a full disk; 0 removes the limit."""
    hard = resource.prlimit(process, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size or hard, hard))


def test_a_full_disk_stops_writes_but_not_reads(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    body = {"input": {"text": "x" * 2000}}
    with platform(tmp_path) as (process, http):

        def make() -> httpx.Response:
            answer = http.post("/agent-execution/your-agent", json=body)
            if answer.status_code == 200:
                acknowledged.append(answer.json()["id"])
            return answer

        assert make().status_code == 200
        limit(process.pid, max(path.stat().st_size for path in tmp_path.iterdir()) + 50_000)
        refused = [answer for answer in (make() for _ in range(60)) if answer.status_code != 200]
        assert refused
        for answer in refused:
            assert answer.status_code == 503
            assert "see whether its disk is full" in answer.json()["detail"]
        assert {task["id"] for task in all_tasks(http)} >= set(acknowledged)
        assert http.get(f"/v1/tasks/{acknowledged[-1]}").status_code == 200
        limit(process.pid, 0)
        assert make().status_code == 200
        worked = http.post("/v1/agents/reader/invoke", json=body).json()
        assert worked["status"] == "completed", "the agents work on"
    with platform(tmp_path) as (_, http):
        assert {task["id"] for task in all_tasks(http)} >= {*acknowledged, worked["id"]}


def all_tasks(http: httpx.Client) -> list[Any]:
    """Return every task that the platform lists."""
    found: list[Any] = []
    page = 1
    while items := http.get("/v1/tasks", params={"page": page, "per_page": 50}).json()["items"]:
        found += items
        page += 1
    return found


def test_a_failed_transaction_is_undone_and_the_next_one_succeeds(tmp_path: Path) -> None:
    # Private: only the connection itself can be made to fail.
    local = LocalPlatform(ServerOptions(tmp_path, seed="7", now=NOW, history=False), tmp_path / "platform.db")
    db = local.store._db
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages}")
    request = {"input": {"text": "x" * 50_000}}
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError) as full:
            local.platform.create("writer", request)
        assert "the disk is full, make room on it" in local.store.explain(full.value)
    assert (local.store.count_tasks({}), local.store.last_event_number("")) == (0, 0)
    db.execute("PRAGMA max_page_count = 100000")
    made = local.platform.create("writer", request)
    assert local.store.task(made["id"]) == made
    local.store.close()


def test_a_write_to_a_locked_database_is_refused_and_the_next_one_succeeds(tmp_path: Path) -> None:
    # Private: only the connection itself can be told to give up early.
    store = SqliteStore(tmp_path / "platform.db")
    store._db.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(tmp_path / "platform.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError) as held, store.transaction():
        raise AssertionError("it is not begun")
    assert "is held by another program: end that one" in store.explain(held.value)
    other.execute("ROLLBACK")
    with store.transaction():
        store.set_fact("a", "1")
    assert store.fact("a") == "1"
    other.close()
    store.close()


@pytest.mark.parametrize("step", ["put_agent", "set_fact"])
async def test_a_start_that_fails_half_way_closes_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    opened: list[SqliteStore] = []

    def fail(store: SqliteStore, *_: Any) -> None:
        opened.append(store)
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(SqliteStore, step, fail)
    with pytest.raises(BadDatabase, match="move it away"):
        await serve_platform(ServerOptions(tmp_path, port=0), lambda *_: None)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].fact("seed")


@pytest.mark.parametrize("url", ["", "refused"])
async def test_a_start_that_fails_after_its_opening_closes_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    opened: list[SqliteStore] = []

    def fail(local: LocalPlatform, _: str) -> None:
        opened.append(local.store)
        if url:
            raise sqlite3.DatabaseError("malformed")

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalPlatform, "set_url", fail)
    with pytest.raises((BadDatabase, KeyboardInterrupt)):
        await serve_platform(ServerOptions(tmp_path, port=0, history=False), end)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].fact("seed")


async def test_agents_wait_while_the_database_is_locked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # Private: only the connection itself can be told to give up early, and notices go to standard error.
    monkeypatch.setattr("tui.local.scenario_runner.RETRY_SECONDS", 0.05)
    told: list[str] = []
    async with serve() as here:
        here.local.notices._write = told.append
        db = here.local.store._db
        made = here.local.platform.create("reader", {"input": {"text": "Read"}})
        db.execute("PRAGMA query_only = ON")
        async with here.http() as http:
            answer = await http.post("/agent-execution/reader", json={"input": {"text": "x"}})
            assert answer.status_code == 503
            assert "make it and its folder writable" in answer.json()["detail"]
            assert (await http.get(f"/v1/tasks/{made['id']}")).json()["status"] != "completed"
        db.execute("PRAGMA query_only = OFF")
        assert (await here.until(made["id"], "completed"))["result"]
    assert len(told) == 1, "the same sentence is told once"
    assert "cannot be written" in told[0]


def test_a_row_that_is_not_json_is_damage(tmp_path: Path) -> None:
    (task, *_) = filled(tmp_path, 3)
    changed(tmp_path / "platform.db", f"UPDATE tasks SET body = 'x' || body WHERE id = '{task}'")
    store = SqliteStore(tmp_path / "platform.db")
    with pytest.raises(sqlite3.DatabaseError) as damaged:
        store.task(task)
    assert "is damaged" in store.explain(damaged.value)
    store.close()
