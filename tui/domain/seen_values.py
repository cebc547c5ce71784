"""The values of filter fields in the tasks that are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from tui.domain.filter_texts import FilterContext, task_texts
from tui.domain.filters import CHOICES
from tui.domain.state import State
from tui.security.redact import Redactor
from tui.security.sanitize import one_line

COLLECTED_FIELDS: Mapping[str, str] = {"status": "status", "source": "source", "user": "user_id"}
"""Filter fields whose values are collected, with the task attribute that has them."""

RECORD_FIELDS = frozenset({"internal", "node", "version", "tool", "kind"})
"""Filter fields whose values are read from the JSON of the tasks, when the field is completed."""
MAX_TASKS_FOR_VALUES = 1_000
"""The most tasks whose JSON is read for the values of a field, so that the completion keeps up with the typing."""


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
        if field in {"agent", "triggering"}:
            values: Iterable[str] = {agent.name for _, agent in self._state.agents.values()}
        elif field in CHOICES:
            values = CHOICES[field]
        elif field in RECORD_FIELDS:
            values = self._values_in_records(field)
        else:
            values = self._values.get(field, ())
        for value in values:
            is_shown_unchanged = value == one_line(self._redactor.text(value))
            if is_shown_unchanged:
                yield value

    def _values_in_records(self, field: str) -> set[str]:
        """Return the values of a field in the JSON of the tasks, at most of so many."""
        context = FilterContext(wait_of=lambda task: self._state.wait(task.id))
        values: set[str] = set()
        for task_id in islice(self._state.tasks, MAX_TASKS_FOR_VALUES):
            if task := self._state.task(task_id):
                values.update(task_texts(task, field, context))
        return values
