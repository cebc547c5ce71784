"""The rows that show a task's activity, as a tree or as a timeline: which there are, in which order, and where."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import Struct, field

from tui.client.json_codec import canonical
from tui.client.json_values import EPOCH
from tui.client.log_entries import Reasoning, ToolCall
from tui.client.task_facts import Wait
from tui.client.task_rows import AnyTask
from tui.domain import humanize
from tui.domain.activity_log import Activity, Gap, TreeRow, match_triggers, walk_tree
from tui.domain.entry_format import summary
from tui.domain.repeated_calls import RepeatedCalls
from tui.domain.timeline import spans
from tui.security.redact import Redactor

ROWS_PER_SLICE = 100
MAX_STREAMING_CHARS = 2000


class StatusRow(Struct, frozen=True):
    """A row without an entry: a gap in the stream, the text being streamed, what the task waits for, its end."""

    name: str
    word: str
    text: str
    style: str = ""
    at: datetime = EPOCH


class ActivitySource(Struct, frozen=True):
    """What the rows are made from: the activity of each task, the sub-tasks of each, and what is known of them."""

    root: str = ""
    activities: Mapping[str, Activity] = field(default_factory=dict)
    children: Mapping[str, tuple[AnyTask, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    task: AnyTask | None = None
    wait: Wait | None = None

    @property
    def activity(self) -> Activity | None:
        """The activity of the task itself."""
        return self.activities.get(self.root)

    @property
    def wait_since(self) -> datetime | None:
        """Since when the task waits for a person, as far as that is known."""
        return self.wait.since if self.wait else None

    @property
    def tasks(self) -> dict[str, AnyTask]:
        """Every task, by its id."""
        found = {task.id: task for below in self.children.values() for task in below}
        return {**found, self.task.id: self.task} if self.task else found


class SearchHit(NamedTuple):
    """A row that a search found, and the sub-tasks that have to be unfolded to see it."""

    key: str
    hidden_by: tuple[str, ...]


class _Arrangement(Struct):
    """All rows as they were arranged last, and what they were arranged from."""

    rows: list[TreeRow | StatusRow | None] = field(default_factory=list)
    """None is a node that nobody has looked at: its place here is its place in the task."""
    places: dict[str, int] = field(default_factory=dict)
    shape: object = None
    node_count: int = 0
    """How many nodes of the task itself are in the rows."""
    has_loose_child: bool = False
    """Whether a sub-task that nothing is known to have started stands below all nodes."""
    is_plain: bool = False
    """Whether all rows are nodes of one task, each at its place in that task."""


class ActivityRows:
    """The rows of a task's activity: filtered, folded, and extended when the activity only grows.

    Whoever changes the source, a filter or a fold either calls `append`, where `only_grows` allows it, or goes
    through `arrange`, which changes nothing before its last slice.
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
        self._arranged = _Arrangement()
        self._status_count = 0
        self._repeats = RepeatedCalls()

    @property
    def source(self) -> ActivitySource:
        """What the rows are made from."""
        return self._source

    @source.setter
    def source(self, source: ActivitySource) -> None:
        self._source, self.tasks = source, source.tasks

    # Looking

    def __len__(self) -> int:
        return len(self._arranged.rows)

    def row(self, index: int) -> TreeRow | StatusRow:
        """Return the row at this place."""
        rows = self._arranged.rows
        row = rows[index]
        if row is None:
            nodes = self._source.activities[self._source.root].nodes
            row = rows[index] = TreeRow(0, self._source.root, nodes[min(index, len(nodes) - 1)])
            self._arranged.places[key_of(row)] = index
        return row

    def key(self, index: int) -> str:
        """Return the key of the row at this place: it goes by it wherever it is."""
        return key_of(self.row(index))

    def index_of(self, key: str) -> int | None:
        """Return the place of the row with this key."""
        place = self._arranged.places.get(key)
        if place is None and self._arranged.is_plain:
            nodes = self._source.activities[self._source.root].nodes
            node = nodes.get(key.removeprefix(f"{self._source.root}/"))
            return nodes.place_of(node) if node else None
        return place

    def entry_rows(self) -> list[TreeRow]:
        """Return the rows that are no status rows; there are none where nobody has looked at them all."""
        if self._arranged.is_plain:
            return []
        return [row for row in self._arranged.rows if isinstance(row, TreeRow)]

    def index_above(self, index: int) -> int:
        """Return the place of the row under which this one stands; of one that stands under none, its own."""
        depth = self._depth(index)
        return next((above for above in range(index, -1, -1) if self._depth(above) < depth), index)

    def _depth(self, index: int) -> int:
        row = self.row(index)
        return row.depth if isinstance(row, TreeRow) else 0

    def is_unfolded(self, row: TreeRow) -> bool:
        """Return whether the log of the row's sub-task is shown below it."""
        return row.child_id in self.unfolded and not row.is_known

    def is_waiting(self, row: TreeRow) -> bool:
        """Return whether the row is the latest that asks for a person, and nothing after it answers."""
        activity = self._source.activities.get(row.task_id)
        return activity is not None and activity.open_node is row.node

    def title(self, row: TreeRow) -> str:
        """Return the title of a plan step or of a sub-task."""
        if row.step:
            return row.step.title
        child = self.tasks.get(row.child_id or "")
        return child.name if child else f"task {row.child_id}"

    def repeats(self, index: int) -> int:
        """Return how many times in a row the call at this place was made, up to this place."""
        return self._repeats.count(self.row, index)

    def foldable(self) -> set[str]:
        """Return all sub-tasks that can be folded."""
        return {row.child_id for row in self._walk() if row.child_id and not row.is_known}

    def search(self, words: str, redactor: Redactor) -> list[SearchHit]:
        """Return every row with these words in it, also where it is folded away or filtered out."""
        wanted = words.casefold()
        above: list[TreeRow] = []
        hits: list[SearchHit] = []
        for row in self._walk():
            del above[row.depth :]
            above += [row] * (row.depth - len(above) + 1)
            if wanted in self._searched_text(row, redactor).casefold():
                hidden_by = tuple(one.child_id for one in dict.fromkeys(above[:-1]) if one.child_id)
                hits.append(SearchHit(key_of(row), hidden_by))
        return hits

    def _searched_text(self, row: TreeRow, redactor: Redactor) -> str:
        if row.node is None:
            return self.title(row)
        entry = row.node.entry
        return f"{entry.label}\n{canonical(redactor.json(entry.raw))}"

    # Arranging

    def arrange(self) -> Iterator[None]:
        """Arrange all rows anew in slices; the last one puts them in place of those before."""
        if (yield from self._arrange_unread()):
            return
        arranged = _Arrangement(shape=self._shape())
        root = self._source.root

        def counted(walked: Iterable[TreeRow]) -> Iterator[TreeRow]:
            for row in walked:
                is_loose = row.node is None and not row.depth
                arranged.has_loose_child = arranged.has_loose_child or is_loose
                arranged.node_count += row.node is not None and row.task_id == root
                yield row

        activity = self._source.activity
        gaps = activity.gaps.values() if activity is not None else ()
        rows: list[TreeRow | StatusRow] = []
        for row in _with_gaps(self._visible(counted(self._walk())), gaps):
            rows.append(row)
            if len(rows) % ROWS_PER_SLICE == 0:
                yield
        if self.as_timeline:
            entries = [row for row in rows if isinstance(row, TreeRow)]
            rows = [entries[place] for place in sorted(spans(entries, self.tasks, self._now()))]
        for place, row in enumerate(rows):
            arranged.places[key_of(row)] = place
            if place % ROWS_PER_SLICE == ROWS_PER_SLICE - 1:
                yield
        arranged.rows = [*rows]
        self._put(arranged)

    def _arrange_unread(self) -> Generator[None, None, bool]:
        """Arrange the rows of one task without reading a node, where each node is a row; return whether it is so."""
        source, root = self._source, self._source.root
        activity = source.activity
        is_filtered = self.as_timeline or self.by_plan or self.errors_only or not self.with_reasoning
        if activity is None or activity.gaps or is_filtered:
            return False
        children = source.children.get(root, ())
        known = {child.id for child in children}
        started = match_triggers(activity, children)
        below = {*known, *started.values()}
        if len({*started.values()}) < len(started) or not below.isdisjoint({root, *self.unfolded, *source.activities}):
            return False
        if any(source.children.get(child) for child in below):
            return False
        count = len(activity)
        arranged = _Arrangement(rows=[None] * count, shape=self._shape(), node_count=count, is_plain=True)
        for key, child in started.items():
            node = activity.nodes.get(key)
            assert node
            row = TreeRow(0, root, node, child_id=child)
            place = activity.nodes.place_of(node)
            arranged.rows[place] = row
            arranged.places[key_of(row)] = place
        for child in sorted(known - {*started.values()}):
            row = TreeRow(0, root, child_id=child)
            arranged.places[key_of(row)] = len(arranged.rows)
            arranged.rows.append(row)
            arranged.has_loose_child = True
        yield
        self._put(arranged)
        return True

    def _put(self, arranged: _Arrangement) -> None:
        self._arranged = arranged
        self._repeats = RepeatedCalls()
        self._add_status_rows()

    def only_grows(self) -> bool:
        """Return whether all that has come since stands below the rows there are."""
        activity = self._source.activity
        if self.as_timeline or self.by_plan or self.errors_only or activity is None:
            return False
        if self._arranged.shape != self._shape():
            return False
        fresh = activity.nodes[self._arranged.node_count :]
        if fresh and self._arranged.has_loose_child:
            return False
        latest_gap = max(activity.gaps, default=EPOCH)
        return all(node.at >= latest_gap for node in fresh)

    def append(self) -> None:
        """Add the rows of what has come since."""
        arranged, root = self._arranged, self._source.root
        activity = self._source.activities[root]
        end = len(arranged.rows) - self._status_count
        for place in range(end, len(arranged.rows)):
            del arranged.places[self.key(place)]
        del arranged.rows[end:]
        for node in activity.nodes[arranged.node_count :]:
            row = TreeRow(0, root, node)
            if not self._is_filtered(row):
                arranged.places[key_of(row)] = len(arranged.rows)
                arranged.rows.append(row)
        arranged.node_count = len(activity)
        self._add_status_rows()

    def _add_status_rows(self) -> None:
        """Put below all other rows what goes on now, or how it ended."""
        fresh = list(self._status_rows())
        if self.as_timeline:
            fresh = [row for row in fresh if row.name == "wait" and self._source.wait_since]
        for row in fresh:
            self._arranged.places[key_of(row)] = len(self._arranged.rows)
            self._arranged.rows.append(row)
        self._status_count = len(fresh)

    def _status_rows(self) -> Iterator[StatusRow]:
        source, activity = self._source, self._source.activity
        if activity is not None and (streaming := activity.streaming):
            yield StatusRow("streaming", "AGT", streaming[-MAX_STREAMING_CHARS:], "running")
        if source.wait:
            since = source.wait_since
            waited = humanize.duration((self._now() - since).total_seconds()) if since else "?"
            yield StatusRow("wait", " ‖ ", f"waits: {source.wait.kind}, for {waited}", "need")
        if source.task and source.task.is_final and activity is not None:
            yield StatusRow("end", " ■ ", summary(source.task, activity), "strong")

    def _shape(self) -> object:
        """Return a value that differs when the rows there are change, and not only when more rows come."""
        source = self._source
        below = [(task_id, tuple(child.id for child in children)) for task_id, children in source.children.items()]
        logs = [
            (task_id, log.shape, None if task_id == source.root else len(log))
            for task_id, _ in below
            if (log := source.activities.get(task_id)) is not None
        ]
        return source.root, below, logs

    def _walk(self) -> Iterator[TreeRow]:
        source = self._source
        if source.root:
            yield from walk_tree(source.activities, source.children, source.root, by_plan=self.by_plan)

    def _visible(self, rows: Iterable[TreeRow]) -> Iterator[TreeRow]:
        """Yield the rows that are neither folded away nor filtered out."""
        hidden_below: int | None = None
        for row in rows:
            if hidden_below is not None and row.depth > hidden_below:
                continue
            hidden_below = row.depth if row.child_id and not self.is_unfolded(row) else None
            if not self._is_filtered(row):
                yield row

    def _is_filtered(self, row: TreeRow) -> bool:
        entry = row.node.entry if row.node else None
        has_failed = isinstance(entry, ToolCall) and entry.is_error
        if self.errors_only and not has_failed and not row.child_id:
            return True
        return not self.with_reasoning and isinstance(entry, Reasoning)


