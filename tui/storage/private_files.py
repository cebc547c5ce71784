"""Files that only their owner can read, in directories that only their owner can enter."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


class NotPrivate(OSError):
    """A file or directory that cannot be used as it is; the message says what to do."""


def config_home(environ: Mapping[str, str]) -> Path:
    """Where settings are kept."""
    return _home(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Where what must survive a restart is kept: the journal, drafts."""
    return _home(environ, "XDG_STATE_HOME", ".local/state")


def make_directory(path: Path) -> None:
    """Make a directory of mode 0700, and see that it is ours alone."""
    check_directory(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.lstat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        if isinstance(error, NotADirectoryError):
            check_directory(path.parent)
        raise NotPrivate(f"{path} cannot be made: {error.strerror}; make its place writable or set another") from error


def check_directory(path: Path) -> None:
    """Refuse a path at which something else than a directory of ours stands; nothing there is no reason."""
    found = _found_at(path)
    if found is None:
        return
    if stat.S_ISLNK(found.st_mode):
        raise NotPrivate(f"{path} is a link: remove it, a directory is made in its place")
    if not stat.S_ISDIR(found.st_mode):
        raise NotPrivate(f"{path} is {_kind(found.st_mode)}: move it away, a directory is made in its place")
    if found.st_uid != os.getuid():
        raise NotPrivate(f"{path} belongs to somebody else: remove it or set another place")


def check_file(path: Path) -> None:
    """Refuse a path at which something else than a file stands; nothing there is no reason."""
    found = _found_at(path)
    if found is not None and not stat.S_ISREG(found.st_mode):
        raise _not_a_file(path, found.st_mode)


def problem_with_directory(path: Path) -> str | None:
    """Say why nothing can be written in a directory that is there; None where it can, or where there is none yet."""
    try:
        check_directory(path)
        if _found_at(path) is None or os.access(path, os.W_OK | os.X_OK):
            return None
    except NotPrivate as error:
        return str(error)
    return f"{path} cannot be written: make it writable or set another place"


def open_private(path: Path, flags: int) -> int:
    """Open a file of mode 0600, never through a link; the answer is its descriptor."""
    make_directory(path.parent)
    descriptor = _open_file(path, flags)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
        os.fchmod(descriptor, 0o600)
    return descriptor


def open_to_read(path: Path) -> int:
    """Open a file for reading and change nothing, never through a link; the answer is its descriptor."""
    parent = _found_at(path.parent)
    if parent is not None and not stat.S_ISREG(parent.st_mode):  # in a file there is no file
        check_directory(path.parent)
    return _open_file(path, os.O_RDONLY)


def read_private(path: Path, max_bytes: int = -1) -> bytes:
    """Read a file whole, or its first bytes, never through a link; without a file, FileNotFoundError is raised."""
    with os.fdopen(open_to_read(path), "rb") as file:
        return file.read(max_bytes)


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
def hold_lock(path: Path) -> Iterator[None]:
    """Hold a lock while a file is read, changed and replaced; the lock is a file of its own beside it."""
    descriptor = open_locked(path.with_name(f".{path.name}.lock"))
    try:
        yield
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
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
        write_all(descriptor, content)
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


def _open_file(path: Path, flags: int) -> int:
    """Open a regular file, never through a link, and never waiting for what is at the other end of a pipe."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    except OSError as error:
        check_file(path)
        raise NotPrivate(f"{path} cannot be opened: {error.strerror}") from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    raise _not_a_file(path, mode)


def _found_at(path: Path) -> os.stat_result | None:
    """What stands at a path, without following a link; None where nothing does."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise NotPrivate(f"{path} cannot be looked at: {error.strerror}") from error


def _not_a_file(path: Path, mode: int) -> NotPrivate:
    advice = "remove it" if stat.S_ISLNK(mode) else "move it away"
    return NotPrivate(f"{path} is {_kind(mode)}: {advice}, a file is made in its place")


def _kind(mode: int) -> str:
    """What kind of thing stands at a path, in words."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
