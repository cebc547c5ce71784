"""The ended tasks of the database: finding and removing those that ended long ago, in small steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from tui.local.database import Database, hold_facts_range

MAX_CLEARED_ROWS = 200
"""Rows of removed tasks that one step deletes: it takes some milliseconds."""
FREE_BYTES = 8 * 1024 * 1024
"""Bytes of unused space that the database file keeps; the rest is returned to the disk."""
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
_CLEAR = (
    "DELETE FROM events WHERE task_id = ?1 AND number IN (SELECT number FROM events WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE task_id = ?1 LIMIT ?2)",
)


class EndedTask(NamedTuple):
    """A task that has ended: the time of its last change, its number, and its id."""

    updated_at: str
    number: int
    id: str


class TreeTask(NamedTuple):
    """A task of a tree: its id, its status, and the time of its last change."""

    id: str
    status: str
    updated_at: str


class EndedTasks:
    """The tasks of a database that have ended: finds old ones and removes them."""

    def __init__(self, database: Database, db: sqlite3.Connection) -> None:
        self._database = database
        self._db = db

    def used_bytes(self) -> int:
        """Return the used bytes of the database file."""
        used_pages = self._pragma("page_count") - self._pragma("freelist_count")
        return used_pages * self._pragma("page_size")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    def ended_before(self, moment: str, after: tuple[str, int], limit: int = 50) -> list[EndedTask]:
        """Return the next tasks that ended before a moment, the oldest first.

        `after` is the last change and the number of the last task of the previous call.
        """
        query = (
            f"SELECT updated_at, number, id FROM tasks WHERE status IN {_ENDED}"
            " AND (updated_at, number) > (?, ?) AND updated_at < ? ORDER BY updated_at, number LIMIT ?"
        )
        return [EndedTask(*row) for row in self._db.execute(query, (*after, moment, limit))]

    def tree_of(self, task_id: str) -> list[TreeTask]:
        """Return the tree of a task: the task, all its ancestors, and all tasks below those."""
        return [TreeTask(*row) for row in self._db.execute(_TREE, (task_id,))]

    def remove(self, task_ids: Iterable[str]) -> None:
        """Remove tasks; their entries, events and approvals are deleted by `clear_removed`, even after a crash."""
        with self._database.transaction():
            for task_id in task_ids:
                self._db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))
                self._db.execute("INSERT OR IGNORE INTO removed VALUES (?)", (task_id,))
                self._database.note_change(task_id)

    def clear_removed(self) -> bool:
        """Clear some rows of a removed task, or else some unused space; return whether there was any."""
        row = self._db.execute("SELECT task_id FROM removed LIMIT 1").fetchone()
        if row is None:
            return self._release_space()
        task_id = row[0]
        rows_left = MAX_CLEARED_ROWS
        with self._database.transaction():
            for query in _CLEAR:
                rows_left -= self._db.execute(query, (task_id, rows_left)).rowcount
            if rows_left > 0:  # all rows of the task are deleted
                self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", hold_facts_range(task_id))
                self._db.execute("DELETE FROM removed WHERE task_id = ?", (task_id,))
        return True

    def _release_space(self) -> bool:
        """Release some unused space to the disk; return whether there was too much of it."""
        free_pages = self._pragma("freelist_count")
        is_little = free_pages * self._pragma("page_size") <= FREE_BYTES
        if is_little or not self._pragma("auto_vacuum"):
            return False
        self._db.executescript(f"PRAGMA incremental_vacuum ({MAX_CLEARED_ROWS})")  # execute() releases only one page
        return self._pragma("freelist_count") < free_pages