def key_of(row: TreeRow | StatusRow) -> str:
    """Return the key of a row; that of a status row begins as no task's id does."""
    if isinstance(row, StatusRow):
        return f"\n{row.name}"
    if row.node is not None:
        return f"{row.task_id}/{row.node.entry.id}"
    return f"{row.task_id}/{row.step.id if row.step else ''}/{row.child_id}"


def _with_gaps(rows: Iterable[TreeRow], gaps: Iterable[Gap]) -> Iterator[TreeRow | StatusRow]:
    """Yield the rows, and a status row for each gap of the stream where it was."""
    status_rows = [_gap_row(gap) for gap in sorted(gaps, key=lambda gap: gap.at)]
    order = [(row.at, place) for place, row in enumerate(status_rows)]
    heapq.heapify(order)
    for row in rows:
        while order and row.depth == 0 and row.node and row.node.at >= order[0][0]:
            yield status_rows[heapq.heappop(order)[1]]
        yield row
    yield from (status_rows[place] for _, place in sorted(order))


def _gap_row(gap: Gap) -> StatusRow:
    filled = "not filled yet" if gap.filled is None else f"{gap.filled} back-filled"
    return StatusRow(f"gap {gap.at}", "───", f"gap {humanize.duration(gap.seconds)}, {filled}", "faint", gap.at)
