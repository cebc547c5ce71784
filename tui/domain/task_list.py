"""The board as a list: tasks in groups, who needs a person first, sub-tasks under their parents.

It goes on from step to step with what a step has touched; only the rows that somebody looks at are made.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from sys import intern

from msgspec import Struct, field

from tui.client.json_values import EPOCH
from tui.client.task_facts import RUNNING_STATUSES, Wait
from tui.client.task_rows import TaskRow
from tui.domain.state import State
from tui.domain.task_list_rows import (
    GROUP_ORDER,
    Group,
    GroupHeader,
    ListRow,
    MoreLine,
    TaskLine,
    duration_seconds,
    group_of,
    list_root_of,
    task_and_descendants,
    task_line,
)

MIN_ROWS_FOR_FULL_SORT = 64
"""Rows from which it is quicker to put all in order anew than one by one."""
TASKS_PER_SLICE = 100
"""Tasks that are arranged before somebody else has a turn."""
MAX_CACHED_LINES = 500
"""How many lines that were looked at are kept."""
MAX_DEPTH = 16
"""Levels of sub-tasks that are shown one under the other."""
SortKey = tuple[str, object, str, int, str]
"""Where a row stands: its group's place, what it is sorted by, its root's id, the how manieth line of it, its group.

All of it are plain texts and numbers: the garbage collector looks once at such a tuple, and never again.
"""


class ListView(Struct, frozen=True):
    """Which tasks are wanted, and in which order: by groups, or by one column."""

    matches: Callable[[TaskRow], bool] | None = None
    only: str | None = None
    column: str | None = None
    reverse: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    now: datetime = EPOCH
    total: int | None = None
    """How many tasks the platform has, where that is to be told."""

    @property
    def is_backwards(self) -> bool:
        """Whether what is sorted last comes first."""
        return self.reverse and self.column is not None


class _GroupRange(Struct, frozen=True):
    """A group in the list: its heading, if it has one, and which of the keys are shown."""

    row: int
    head: GroupHeader | None
    begin: int
    end: int

    @property
    def rows(self) -> int:
        return (self.head is not None) + self.end - self.begin


class TaskListModel:
    """The rows for a board and a view."""

    def __init__(self, view: ListView | None = None) -> None:
        self.view = view or ListView()
        self.opened: set[str] = set()
        """Tasks whose sub-tasks are shown."""
        self.folded: set[str] = set()
        """Groups that are not."""
        self.counts: Counter[str] = Counter()
        self.matched = self.loaded = 0
        self._state = State()
        self._keys: dict[str, SortKey] = {}
        """Of every root, also where it is not shown."""
        self._known: Mapping[str, SortKey] = {}
        """Of those that are still to come in, as far as they are known."""
        self._shown: list[SortKey] = []
        self._hits: dict[str, int] = {}
        """How many tasks of a root match, where it is not one."""
        self._inside: dict[str, set[str]] = {}
        """Of every sub-task, the roots that it was found below."""
        self._blocks: dict[str, list[tuple[str, int]]] = {}
        """The lines under a root that is open: sub-task and depth."""
        self._under: dict[str, tuple[str, int]] = {}
        """Where each of these is."""
        self._lines: dict[str, TaskLine] = {}
        """Roots that were looked at, as they are."""
        self._waiting: set[str] = set()
        self._stretches: list[_GroupRange] = []
        self._count = 0

    # Going on

    def again(self, view: ListView) -> TaskListModel:
        """The same tasks by another filter; only `filled` brings them in."""
        other = TaskListModel(view)
        other.opened, other.folded = self.opened, self.folded
        if (view.column, view.names) == (self.view.column, self.view.names) and view.column != "wait":
            other._known = self._keys
        return other

    def filled(self, state: State) -> Iterator[None]:
        """Take in all tasks of a board, some at a time; nothing is shown before all are in."""
        self._state = state
        self._lines.clear()
        ids = iter(state.tasks)
        runs: list[list[SortKey]] = []
        while some := tuple(islice(ids, TASKS_PER_SLICE)):
            run = sorted(key for task_id in some for key in self._entered(task_id))
            self._note_waiting(some)
            while runs and len(runs[-1]) <= 2 * len(run):  # so that none is sorted more often than there are doublings
                run = yield from _merged(runs.pop(), run)
            runs.append(run)
            yield
        while len(runs) > 1:
            runs.append((yield from _merged(runs.pop(), runs.pop())))
        self._shown = runs.pop() if runs else []
        self._known = {}
        self._stretch()

    def emptied(self) -> Iterator[None]:
        """Give back what it holds, some at a time, once another one is shown: all at once would hold up a key."""
        self._shown = []
        while self._keys:
            for _ in range(min(TASKS_PER_SLICE, len(self._keys))):
                self._keys.popitem()
            yield

    def take(self, state: State, touched: Iterable[str]) -> None:
        """Take in what a step of the board has touched."""
        self._state = state
        affected: set[str] = set()
        for task_id in touched:
            if (task := state.task(task_id)) is None:
                continue
            affected.add(task_id)
            affected |= self._inside.get(task_id, frozenset())
            affected.add(list_root_of(state, task_id))
            for parent in state.parents.get(task_id, frozenset()):  # it may be a sub-task of theirs only now
                affected |= {parent, list_root_of(state, parent), *self._inside.get(parent, ())}
            if task_id in state.children:
                affected.update(child.id for child in task_and_descendants(state, task))
        for task_id in affected:
            self._lines.pop(task_id, None)
        self._note_waiting(affected)
        self._drop(affected)
        fresh = [key for task_id in affected for key in self._entered(task_id)]
        if len(fresh) > MIN_ROWS_FOR_FULL_SORT:
            self._shown += sorted(fresh)
            self._shown.sort()
        else:
            for key in fresh:
                insort(self._shown, key)
        self._stretch()

    def _note_waiting(self, ids: Iterable[str]) -> None:
        for task_id in ids:
            if self._state.wait(task_id) is None or self._state.is_gone(task_id):
                self._waiting.discard(task_id)
            else:
                self._waiting.add(task_id)

    def turn(self, key: str, is_open: bool) -> None:
        """Show what is below a task, or a group, or hide it."""
        if key.startswith("\n"):
            (self.folded.discard if is_open else self.folded.add)(key[1:])
            self._stretch()
        else:
            (self.opened.add if is_open else self.opened.discard)(key)
            self.take(self._state, [key])

    def _drop(self, roots: Iterable[str]) -> None:
        """Take these out; those that stay are entered again."""
        gone: list[SortKey] = []
        for root in roots:
            key = self._keys.pop(root, None)
            if key is None:
                continue
            self.counts[key[4]] -= key[4] != Group.NEEDS_YOU
            if (hits := self._hits.pop(root, 1)) == 0:
                continue
            self.matched -= hits
            gone += self._keys_of(key)
            for child, _ in self._blocks.pop(root, ()):
                self._under.pop(child, None)
        if len(gone) > MIN_ROWS_FOR_FULL_SORT:
            left = set(gone)
            self._shown = [key for key in self._shown if key not in left]
        else:
            for key in gone:
                del self._shown[bisect_left(self._shown, key)]

    def _entered(self, task_id: str) -> list[SortKey]:
        """The keys of a task that stands in the list by itself: none where it does not, or is not wanted."""
        state, view = self._state, self.view
        task = state.task(task_id)
        if task is None or state.is_gone(task_id) or (task.parent_id and list_root_of(state, task_id) != task_id):
            return []
        tree = tuple(task_and_descendants(state, task)) if task_id in state.children else (task,)
        for child in tree[1:]:
            self._inside.setdefault(child.id, set()).add(task_id)
        key = self._keys[task_id] = self._known.get(task_id) or self._key(task)
        self.counts[key[4]] += key[4] != Group.NEEDS_YOU
        hits = 0
        if view.only in {None, key[4]}:
            hits = len(tree) if view.matches is None else sum(map(view.matches, tree))
        if hits != 1:
            self._hits[task_id] = hits
        if not hits:
            return []
        self.matched += hits
        if task_id in self.opened and len(tree) > 1:
            self._blocks[task_id] = list(self._below(task, 1))
            for place, (child_id, _) in enumerate(self._blocks[task_id], 1):
                self._under[child_id] = (task_id, place)
        return self._keys_of(key) if task_id in self._blocks else [key]

    def _key(self, task: TaskRow) -> SortKey:
        column, state = self.view.column, self._state
        if column is not None:
            line = task_line(state, task, ()) if task.id in state.children else TaskLine(task, wait=state.wait(task.id))
            return "", self._value(line, column), task.id, 0, group_of(task.status, line.wait)
        wait = state.wait(task.id)
        if wait is None and task.id in state.children:
            wait = next((state.wait(below) for below in state.waiting_below(task.id)), None)
        group = group_of(task.status, wait)
        return intern(f"{GROUP_ORDER.get(group, 9)}{group}"), _in_group(task, wait), task.id, 0, group

    def _keys_of(self, key: SortKey) -> list[SortKey]:
        """The keys of a root and of the lines below it. Read backwards, a root still comes first."""
        place, value, root, _, group = key
        sign = -1 if self.view.is_backwards else 1
        below = range(1, len(self._blocks.get(root, ())) + 1)
        return [key, *((place, value, root, sign * number, group) for number in below)]

    def _below(self, task: TaskRow, depth: int) -> Iterator[tuple[str, int]]:
        """The lines under a task that is open, each task once."""
        seen = {task.id}

        def lines(above: TaskRow, depth: int) -> Iterator[tuple[str, int]]:
            children = self._state.children_of(above.id)
            for child in sorted(children, key=lambda task: (task.created_at or EPOCH, task.id)):
                if child.id in seen or list_root_of(self._state, child.id) != task.id:
                    continue  # it stands elsewhere by now
                seen.add(child.id)
                yield child.id, depth
                if child.id in self.opened and depth < MAX_DEPTH:
                    yield from lines(child, depth + 1)

        return lines(task, depth)

    def _value(self, line: TaskLine, column: str) -> object:
        """What a line is sorted by; ties by id, so that rows do not dance."""
        task = line.task
        match column:
            case "status":
                return GROUP_ORDER.get(group_of(task.status, line.wait), 99), task.status
            case "title":
                return task.name.casefold()
            case "agent":
                return self.view.names.get(task.agent_id, task.agent_id).casefold()
            case "wait":
                return duration_seconds(line, self.view.now) or -1.0
            case "plan":
                return (task.plan.done / len(task.plan.steps)) if task.plan and task.plan.steps else -1.0
            case "tokens":
                return task.tokens.total if task.tokens else -1
            case _:
                return (task.changed_at or EPOCH).timestamp()

    def _stretch(self) -> None:
        """Find where each group begins and ends."""
        self.loaded = len(self._state.tasks)
        self.counts[Group.NEEDS_YOU] = len(self._waiting)
        below = Counter(self._keys[root][0] for root, block in self._blocks.items() for _ in block)
        self._stretches, row, begin = [], 0, 0
        while begin < len(self._shown):
            place, group = self._shown[begin][0], self._shown[begin][4]
            is_grouped = self.view.column is None
            end = bisect_left(self._shown, (f"{place}\0",)) if is_grouped else len(self._shown)
            is_open = not is_grouped or group not in self.folded
            head = GroupHeader(group, end - begin - below[place], is_open) if is_grouped else None
            stretch = _GroupRange(row, head, begin, end if is_open else begin)
            self._stretches.append(stretch)
            row, begin = row + stretch.rows, end
        self._count = row

    # Looking

    @property
    def _more(self) -> MoreLine | None:
        total = self.view.total
        return MoreLine(self.loaded, total) if total is not None and total > self.loaded else None

    @property
    def is_empty(self) -> bool:
        """Whether no task is shown."""
        return not self._count

    def __len__(self) -> int:
        return self._count + (self._more is not None)

    def row(self, index: int) -> ListRow:
        """The heading, the line or the offer of more that stands there."""
        found = self._at(index)
        if not isinstance(found, tuple):
            return found
        root, number = found[2], found[3]
        task_id, depth = self._blocks[root][abs(number) - 1] if number else (root, 0)
        task = self._state.task(task_id)
        assert task is not None
        if number:
            return task_line(self._state, task, self.opened, depth)
        if (line := self._lines.get(task_id)) is None:
            if len(self._lines) >= MAX_CACHED_LINES:
                self._lines.clear()
            line = self._lines[task_id] = task_line(self._state, task, self.opened)
        return line

    def head(self, index: int) -> GroupHeader | None:
        """The heading that stands there, if one does."""
        found = self._at(index)
        return found if isinstance(found, GroupHeader) else None

    def key(self, index: int) -> str:
        """What the row goes by: a task's id, or a name that no task has."""
        found = self._at(index)
        if not isinstance(found, tuple):
            return found.key
        return self._blocks[found[2]][abs(found[3]) - 1][0] if found[3] else found[2]

    def _at(self, index: int) -> GroupHeader | MoreLine | SortKey:
        for stretch in self._stretches:
            if index < stretch.row + stretch.rows:
                inside = index - stretch.row - (stretch.head is not None)
                if inside < 0:
                    assert stretch.head is not None
                    return stretch.head
                if self.view.is_backwards:
                    return self._shown[stretch.end - 1 - inside]
                return self._shown[stretch.begin + inside]
        more = self._more
        if more is None:
            raise IndexError(index)
        return more

    def index_of(self, key: str) -> int | None:
        """Where the row is that goes by this."""
        if key.startswith("\n"):
            heads = {stretch.head.key: stretch.row for stretch in self._stretches if stretch.head}
            return self._count if self._more and self._more.key == key else heads.get(key)
        root, number = self._under.get(key, (key, 0))
        found = self._keys.get(root)
        if found is None:
            return None
        sign = -1 if self.view.is_backwards else 1
        wanted = (*found[:3], sign * number, found[4])
        at = bisect_left(self._shown, wanted)
        if at == len(self._shown) or self._shown[at] != wanted:
            return None
        for stretch in self._stretches:
            if stretch.begin <= at < stretch.end:
                inside = stretch.end - 1 - at if self.view.is_backwards else at - stretch.begin
                return stretch.row + (stretch.head is not None) + inside
        return None


def _in_group(task: TaskRow, wait: Wait | None) -> float:
    """Who has waited longest comes first; of the others, what changed last."""
    if wait:
        return (wait.since or EPOCH).timestamp()
    if task.status in RUNNING_STATUSES:
        return -(task.created_at or EPOCH).timestamp()
    return -(task.changed_at or EPOCH).timestamp()


def _merged(one: list[SortKey], other: list[SortKey]) -> Generator[None, None, list[SortKey]]:
    """Two that are sorted as one, some at a time."""
    one, other = sorted((one, other), key=len, reverse=True)
    merged: list[SortKey] = []
    here = there = 0
    while here < len(one) and there < len(other):
        end = min(here + 10 * TASKS_PER_SLICE, len(one))
        below = bisect_right(other, one[end - 1], there)
        merged += sorted(one[here:end] + other[there:below])
        here, there = end, below
        yield
    return merged + one[here:] + other[there:]
