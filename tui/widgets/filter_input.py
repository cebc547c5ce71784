"""The filter input: it completes field names and values, and keeps a history of filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester
from textual.widgets import Input

from tui.domain.filters import FIELDS

MAX_HISTORY = 50
"""Maximum filters in the history."""
ValuesOfField = Callable[[str], Iterable[str]]


class FilterSuggester(Suggester):
    """A suggester that completes the last word of a filter: a field name, or a known value of the field."""

    def __init__(self, values_of: ValuesOfField) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._values_of = values_of

    async def get_suggestion(self, value: str) -> str | None:
        """Return the suggestion: the whole text with its last word completed."""
        word = value.rsplit(" ", 1)[-1].lstrip("-")
        name, colon, values = word.partition(":")
        if not colon:
            return next((value + f"{field}:"[len(word) :] for field in FIELDS if word and field.startswith(word)), None)
        typed = values.rsplit(",", 1)[-1]
        for known_value in sorted(self._values_of(name)):
            needs_quotes = " " in known_value or typed.startswith('"')
            candidate = f'"{known_value}"' if needs_quotes else known_value
            if candidate.casefold().startswith(typed.casefold()) and len(candidate) > len(typed):
                return value[: len(value) - len(typed)] + candidate
        return None


class FilterInput(Input):
    """An input for a filter; up and down go through the history."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "before(1)", "used before", id="filter.before"),
        Binding("down", "before(-1)", "Filter used after", show=False, id="filter.after"),
        Binding("tab", "take", "complete", id="filter.complete"),
    ]

    def __init__(
        self, memory: MutableMapping[str, str], values_of: ValuesOfField, *, placeholder: str, id: str
    ) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, suggester=FilterSuggester(values_of))
        self._memory = memory
        self._history_position = 0
        """How far back in the history the shown filter is; 0 is none of them."""

    @property
    def _history(self) -> list[str]:
        """The filters that were used, the latest first."""
        filters = self._memory.get("filters", "")
        if not filters:
            return []
        return filters.split("\n")

    def remember(self) -> None:
        """Remember the current filter in the history."""
        text = self.value.strip()
        if text:
            filters = [text, *(used for used in self._history if used != text)][:MAX_HISTORY]
            self._memory["filters"] = "\n".join(filters)
        self._history_position = 0

    def action_before(self, by: int) -> None:
        """Show the filter that was used before; with a negative number, the one after."""
        history = self._history
        self._history_position = max(0, min(self._history_position + by, len(history)))
        text = ""
        if self._history_position:
            text = history[self._history_position - 1]
        self.value = text
        self.cursor_position = len(self.value)

    def action_take(self) -> None:
        """Take the suggestion; without one, focus the next widget."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
