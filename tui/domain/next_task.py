"""The next task in the order of the list: the next one that waits for a person, or the next that has failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tui.client.json_values import EPOCH
from tui.client.task_facts import Status
from tui.domain.state import State
from tui.domain.task_list_order import KEY_GROUP, KEY_ROOT, sort_key
from tui.domain.task_list_rows import Group, list_root_of

FAILURES = frozenset({Status.FAILED, Status.ERROR})


def waiting_rows(state: State, waiting: Iterable[str]) -> list[str]:
    """Return the ids of the rows below which these tasks wait, in the order of the list."""
    return _rows_in_order(state, {list_root_of(state, task_id) for task_id in waiting}, Group.NEEDS_YOU)


def waits_in_order(state: State, waiting: Collection[str]) -> list[str]:
    """Return the ids of the waiting tasks in the order of the list; of those below one row, the nearest first."""
    ordered: dict[str, None] = {}
    for row in waiting_rows(state, waiting):
        ordered |= dict.fromkeys(task_id for task_id in state.waiting_below(row) if task_id in waiting)
    return [*ordered, *sorted(set(waiting) - ordered.keys())]


def failed_rows(state: State) -> list[str]:
    """Return the ids of the rows of failed tasks, in the order of the list."""
    failed = [task_id for task_id, known in state.tasks.items() if known.task.status in FAILURES]
    rows = [task_id for task_id in failed if list_root_of(state, task_id) == task_id]
    return _rows_in_order(state, rows, Group.FAILED)


def _rows_in_order(state: State, rows: Iterable[str], group: Group) -> list[str]:
    tasks = [task for row in rows if (task := state.task(row)) is not None and not state.is_gone(row)]
    keys = sorted(sort_key(state, task, None, {}, EPOCH) for task in tasks)
    return [key[KEY_ROOT] for key in keys if key[KEY_GROUP] == group]


def neighbour(ordered: Sequence[str], current: str, by: int) -> str | None:
    """Return the id that is `by` places after the current one, round and round; from elsewhere, the first or last."""
    if not ordered:
        return None
    if current in ordered:
        return ordered[(ordered.index(current) + by) % len(ordered)]
    return ordered[0 if by > 0 else -1]


def following(before: Sequence[str], current: str, now: Sequence[str]) -> str | None:
    """Return the id that came next after the current one before, and is still there now; else the first of now."""
    place = before.index(current) if current in before else len(before)
    candidates = (*before[place + 1 :], *before[:place], *now)
    return next((candidate for candidate in candidates if candidate in now and candidate != current), None)
