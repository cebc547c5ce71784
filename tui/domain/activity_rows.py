"""The rows of a task's activity, shown as a tree or a timeline: which rows there are, in which order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct, field

from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.log_entries import Reasoning
from tui.client.task_facts import Wait
from tui.client.task_rows import AnyTask
from tui.domain import wait_words
from tui.domain.activity_log import Activity
from tui.domain.activity_nodes import Node
from tui.domain.entry_format import summary
from tui.domain.recorded_decision import clock, recorded_decision
from tui.domain.repeated_calls import RepeatedCalls
from tui.domain.status_rows import StatusRow, with_gaps
from tui.domain.subtask_digest import SubtaskDigest, subtask_digest
from tui.domain.timeline import spans
from tui.domain.tree_rows import SearchHit, TreeRow, is_failed_call, match_triggers, walk_tree
from tui.security.redact import Redactor

ROWS_PER_SLICE = 100
"""Rows that are arranged before the event loop runs again."""
MAX_STREAMING_CHARS = 2000
"""Characters that are shown of the text that is streaming: the latest."""


class ActivitySource(Struct, frozen=True):
    """The source of the rows: the activity of each task, the sub-tasks of each task, and their details."""

    root: str = ""
    activities: Mapping[str, Activity] = field(default_factory=dict)
    children: Mapping[str, tuple[AnyTask, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    task: AnyTask | None = None
    wait: Wait | None = None

    @property
    def activity(self) -> Activity | None:
        """The activity of the root task."""
        return self.activities.get(self.root)

    @property
    def wait_since(self) -> datetime | None:
        """The time since which the root task waits for a person, if known."""
        if self.wait is None or not self.wait.needs_person:
            return None
        return self.wait.since

    @property
    def tasks(self) -> dict[str, AnyTask]:
        """All tasks by id."""
        tasks = {task.id: task for children in self.children.values() for task in children}
        if self.task:
            tasks[self.task.id] = self.task
        return tasks


class _Arrangement(Struct):
    """The arrangement of all rows, and the facts that tell whether it is still valid."""

    rows: list[TreeRow | StatusRow | None] = field(default_factory=list)
    """None is a node that is not read yet, at the index that it has in the task."""
    indexes: dict[str, int] = field(default_factory=dict)
    """The index of each row by its key, without the rows that are not read yet."""
    shape: object = None
    node_count: int = 0
    """The number of nodes of the root task in the rows."""
    has_loose_child: bool = False
    """True if a sub-task without a known trigger is shown below all nodes."""
    is_plain: bool = False
    """True if the rows are exactly the nodes of one task, each at its own index."""


class ActivityRows:
    """The rows of a task's activity: filtered, folded, and extended when the activity only grows.

    After each change of the source, a filter or a fold, the caller calls `append` if `only_grows` returns True, and
    otherwise runs `arrange` to its end. The rows do not change before the last slice of `arrange`.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._source = ActivitySource()
        self.tasks: Mapping[str, AnyTask] = {}
        self.unfolded: set[str] = set()
        self.errors_only = False
        self.with_reasoning = True
        self.by_plan = False
        self.as_timeline = False
        self._arrangement = _Arrangement()
        self._decisions: Mapping[str, Node] = {}
        """The decisions in the records of the tasks, by task id."""
        self._status_count = 0
        self._repeats = RepeatedCalls()

    @property
    def source(self) -> ActivitySource:
        """The source of the rows."""
        return self._source

    @source.setter
    def source(self, source: ActivitySource) -> None:
        self._source, self.tasks = source, source.tasks
        decisions = {task_id: recorded_decision(task) for task_id, task in self.tasks.items()}
        self._decisions = {task_id: node for task_id, node in decisions.items() if node is not None}

    # Queries

    def __len__(self) -> int:
        return len(self._arrangement.rows)

    def row(self, index: int) -> TreeRow | StatusRow:
        """Return the row at an index."""
        rows = self._arrangement.rows
        row = rows[index]
        if row is None:
            nodes = self._source.activities[self._source.root].nodes
            row = rows[index] = TreeRow(0, self._source.root, nodes[min(index, len(nodes) - 1)])
            self._arrangement.indexes[key_of(row)] = index
        return row

    def key(self, index: int) -> str:
        """Return the key of the row at an index; a row keeps its key when it moves."""
        return key_of(self.row(index))

    def index_of(self, key: str) -> int | None:
        """Return the index of the row with this key; None if there is none."""
        index = self._arrangement.indexes.get(key)
        if index is not None or not self._arrangement.is_plain:
            return index
        nodes = self._source.activities[self._source.root].nodes
        node = nodes.get(key.removeprefix(f"{self._source.root}/"))
        if node is None:
            return None
        return nodes.index_of(node)

    def entry_rows(self) -> list[TreeRow]:
        """Return the entry rows, without status rows; an empty list if rows may still be unread."""
        if self._arrangement.is_plain:
            return []
        return [row for row in self._arrangement.rows if isinstance(row, TreeRow)]

    def index_above(self, index: int) -> int:
        """Return the index of the parent row above a row; the row's own index if it has no parent."""
        depth = self._depth(index)
        return next((above for above in range(index, -1, -1) if self._depth(above) < depth), index)

    def _depth(self, index: int) -> int:
        row = self.row(index)
        if isinstance(row, TreeRow):
            return row.depth
        return 0

    def is_unfolded(self, row: TreeRow) -> bool:
        """Return whether a row is unfolded: the log of its sub-task is shown below it."""
        return row.child_id in self.unfolded and not row.is_known

    def is_waiting(self, row: TreeRow) -> bool:
        """Return whether a row is the latest one that waits for a person, without a later answer."""
        activity = self._source.activities.get(row.task_id)
        return activity is not None and activity.open_node is row.node

    def title(self, row: TreeRow) -> str:
        """Return the title of a row with a plan step or a sub-task."""
        if row.step:
            return row.step.title
        child = self.tasks.get(row.child_id or "")
        return child.name if child else f"task {row.child_id}"

    def digest(self, row: TreeRow) -> SubtaskDigest | None:
        """Return the digest of a folded sub-task; None for any other row."""
        if not row.child_id or row.is_known or self.is_unfolded(row):
            return None
        source = self._source
        return subtask_digest(row.child_id, self.tasks, source.children, source.activities, self._now())

    def repeats(self, index: int) -> int:
        """Return how often the call at an index repeats: the number of equal calls in a row up to it."""
        return self._repeats.count(self.row, index)

    def foldable(self) -> set[str]:
        """Return the ids of the foldable sub-tasks."""
        return {row.child_id for row in self._walk() if row.child_id and not row.is_known}

    def find(self, is_wanted: Callable[[TreeRow], bool]) -> list[SearchHit]:
        """Find the wanted rows among all, including those that are folded away or filtered out."""
        ancestors: list[TreeRow] = []
        hits: list[SearchHit] = []
        for row in self._walk():
            del ancestors[row.depth :]
            ancestors += [row] * (row.depth - len(ancestors) + 1)
            if is_wanted(row):
                hidden_by = tuple(above.child_id for above in dict.fromkeys(ancestors[:-1]) if above.child_id)
                hits.append(SearchHit(key_of(row), hidden_by))
        return hits

    def has_text(self, text: str, redactor: Redactor, row: TreeRow) -> bool:
        """Return whether a row has this text, in letters of any case."""
        searched = self.title(row)
        if row.node is not None:
            searched = f"{row.node.entry.label}\n{canonical(redactor.json(row.node.entry.raw))}"
        return text.casefold() in searched.casefold()

    # Arrangement

    def arrange(self) -> Iterator[None]:
        """Arrange all rows anew, in slices; the last slice replaces the old rows."""
        is_arranged = yield from self._arrange_unread()
        if is_arranged:
            return
        arrangement = _Arrangement(shape=self._shape())
        gaps = self._source.activity.gaps.values() if self._source.activity else ()
        rows: list[TreeRow | StatusRow] = []
        for row in with_gaps(self._visible(self._counted(self._walk(), arrangement)), gaps):
            rows.append(row)
            if len(rows) % ROWS_PER_SLICE == 0:
                yield
        if self.as_timeline:
            entry_rows = [row for row in rows if isinstance(row, TreeRow)]
            rows = [entry_rows[index] for index in sorted(spans(entry_rows, self.tasks, self._now()))]
        for index, row in enumerate(rows):
            arrangement.indexes[key_of(row)] = index
            if index % ROWS_PER_SLICE == ROWS_PER_SLICE - 1:
                yield
        arrangement.rows = [*rows]
        self._set_arrangement(arrangement)

    def _counted(self, rows: Iterable[TreeRow], arrangement: _Arrangement) -> Iterator[TreeRow]:
        """Yield the rows, and count in the arrangement those of the root task."""
        root = self._source.root
        for row in rows:
            if row.node is None and not row.depth:
                arrangement.has_loose_child = True
            if row.node is not None and row.task_id == root and row.node is not self._decisions.get(root):
                arrangement.node_count += 1
            yield row

    def _arrange_unread(self) -> Generator[None, None, bool]:
        """Arrange the rows without reading nodes, if each node is one row; return whether that was possible."""
        source, root = self._source, self._source.root
        activity = source.activity
        is_filtered = self.as_timeline or self.by_plan or self.errors_only or not self.with_reasoning
        if activity is None or activity.gaps or is_filtered or root in _placed_decisions(self._source, self._decisions):
            return False
        children = source.children.get(root, ())
        child_ids = {child.id for child in children}
        started = match_triggers(activity, children)
        started_ids = {*started.values()}
        has_unfolded = not (child_ids | started_ids).isdisjoint({root, *self.unfolded, *source.activities})
        if len(started_ids) < len(started) or has_unfolded:
            return False
        if any(source.children.get(child_id) for child_id in child_ids | started_ids):
            return False
        count = len(activity)
        arrangement = _Arrangement(rows=[None] * count, shape=self._shape(), node_count=count, is_plain=True)
        for key, child_id in started.items():
            node = activity.nodes.get(key)
            assert node
            row = TreeRow(0, root, node, child_id=child_id)
            index = activity.nodes.index_of(node)
            arrangement.rows[index] = row
            arrangement.indexes[key_of(row)] = index
        for child_id in sorted(child_ids - started_ids):
            row = TreeRow(0, root, child_id=child_id)
            arrangement.indexes[key_of(row)] = len(arrangement.rows)
            arrangement.rows.append(row)
            arrangement.has_loose_child = True
        yield
        self._set_arrangement(arrangement)
        return True

    def _set_arrangement(self, arrangement: _Arrangement) -> None:
        self._arrangement = arrangement
        self._repeats = RepeatedCalls()
        self._add_status_rows()

    def only_grows(self) -> bool:
        """Return whether the activity only grows: all changes since the last arrangement belong below its rows."""
        activity = self._source.activity
        if self.as_timeline or self.by_plan or self.errors_only or activity is None:
            return False
        if self._arrangement.shape != self._shape():
            return False
        new_nodes = activity.nodes[self._arrangement.node_count :]
        if new_nodes and self._arrangement.has_loose_child:
            return False
        placed = _placed_decisions(self._source, self._decisions).get(self._source.root)
        latest = max([*activity.gaps, placed.at if placed else EPOCH])
        return all(node.at >= latest for node in new_nodes)

    def append(self) -> None:
        """Append rows for new nodes."""
        arrangement, root = self._arrangement, self._source.root
        activity = self._source.activities[root]
        end = len(arrangement.rows) - self._status_count
        for index in range(end, len(arrangement.rows)):
            del arrangement.indexes[self.key(index)]
        del arrangement.rows[end:]
        for node in activity.nodes[arrangement.node_count :]:
            row = TreeRow(0, root, node)
            if not self._is_filtered(row):
                arrangement.indexes[key_of(row)] = len(arrangement.rows)
                arrangement.rows.append(row)
        arrangement.node_count = len(activity)
        self._add_status_rows()

    def _add_status_rows(self) -> None:
        """Add the status rows below all other rows."""
        status_rows = list(self._status_rows())
        if self.as_timeline:
            status_rows = [row for row in status_rows if row.name == "wait" and self._source.wait_since]
        for row in status_rows:
            self._arrangement.indexes[key_of(row)] = len(self._arrangement.rows)
            self._arrangement.rows.append(row)
        self._status_count = len(status_rows)

    def _status_rows(self) -> Iterator[StatusRow]:
        source, activity = self._source, self._source.activity
        if activity is not None and (streaming := activity.streaming):
            yield StatusRow("streaming", "AGT", streaming[-MAX_STREAMING_CHARS:], "running")
        decision = self._decisions.get(source.root)
        if decision is not None and source.root not in _placed_decisions(self._source, self._decisions):
            when = f"{clock(decision.at)} " if decision.at > EPOCH else ""
            yield StatusRow("decision", "DEC", f"{when}{decision.entry.label}", "strong")
        if source.wait:
            glyph, style = wait_words.glyph_of(source.wait), wait_words.style_of(source.wait)
            yield StatusRow("wait", f" {glyph} ", wait_words.sentence_of(source.wait, self._now()), style)
        if source.task and source.task.is_final and activity is not None:
            yield StatusRow("end", " ■ ", summary(source.task, activity), "strong")

    def _shape(self) -> object:
        """Return a value for the shape of the tree: it changes with existing rows, not when rows are appended."""
        source = self._source
        child_ids = [(task_id, tuple(child.id for child in children)) for task_id, children in source.children.items()]
        activities = {
            task_id: source.activities[task_id] for task_id in source.children if task_id in source.activities
        }
        shapes = {task_id: activity.shape for task_id, activity in activities.items()}
        sizes = {task_id: len(activity) for task_id, activity in activities.items() if task_id != source.root}
        decisions = {task_id: canonical(node.entry.raw) for task_id, node in self._decisions.items()}
        return source.root, child_ids, shapes, sizes, decisions

    def _walk(self) -> Iterator[TreeRow]:
        source = self._source
        if source.root:
            decisions = _placed_decisions(self._source, self._decisions)
            yield from walk_tree(
                source.activities, source.children, source.root, by_plan=self.by_plan, decisions=decisions
            )

    def _visible(self, rows: Iterable[TreeRow]) -> Iterator[TreeRow]:
        """Yield the visible rows, which are neither folded away nor filtered out."""
        folded_depth: int | None = None
        for row in rows:
            if folded_depth is not None and row.depth > folded_depth:
                continue
            folded_depth = None
            if row.child_id and not self.is_unfolded(row):
                folded_depth = row.depth
            if not self._is_filtered(row):
                yield row

    def _is_filtered(self, row: TreeRow) -> bool:
        if row.node is None:
            return self.errors_only and not row.child_id
        if self.errors_only and not is_failed_call(row) and not row.child_id:
            return True
        return not self.with_reasoning and isinstance(row.node.entry, Reasoning)


def key_of(row: TreeRow | StatusRow) -> str:
    """Return the key of a row; that of a status row begins with a line feed, as no task id does."""
    if isinstance(row, StatusRow):
        return f"\n{row.name}"
    if row.node is not None:
        return f"{row.task_id}/{row.node.entry.id}"
    step_id = row.step.id if row.step else ""
    return f"{row.task_id}/{step_id}/{row.child_id}"


def _placed_decisions(source: ActivitySource, decisions: Mapping[str, Node]) -> Mapping[str, Node]:
    """Return the decisions that have a place among the entries.

    That of the root task is shown below them if its time is not told, and if its log is large: to find the place, all
    entries would have to be read.
    """
    activity, decision = source.activity, decisions.get(source.root)
    is_large = activity is not None and activity.nodes.log is not None
    if decision is None or (decision.at > EPOCH and not is_large):
        return decisions
    return {task_id: node for task_id, node in decisions.items() if task_id != source.root}
