"""The store of the application's state, and the only place that changes the state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tui.domain.state import Change, LogSeen, State, TasksSeen

if TYPE_CHECKING:
    from tui.client.log_entries import Log

STEP_SECONDS = 1 / 30
"""The shortest time between two steps."""
MAX_CHANGES_PER_STEP = 500
"""How many tasks, log entries and events one step applies, so that it does not delay a key."""
MAX_ENTRIES_PER_CHANGE = 500
"""How many log entries are in one change; a longer log is added in parts."""

Subscriber = Callable[[State, Sequence[Change]], None]


class StateStore:
    """Collects changes, applies them to the state at most 30 times a second, and publishes (state, changes).

    `run_step` is called to run a due step. The app passes a function of its own, so that a failing step ends the app.
    """

    def __init__(self, run_step: Callable[[Callable[[], None]], object] = lambda step: step()) -> None:
        self.state = State()
        self._run_step = run_step
        self._subscribers: list[Subscriber] = []
        self._pending: list[Change] = []
        self._timer: asyncio.Handle | None = None
        """The handle of the due step; None if no step is due."""
        self._stepped_at = 0.0

    @property
    def has_pending(self) -> bool:
        """Whether there are pending changes: added, but not applied yet."""
        return bool(self._pending)

    def subscribe(self, subscriber: Subscriber) -> None:
        """Subscribe to steps: each is followed by a call of all subscribers, in the order of subscription."""
        self._subscribers.append(subscriber)

    def add(self, change: Change) -> None:
        """Add a change to the next step.

        A page of tasks waits for the other pages of its list. Any other change makes the next step due as soon as
        `STEP_SECONDS` have passed since the last.
        """
        self._pending.append(change)
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        delay = STEP_SECONDS
        if not isinstance(change, TasksSeen):
            seconds_since_step = loop.time() - self._stepped_at
            delay = max(STEP_SECONDS - seconds_since_step, 0.0)
        self._timer = loop.call_later(delay, self._run_step, self.step)

    def add_log(self, task_id: str, log: Log, asked_at: datetime) -> None:
        """Add a task's log, which was requested at `asked_at`, in parts."""
        for part in log.parts(MAX_ENTRIES_PER_CHANGE):
            self.add(LogSeen(task_id, part, asked_at))

    def step(self) -> None:
        """Run a step: apply pending changes up to the limit, and publish the state."""
        loop = asyncio.get_running_loop()
        self._stepped_at = loop.time()
        self._cancel_due_step()
        changes = self._take_pending()
        if self._pending:  # a callback of its own, so that others run before it
            self._timer = loop.call_soon(self._run_step, self.step)
        self.state = self.state.after(changes)
        for subscriber in self._subscribers:
            subscriber(self.state, changes)

    def close(self) -> None:
        """Close the store: pending changes are not applied any more."""
        self._cancel_due_step()

    def _cancel_due_step(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_pending(self) -> list[Change]:
        """Take from the pending changes those of one step: at least one, and more up to the limit."""
        total_size = 0
        taken_count = 0
        for change in self._pending:
            total_size += _size_of(change)
            if taken_count > 0 and total_size > MAX_CHANGES_PER_STEP:
                break
            taken_count += 1
        taken = self._pending[:taken_count]
        self._pending = self._pending[taken_count:]
        return taken


def _size_of(change: Change) -> int:
    """Return the size of a change: how many tasks, entries and events it has."""
    match change:
        case LogSeen(_, log) if isinstance(log.entries, tuple):
            return len(log.entries)
        case TasksSeen(tasks):
            return len(tasks)
        case _:
            return 1
