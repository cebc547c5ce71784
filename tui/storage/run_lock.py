"""A lock file for each run of xp-tui, held until the process ends: it tells live runs from killed ones."""

from __future__ import annotations

import atexit
import fcntl
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from tui.storage.private_files import is_still_at, open_locked, open_to_read

MAX_CONTENT_BYTES = 1024 * 1024
"""Bytes of a lock file that are read."""
_RUN_NAME = re.compile(r"\d+-[0-9a-f]{16}")


def new_run_name() -> str:
    """Return a unique name for a new run: process ids are reused, and two containers may have the same."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


class RunLock:
    """The lock file of one run; the operating system releases the lock however the process ends."""

    def __init__(self, directory: Path) -> None:
        self.name = new_run_name()
        self._path = directory / self.name
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Acquire the lock, and create its file again if it was removed."""
        if self._descriptor is not None and is_still_at(self._path, self._descriptor):
            return
        self.release()
        self._descriptor = open_locked(self._path)
        atexit.register(self.release)

    def write(self, content: bytes) -> None:
        """Write the content of the lock file, which other runs read."""
        self.acquire()
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def release(self) -> None:
        """Release the lock and remove its file."""
        if self._descriptor is None:
            return
        atexit.unregister(self.release)
        if is_still_at(self._path, self._descriptor):
            with suppress(OSError):  # on a read-only disk the file stays; without its lock its run counts as dead
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = None


@cache
def this_run(directory: Path) -> RunLock:
    """Return the lock of this run in a directory; every call returns the same object."""
    return RunLock(directory)


def live_runs(directory: Path) -> dict[str, bytes]:
    """Return the contents of the lock files of live runs by their names, and remove the files of dead runs."""
    if not directory.is_dir():
        return {}
    contents = {path.name: _read_if_live(path) for path in directory.iterdir() if _RUN_NAME.fullmatch(path.name)}
    return {name: content for name, content in contents.items() if content is not None}


def _read_if_live(path: Path) -> bytes | None:
    """Read a lock file if a live run holds its lock; otherwise remove the file and return None."""
    try:
        descriptor = open_to_read(path)
    except FileNotFoundError:
        return None
    try:
        # A shared lock: two processes that check at the same time must not take each other for a live run.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, MAX_CONTENT_BYTES, 0)
    else:
        with suppress(OSError):  # on a read-only disk the file stays
            path.unlink()
        return None
    finally:
        os.close(descriptor)
