"""Where a platform lives on disk, and how another program finds the one that is running."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tui.private import make_directory, open_private, write_private

ORGANIZATION = "local"


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


class Taken(Exception):
    """A platform is already running here."""


class Home:
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
        if not self._key.exists():
            write_private(self._key, f"xpl-{secrets.token_urlsafe(24)}".encode())
        return self._key.read_text().strip()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the lock, or raise Taken: one platform serves one database."""
        make_directory(self.path)
        descriptor = open_private(self._lock, os.O_RDWR | os.O_CREAT)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Taken(str(self.path)) from None
            yield
        finally:
            os.close(descriptor)

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
        if not self._lock.exists():
            return None
        try:
            with self.taken():
                return None
        except Taken:
            pass
        try:
            return Address(json.loads(self._address.read_bytes())["url"], self.key())
        except (OSError, ValueError, KeyError):
            return None
