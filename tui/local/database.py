"""The database file: its tables, their version, its transactions, and explanations of its errors."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.storage.private_files import check_file

SCHEMA_VERSION = 1
"""The `PRAGMA user_version` of a database with this schema; 0 is a database from before versions."""
JOURNAL_LIMIT_BYTES = 16 * 1024 * 1024
"""Size to which the journal is cut after a transaction."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agents (number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, agent_id TEXT NOT NULL, status TEXT NOT NULL,
    user_id TEXT, parent_id TEXT, triggering_agent_id TEXT, internal_status TEXT, created_at TEXT NOT NULL,
    body TEXT NOT NULL, run TEXT, updated_at TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS tasks_by_age ON tasks (created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_agent ON tasks (agent_id, created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, created_at DESC, number DESC);
CREATE INDEX IF NOT EXISTS tasks_by_parent ON tasks (parent_id);
CREATE INDEX IF NOT EXISTS tasks_by_update ON tasks (updated_at);
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (task_id, id)
);
CREATE TABLE IF NOT EXISTS events (
    task_id TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS approvals (id TEXT PRIMARY KEY, task_id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS approvals_by_task ON approvals (task_id);
CREATE TABLE IF NOT EXISTS removed (task_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_COLUMNS = {
    "facts": "name, value",
    "agents": "number, id, body",
    "tasks": "number, id, agent_id, status, user_id, parent_id, triggering_agent_id, internal_status, created_at,"
             " body, run, updated_at",
    "entries": "number, task_id, id, body",
    "events": "task_id, number, body",
    "approvals": "id, task_id, body",
    "removed": "task_id",
}  # fmt: skip
"""The columns that each table must have; a table of another version may lack some."""
_UPGRADE = "ALTER TABLE tasks ADD COLUMN updated_at TEXT NOT NULL DEFAULT ''"
"""The upgrade from a database without a version to version 1."""
_FILL_UPDATED_AT = (
    "UPDATE tasks SET updated_at = coalesce(json_extract(body, '$.updated_at'), created_at) WHERE updated_at = ''"
)
"""Fills a column that an older version leaves empty: at the upgrade, or when that version was used again later."""
_DAMAGED = "is damaged: move it away and start again, or save what can be read with: sqlite3 FILE .recover"
_ADVICE = (
    ("SQLITE_FULL", "takes no more: the disk is full, make room on it"),
    ("SQLITE_IOERR", "cannot be read or written: see whether its disk is full, limited or failing"),
    ("SQLITE_READONLY", "cannot be written: make it and its folder writable"),
    ("SQLITE_CANTOPEN", "cannot be opened: see that it and its folder can be read and written"),
    ("SQLITE_BUSY", "is held by another program: end that one"),
    ("SQLITE_LOCKED", "is held by another program: end that one"),
    ("SQLITE_ERROR", "was made by another version of xp-tui: move it away and start again"),
)
"""The meaning of each SQLite error, by the prefix of its name."""


class BadDatabase(Exception):
    """A database that cannot be used; the message says what to do."""


def connect(path: Path | str) -> sqlite3.Connection:
    """Connect to a database, and create it if it is missing; raise BadDatabase if it cannot be used."""
    if isinstance(path, Path):
        for suffix in ("", "-wal", "-shm", "-journal"):
            check_file(path.with_name(path.name + suffix))
    try:
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise BadDatabase(explain_error(error, path)) from error
    try:
        _prepare(db, path)
    except sqlite3.Error as error:
        db.close()
        raise BadDatabase(explain_error(error, path)) from error
    except BadDatabase:
        db.close()
        raise
    return db


def explain_error(error: sqlite3.Error, path: Path | str) -> str:
    """Explain an error of a database in a sentence: its meaning and what to do."""
    name = getattr(error, "sqlite_errorname", "")
    advice = next((sentence for prefix, sentence in _ADVICE if name.startswith(prefix)), _DAMAGED)
    return f"the database {path} {advice} ({error})"


def _prepare(db: sqlite3.Connection, path: Path | str) -> None:
    """Prepare a database: create its tables, or upgrade and check the existing ones."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        advice = "was made by a newer version of xp-tui: use that one, or name another folder with --data"
        raise BadDatabase(f"{path} {advice}")
    columns = [row[1] for row in db.execute("PRAGMA table_info (tasks)")]
    if not columns:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # works only in an empty database
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}")
    if columns and "updated_at" not in columns:
        db.execute(_UPGRADE)
    db.executescript(_SCHEMA)
    db.execute(_FILL_UPDATED_AT)
    for table, names in _COLUMNS.items():  # raises an error if a column is missing
        db.execute(f"SELECT {names} FROM {table} LIMIT 0")
    if version != SCHEMA_VERSION:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


class Database:
    """A connection to the database: its transactions, and the readers that wait for changes of a task."""

    def __init__(self, path: Path | str) -> None:
        """Open the database at a path, or one in memory."""
        self._path = path
        self._db = connect(path)
        self._depth = 0
        """The number of nested calls of `transaction` that are open."""
        self._changed_tasks: set[str] = set()
        """The ids of the tasks that the open transaction has changed."""
        self._change_events: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def explain(self, error: sqlite3.Error) -> str:
        """Explain an error of the database in a sentence: its meaning and what to do."""
        return explain_error(error, self._path)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a transaction, or a part of the open one; after its commit, readers of the changed tasks are woken."""
        if self._depth == 0:
            self._db.execute("BEGIN IMMEDIATE")
        self._depth += 1
        try:
            yield
            if self._depth == 1:
                self._db.execute("COMMIT")
        except BaseException:
            if self._depth == 1:
                self._changed_tasks.clear()
                if self._db.in_transaction:  # after some errors SQLite has rolled back already
                    self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            self._wake_readers_of_changes()

    def _wake_readers_of_changes(self) -> None:
        for task_id in self._changed_tasks:
            event = self._change_events.pop(task_id, None)
            if event is not None:
                event.set()
        self._changed_tasks.clear()

    def change_event(self, task_id: str) -> asyncio.Event:
        """Return the event that is set once, at the next change of a task."""
        return self._change_events[task_id]

    def wake_readers(self) -> None:
        """Wake all readers, so that they see that the server is ending."""
        for event in self._change_events.values():
            event.set()
        self._change_events.clear()

    def note_change(self, task_id: str) -> None:
        """Note a change of a task: its readers are woken after the commit."""
        self._changed_tasks.add(task_id)


def hold_facts_range(task_id: str) -> tuple[str, str]:
    """Return the range of the names of the facts about a task's held calls: the first name, and the end, excluded.

    The names begin with `hold/ID/`; the first text after all of these is `hold/ID0`, as `0` follows `/` in ASCII.
    """
    return f"hold/{task_id}/", f"hold/{task_id}0"
