"""Files that only their owner can read, in directories that only their owner can enter."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class NotPrivate(OSError):
    """A file or directory that others could have put there, or can read; the message says what to do."""


def config_home(environ: Mapping[str, str]) -> Path:
    """Where settings are kept."""
    return _home(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Where what must survive a restart is kept: the journal, drafts."""
    return _home(environ, "XDG_STATE_HOME", ".local/state")


def make_directory(path: Path) -> None:
    """Make a directory of mode 0700, and see that it is ours alone."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise NotPrivate(f"{path} is a link: remove it, a directory is made in its place")
    if found.st_uid != os.getuid():
        raise NotPrivate(f"{path} belongs to somebody else: remove it or set another place")
    if found.st_mode & 0o077:
        path.chmod(0o700)


def open_private(path: Path, flags: int) -> int:
    """Open a file of mode 0600, never through a link; the answer is its descriptor."""
    make_directory(path.parent)
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise NotPrivate(f"{path} is a link: remove it, a file is made in its place") from error
        raise
    os.fchmod(descriptor, 0o600)
    return descriptor


def open_locked(path: Path) -> int:
    """Open a private file with a lock that no other process has until the descriptor is closed."""
    while True:
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if is_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # it was removed or renamed before the lock was ours


def is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one at its path."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextmanager
def lock_of(path: Path) -> Iterator[None]:
    """Hold a lock while a file is read, changed and replaced; the lock is a file of its own beside it."""
    descriptor = open_locked(path.with_name(f".{path.name}.lock"))
    try:
        yield
    finally:
        os.close(descriptor)


def write_whole(descriptor: int, content: bytes) -> None:
    """Write all of the content, or raise: one call may write less than it was given."""
    left = memoryview(content)
    while left:
        written = os.write(descriptor, left)
        if written <= 0:
            raise OSError(f"{len(left)} of {len(content)} bytes could not be written")
        left = left[written:]


def sync_directory(path: Path) -> None:
    """See that the names in a directory are on the disk, after a file was made in it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all."""
    unfinished = path.with_name(f".{path.name}.new")
    descriptor = open_locked(unfinished)
    try:
        is_new = not path.exists()
        os.ftruncate(descriptor, 0)  # a killed process may have left a part
        write_whole(descriptor, content)
        os.fsync(descriptor)
        unfinished.replace(path)
        if is_new:
            sync_directory(path.parent)
    except BaseException:
        if is_at(unfinished, descriptor):
            unfinished.unlink()
        raise
    finally:
        os.close(descriptor)


def is_readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner can read a file."""
    return bool(path.stat().st_mode & 0o077)


def _home(environ: Mapping[str, str], variable: str, otherwise: str) -> Path:
    told = environ.get(variable, "")
    base = Path(told) if told.startswith("/") else Path(environ.get("HOME") or Path.home()) / otherwise
    return base / "xp-tui"
