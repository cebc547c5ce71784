"""A lock file for each run of xp-tui, held for as long as the run lives: it tells the living from the killed."""

from __future__ import annotations

import atexit
import fcntl
import os
import re
from contextlib import suppress
from functools import cache
from pathlib import Path

from tui.storage.private_files import is_at, open_locked, open_to_read

MAX_CONTENT_BYTES = 1 << 20
_NAME = re.compile(r"\d+-[0-9a-f]{16}")


def new_run_name() -> str:
    """Make a name that no other run has; process numbers come again, and in two containers at once."""
    return f"{os.getpid()}-{os.urandom(8).hex()}"


class RunLock:
    """The lock file of one run; the operating system releases the lock however the process ends."""

    def __init__(self, directory: Path) -> None:
        self.name = new_run_name()
        self._path = directory / self.name
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Hold the lock from now on; where its file was removed meanwhile, it is made again."""
        if self._descriptor is not None and is_at(self._path, self._descriptor):
            return
        self.release()
        self._descriptor = open_locked(self._path)
        atexit.register(self.release)

    def write(self, content: bytes) -> None:
        """Replace what the other runs read in the lock file."""
        self.acquire()
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def release(self) -> None:
        """Give the lock back and remove its file."""
        if self._descriptor is None:
            return
        atexit.unregister(self.release)
        if is_at(self._path, self._descriptor):
            with suppress(OSError):  # where nothing can be written any more, it stays, and is seen to be held by nobody
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = None


@cache
def this_run(directory: Path) -> RunLock:
    """The lock of this process among the runs in a directory, one for all who ask."""
    return RunLock(directory)


def live_runs(directory: Path) -> dict[str, bytes]:
    """The runs that live, by name, with the content of their lock files; files of dead runs are removed."""
    if not directory.is_dir():
        return {}
    contents = {path.name: _content_of_live(path) for path in directory.iterdir() if _NAME.fullmatch(path.name)}
    return {name: content for name, content in contents.items() if content is not None}


def _content_of_live(path: Path) -> bytes | None:
    """The content of a lock file that is held; None where it is not, and then the file is removed."""
    try:
        descriptor = open_to_read(path)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two that look do not take each other for it
    except BlockingIOError:
        return os.pread(descriptor, MAX_CONTENT_BYTES, 0)
    else:
        with suppress(OSError):  # where nothing can be written, it stays
            path.unlink()
        return None
    finally:
        os.close(descriptor)
