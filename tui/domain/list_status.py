"""The status of the task list: its connection, and how much of the platform's tasks it has."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tui.client.task_rows import TaskQuery

MAX_COUNTED_TASKS = 1000
"""The number at which the platform stops counting: it has told exactly this for longer lists."""


class ListLink(StrEnum):
    """The state of the link that the lists are read over, in the words that are shown."""

    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "trying again"
    OFFLINE = "offline"
    NOT_AUTHORIZED = "not authorized"
    REFUSED = "platform error"

    @property
    def is_lost(self) -> bool:
        """Whether the last read failed for good: what is shown is what was read before."""
        return self in {ListLink.OFFLINE, ListLink.NOT_AUTHORIZED, ListLink.REFUSED}

    @property
    def is_troubled(self) -> bool:
        """Whether the last request failed, for good or for now."""
        return self.is_lost or self is ListLink.RETRYING


class ListStatus(Struct, frozen=True):
    """The status of the task list, as the poller publishes it."""

    link: ListLink = ListLink.CONNECTING
    reason: str = ""
    """Why the list is not live, in the words of the platform or the network; not sanitized."""
    checked_at: datetime | None = None
    """When the link was last checked."""
    read_at: datetime | None = None
    """When all lists were last read; None while nothing is known of tasks that are not loaded."""
    max_age_seconds: float = 60.0
    """The age of a check from which the list is no longer called live."""
    total: int | None = None
    """The number of tasks on the platform; None if it does not tell, and not all of them were read."""
    filtered: tuple[TaskQuery, int | None] | None = None
    """The last query that a filter sent to the platform, and the number of tasks that match it if it tells that."""
    refused: tuple[TaskQuery, str] | None = None
    """The last query of a filter that the platform does not take, and its reason; not sanitized."""

    @property
    def is_known(self) -> bool:
        """Whether all lists were read at least once, so that a count of zero means that there is none."""
        return self.read_at is not None

    def has_more(self, loaded: int) -> bool:
        """Return whether the platform has, or may have, tasks besides those that are loaded."""
        if not self.is_known:
            return False
        return self.total is None or self.total > loaded

    def has_all(self, loaded: int) -> bool:
        """Return whether all tasks of the platform are loaded, also of those that ended long ago."""
        return self.is_known and self.total != MAX_COUNTED_TASKS and not self.has_more(loaded)


def counted_total(total: int | None) -> str:
    """Return the number of tasks on the platform as text; a plus tells that it may have more than it counts."""
    if total is None:
        return "an unknown number"
    if total == MAX_COUNTED_TASKS:
        return f"{total:,}+"
    return f"{total:,}"
