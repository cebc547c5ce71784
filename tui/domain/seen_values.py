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

    def __init__(self, masks: Redactor) -> None:
        self._masks = masks
        self._board = State()
        self._values: dict[str, set[str]] = {field: set() for field in COLLECTED_FIELDS}

    def collect(self, board: State) -> None:
        """Collect the values of the tasks that the last step of the state has changed."""
        self._board = board
        for task in filter(None, map(board.task, board.touched.tasks)):
            for field, attribute in COLLECTED_FIELDS.items():
                if value := getattr(task, attribute):
                    self._values[field].add(value)

    def values(self, field: str) -> Iterator[str]:
        """Yield the values seen in a field that can be written in a filter and hold no secret."""
        values: Iterable[str] = self._values.get(field, ())
        if field == "agent":
            values = {told[1].name for told in self._board.agents.values()}
        elif field == "err":
            values = ("true", "false")
        return (value for value in values if value == one_line(self._masks.text(value)))
