"""The model of the task list: tasks in groups, tasks that need a person first, sub-tasks below their roots.

Each step of the state updates only the tasks that it touched, and lines are made only for the rows that are shown.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from datetime import datetime
from itertools import islice

from msgspec import Struct, field

from tui.client.json_values import EPOCH
from tui.client.task_rows import TaskRow
from tui.domain.list_status import ListStatus
from tui.domain.state import State
from tui.domain.task_list_order import (
    KEY_GROUP,
    KEY_NUMBER,
    KEY_RANK,
    KEY_ROOT,
    SortKey,
    merge_sorted,
    sort_key,
)
from tui.domain.task_list_rows import (
    Group,
    GroupHeader,
    ListRow,
    MoreLine,
    RowBelow,
    TaskLine,
    affected_tasks,
    is_read_whole,
    list_root_of,
    rows_below,
    task_and_descendants,
    task_line,
)

MIN_ROWS_FOR_FULL_SORT = 64
"""Rows from which sorting the whole list is quicker than inserting or deleting them one by one."""
TASKS_PER_SLICE = 100
"""Tasks that are added or released before the event loop runs again."""
MAX_CACHED_LINES = 500


class ListView(Struct, frozen=True):
    """The view of the list: which tasks it has, and whether they are in groups or sorted by a column."""

    matches: Callable[[TaskRow], bool] | None = None
    group: str | None = None
    """The only group that is shown; None for all."""
    column: str | None = None
    reverse: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """The names of agents by id."""
    now: datetime = EPOCH
    status: ListStatus = ListStatus()
    """How much of the platform's tasks is loaded: a last row offers to load more."""

    @property
    def is_reversed(self) -> bool:
        """True if the order is reversed; groups never are."""
        return self.reverse and self.column is not None


class _GroupRange(Struct, frozen=True):
    """The rows of a group: the index of the first one, the header if there is one, and the range of sort keys."""

    row: int
    header: GroupHeader | None
    begin: int
    end: int

    @property
    def rows(self) -> int:
        return (self.header is not None) + self.end - self.begin


