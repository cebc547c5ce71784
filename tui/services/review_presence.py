"""Tells which tasks other xp-tui processes of this machine have open for review, through a lock file of each."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from tui.storage.run_lock import RunLock, live_runs


class ReviewPresence:
    """The presence of reviews: publishes the tasks that this process has open, and reads those of the others."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = RunLock(directory)
        self._published_ids: list[str] = []

    def open(self, task_ids: Collection[str]) -> None:
        """Publish that exactly these tasks are open here."""
        sorted_ids = sorted(task_ids)
        if sorted_ids == self._published_ids:
            return
        self._lock.write(json.dumps(sorted_ids).encode())
        self._published_ids = sorted_ids

    def others(self) -> dict[str, list[str]]:
        """Return, for each task that others have open, their process ids; remove the files of dead processes."""
        processes: dict[str, list[str]] = {}
        for run_name, content in live_runs(self._directory).items():
            if run_name == self._lock.name:
                continue
            process_id = run_name.partition("-")[0]
            for task_id in _parse_ids(content):
                processes.setdefault(task_id, []).append(process_id)
        return processes

    def close(self) -> None:
        """Close all reviews of this process: remove its lock file."""
        self._lock.release()
        self._published_ids = []


def _parse_ids(content: bytes) -> list[str]:
    """Parse the task ids in a lock file; return none of them while the file is being written."""
    try:
        ids = json.loads(content)
    except (ValueError, RecursionError):
        return []
    if not isinstance(ids, list):
        return []
    return [str(task_id) for task_id in ids]
