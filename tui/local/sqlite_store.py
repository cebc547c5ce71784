"""The platform's store in SQLite. It is the event queue as well: an event is a row, a stream is the rows after one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tui.local.database import Database, hold_facts_range
from tui.local.ended_tasks import EndedTasks

Json = dict[str, Any]

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
"""The conditions in SQL by the names of the filters of a task list."""
_INSERT_TASK = "INSERT INTO tasks (id, agent_id, status, user_id, parent_id, triggering_agent_id, internal_status, created_at, body, run, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: E501
_UPDATE_TASK = "UPDATE tasks SET status = ?, internal_status = ?, body = ?, updated_at = ? WHERE id = ?"


class UnfinishedTask(NamedTuple):
    """A task that has not ended: its number, its id, and the state of its run."""

    number: int
    id: str
    run: Json | None


class SqliteStore(Database):
    """The SQLite store of everything that the platform keeps.

    A change outside a transaction is committed when its method returns; a committed change survives a killed process.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.ended = EndedTasks(self, self._db)

    # Facts

    def fact(self, name: str) -> str | None:
        """Return the value of a fact about this platform."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_fact(self, name: str, value: str) -> None:
        """Set the value of a fact."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def next_number(self) -> int:
        """Return the next number of a counter that never repeats."""
        number = int(self.fact("number") or 0) + 1
        self.set_fact("number", str(number))
        return number

    # Agents

    def put_agent(self, agent: Json) -> None:
        """Insert or replace an agent."""
        self._db.execute(
            "INSERT INTO agents (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (agent["id"], _dumps(agent)),
        )

    def agents(self) -> list[Json]:
        """Return all agents in the order of their insertion."""
        return [loads_stored(body) for (body,) in self._db.execute("SELECT body FROM agents ORDER BY number")]

    def agent(self, agent_id: str) -> Json | None:
        """Return an agent."""
        return self._object("SELECT body FROM agents WHERE id = ?", agent_id)

    # Tasks

    def add_task(self, task: Json, run: Json | None) -> None:
        """Add a task and its run state."""
        self._db.execute(_INSERT_TASK, _columns(task, run))

    def add_tasks(self, tasks: Iterable[Json]) -> None:
        """Add many tasks without run states."""
        with self.transaction():
            self._db.executemany(_INSERT_TASK, (_columns(task, None) for task in tasks))

    def put_task(self, task: Json) -> None:
        """Replace the record of a task."""
        values = (task["status"], task["internal_status"], _dumps(task), task["updated_at"], task["id"])
        self._db.execute(_UPDATE_TASK, values)

    def task(self, task_id: str) -> Json | None:
        """Return the record of a task."""
        return self._object("SELECT body FROM tasks WHERE id = ?", task_id)

    def delete_task(self, task_id: str) -> None:
        """Delete a task and everything that belongs to it."""
        for table, column in (("tasks", "id"), ("entries", "task_id"), ("events", "task_id"), ("approvals", "task_id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (task_id,))
        self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", hold_facts_range(task_id))
        self.note_change(task_id)

    def tasks(self, filters: dict[str, str], *, limit: int = -1, offset: int = 0) -> list[Json]:
        """Return the records of tasks that match the filters, the newest first."""
        where, values = _where(filters)
        rows = self._db.execute(
            f"SELECT body FROM tasks{where} ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [loads_stored(body) for (body,) in rows]

    def count_tasks(self, filters: dict[str, str]) -> int:
        """Count the tasks that match the filters."""
        where, values = _where(filters)
        count: int = self._db.execute(f"SELECT count(*) FROM tasks{where}", values).fetchone()[0]
        return count

    def run_state(self, task_id: str) -> Json | None:
        """Return the state of a task's run: its place in a scenario, or the worker that runs it."""
        return self._object("SELECT run FROM tasks WHERE id = ?", task_id)

    def put_run_state(self, task_id: str, run: Json | None) -> None:
        """Replace the state of a task's run."""
        self._db.execute("UPDATE tasks SET run = ? WHERE id = ?", (_dumps_or_null(run), task_id))

    def unfinished_tasks(self) -> list[UnfinishedTask]:
        """Return the unfinished tasks, in the order of their creation."""
        rows = self._db.execute(
            "SELECT number, id, run FROM tasks WHERE status IN ('pending', 'executing', 'paused') ORDER BY number"
        )
        return [UnfinishedTask(number, task_id, loads_stored(run) if run else None) for number, task_id, run in rows]

    def task_number(self, task_id: str) -> int:
        """Return the number of a task, which counts tasks in the order of their creation."""
        number: int = self._db.execute("SELECT number FROM tasks WHERE id = ?", (task_id,)).fetchone()[0]
        return number

    # Entries and events

    def put_entry(self, task_id: str, entry: Json) -> None:
        """Append an entry to a task's activity log, or replace the entry with the same id in its place."""
        self._db.execute(
            "INSERT INTO entries (task_id, id, body) VALUES (?, ?, ?)"
            " ON CONFLICT (task_id, id) DO UPDATE SET body = excluded.body",
            (task_id, entry["id"], _dumps(entry)),
        )

    def add_entries(self, task_id: str, entries: Iterable[Json]) -> None:
        """Add many entries to a task's activity log."""
        with self.transaction():
            self._db.executemany(
                "INSERT INTO entries (task_id, id, body) VALUES (?, ?, ?)",
                ((task_id, entry["id"], _dumps(entry)) for entry in entries),
            )

    def entry(self, task_id: str, entry_id: str) -> Json | None:
        """Return an entry of a task's activity log."""
        return self._object("SELECT body FROM entries WHERE task_id = ? AND id = ?", task_id, entry_id)

    def entries(self, task_id: str) -> list[str]:
        """Return the entries of a task's activity log, each as JSON text."""
        rows = self._db.execute("SELECT body FROM entries WHERE task_id = ? ORDER BY number", (task_id,))
        return [body for (body,) in rows]

    def add_event(self, task_id: str, event: Json) -> int:
        """Append an event to a task's stream; return its number in the stream."""
        number = self.last_event_number(task_id) + 1
        self._db.execute("INSERT INTO events VALUES (?, ?, ?)", (task_id, number, _dumps(event)))
        self.note_change(task_id)
        return number

    def last_event_number(self, task_id: str) -> int:
        """Return the number of the last event of a task's stream, or 0."""
        number = self._db.execute("SELECT max(number) FROM events WHERE task_id = ?", (task_id,)).fetchone()[0]
        return int(number or 0)

    def events_after(self, task_id: str, number: int, limit: int = 500) -> list[tuple[int, str]]:
        """Return the events after a number of a task's stream, each as (number, JSON text)."""
        query = "SELECT number, body FROM events WHERE task_id = ? AND number > ? ORDER BY number LIMIT ?"
        return self._db.execute(query, (task_id, number, limit)).fetchall()

    # Approvals of held tool calls

    def put_approval(self, approval: Json) -> None:
        """Insert or replace the approval of a held tool call."""
        self._db.execute(
            "INSERT OR REPLACE INTO approvals VALUES (?, ?, ?)",
            (approval["request_id"], approval["task_id"], _dumps(approval)),
        )

    def approval(self, request_id: str) -> Json | None:
        """Return the approval of a held tool call."""
        return self._object("SELECT body FROM approvals WHERE id = ?", request_id)

    def _object(self, query: str, *values: str) -> Json | None:
        """Return the JSON object that a query selects, or None."""
        row = self._db.execute(query, values).fetchone()
        return loads_stored(row[0]) if row and row[0] else None


def _dumps(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def _dumps_or_null(value: Json | None) -> str | None:
    return _dumps(value) if value else None


def loads_stored(text: str) -> Any:
    """Load JSON that is stored in the database; raise sqlite3.DatabaseError if a failing disk has damaged it."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise sqlite3.DatabaseError("a row is not JSON") from error


def _columns(task: Json, run: Json | None) -> tuple[Any, ...]:
    """Return the values of a task's columns, in the order of _INSERT_TASK."""
    return (
        task["id"], task["agent_id"], task["status"], (task["input"].get("user") or {}).get("id"),
        task["parent_execution"], task["triggering_agent_id"], task["internal_status"], task["created_at"],
        _dumps(task), _dumps_or_null(run), task["updated_at"],
    )  # fmt: skip


def _where(filters: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return the WHERE clause of filters and the values of its parameters."""
    if not filters:
        return "", ()
    conditions = " AND ".join(FILTERS[name] for name in filters)
    return f" WHERE {conditions}", tuple(filters.values())
