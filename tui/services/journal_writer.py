"""The interface of the journal that the services write to."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class JournalWriter(Protocol):
    """A writer of journal lines: `audit_log.Journal`, or a list in a test."""

    def write(self, kind: str, **fields: Any) -> None:
        """Write a line to the disk; raise OSError if that fails."""

    def lines_with(self, text: str) -> Iterable[dict[str, Any]]:
        """Return the lines of this machine's journal that contain a text, the newest first."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Lock the journal exclusively: no other process of this machine can claim a request meanwhile.

        Entering raises BlockingIOError while another process has the lock.
        """


class NotJournaled(Exception):
    """Raised when a line is not journaled that must be on disk before a request is sent."""
