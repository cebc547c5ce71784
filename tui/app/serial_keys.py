"""Handles keys one at a time: a key is dispatched only after the one before it was handled.

Textual sends a key to the widget that has the focus when the key arrives. When several keys arrive in one burst, as a
slow connection or a paste without brackets sends them, the later keys would go to the widget that had the focus before
the first one was handled: the letters of a filter would act on the list. Here, a marker message follows each key
through the same queues, and the next key waits until the marker comes back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual import events, on
from textual.app import App
from textual.message import Message

MARKER_ROUNDS = 2
"""How often the marker passes through the queues: a message that a key causes is one round behind the key."""
MAX_KEY_WAIT_SECONDS = 0.25
"""Seconds after which the next key is dispatched without the marker: its target may have been removed."""


class KeyHandled(Message):
    """The marker that follows a key through the queues: once it is back, the key was handled."""

    def __init__(self, number: int, rounds: int) -> None:
        super().__init__()
        self.number = number
        self.rounds = rounds


class SerialKeys(App[None]):
    """An app that handles keys in series, each after the effects of the one before it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pending_keys: deque[events.Key] = deque()
        self._current_key = 0
        """The number of the key that is being handled; 0 when none is."""
        self._key_count = 0
        """Keys dispatched so far."""

    async def on_event(self, event: events.Event) -> None:
        """Queue an event that is a key; handle all other events at once."""
        if not isinstance(event, events.Key):
            await super().on_event(event)
            return
        if event.is_forwarded:
            if self.screen_stack:  # empty while the app shuts down
                await super().on_event(event)
            return
        self._pending_keys.append(event)
        if not self._current_key:
            await self._dispatch_next_key()

    async def _dispatch_next_key(self, handled_key: int = 0) -> None:
        """Dispatch the next key after this one was handled."""
        if handled_key != self._current_key:
            return  # its wait has timed out, and the next key was dispatched then
        self._current_key = 0
        if not self._pending_keys or not self.screen_stack:
            return
        self._key_count += 1
        self._current_key = self._key_count
        event = self._pending_keys.popleft()
        loop = asyncio.get_running_loop()
        loop.call_later(MAX_KEY_WAIT_SECONDS, self.call_later, self._dispatch_next_key, self._current_key)
        target = self.focused or self.screen
        await super().on_event(event)
        is_on_its_way = target.post_message(KeyHandled(self._current_key, MARKER_ROUNDS))
        if not is_on_its_way:  # the target was removed
            self.call_later(self._dispatch_next_key, self._current_key)

    @on(KeyHandled)
    def _marker_returned(self, message: KeyHandled) -> None:
        """Send the marker on another round, or dispatch the next key."""
        message.stop()
        if not self.screen_stack:
            return
        target = self.focused or self.screen
        rounds_left = message.rounds - 1
        is_on_its_way = rounds_left > 0 and target.post_message(KeyHandled(message.number, rounds_left))
        if not is_on_its_way:
            self.call_later(self._dispatch_next_key, message.number)
