"""What is said where the task list shows no task: why, and which key to press."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from textual.widgets import Static

from tui.client.task_facts import Status
from tui.domain.filter_values import TextValue
from tui.domain.filters import Filter
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name
from tui.widgets.list_title import Liveness


class EmptyList(Static):
    """Says why no task is shown."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Reading the tasks …", id=id, markup=False)

    def show_reason(self, liveness: Liveness) -> None:
        """Say why there are no tasks at all."""
        if liveness.why:
            self.update(f"{liveness.why}\n\n{self._key('tasks.reload')} tries again")
        elif liveness.words == "connecting":
            self.update("Reading the tasks …")
        else:
            self.update(f"There are no tasks yet.\n\n{self._key('tasks.new')} starts one")

    def show_filtered(self, asked: Filter, statuses: Iterable[str], loaded: int, *, has_more: bool) -> None:
        """Say that the filter wants none of the tasks that are loaded."""
        more = f", {self._key('tasks.more')} loads more" if has_more else ""
        words = f"Nothing of {loaded} loaded tasks is shown.{_unknown_status(asked, statuses)}"
        self.update(f"{words}\n\n{self._key('tasks.leave')} takes the filter away{more}")

    def _key(self, binding_id: str) -> str:
        return key_name(self.screen, binding_id)


def _unknown_status(asked: Filter, statuses: Iterable[str]) -> str:
    """Return a hint about a status in the filter that no task has."""
    known = {*map(str, Status), *statuses}
    for term in asked.terms:
        for value in term.values if term.field == "status" else ():
            if isinstance(value, TextValue) and not value.is_wild and value.text.lower() not in known:
                near = difflib.get_close_matches(value.text, known, 1, 0.5)
                hint = f", did you mean {near[0]}?" if near else ""
                return f"\nNo task has the status {one_line(value.text, longest=30)}{hint}"
    return ""
