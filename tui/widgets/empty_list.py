"""The text in place of an empty task list: why no task is shown, and which key to press."""

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

MAX_STATUS_CHARS = 30
MIN_SIMILARITY = 0.5
"""How similar a known status must be to be suggested, between 0 and 1."""


class EmptyList(Static):
    """A text that explains why the list is empty."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Reading the tasks …", id=id, markup=False)

    def show_reason(self, liveness: Liveness) -> None:
        """Show the reason why there are no tasks at all."""
        if liveness.reason:
            self.update(f"{liveness.reason}\n\n{self._key('tasks.reload')} tries again")
        elif liveness.words == "connecting":
            self.update("Reading the tasks …")
        else:
            self.update(f"There are no tasks yet.\n\n{self._key('tasks.new')} starts one")

    def show_filtered(self, active_filter: Filter, statuses: Iterable[str], loaded: int, *, has_more: bool) -> None:
        """Show that the filter matches none of the loaded tasks."""
        reason = f"Nothing of {loaded} loaded tasks is shown.{_unknown_status_hint(active_filter, statuses)}"
        keys = f"{self._key('tasks.leave')} takes the filter away"
        if has_more:
            keys += f", {self._key('tasks.more')} loads more"
        self.update(f"{reason}\n\n{keys}")

    def _key(self, binding_id: str) -> str:
        return key_name(self.screen, binding_id)


def _unknown_status_hint(active_filter: Filter, statuses: Iterable[str]) -> str:
    """Return a hint about the first status in the filter that is unknown; empty if there is none."""
    known = {*map(str, Status), *statuses}
    status_values = [value for term in active_filter.terms if term.field == "status" for value in term.values]
    for value in status_values:
        if isinstance(value, TextValue) and not value.is_wild and value.text.lower() not in known:
            status = one_line(value.text, longest=MAX_STATUS_CHARS)
            return f"\nNo task has the status {status}{_suggestion(value.text, known)}"
    return ""


def _suggestion(status: str, known: Iterable[str]) -> str:
    """Return a question whether the known status that is most similar was meant; empty if none is similar."""
    similar = difflib.get_close_matches(status, known, n=1, cutoff=MIN_SIMILARITY)
    if not similar:
        return ""
    return f", did you mean {similar[0]}?"
