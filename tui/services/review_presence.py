"""Who else on this machine is deciding: each process with a review open tells the others in its lock file."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from tui.storage.run_lock import RunLock, live_runs


class ReviewPresence:
    """What this process has open for a decision, and what the others have."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = RunLock(place)
        self._told: list[str] = []

    def open(self, task_ids: Collection[str]) -> None:
        """These are open here now."""
        if sorted(task_ids) == self._told:
            return
        self._lock.write(json.dumps(sorted(task_ids)).encode())
        self._told = sorted(task_ids)

    def others(self) -> dict[str, list[str]]:
        """What is open elsewhere: for each task the processes that have it. What a dead one left is cleared away."""
        found: dict[str, list[str]] = {}
        for name, content in live_runs(self._place).items():
            for task_id in _ids(content) if name != self._lock.name else ():
                found.setdefault(task_id, []).append(name.partition("-")[0])
        return found

    def close(self) -> None:
        """Nothing is open here any more."""
        self._lock.release()
        self._told = []


def _ids(content: bytes) -> list[str]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):  # it is being written
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
