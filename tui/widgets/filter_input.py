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
        last_word = value.rsplit(" ", 1)[-1].lstrip("-")
        field, colon, field_values = last_word.partition(":")
        if not colon:
            return _with_completed_field(value, last_word)
        last_value = field_values.rsplit(",", 1)[-1]
        before_last_value = value.removesuffix(last_value)
        for known_value in sorted(self._values_of(field)):
            needs_quotes = " " in known_value or last_value.startswith('"')
            candidate = f'"{known_value}"' if needs_quotes else known_value
            if candidate.casefold().startswith(last_value.casefold()) and len(candidate) > len(last_value):
                return before_last_value + candidate
        return None


def _with_completed_field(text: str, last_word: str) -> str | None:
    """Return the text of a filter with its last word completed to a field name; None if no field begins so."""
    if not last_word:
        return None
    for field in FIELDS:
        if field.startswith(last_word):
            return f"{text.removesuffix(last_word)}{field}:"
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
        current = self.value.strip()
        if current:
            others = [used for used in self._history if used != current]
            filters = [current, *others]
            self._memory["filters"] = "\n".join(filters[:MAX_HISTORY])
        self._history_position = 0

    def action_before(self, by: int) -> None:
        """Show the filter that was used before; with a negative number, the one after."""
        history = self._history
        position = max(0, min(self._history_position + by, len(history)))
        self._history_position = position
        filter_text = ""
        if position:
            filter_text = history[position - 1]
        self.value = filter_text
        self.cursor_position = len(self.value)

    def action_take(self) -> None:
        """Take the suggestion; without one, focus the next widget."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.screen.focus_next()
