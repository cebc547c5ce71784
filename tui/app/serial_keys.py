"""Keys in their order: each is done with before the next one goes anywhere, however quickly they come.

Textual hands a key to whatever has the focus when it arrives. Of keys that come in one burst, as a slow line or a paste
without brackets sends them, the later ones would go to what had the focus before the first was handled: the letters of
a filter would act on the list. Here a message follows each key through the same queues, and the next key waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from textual import events, on
from textual.app import App
from textual.message import Message

MARKER_ROUNDS = 2
"""How often the message goes round: what a key has set off, as a filter entered, is one message behind it."""
MAX_KEY_WAIT_SECONDS = 0.25
"""Seconds after which the next key goes on all the same: what the message was sent to may be gone."""


class KeyHandled(Message):
    """Follows a key through the queues."""

    def __init__(self, number: int, rounds: int) -> None:
        super().__init__()
        self.number = number
        self.rounds = rounds


class SerialKeys(App[None]):
    """An app in which no key overtakes what the one before it does."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._keys: deque[events.Key] = deque()
        self._number = 0
        """Of the key that is under way; 0 when none is."""
        self._count = 0
        """How many keys there have been."""

    async def on_event(self, event: events.Event) -> None:
        """Keys wait for their turn, everything else goes on."""
        if not isinstance(event, events.Key):
            await super().on_event(event)
            return
        if event.is_forwarded:
            if self.screen_stack:  # else everything is being taken down
                await super().on_event(event)
            return
        self._keys.append(event)
        if not self._number:
            await self._next_key()

    async def _next_key(self, number: int = 0) -> None:
        """The key before is done with: on with the next."""
        if number != self._number:
            return  # it was waited for long enough already
        self._number = 0
        if not self._keys or not self.screen_stack:
            return
        self._count += 1
        self._number = self._count
        event = self._keys.popleft()
        asyncio.get_running_loop().call_later(MAX_KEY_WAIT_SECONDS, self.call_later, self._next_key, self._number)
        target = self.focused or self.screen
        await super().on_event(event)
        if not target.post_message(KeyHandled(self._number, MARKER_ROUNDS)):
            self.call_later(self._next_key, self._number)

    @on(KeyHandled)
    def _go_on_after(self, message: KeyHandled) -> None:
        """It came through: once more, or on with the next key."""
        message.stop()
        if not self.screen_stack:
            return  # everything is being taken down
        target = self.focused or self.screen
        if message.rounds <= 1 or not target.post_message(KeyHandled(message.number, message.rounds - 1)):
            self.call_later(self._next_key, message.number)
