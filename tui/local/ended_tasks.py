"""The tasks of the database that ended long ago: how they are found and removed, in small steps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tui.local.database import Database, facts_of

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
_CLEAR = (
    "DELETE FROM events WHERE task_id = ?1 AND number IN (SELECT number FROM events WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM entries WHERE number IN (SELECT number FROM entries WHERE task_id = ?1 LIMIT ?2)",
    "DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE task_id = ?1 LIMIT ?2)",
)


class EndedTasks:
    """Finds tasks that ended long ago in a database, and removes them."""

    def __init__(self, database: Database, db: sqlite3.Connection) -> None:
        self._database = database
        self._db = db

    def used_bytes(self) -> int:
        """How much of the database's file holds something."""
        pages, free, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def _number(self, query: str) -> int:
        return int(self._db.execute(query).fetchone()[0])

    def before(self, moment: str, after: tuple[str, int], limit: int = 50) -> list[tuple[str, int, str]]:
        """Find the next tasks that ended before a moment: when each was changed last, its number and its id."""
        query = (
            f"SELECT updated_at, number, id FROM tasks WHERE status IN {_ENDED}"
            " AND (updated_at, number) > (?, ?) AND updated_at < ? ORDER BY updated_at, number LIMIT ?"
        )
        return self._db.execute(query, (*after, moment, limit)).fetchall()

    def tree_of(self, task_id: str) -> list[tuple[str, str, str]]:
        """Find a task, everything above it and everything below that: id, status, and when it was changed last."""
        return self._db.execute(_TREE, (task_id,)).fetchall()

    def remove(self, task_ids: Iterable[str]) -> None:
        """Remove tasks; what belongs to them is cleared away afterwards, in steps, also after a kill."""
        with self._database.together():
            for task_id in task_ids:
                self._db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))
                self._db.execute("INSERT OR IGNORE INTO removed VALUES (?)", (task_id,))
                self._database.note_change(task_id)

    def clear_removed(self) -> bool:
        """Clear away some rows of a removed task; the answer is whether there was anything to do."""
        row = self._db.execute("SELECT task_id FROM removed LIMIT 1").fetchone()
        if row is None:
            return self._give_back_space()
        rows = CLEARED_ROWS
        with self._database.together():
            for query in _CLEAR:
                rows -= self._db.execute(query, (row[0], rows)).rowcount
            if rows > 0:  # nothing of it is left
                self._db.execute("DELETE FROM facts WHERE name >= ? AND name < ?", facts_of(row[0]))
                self._db.execute("DELETE FROM removed WHERE task_id = ?", row)
        return True

    def _give_back_space(self) -> bool:
        """Give some unused space back to the disk; the answer is whether there was too much of it."""
        free = self._number("PRAGMA freelist_count")
        if free * self._number("PRAGMA page_size") <= FREE_BYTES or not self._number("PRAGMA auto_vacuum"):
            return False
        self._db.executescript(f"PRAGMA incremental_vacuum ({CLEARED_ROWS})")  # execute() gives back one page only
        return self._number("PRAGMA freelist_count") < free
