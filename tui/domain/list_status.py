"""How live the task list is, and how much of it the platform has."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from tui.client.task_rows import TaskQuery


class ListLink(StrEnum):
    """The state of the connection that the lists are read over, in the words that are shown."""

    CONNECTING = "connecting"
    LIVE = "live"
    RETRYING = "trying again"
    OFFLINE = "offline"


class ListStatus(Struct, frozen=True):
    """The status of the task list, as the poller publishes it."""

    link: ListLink = ListLink.CONNECTING
    reason: str = ""
    """Why the list is not live, as the platform or the network says it; not safe to draw."""
    checked_at: datetime | None = None
    """When the link was checked last."""
    max_age_seconds: float = 60.0
    """How old a check may be before the list is no longer called live."""
    total: int | None = None
    """How many tasks the platform has."""
    filtered: tuple[TaskQuery, int] | None = None
    """What a filter has asked the platform for, and how many tasks match it."""
