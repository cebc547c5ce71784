"""The state of all that the platform has told, and the only place that changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tui.domain.state import Change, LogSeen, State, TasksSeen

if TYPE_CHECKING:
    from tui.client.log_entries import Log

STEP_SECONDS = 1 / 30
"""The least time between two steps."""
MAX_CHANGES_PER_STEP = 500
"""Tasks, log entries and events that one step applies, so that it does not delay a key."""
MAX_ENTRIES_PER_CHANGE = 500
"""Log entries in one change: a longer log is added in parts."""

Subscriber = Callable[[State, Sequence[Change]], None]


class StateStore:
    """Collects changes, applies them to the state at most 30 times a second, and publishes (state, changes).

    `run_step` runs a due step; an app gives its own scheduling, so that a failing step ends the app.
    """

    def __init__(self, run_step: Callable[[Callable[[], None]], object] = lambda step: step()) -> None:
        self.state = State()
        self._run_step = run_step
        self._subscribers: list[Subscriber] = []
        self._pending: list[Change] = []
        self._timer: asyncio.Handle | None = None
        """The next step, while one is due."""
        self._stepped_at = 0.0

    @property
    def has_pending(self) -> bool:
        """Whether changes were added that are not applied yet."""
        return bool(self._pending)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber` after each step, in the order of subscription."""
        self._subscribers.append(subscriber)

    def add(self, change: Change) -> None:
        """Collect a change for the next step.

        A page of tasks waits for the rest of its list; anything else is applied at once where the last step allows.
        """
        self._pending.append(change)
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        delay = STEP_SECONDS
        if not isinstance(change, TasksSeen):
            delay = max(self._stepped_at + STEP_SECONDS - loop.time(), 0.0)
        self._timer = loop.call_later(delay, self._run_step, self.step)

    def add_log(self, task_id: str, log: Log, asked_at: datetime) -> None:
        """Collect a task's log that was asked for at this time, in parts."""
        for part in log.parts(MAX_ENTRIES_PER_CHANGE):
            self.add(LogSeen(task_id, part, asked_at))

    def step(self) -> None:
        """Apply what was collected, as far as one step goes, and publish the state."""
        loop = asyncio.get_running_loop()
        self._stepped_at = loop.time()
        self._cancel_due_step()
        changes = self._take_pending()
        if self._pending:  # the loop runs other callbacks in between
            self._timer = loop.call_soon(self._run_step, self.step)
        self.state = self.state.after(changes)
        for subscriber in self._subscribers:
            subscriber(self.state, changes)

    def close(self) -> None:
        """Apply nothing more of what was collected."""
        self._cancel_due_step()

    def _cancel_due_step(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_pending(self) -> list[Change]:
        """Remove and return the changes of one step: always one, and more up to the limit."""
        size = count = 0
        for change in self._pending:
            size += _size_of(change)
            if count and size > MAX_CHANGES_PER_STEP:
                break
            count += 1
        taken, self._pending = self._pending[:count], self._pending[count:]
        return taken


def _size_of(change: Change) -> int:
    """Return how many tasks, entries and events of a change have to be looked at."""
    match change:
        case LogSeen(_, log) if isinstance(log.entries, tuple):
            return len(log.entries)
        case TasksSeen(tasks):
            return len(tasks)
        case _:
            return 1