class TaskListModel:
    """The model of the task list: the rows for a state and a view."""

    def __init__(self, view: ListView | None = None) -> None:
        self.view = view or ListView()
        self.opened: set[str] = set()
        """The tasks whose sub-tasks are shown."""
        self.folded: set[str] = set()
        """The groups whose tasks are hidden."""
        self.counts: Counter[str] = Counter()
        """The number of root tasks in each group; for `Needs you`, of all tasks that wait."""
        self.matched = self.loaded = 0
        self._state = State()
        self._keys: dict[str, SortKey] = {}
        """The sort keys of all roots, also of those that are not shown."""
        self._reusable_keys: Mapping[str, SortKey] = {}
        """The sort keys of another view with the same order, used while the list is built."""
        self._sorted_keys: list[SortKey] = []
        """The sort keys of all rows that are shown, also of those in folded groups."""
        self._match_counts: dict[str, int] = {}
        """The number of matching tasks of each root, unless it is 1."""
        self._roots_of: dict[str, set[str]] = {}
        """The roots that each sub-task was found below."""
        self._rows_below: dict[str, list[RowBelow]] = {}
        """The rows below each unfolded root."""
        self._place_below: dict[str, tuple[str, int]] = {}
        """The root and the row number below it of each sub-task that is shown."""
        self._cached_lines: dict[str, TaskLine] = {}
        self._waiting: set[str] = set()
        self._group_ranges: list[_GroupRange] = []
        self._row_count = 0

    # Changes

    def refiltered(self, view: ListView) -> TaskListModel:
        """Return an empty model for another filter or order with the same folds; the caller then runs `build`."""
        other = TaskListModel(view)
        other.opened, other.folded = self.opened, self.folded
        if (view.column, view.names) == (self.view.column, self.view.names) and view.column != "wait":
            other._reusable_keys = self._keys
        return other

    def build(self, state: State) -> Iterator[None]:
        """Build the rows for all tasks of a state, in slices; nothing is shown before the last slice."""
        self._state = state
        self._cached_lines.clear()
        ids = iter(state.tasks)
        runs: list[list[SortKey]] = []
        while task_ids := tuple(islice(ids, TASKS_PER_SLICE)):
            run = sorted(key for task_id in task_ids for key in self._add_task(task_id))
            self._update_waiting(task_ids)
            while runs and len(runs[-1]) <= 2 * len(
                run
            ):  # merge runs of similar length: each key is merged log n times
                run = yield from merge_sorted(runs.pop(), run)
            runs.append(run)
            yield
        while len(runs) > 1:
            merged = yield from merge_sorted(runs.pop(), runs.pop())
            runs.append(merged)
        self._sorted_keys = runs.pop() if runs else []
        self._reusable_keys = {}
        self._update_group_ranges()

    def release(self) -> Iterator[None]:
        """Release the memory of a model that was replaced, in slices: all at once would delay a key press."""
        self._sorted_keys = []
        while self._keys:
            for _ in range(min(TASKS_PER_SLICE, len(self._keys))):
                self._keys.popitem()
            yield

    def apply(self, state: State, touched: Iterable[str]) -> None:
        """Apply a step of the state that touched these tasks."""
        self._state = state
        affected = affected_tasks(state, touched, self._roots_of)
        for task_id in affected:
            self._cached_lines.pop(task_id, None)
        self._update_waiting(affected)
        self._remove(affected)
        new_keys = [key for task_id in affected for key in self._add_task(task_id)]
        if len(new_keys) > MIN_ROWS_FOR_FULL_SORT:
            self._sorted_keys += sorted(new_keys)
            self._sorted_keys.sort()
        else:
            for key in new_keys:
                insort(self._sorted_keys, key)
        self._update_group_ranges()

    def _update_waiting(self, ids: Iterable[str]) -> None:
        for task_id in ids:
            needs_person = self._state.needs_person(task_id) and not self._state.is_gone(task_id)
            _set_member(self._waiting, task_id, needs_person)

    def toggle(self, key: str, is_open: bool) -> None:
        """Toggle the row with this key: show or hide the sub-tasks of a task, or the tasks of a group."""
        if key.startswith("\n"):
            _set_member(self.folded, key[1:], not is_open)
            self._update_group_ranges()
        else:
            _set_member(self.opened, key, is_open)
            self.apply(self._state, [key])

    def _remove(self, roots: Iterable[str]) -> None:
        """Remove the rows of these roots."""
        removed: list[SortKey] = []
        for root in roots:
            key = self._keys.pop(root, None)
            if key is None:
                continue
            if key[KEY_GROUP] != Group.NEEDS_YOU:
                self.counts[key[KEY_GROUP]] -= 1
            match_count = self._match_counts.pop(root, 1)
            if match_count == 0:
                continue
            self.matched -= match_count
            removed += self._row_keys(key)
            for child_id, _ in self._rows_below.pop(root, ()):
                self._place_below.pop(child_id, None)
        if len(removed) > MIN_ROWS_FOR_FULL_SORT:
            removed_keys = set(removed)
            self._sorted_keys = [key for key in self._sorted_keys if key not in removed_keys]
        else:
            for key in removed:
                del self._sorted_keys[bisect_left(self._sorted_keys, key)]

    def _add_task(self, task_id: str) -> list[SortKey]:
        """Add a task if it is a root of the list; return the keys of its rows, none if it does not match the view."""
        state, view = self._state, self.view
        task = state.task(task_id)
        if task is None or state.is_gone(task_id) or (task.parent_id and list_root_of(state, task_id) != task_id):
            return []
        tree: tuple[TaskRow, ...] = (task,)
        if task_id in state.children:
            tree = tuple(task_and_descendants(state, task))
        for child in tree[1:]:
            self._roots_of.setdefault(child.id, set()).add(task_id)
        key = self._reusable_keys.get(task_id) or sort_key(state, task, view.column, view.names, view.now)
        self._keys[task_id] = key
        if key[KEY_GROUP] != Group.NEEDS_YOU:
            self.counts[key[KEY_GROUP]] += 1
        match_count = self._count_matches(key[KEY_GROUP], tree)
        if match_count != 1:
            self._match_counts[task_id] = match_count
        if not match_count:
            return []
        self.matched += match_count
        if task_id not in self.opened or len(tree) == 1:
            return [key]
        self._rows_below[task_id] = list(rows_below(state, task, self.opened))
        for number, (child_id, _) in enumerate(self._rows_below[task_id], 1):
            self._place_below[child_id] = (task_id, number)
        return self._row_keys(key)

    def _count_matches(self, group: str, tree: tuple[TaskRow, ...]) -> int:
        if self.view.group not in {None, group}:
            return 0
        if self.view.matches is None:
            return len(tree)
        return sum(map(self.view.matches, tree))

    @property
    def _number_sign(self) -> int:
        """The sign of row numbers below a root: -1 in a reversed list, so that the root still comes first."""
        if self.view.is_reversed:
            return -1
        return 1

    def _row_keys(self, key: SortKey) -> list[SortKey]:
        """Return the keys of the rows of a root: its own, and those of the rows below it."""
        rank, value, root, _, group = key
        sign = self._number_sign
        numbers = range(1, len(self._rows_below.get(root, ())) + 1)
        return [key, *((rank, value, root, sign * number, group) for number in numbers)]

    def _update_group_ranges(self) -> None:
        """Update where each group begins and ends."""
        self.loaded = len(self._state.tasks)
        self.counts[Group.NEEDS_YOU] = len(self._waiting)
        child_counts = Counter(self._keys[root][KEY_RANK] for root, rows in self._rows_below.items() for _ in rows)
        self._group_ranges = []
        row = begin = 0
        while begin < len(self._sorted_keys):
            end, header = len(self._sorted_keys), None
            if self.view.column is None:
                rank, group = self._sorted_keys[begin][KEY_RANK], self._sorted_keys[begin][KEY_GROUP]
                end = bisect_left(self._sorted_keys, (f"{rank}\0",))
                header = GroupHeader(group, end - begin - child_counts[rank], group not in self.folded)
            shown_end = end
            if header is not None and not header.is_open:
                shown_end = begin
            group_range = _GroupRange(row, header, begin, shown_end)
            self._group_ranges.append(group_range)
            row += group_range.rows
            begin = end
        self._row_count = row

    # Queries

    @property
    def _more_line(self) -> MoreLine | None:
        status = self.view.status
        if self.view.group is not None or not status.has_more(self.loaded):
            return None
        return MoreLine(self.loaded, status.total)

    def may_have_more(self, group: str) -> bool:
        """Return whether the platform may have more tasks of a group than are loaded."""
        status = self.view.status
        return status.is_known and not is_read_whole(group) and not status.has_all(self.loaded)

    @property
    def waiting(self) -> Set[str]:
        """The ids of all tasks that wait for a person, also of those that are not shown."""
        return self._waiting

    @property
    def is_empty(self) -> bool:
        """True if the list is empty: it shows no task."""
        return not self._row_count

    def __len__(self) -> int:
        return self._row_count + (self._more_line is not None)

    def row(self, index: int) -> ListRow:
        """Return the row at an index: a header, a task's line, or the offer to load more."""
        item = self._item(index)
        if not isinstance(item, tuple):
            return item
        root, number = item[KEY_ROOT], item[KEY_NUMBER]
        if number:
            task_id, depth = self._rows_below[root][abs(number) - 1]
            return self._line(task_id, depth)
        line = self._cached_lines.get(root)
        if line is None:
            if len(self._cached_lines) >= MAX_CACHED_LINES:
                self._cached_lines.clear()
            line = self._cached_lines[root] = self._line(root, 0)
        return line

    def _line(self, task_id: str, depth: int) -> TaskLine:
        task = self._state.task(task_id)
        assert task is not None
        return task_line(self._state, task, self.opened, depth)

    def header(self, index: int) -> GroupHeader | None:
        """Return the header at an index; None if the row is no header."""
        item = self._item(index)
        if isinstance(item, GroupHeader):
            return item
        return None

    def key(self, index: int) -> str:
        """Return the key of the row at an index: a task's id, or a text that is no id."""
        item = self._item(index)
        if not isinstance(item, tuple):
            return item.key
        root, number = item[KEY_ROOT], item[KEY_NUMBER]
        if not number:
            return root
        return self._rows_below[root][abs(number) - 1][0]

    def _item(self, index: int) -> GroupHeader | MoreLine | SortKey:
        for group_range in self._group_ranges:
            if index >= group_range.row + group_range.rows:
                continue
            offset = index - group_range.row - (group_range.header is not None)
            if offset < 0:
                assert group_range.header is not None
                return group_range.header
            if self.view.is_reversed:
                return self._sorted_keys[group_range.end - 1 - offset]
            return self._sorted_keys[group_range.begin + offset]
        more_line = self._more_line
        if more_line is None:
            raise IndexError(index)
        return more_line

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with this key; None if there is none."""
        if key.startswith("\n"):
            return self._index_of_header(key)
        root, number = self._place_below.get(key, (key, 0))
        root_key = self._keys.get(root)
        if root_key is None:
            return None
        rank, value, _, _, group = root_key
        row_key = (rank, value, root, self._number_sign * number, group)
        position = bisect_left(self._sorted_keys, row_key)
        if position == len(self._sorted_keys) or self._sorted_keys[position] != row_key:
            return None
        for group_range in self._group_ranges:
            if group_range.begin <= position < group_range.end:
                offset = position - group_range.begin
                if self.view.is_reversed:
                    offset = group_range.end - 1 - position
                return group_range.row + (group_range.header is not None) + offset
        return None

    def _index_of_header(self, key: str) -> int | None:
        more_line = self._more_line
        if more_line is not None and more_line.key == key:
            return self._row_count
        for group_range in self._group_ranges:
            if group_range.header is not None and group_range.header.key == key:
                return group_range.row
        return None


def _set_member(members: set[str], member: str, is_member: bool) -> None:
    if is_member:
        members.add(member)
    else:
        members.discard(member)
