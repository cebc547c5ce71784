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

from tui.local.database import connect, explain

Json = dict[str, Any]

CLEARED_ROWS = 200
"""How many rows of removed tasks are deleted in one step: some milliseconds."""
FREE_BYTES = 8 << 20
"""How much unused space a database keeps: what is more is given back to the disk."""
_ENDED = "('completed', 'failed', 'error', 'stopped')"
_TREE = """
WITH RECURSIVE
    above (id, parent_id) AS (
        SELECT id, parent_id FROM tasks WHERE id = ?
        UNION SELECT tasks.id, tasks.parent_id FROM tasks JOIN above ON tasks.id = above.parent_id
    ),
    tree (id) AS (
        SELECT id FROM above
        UNION SELECT tasks.id FROM tasks JOIN tree ON tasks.parent_id = tree.id
    )
SELECT id, status, updated_at FROM tasks WHERE id IN (SELECT id FROM tree)
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
_TASK = "INSERT INTO tasks (id, agent_id, status, user_id, parent_id, triggering_agent_id, internal_status, created_at, body, run, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: E501
_CHANGED = "UPDATE tasks SET status = ?, internal_status = ?, body = ?, updated_at = ? WHERE id = ?"


class Store:
    """Everything the platform remembers. What a method has returned is on disk and survives a kill."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._db = connect(path)
        self._depth = 0
        self._news: set[str] = set()
        self._bells: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def explain(self, error: sqlite3.Error) -> str:
        """Say in a sentence what an error of the database means and what to do about it."""
        return explain(error, self._path)

    @contextmanager
    def together(self) -> Iterator[None]:
        """All of it or nothing; readers of streams hear of it when it is done."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._db.execute("COMMIT")
        except BaseException:
            if self._depth == 1:
                self._news.clear()
                if self._db.in_transaction:  # some errors have rolled back already
                    self._db.execute("ROLLBACK")
            raise
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
        return [loads(body) for (body,) in self._db.execute("SELECT body FROM agents ORDER BY number")]

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
        self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", _facts_of(task_id))
        self._news.add(task_id)

    def tasks(self, filters: dict[str, str], *, limit: int = -1, offset: int = 0) -> list[Json]:
        """The records of tasks, the newest first."""
        where, values = _where(filters)
        rows = self._db.execute(
            f"SELECT body FROM tasks{where} ORDER BY created_at DESC, number DESC LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return [loads(body) for (body,) in rows]

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
        return [(number, task_id, loads(run) if run else None) for number, task_id, run in rows]

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
        return loads(row[0]) if row and row[0] else None

    # What ended long ago

    def used_bytes(self) -> int:
        """How much of the database's file holds something."""
        pages, free, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def ended_before(self, moment: str, after: tuple[str, int], limit: int = 50) -> list[tuple[str, int, str]]:
        """Find the next tasks that ended before a moment: when each was changed last, its number and its id."""
        query = (
            f"SELECT updated_at, number, id FROM tasks WHERE status IN {_ENDED}"
            " AND (updated_at, number) > (?, ?) AND updated_at < ? ORDER BY updated_at, number LIMIT ?"
        )
        return self._db.execute(query, (*after, moment, limit)).fetchall()

    def tree_of(self, task_id: str) -> list[tuple[str, str, str]]:
        """Find a task, everything above it and everything below that: id, status, and when it was changed last."""
        return self._db.execute(_TREE, (task_id,)).fetchall()

    def remove_tasks(self, task_ids: Iterable[str]) -> None:
        """Remove tasks; what belongs to them is cleared away afterwards, in steps, also after a kill."""
        with self.together():
            for task_id in task_ids:
                self._db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))
                self._db.execute("INSERT OR IGNORE INTO removed VALUES (?)", (task_id,))
                self._news.add(task_id)

    def clear_removed(self) -> bool:
        """Clear away some rows of a removed task; the answer is whether there was anything to do."""
        row = self._db.execute("SELECT task_id FROM removed LIMIT 1").fetchone()
        if row is None:
            return self._give_back_space()
        rows = CLEARED_ROWS
        with self.together():
            for query in _CLEAR:
                rows -= self._db.execute(query, (row[0], rows)).rowcount
            if rows > 0:  # nothing of it is left
                self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", _facts_of(row[0]))
                self._db.execute("DELETE FROM removed WHERE task_id = ?", row)
        return True

    def _give_back_space(self) -> bool:
        """Give some unused space back to the disk; the answer is whether there was too much of it."""
        free = self._number("PRAGMA freelist_count")
        if free * self._number("PRAGMA page_size") <= FREE_BYTES or not self._number("PRAGMA auto_vacuum"):
            return False
        self._db.executescript(f"PRAGMA incremental_vacuum ({CLEARED_ROWS})")  # execute() gives back one page only
        return self._number("PRAGMA freelist_count") < free


_CLEAR = (
    "DELETE FROM events WHERE task_id = ?1 AND number IN (SELECT number FROM events WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE task_id = ?1 LIMIT ?2)",
)


def _facts_of(task_id: str) -> tuple[str, str]:
    """Where the names of the facts about a task's held calls begin and end."""
    return f"hold/{task_id}/", f"hold/{task_id}0"


def _dumps(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"))


def loads(text: str) -> Any:
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
