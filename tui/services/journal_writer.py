"""The journal as the services that write to it see it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class JournalWriter(Protocol):
    """A journal, or a list of a test."""

    def write(self, kind: str, **told: Any) -> None:
        """Write a line down for good; raise OSError where that fails."""

    def lines_with(self, text: str) -> Iterable[dict[str, Any]]:
        """The lines with this text that were written on this machine, the newest first."""

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other processes of this machine from claiming a request meanwhile; BlockingIOError while one does."""


class NotJournaled(Exception):
    """A line that must be on disk before anything leaves could not be written."""
