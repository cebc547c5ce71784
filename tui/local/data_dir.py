"""Where a platform lives on disk, and how another program finds the one that is running."""

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
    make_directory,
    open_private,
    open_to_read,
    read_private,
    write_private,
)

ORGANIZATION = "local"
MAX_READ_BYTES = 4096
"""How much of the key's and the address's file is read."""
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{1,1024}")
_OWN_FILES = frozenset({"platform.db", "key", "lock", "use", "address.json", ".key.new", ".address.json.new"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running platform is, and the key it wants."""

    url: str
    key: str
    organization: str = ORGANIZATION

    @property
    def exports(self) -> str:
        """Lines for a shell."""
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
    """A platform is already running here."""


class DataDir:
    """A directory with a database, a key, and locks that say whether somebody serves it, or uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = path / "platform.db"
        self._key = path / "key"
        self._lock = path / "lock"
        self._use = path / "use"
        self._address = path / "address.json"

    def key(self) -> str:
        """The key, made when there is none."""
        try:
            return self._read_key()
        except FileNotFoundError:
            write_private(self._key, f"xpl-{secrets.token_urlsafe(24)}".encode())
        return self._read_key()

    def _read_key(self) -> str:
        """Read the key; a file that holds none is refused, as nobody would be asked for anything then."""
        key = read_private(self._key, MAX_READ_BYTES).decode("ascii", "replace").strip()
        if not _KEY.fullmatch(key):
            raise NotPrivate(f"{self._key} holds no key: remove it, and a new one is made at the next start")
        return key

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the lock, or raise Taken: one platform serves one database."""
        self._check_before_use()
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

    def _check_before_use(self) -> None:
        """Refuse a directory that others can enter, or that holds files of something else: it is left as it is."""
        check_directory(self.path)
        if not self.path.exists():
            return
        if self.path.stat().st_mode & 0o077:
            raise NotPrivate(
                f"{self.path} can be entered by others: chmod 700 it, or name a folder that is not there yet"
            )
        others = {path.name for path in self.path.iterdir()} - _OWN_FILES
        if others and not self.database.exists():
            raise NotPrivate(f"{self.path} holds other files: name an empty folder, or one that is not there yet")

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep a platform on a leash from ending; one that is ending already has ended when this begins."""
        with self._use_locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def unused(self) -> Iterator[None]:
        """Begins when nobody uses the platform any more; until it is over, nobody can."""
        with self._use_locked(fcntl.LOCK_EX):
            yield

    def is_used(self) -> bool:
        """Whether somebody uses the platform."""
        try:
            with self._use_locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def _use_locked(self, how: int) -> Iterator[None]:
        descriptor = open_private(self._use, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def announce(self, address: Address) -> None:
        """Tell others where this platform is."""
        write_private(self._address, json.dumps({"url": address.url, "pid": os.getpid()}).encode())

    def running(self) -> Address | None:
        """The platform that is running here, or None: an address without its lock held is an old one."""
        if not self._is_served():
            return None
        try:
            url = json.loads(read_private(self._address, MAX_READ_BYTES))["url"]
            return Address(url, self._read_key()) if isinstance(url, str) else None
        except (FileNotFoundError, ValueError, LookupError, TypeError, RecursionError):
            return None

    def _is_served(self) -> bool:
        """Whether somebody holds the lock; nothing is written to find that out."""
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
