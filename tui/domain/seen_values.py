"""The values of filter fields in the tasks that are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tui.domain.filters import CHOICES
from tui.domain.state import State
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

COLLECTED_FIELDS: Mapping[str, str] = {"status": "status", "source": "source", "user": "user_id"}
"""Filter fields whose values are collected, with the task attribute that has them."""


class SeenValues:
    """Collects the values seen in filter fields as tasks arrive, for completion and for hints about mistakes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._state = State()
        self._values: dict[str, set[str]] = {field: set() for field in COLLECTED_FIELDS}

    def collect(self, state: State) -> None:
        """Collect the values of the tasks that the last step of the state changed."""
        self._state = state
        for task_id in state.touched.tasks:
            task = state.task(task_id)
            if task is None:
                continue
            for field, attribute in COLLECTED_FIELDS.items():
                value = getattr(task, attribute)
                if value:
                    self._values[field].add(value)

    def values(self, field: str) -> Iterator[str]:
        """Return the values seen in a field, without those that would be masked or do not fit on one line."""
        if field == "agent":
            values: Iterable[str] = {agent.name for _, agent in self._state.agents.values()}
        elif field in CHOICES:
            values = CHOICES[field]
        else:
            values = self._values.get(field, ())
        for value in values:
            is_shown_unchanged = value == one_line(self._redactor.text(value))
            if is_shown_unchanged:
                yield value
