"""The values that fields of a filter have in what is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tui.domain.state import State
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

COLLECTED_FIELDS: Mapping[str, str] = {"status": "status", "source": "source", "user": "user_id"}
"""Fields of a filter whose values are collected, and the attributes of a task that have them."""


class SeenValues:
    """Collects the values of fields as tasks come, for completion and for hints about mistakes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._state = State()
        self._values: dict[str, set[str]] = {field: set() for field in COLLECTED_FIELDS}

    def collect(self, state: State) -> None:
        """Collect the values of the tasks that the last step of the state has changed."""
        self._state = state
        for task in filter(None, map(state.task, state.touched.tasks)):
            for field, attribute in COLLECTED_FIELDS.items():
                if value := getattr(task, attribute):
                    self._values[field].add(value)

    def values(self, field: str) -> Iterator[str]:
        """Yield the values seen in a field that can be written in a filter and hold no secret."""
        values: Iterable[str] = self._values.get(field, ())
        if field == "agent":
            values = {told[1].name for told in self._state.agents.values()}
        elif field == "err":
            values = ("true", "false")
        return (value for value in values if value == one_line(self._redactor.text(value)))
