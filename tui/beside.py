"""Who else on this machine is deciding: a file for each process with a review open, locked for as long as it lives."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection
from pathlib import Path

from tui.private import open_private


class Beside:
    """What this process has open for a decision, and what the others have."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._path = place / f"{os.getpid()}-{os.urandom(4).hex()}"
        """A name of its own: in two containers two processes may have one number."""
        self._own: int | None = None
        self._told: list[str] = []

    def open(self, task_ids: Collection[str]) -> None:
        """These are open here now."""
        if sorted(task_ids) == self._told:
            return
        if self._own is None:
            unlocked = self._path.with_name(f".{self._path.name}")
            self._own = open_private(unlocked, os.O_RDWR | os.O_CREAT)
            fcntl.flock(self._own, fcntl.LOCK_EX)
            unlocked.rename(self._path)  # nobody sees it before it is locked, and takes it for a dead one's
        self._told = sorted(task_ids)
        os.ftruncate(self._own, 0)
        os.pwrite(self._own, json.dumps(self._told).encode(), 0)

    def others(self) -> dict[str, list[str]]:
        """What is open elsewhere: for each task the processes that have it. What a dead one left is cleared away."""
        found: dict[str, list[str]] = {}
        for path in self._place.iterdir() if self._place.is_dir() else ():
            if path == self._path or path.name.startswith("."):
                continue
            try:
                descriptor = open_private(path, os.O_RDONLY)
            except FileNotFoundError:  # just closed
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
            except BlockingIOError:  # it lives
                for task_id in _ids(os.read(descriptor, 1 << 20)):
                    found.setdefault(task_id, []).append(path.name.partition("-")[0])
            finally:
                os.close(descriptor)
        return found

    def close(self) -> None:
        """Nothing is open here any more."""
        if self._own is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._own)
            self._own = None


def _ids(content: bytes) -> list[str]:
    try:
        found = json.loads(content)
    except ValueError:  # it is being written
        return []
    return [str(one) for one in found] if isinstance(found, list) else []
