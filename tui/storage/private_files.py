"""Private files, which only their owner can read, in directories that only their owner can enter."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
MODE_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The bits of a mode that give access to other users than the owner."""


class NotPrivate(OSError):
    """A file or directory that cannot be used because it is not private; the message says what to do."""


def config_home(environ: Mapping[str, str]) -> Path:
    """Return the config directory, which holds the settings."""
    return _xdg_directory(environ, "XDG_CONFIG_HOME", ".config")


def state_home(environ: Mapping[str, str]) -> Path:
    """Return the state directory, which holds what must survive a restart: the journal, drafts."""
    return _xdg_directory(environ, "XDG_STATE_HOME", ".local/state")


def make_directory(path: Path) -> None:
    """Make a directory of mode 0700, or restrict an existing one to that mode; raise NotPrivate if that fails."""
    check_directory(path)
    try:
        path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        if path.lstat().st_mode & MODE_OF_OTHERS:
            path.chmod(DIRECTORY_MODE)
    except OSError as error:
        if isinstance(error, NotADirectoryError):
            check_directory(path.parent)  # raises the better message
        raise NotPrivate(f"{path} cannot be made: {error.strerror}; make its place writable or set another") from error


def check_directory(path: Path) -> None:
    """Raise NotPrivate if a path exists and is not a directory of this user."""
    status = _lstat(path)
    if status is None:
        return
    if stat.S_ISLNK(status.st_mode):
        raise NotPrivate(f"{path} is a link: remove it, a directory is made in its place")
    if not stat.S_ISDIR(status.st_mode):
        raise NotPrivate(f"{path} is {_kind_in_words(status.st_mode)}: move it away, a directory is made in its place")
    if status.st_uid != os.getuid():
        raise NotPrivate(f"{path} belongs to somebody else: remove it or set another place")


def check_file(path: Path) -> None:
    """Raise NotPrivate if a path exists and is not a regular file."""
    status = _lstat(path)
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise _not_a_file(path, status.st_mode)


def problem_with_directory(path: Path) -> str | None:
    """Describe the problem with a directory in which nothing can be written; None if it is usable or missing."""
    try:
        check_directory(path)
        if _lstat(path) is None or os.access(path, os.W_OK | os.X_OK):
            return None
    except NotPrivate as error:
        return str(error)
    return f"{path} cannot be written: make it writable or set another place"


def open_private(path: Path, flags: int) -> int:
    """Open a private file of mode 0600 in a private directory, never through a link; return its descriptor."""
    make_directory(path.parent)
    descriptor = _open_file(path, flags)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:
        os.fchmod(descriptor, FILE_MODE)
    return descriptor


def open_to_read(path: Path) -> int:
    """Open a file for reading, never through a link, and change nothing; return its descriptor."""
    parent = _lstat(path.parent)
    is_below_file = parent is not None and stat.S_ISREG(parent.st_mode)
    if not is_below_file:  # below a file there is none: _open_file says so
        check_directory(path.parent)
    return _open_file(path, os.O_RDONLY)


def read_private(path: Path, max_bytes: int = -1) -> bytes:
    """Read a private file, or its first `max_bytes`, never through a link; raise FileNotFoundError if it is missing."""
    with os.fdopen(open_to_read(path), "rb") as file:
        return file.read(max_bytes)


def open_locked(path: Path) -> int:
    """Open a private file and wait for its exclusive lock, which lasts until the descriptor is closed."""
    while True:
        descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if is_still_at(path, descriptor):
            return descriptor
        os.close(descriptor)  # the file was removed or renamed while this process waited for the lock


def is_still_at(path: Path, descriptor: int) -> bool:
    """Return whether an open file is still the one at its path."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is read, changed and replaced; the lock is a separate file beside it."""
    descriptor = open_locked(path.with_name(f".{path.name}.lock"))
    try:
        yield
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of the content, or raise OSError: a single system call may write only a part."""
    remaining = memoryview(content)
    while remaining:
        written = os.write(descriptor, remaining)
        if written <= 0:
            raise OSError(f"{len(remaining)} of {len(content)} bytes could not be written")
        remaining = remaining[written:]


def sync_directory(path: Path) -> None:
    """Sync a directory to the disk, so that the name of a new file in it survives a power failure."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, content: bytes) -> None:
    """Write a private file atomically: readers see the old content or all of the new."""
    new_path = path.with_name(f".{path.name}.new")
    descriptor = open_locked(new_path)
    try:
        has_old = path.exists()
        os.ftruncate(descriptor, 0)  # a killed process may have left a part
        write_all(descriptor, content)
        os.fsync(descriptor)
        new_path.replace(path)
        if not has_old:
            sync_directory(path.parent)
    except BaseException:
        if is_still_at(new_path, descriptor):
            new_path.unlink()
        raise
    finally:
        os.close(descriptor)


def is_readable_by_others(path: Path) -> bool:
    """Return whether a file is readable by other users than its owner."""
    return bool(path.stat().st_mode & MODE_OF_OTHERS)


def _xdg_directory(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """Return our directory in an XDG base directory; as XDG demands, a relative path in the variable is ignored."""
    base = environ.get(variable, "")
    if base.startswith("/"):
        return Path(base) / "xp-tui"
    return Path(environ.get("HOME") or Path.home()) / default / "xp-tui"


def _open_file(path: Path, flags: int) -> int:
    """Open a regular file, never through a link, and never wait for the other end of a pipe."""
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, FILE_MODE)
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


def _lstat(path: Path) -> os.stat_result | None:
    """Return the lstat result of a path, or None if the path does not exist."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise NotPrivate(f"{path} cannot be looked at: {error.strerror}") from error


def _not_a_file(path: Path, mode: int) -> NotPrivate:
    advice = "remove it" if stat.S_ISLNK(mode) else "move it away"
    return NotPrivate(f"{path} is {_kind_in_words(mode)}: {advice}, a file is made in its place")


def _kind_in_words(mode: int) -> str:
    """Return the kind of a file in words, by the mode of its lstat result."""
    kinds = {
        stat.S_IFREG: "a file",
        stat.S_IFDIR: "a directory",
        stat.S_IFLNK: "a link",
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
    }
    return kinds.get(stat.S_IFMT(mode), "a device")
