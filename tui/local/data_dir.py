"""The directory of a local platform on disk, and how another program finds the platform that runs there."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tui.storage.private_files import (
    NotPrivate,
    check_directory,
    is_readable_by_others,
    make_directory,
    open_private,
    open_to_read,
    read_private,
    write_private,
)

ORGANIZATION = "local"
MAX_READ_BYTES = 4096
"""Bytes that are read of the key file and of the address file."""
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{1,1024}")
_OWN_FILES = frozenset({"platform.db", "key", "lock", "use", "address.json", ".key.new", ".address.json.new"})


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a running platform, and the key it requires."""

    url: str
    key: str
    organization: str = ORGANIZATION

    @property
    def exports(self) -> str:
        """The `export` lines for a shell."""
        return "\n".join(
            f"export {name}={value}"
            for name, value in (
                ("XPANDER_BASE_URL", self.url),
                ("XPANDER_API_URL", self.url),
                ("XPANDER_ORGANIZATION_ID", self.organization),
                ("XPANDER_API_KEY", self.key),
            )
        )


class AlreadyRunning(Exception):
    """A platform is already running in the directory."""


class DataDir:
    """The data directory of a platform: a database, a key, and locks held by its server and by its users.

    The server holds the file `lock`. Each dashboard that uses a platform which a dashboard started shares the lock on
    the file `use`; once its standard input is closed, such a platform ends when it gets that lock for itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "platform.db"
        self._key = path / "key"
        self._lock = path / "lock"
        self._use = path / "use"
        self._address = path / "address.json"

    def key(self) -> str:
        """Return the key, and create one if there is none."""
        try:
            return self._read_key()
        except FileNotFoundError:
            write_private(self._key, f"xpl-{secrets.token_urlsafe(24)}".encode())
        return self._read_key()

    def _read_key(self) -> str:
        """Read the key; raise NotPrivate if its file holds none, as an empty key would let every request in."""
        key = read_private(self._key, MAX_READ_BYTES).decode("ascii", "replace").strip()
        if not _KEY.fullmatch(key):
            raise NotPrivate(f"{self._key} holds no key: remove it, and a new one is made at the next start")
        return key

    @contextmanager
    def server_lock(self) -> Iterator[None]:
        """Hold the lock of the server, or raise AlreadyRunning: only one platform may serve a database."""
        self._check_directory()
        make_directory(self.path)
        descriptor = open_private(self._lock, os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(str(self.path)) from None
            yield
        finally:
            os.close(descriptor)

    def _check_directory(self) -> None:
        """Raise NotPrivate if the directory can be entered by others, or has files of another program."""
        check_directory(self.path)
        if not self.path.exists():
            return
        if is_readable_by_others(self.path):
            raise NotPrivate(
                f"{self.path} can be entered by others: chmod 700 it, or name a folder that is not there yet"
            )
        other_files = {path.name for path in self.path.iterdir()} - _OWN_FILES
        if other_files and not self.database.exists():
            raise NotPrivate(f"{self.path} holds other files: name an empty folder, or one that is not there yet")

    @contextmanager
    def user_lock(self) -> Iterator[None]:
        """Hold the lock of a user: a dashboard's platform does not end, and one that is ending is waited for."""
        with self._hold_use_lock(fcntl.LOCK_SH):
            yield

    @contextmanager
    def idle_lock(self) -> Iterator[None]:
        """Wait until the platform is idle, without users, and hold the lock that keeps new users out."""
        with self._hold_use_lock(fcntl.LOCK_EX):
            yield

    def has_users(self) -> bool:
        """Return whether a user of the platform holds its lock."""
        try:
            with self._hold_use_lock(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def _hold_use_lock(self, operation: int) -> Iterator[None]:
        """Hold the lock of the users' file: shared, or for itself, as this `flock` operation says."""
        descriptor = open_private(self._use, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, operation)
            yield
        finally:
            os.close(descriptor)

    def announce(self, address: Address) -> None:
        """Announce the address of this platform to other programs, without its key."""
        write_private(self._address, json.dumps({"url": address.url, "pid": os.getpid()}).encode())

    def running(self) -> Address | None:
        """Return the address of the running platform, or None; the address file counts only while the lock is held."""
        if not self._is_served():
            return None
        try:
            url = json.loads(read_private(self._address, MAX_READ_BYTES))["url"]
            return Address(url, self._read_key()) if isinstance(url, str) else None
        except (FileNotFoundError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def _is_served(self) -> bool:
        """Return whether a server holds the lock, without writing anything."""
        try:
            descriptor = open_to_read(self._lock)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False
