"""Where a filter is written: it completes names and values, and remembers what was used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.domain.filters import FIELDS

MAX_HISTORY = 50
"""How many filters are remembered."""
ValuesOfField = Callable[[str], Iterable[str]]


class Completion(Suggester):
    """Completes the last word: a field's name, or a value that was seen in it."""

    def __init__(self, seen: ValuesOfField) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._seen = seen

    async def get_suggestion(self, value: str) -> str | None:
        """The whole text with its last word completed."""
        word = value.rsplit(" ", 1)[-1].lstrip("-")
        name, colon, rest = word.partition(":")
        if not colon:
            return next((value + f"{field}:"[len(word) :] for field in FIELDS if word and field.startswith(word)), None)
        begin = rest.rsplit(",", 1)[-1]
        for found in sorted(self._seen(name)):
            quoted = f'"{found}"' if " " in found or begin.startswith('"') else found
            if quoted.casefold().startswith(begin.casefold()) and len(quoted) > len(begin):
                return value[: len(value) - len(begin)] + quoted
        return None


class FilterInput(Input):
    """One line; up and down go through what was used before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "before(1)", "used before", id="filter.before"),
        Binding("down", "before(-1)", "Filter used after", show=False, id="filter.after"),
        Binding("tab", "take", "complete", id="filter.complete"),
    ]

    def __init__(self, memory: MutableMapping[str, str], seen: ValuesOfField, *, placeholder: str, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, suggester=Completion(seen))
        self._memory = memory
        self._place = 0

    @property
    def _used(self) -> list[str]:
        return self._memory.get("filters", "").split("\n") if self._memory.get("filters") else []

    def remember(self) -> None:
        """What is written now was used."""
        text = self.value.strip()
        if text:
            used = [text, *(one for one in self._used if one != text)][:MAX_HISTORY]
            self._memory["filters"] = "\n".join(used)
        self._place = 0

    def action_before(self, by: int) -> None:
        """Show a filter that was used earlier, or later."""
        used = self._used
        self._place = max(0, min(self._place + by, len(used)))
        self.value = used[self._place - 1] if self._place else ""
        self.cursor_position = len(self.value)

    def action_take(self) -> None:
        """Take the rest that is suggested; without one, go on to the list."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
