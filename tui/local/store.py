"""The database, which is the queue as well: an event is a row, and a stream is the rows after one number."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agents (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, agent_id TEXT NOT NULL, status TEXT NOT NULL,
    user_id TEXT, parent_id TEXT, triggering_agent_id TEXT, internal_status TEXT, created_at TEXT NOT NULL,
    body TEXT NOT NULL, run TEXT
);
CREATE INDEX IF NOT EXISTS tasks_by_age ON tasks (created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_agent ON tasks (agent_id, created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_parent ON tasks (parent_id);
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (task_id, id)
);
CREATE TABLE IF NOT EXISTS events (
    task_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS approvals (id TEXT PRIMARY KEY, task_id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
"""
FILTERS = {
    "agent_id": "agent_id = ?",
    "status": "status = ?",
    "user_id": "user_id = ?",
    "parent_task_id": "parent_id = ?",
    "triggering_agent_id": "triggering_agent_id = ?",
    "internal_status": "internal_status = ?",
    "from_date": "created_at >= ?",
    "to_date": "created_at <= ?",
}
"""What a list of tasks can be narrowed by."""
_TASK = "INSERT INTO tasks (id, agent_id, status, user_id, parent_id, triggering_agent_id, internal_status, created_at, body, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: E501
_CHANGED = "UPDATE tasks SET status = ?, internal_status = ?, body = ? WHERE id = ?"


