"""The coverage of a filter: for how many tasks the fields are known that lists do not tell."""

from __future__ import annotations

from collections.abc import Mapping

from tui.client.task_rows import AnyTask, TaskRow
from tui.domain.filters import Filter, FilterContext, TaskPredicate

RECORD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "tokens": ("tokens",),
    "internal": ("internal_status",),
    "node": ("last_executed_node_id", "wait_node_id", "graph_node_id"),
    "version": ("agent_version",),
    "tool": ("used_tools",),
    "kind": ("execution_kind", "conversation_kind"),
    "triggering": ("triggering_agent_id",),
}
"""The fields of a filter that lists need not tell, with the fields of a task's record that they test."""


class FilterCoverage:
    """A filter that notes for how many of the tasks it tests each of these fields is known.

    Tasks that other terms of the filter rule out are not counted: nothing has to be known of them.
    """

    def __init__(self, task_filter: Filter) -> None:
        self._filter = task_filter
        self._fields = [name for name in RECORD_FIELDS if any(term.field == name for term in task_filter.terms)]
        self._candidates: set[str] = set()
        """The ids of the tested tasks that may match, apart from these fields."""
        self._known: dict[str, set[str]] = {name: set() for name in self._fields}
        """The ids of the candidates of which each field is known."""

    def predicate(self, context: FilterContext) -> TaskPredicate:
        """Return the filter as a predicate that also notes what is known of the tasks it tests."""
        matches = self._filter.predicate(context)
        if not self._fields:
            return matches
        may_match = self._filter.without(self._fields).predicate(context)

        def note_and_match(task: AnyTask) -> bool:
            is_candidate = may_match(task)
            self._note(task, is_candidate)
            return is_candidate and matches(task)

        return note_and_match

    def _note(self, task: AnyTask, is_candidate: bool) -> None:
        """Note whether a task may match, and what is known of it."""
        for ids in (self._candidates, *self._known.values()):
            ids.discard(task.id)
        if is_candidate:
            self._candidates.add(task.id)
            for name, known in self._known.items():
                if is_field_known(task, name):
                    known.add(task.id)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """The number of tasks of which each field is known, and of those that may match."""
        total = len(self._candidates)
        return {name: (len(known), total) for name, known in self._known.items()}

    @property
    def words(self) -> str:
        """The fields that are not known of all tasks in words: `tokens: known for 31 of 133`."""
        return ", ".join(
            f"{name}: known for {known:,} of {total:,}" for name, (known, total) in self.counts.items() if known < total
        )


def is_field_known(task: AnyTask, name: str) -> bool:
    """Return whether a field is known of a task: it was told, or the record was read that tells whether there is one.

    A null in the row of a list tells nothing: lists have it for fields that only the record has.
    """
    if not isinstance(task, TaskRow) or task.is_full:
        return True
    return any(task.raw.get(field) is not None for field in RECORD_FIELDS[name])
