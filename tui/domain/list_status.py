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


class ListStatus(Struct, frozen=True):
    """The status of the task list, as the poller publishes it."""

    link: ListLink = ListLink.CONNECTING
    reason: str = ""
    """Why the list is not live, in the words of the platform or the network; not sanitized."""
    checked_at: datetime | None = None
    """When the link was last checked."""
    max_age_seconds: float = 60.0
    """The age of a check from which the list is no longer called live."""
    total: int | None = None
    """The number of tasks on the platform."""
    filtered: tuple[TaskQuery, int] | None = None
    """The last query that a filter sent to the platform, and the number of tasks that match it."""


def counted_total(total: int) -> str:
    """Return the number of tasks on the platform as text; a plus tells that it may have more than it counts."""
    if total == MAX_COUNTED_TASKS:
        return f"{total:,}+"
    return f"{total:,}"