class Store:
    """Everything the platform remembers. What a method has returned is on disk and survives a kill."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._depth = 0
        self._news: set[str] = set()
        self._bells: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or nothing; readers of streams hear of it when it is done."""
        self._depth += 1
        if self._depth == 1:
            self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._depth == 1:
                self._db.execute("ROLLBACK")
                self._news.clear()
            raise
        else:
            if self._depth == 1:
                self._db.execute("COMMIT")
        finally:
            self._depth -= 1
        if self._depth == 0:
            for task_id in self._news:
                if bell := self._bells.pop(task_id, None):
                    bell.set()
            self._news.clear()

    def bell(self, task_id: str) -> asyncio.Event:
        """Rings once, when there is something new about a task."""
        return self._bells[task_id]

    def ring_all(self) -> None:
        """Wake every reader, so that it can see that the server is ending."""
        for bell in self._bells.values():
            bell.set()
        self._bells.clear()

    # Facts

    def fact(self, name: str) -> str | None:
        """A fact about this platform."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_fact(self, name: str, value: str) -> None:
        """Remember a fact."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def next_number(self) -> int:
        """A number that was never given out before."""
        number = int(self.fact("number") or 0) + 1
        self.set_fact("number", str(number))
        return number

    # Agents

    def put_agent(self, agent: Json) -> None:
        """Add an agent, or replace it."""
        self._db.execute(
            "INSERT INTO agents (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (agent["id"], _dumps(agent)),
        )

    def agents(self) -> list[Json]:
        """All agents."""
        return [json.loads(body) for (body,) in self._db.execute("SELECT body FROM agents ORDER BY number")]

    def agent(self, agent_id: str) -> Json | None:
        """One agent."""
        return self._one("SELECT body FROM agents WHERE id = ?", agent_id)

    # Tasks

    def add_task(self, task: Json, run: Json | None) -> None:
        """Add a task, and how it is being played."""
        self._db.execute(_TASK, _columns(task, run))

    def add_tasks(self, tasks: Iterable[Json]) -> None:
        """Add very many tasks that nobody plays."""
        with self.together():
            self._db.executemany(_TASK, (_columns(task, None) for task in tasks))

    def put_task(self, task: Json) -> None:
        """Replace a task's record."""
        self._db.execute(_CHANGED, (task["status"], task["internal_status"], _dumps(task), task["id"]))

    def task(self, task_id: str) -> Json | None:
        """A task's record."""
        return self._one("SELECT body FROM tasks WHERE id = ?", task_id)

    def erase_task(self, task_id: str) -> None:
        """Destroy a task and everything of it."""
        for table, column in (("tasks", "id"), ("entries", "task_id"), ("events", "task_id"), ("approvals", "task_id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (task_id,))
        self._news.add(task_id)

    def tasks(self, filters: dict[str, str], *, limit: int = -1, offset: int = 0) -> list[Json]:
        """The records of tasks, the newest first."""
        where, values = _where(filters)
        rows = self._db.execute(
            f"SELECT body FROM tasks{where} ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [json.loads(body) for (body,) in rows]

    def count(self, filters: dict[str, str]) -> int:
        """How many tasks there are of these."""
        where, values = _where(filters)
        found: int = self._db.execute(f"SELECT count(*) FROM tasks{where}", values).fetchone()[0]
        return found

    def run(self, task_id: str) -> Json | None:
        """How a task is being played."""
        return self._one("SELECT run FROM tasks WHERE id = ?", task_id)

    def put_run(self, task_id: str, run: Json | None) -> None:
        """Remember how a task is being played."""
        self._db.execute("UPDATE tasks SET run = ? WHERE id = ?", (_dumps(run) if run else None, task_id))

    def unfinished(self) -> list[tuple[int, str, Json | None]]:
        """Number, id and run of every task that has not ended, in the order of their making."""
        rows = self._db.execute(
            "SELECT number, id, run FROM tasks WHERE status IN ('pending', 'executing', 'paused') ORDER BY number"
        )
        return [(number, task_id, json.loads(run) if run else None) for number, task_id, run in rows]

    def number_of(self, task_id: str) -> int:
        """A task's number."""
        found: int = self._db.execute("SELECT number FROM tasks WHERE id = ?", (task_id,)).fetchone()[0]
        return found

    # Entries and events

    def put_entry(self, task_id: str, entry: Json) -> None:
        """Add an entry to a task's activity log, or replace it where it stands."""
        self._db.execute(
            "INSERT INTO entries (task_id, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (task_id, id) DO UPDATE SET body = excluded.body",
            (task_id, entry["id"], _dumps(entry)),
        )

    def add_entries(self, task_id: str, entries: Iterable[Json]) -> None:
        """Add very many entries."""
        with self.together():
            self._db.executemany(
                "INSERT INTO entries (task_id, id, body) VALUES (?, ?, ?)",
                ((task_id, entry["id"], _dumps(entry)) for entry in entries),
            )

    def entry(self, task_id: str, entry_id: str) -> Json | None:
        """One entry of an activity log."""
        return self._one("SELECT body FROM entries WHERE task_id = ? AND id = ?", task_id, entry_id)

    def entries(self, task_id: str) -> list[str]:
        """A task's activity log, each entry as JSON text."""
        rows = self._db.execute("SELECT body FROM entries WHERE task_id = ? ORDER BY number", (task_id,))
        return [body for (body,) in rows]

    def add_event(self, task_id: str, event: Json) -> int:
        """Append an event to a task's stream; the answer is its number there."""
        number = self.last_event(task_id) + 1
        self._db.execute("INSERT INTO events VALUES (?, ?, ?)", (task_id, number, _dumps(event)))
        self._news.add(task_id)
        return number

    def last_event(self, task_id: str) -> int:
        """The number of the last event of a stream."""
        found = self._db.execute("SELECT max(number) FROM events WHERE task_id = ?", (task_id,)).fetchone()[0]
        return int(found or 0)

    def events_after(self, task_id: str, number: int, limit: int = 500) -> list[tuple[int, str]]:
        """The next events of a stream, each as JSON text with its number."""
        query = "SELECT number, body FROM events WHERE task_id = ? AND number > ? ORDER BY number LIMIT ?"
        return self._db.execute(query, (task_id, number, limit)).fetchall()

    # Approvals of tool calls

    def put_approval(self, approval: Json) -> None:
        """Add or replace the approval of a held tool call."""
        self._db.execute(
            "INSERT OR REPLACE INTO approvals VALUES (?, ?, ?)",
            (approval["request_id"], approval["task_id"], _dumps(approval)),
        )

    def approval(self, request_id: str) -> Json | None:
        """The approval of a held tool call."""
        return self._one("SELECT body FROM approvals WHERE id = ?", request_id)

    def _one(self, query: str, *values: str) -> Json | None:
        row = self._db.execute(query, values).fetchone()
        return json.loads(row[0]) if row and row[0] else None


def _dumps(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def _columns(task: Json, run: Json | None) -> tuple[Any, ...]:
    return (
        task["id"], task["agent_id"], task["status"], (task["input"].get("user") or {}).get("id"),
        task["parent_execution"], task["triggering_agent_id"], task["internal_status"], task["created_at"],
        _dumps(task), _dumps(run) if run else None,
    )  # fmt: skip


def _where(filters: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    terms = [FILTERS[name] for name in filters]
    return (" WHERE " + " AND ".join(terms) if terms else ""), tuple(filters.values())
