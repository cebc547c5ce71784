"""Files that only their owner can read, in directories that only their owner can enter."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
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


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def is_readable_by_others(path: Path) -> bool:
    """Whether anybody but the owner can read a file."""
    return bool(path.stat().st_mode & 0o077)


def _home(environ: Mapping[str, str], variable: str, otherwise: str) -> Path:
    told = environ.get(variable, "")
    base = Path(told) if told.startswith("/") else Path(environ.get("HOME") or Path.home()) / otherwise
    return base / "xp-tui"
