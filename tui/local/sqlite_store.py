"""The database, which is the queue as well: an event is a row, and a stream is the rows after one number."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tui.local.database import Database, facts_of
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
"""What a list of tasks can be narrowed by."""
_TASK = "INSERT INTO tasks (id, agent_id, status, user_id, parent_id, triggering_agent_id, internal_status, created_at, body, run, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: E501
_CHANGED = "UPDATE tasks SET status = ?, internal_status = ?, body = ?, updated_at = ? WHERE id = ?"


class SqliteStore(Database):
    """Everything the platform remembers. What a method has returned is on disk and survives a kill."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.ended = EndedTasks(self, self._db)

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
        return [loads_stored(body) for (body,) in self._db.execute("SELECT body FROM agents ORDER BY number")]

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
        told = (task["status"], task["internal_status"], _dumps(task), task["updated_at"], task["id"])
        self._db.execute(_CHANGED, told)

    def task(self, task_id: str) -> Json | None:
        """A task's record."""
        return self._one("SELECT body FROM tasks WHERE id = ?", task_id)

    def erase_task(self, task_id: str) -> None:
        """Destroy a task and everything of it."""
        for table, column in (("tasks", "id"), ("entries", "task_id"), ("events", "task_id"), ("approvals", "task_id")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (task_id,))
        self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", facts_of(task_id))
        self.note_change(task_id)

    def tasks(self, filters: dict[str, str], *, limit: int = -1, offset: int = 0) -> list[Json]:
        """The records of tasks, the newest first."""
        where, values = _where(filters)
        rows = self._db.execute(
            f"SELECT body FROM tasks{where} ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [loads_stored(body) for (body,) in rows]

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
        return [(number, task_id, loads_stored(run) if run else None) for number, task_id, run in rows]

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
        self.note_change(task_id)
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
        return loads_stored(row[0]) if row and row[0] else None


def _dumps(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def loads_stored(text: str) -> Any:
    """Read JSON of the database; what is none was written by nobody but a failing disk."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise sqlite3.DatabaseError("a row is not JSON") from error


def _columns(task: Json, run: Json | None) -> tuple[Any, ...]:
    return (
        task["id"], task["agent_id"], task["status"], (task["input"].get("user") or {}).get("id"),
        task["parent_execution"], task["triggering_agent_id"], task["internal_status"], task["created_at"],
        _dumps(task), _dumps(run) if run else None, task["updated_at"],
    )  # fmt: skip


def _where(filters: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    terms = [FILTERS[name] for name in filters]
    return (" WHERE " + " AND ".join(terms) if terms else ""), tuple(filters.values())
