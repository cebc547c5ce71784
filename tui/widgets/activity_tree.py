"""What happened in a task: a tree that grows, with sub-agents' logs under their triggers, or the same as a timeline."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar

from msgspec import Struct, field
from rich.cells import cell_len
from textual import work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from tui.client.json_codec import canonical
from tui.client.log_entries import Reasoning, ToolCall
from tui.client.models import Task, Wait
from tui.domain import humanize
from tui.domain.activity_log import EPOCH, Activity, Row, attached, walk
from tui.domain.entry_format import summary, told
from tui.domain.timeline import Kind, Span, axis, bar, longest, spans
from tui.widgets.context import Desk
from tui.widgets.styled_text import Piece, Pieces, fit
from tui.widgets.virtual_list import AT_ONCE, BESIDE, Lines, is_through, others_first

BARS = {Kind.TOOL: "█", Kind.THOUGHT: "▓", Kind.AGENT: "─", Kind.PERSON: "░"}
BAR_LOOKS = {Kind.TOOL: "accent", Kind.THOUGHT: "faint", Kind.AGENT: "running", Kind.PERSON: "need"}
SLICE = 100
"""Rows that are arranged before the time is looked at."""
REST = 3.0
"""How many times as long as it took to arrange all rows they are left as they are."""
LOOK_BACK = 200
"""Rows above a call that are looked at for the same one."""
REPEATED = 3
"""How often the same call has to come one after the other to be called a loop."""


class Remark(Struct, frozen=True):
    """A line that no entry stands behind: a gap, the text being streamed, what it waits for, the end."""

    key: str
    word: str
    text: str
    look: str = ""
    at: datetime = EPOCH


class Source(Struct, frozen=True):
    """All that is shown: what happened in each task, what each started, and what is known of them."""

    root: str = ""
    activities: Mapping[str, Activity] = field(default_factory=dict)
    children: Mapping[str, tuple[Task, ...]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    task: Task | None = None
    wait: Wait | None = None

    @property
    def tasks(self) -> dict[str, Task]:
        """Every task there is, by id."""
        found = {task.id: task for below in self.children.values() for task in below}
        return {**found, self.task.id: self.task} if self.task else found


class ActivityTree(Lines):
    """Entries under a cursor; what has something beneath it folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,equals_sign", "fold(False)", "Unfold", show=False, id="tree.unfold"),
        Binding("left,h,minus", "fold(True)", "Fold", show=False, id="tree.fold"),
        Binding("e", "errors", "Errors only", show=False, id="tree.errors"),
        Binding("T", "reasoning", "With or without reasoning", show=False, id="tree.reasoning"),
        Binding("P", "plan", "Grouped by the plan", show=False, id="tree.plan"),
        Binding("v", "timeline", "tree, timeline", id="tree.timeline"),
    ]

    class Wanted(Message):
        """A sub-task's log is to be read."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class Turned(Message):
        """It is shown in another way now."""

    def __init__(self, desk: Desk, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._desk = desk
        self._rows: list[Row | Remark | None] = []
        """None is a node that nobody has looked at: it stands where it does in the task."""
        self._places: dict[str, int] = {}
        self._is_plain = False
        """Whether all rows are nodes of one task, each where it is in that task."""
        self._opened: set[str] = set()
        self._source = Source()
        self._tasks: dict[str, Task] = {}
        self._arranging: Iterator[None] | None = None
        """Under way, where there is too much for once."""
        self._shown: object = None
        """The shape of what is shown, how many nodes of the task are in it, and how many rows are not about them."""
        self._waking: Timer | None = None
        self._rests_until = 0.0
        """Until when so many rows are not arranged again: while much comes, that would be all that is done."""
        self._taken = self._tail = 0
        self._is_loose = False
        """Whether a sub-task that nothing is known to have started stands below all nodes."""
        self._loops: dict[str, int] = {}
        self._calls: dict[str, tuple[int, int]] = {}
        self._spans: dict[int, Span] = {}
        self._axis = (EPOCH, EPOCH)
        self._longest: list[int] = []
        self._errors = False
        self._reasons = True
        self._by_plan = False
        self.is_timeline = False

    @property
    def row(self) -> Row | Remark | None:
        """The row under the cursor."""
        return self._row(self.cursor) if self.cursor < len(self._rows) else None

    def _row(self, index: int) -> Row | Remark:
        row = self._rows[index]
        if row is None:
            nodes = self._source.activities[self._source.root].nodes
            row = self._rows[index] = Row(0, self._source.root, nodes[min(index, len(nodes) - 1)])
            self._places[_key(row)] = index
        return row

    def show(self, source: Source) -> None:
        """Show a task's activity; what was folded stays so, and the cursor stays where it is."""
        self._source = source
        self._tasks = source.tasks
        if self._arranging is not None:
            return  # what has come meanwhile is looked at once that is done
        if self._only_grows():
            self._go_on()
        elif (rest := self._rests_until - time.monotonic()) <= 0:
            self._arrange()
        elif self._waking is None:
            self._waking = self.set_timer(rest, self._rested)

    def _rested(self) -> None:
        self._waking = None
        self.show(self._source)

    def tick(self) -> None:
        """The clocks go on."""
        if self._source.task and not self._source.task.is_final:
            if self.is_timeline:
                self._measure()
            self.draw_changed()

    # Arranging

    def _arrange(self, *, at_once: bool = False) -> None:
        """Arrange all rows anew: at once while they are few, else some at a time, beside all else."""
        self._arranging, slices = None, self._arranged()
        if not is_through(slices, math.inf if at_once else AT_ONCE):
            self._arranging = slices
            self._arrange_slowly(slices, self._source)

    @work(exclusive=True, group="arrange")
    async def _arrange_slowly(self, slices: Iterator[None], source: Source) -> None:
        begun = time.monotonic()
        while self._arranging is slices:
            await others_first()
            if self._arranging is slices and is_through(slices, BESIDE):
                self._arranging = None
                self._rests_until = time.monotonic() + REST * (time.monotonic() - begun)
                if self._source is not source:
                    self.show(self._source)  # with what has come meanwhile

    def _arranged(self) -> Iterator[None]:
        """Arrange all rows, some at a time."""
        if (yield from self._arranged_plainly()):
            return
        shape, taken, is_loose, root = self._shape(), 0, False, self._source.root

        def counted(walked: Iterable[Row]) -> Iterator[Row]:
            nonlocal taken, is_loose
            for row in walked:
                is_loose = is_loose or (row.node is None and not row.depth)
                taken += row.node is not None and row.task_id == root
                yield row

        rows: list[Row | Remark] = []
        for row in self._with_gaps(self._visible(counted(self._walk()))):
            rows.append(row)
            if len(rows) % SLICE == 0:
                yield
        if self.is_timeline:
            told = [row for row in rows if isinstance(row, Row)]
            rows = [told[place] for place in sorted(spans(told, self._tasks, self._desk.now()))]
        places: dict[str, int] = {}
        for place, row in enumerate(rows):
            places[_key(row)] = place
            if place % SLICE == SLICE - 1:
                yield
        self._put([*rows], places, shape, taken, is_loose=is_loose)

    def _arranged_plainly(self) -> Generator[None, None, bool]:
        """Arrange the rows of one task with nothing open in it, where each node is a row: no node is looked at."""
        source, root = self._source, self._source.root
        activity = source.activities.get(root)
        if activity is None or self.is_timeline or self._by_plan or self._errors or not self._reasons or activity.gaps:
            return False
        children = source.children.get(root, ())
        known = {child.id for child in children}
        started = attached(activity, children)
        below = {*known, *started.values()}
        if len({*started.values()}) < len(started) or not below.isdisjoint({root, *self._opened, *source.activities}):
            return False
        if any(source.children.get(child) for child in below):
            return False
        shape, taken = self._shape(), len(activity)
        rows: list[Row | Remark | None] = [None] * taken
        places: dict[str, int] = {}
        for key, child in started.items():
            node = activity.nodes.get(key)
            assert node
            place = activity.nodes.place_of(node)
            rows[place] = row = Row(0, root, node, child_id=child)
            places[_key(row)] = place
        for child in sorted(known - {*started.values()}):
            row = Row(0, root, child_id=child)
            places[_key(row)] = len(rows)
            rows.append(row)
        yield
        self._put(rows, places, shape, taken, is_loose=len(rows) > taken, is_plain=True)
        return True

    def _put(
        self,
        rows: list[Row | Remark | None],
        places: dict[str, int],
        shape: object,
        taken: int,
        *,
        is_loose: bool,
        is_plain: bool = False,
    ) -> None:
        before = self.rows_will_change()
        self._rows, self._places, self._shown, self._taken = rows, places, shape, taken
        self._is_loose, self._is_plain, self._loops, self._calls = is_loose, is_plain, {}, {}
        self._end(before)

    def _end(self, before: tuple[object, int]) -> None:
        """Put what is going on now below all else, and draw."""
        last = list(self._last())
        if self.is_timeline:
            last = [remark for remark in last if remark.key == "wait" and self._waits_since]
        for remark in last:
            self._places[_key(remark)] = len(self._rows)
            self._rows.append(remark)
        self._tail = len(last)
        self._measure()
        self.rows_changed(before)
        if not self.was_led:
            self.move_to(len(self._rows) - 1)

    def _only_grows(self) -> bool:
        """Whether all that has come since stands below what is shown."""
        source = self._source
        activity = source.activities.get(source.root)
        if self.is_timeline or self._by_plan or self._errors or activity is None or self._shown != self._shape():
            return False
        fresh = activity.nodes[self._taken :]
        if fresh and self._is_loose:
            return False
        latest = max(activity.gaps, default=EPOCH)
        return self._arranging is None and all(node.at >= latest for node in fresh)

    def _shape(self) -> object:
        """What of the source makes the rows other than they were, and not just more."""
        source = self._source
        below = [(one, tuple(child.id for child in children)) for one, children in source.children.items()]
        logs = [
            (one, log.shape, None if one == source.root else len(log))
            for one, _ in below
            if (log := source.activities.get(one)) is not None
        ]
        return source.root, below, logs

    def _go_on(self) -> None:
        """Add what has come since."""
        before, root = self.rows_will_change(), self._source.root
        activity = self._source.activities[root]
        end = len(self._rows) - self._tail
        for place in range(end, len(self._rows)):
            del self._places[_key(self._row(place))]
        del self._rows[end:]
        for node in activity.nodes[self._taken :]:
            row = Row(0, root, node)
            if not self._is_filtered(row):
                self._places[_key(row)] = len(self._rows)
                self._rows.append(row)
        self._taken = len(activity)
        self._end(before)

    def _walk(self) -> Iterator[Row]:
        source = self._source
        if source.root:
            yield from walk(source.activities, source.children, source.root, by_plan=self._by_plan)

    def _visible(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Without what is folded away or not asked for."""
        hidden_below: int | None = None
        for row in rows:
            if hidden_below is not None and row.depth > hidden_below:
                continue
            hidden_below = None
            if row.child_id and not self._is_open(row):
                hidden_below = row.depth
            if not self._is_filtered(row):
                yield row

    def _is_filtered(self, row: Row) -> bool:
        entry = row.node.entry if row.node else None
        if self._errors and not (isinstance(entry, ToolCall) and entry.is_error) and not row.child_id:
            return True
        return not self._reasons and isinstance(entry, Reasoning)

    def _is_open(self, row: Row) -> bool:
        return row.child_id in self._opened and not row.is_known

    def _with_gaps(self, rows: Iterable[Row]) -> Iterator[Row | Remark]:
        """The rows, and between them where the stream was away."""
        activity = self._source.activities.get(self._source.root)
        gaps = sorted(activity.gaps.values(), key=lambda gap: gap.at) if activity is not None else []
        left = [
            Remark(
                f"gap {gap.at}",
                "───",
                f"gap {humanize.span(gap.seconds)}, "
                + ("not filled yet" if gap.filled is None else f"{gap.filled} back-filled"),
                "faint",
                gap.at,
            )
            for gap in gaps
        ]
        heapq.heapify(order := [(remark.at, place) for place, remark in enumerate(left)])
        for row in rows:
            while order and row.depth == 0 and row.node and row.node.at >= order[0][0]:
                yield left[heapq.heappop(order)[1]]
            yield row
        yield from (left[place] for _, place in sorted(order))

    def _last(self) -> Iterator[Remark]:
        """What is going on now, or how it ended."""
        source = self._source
        activity = source.activities.get(source.root)
        if activity is not None and (streaming := activity.streaming):
            yield Remark("streaming", "AGT", streaming[-2000:], "running")
        if source.wait:
            since = humanize.span((self._desk.now() - source.wait.since).total_seconds()) if source.wait.since else "?"
            yield Remark("wait", " ‖ ", f"waits: {source.wait.kind}, for {since}", "need")
        if source.task and source.task.is_final and activity is not None:
            yield Remark("end", " ■ ", summary(source.task, activity), "strong")

    def _loop(self, index: int) -> int:
        """How often the same call was made one after the other, up to the one in this row."""
        row = self._row(index)
        if not isinstance(row, Row) or (call := self._call(row)) is None:
            return 0
        count = 1
        for place in range(index - 1, max(index - LOOK_BACK, -1), -1):
            other = self._row(place)
            if isinstance(other, Row) and other.task_id == row.task_id and (before := self._call(other)) is not None:
                if before != call:
                    break
                if known := self._loops.get(_key(other)):
                    count += known
                    break
                count += 1
        self._loops[_key(row)] = count
        return count

    def _call(self, row: Row) -> int | None:
        """A number that stands for the call and its arguments."""
        if row.node is None or not isinstance(call := row.node.entry, ToolCall):
            return None
        key = _key(row)
        known = self._calls.get(key)
        if known is None or known[0] != row.node.version:
            known = self._calls[key] = (row.node.version, hash(canonical([call.name, call.arguments])))
        return known[1]

    def _measure(self) -> None:
        """The spans of the rows, up to now."""
        if self.is_timeline and not self._is_plain:  # else it is still being arranged as one
            rows, now = [row for row in self._rows if isinstance(row, Row)], self._desk.now()
            self._spans = spans(rows, self._tasks, now)
            if since := self._waits_since:
                self._spans[len(rows)] = Span(Kind.PERSON, since, max(now, since), is_open=True)
            self._axis = axis(self._spans.values())
            self._longest = longest(self._spans)

    @property
    def _waits_since(self) -> datetime | None:
        return self._source.wait.since if self._source.wait else None

    @property
    def state(self) -> str:
        """What its title tells."""
        told = [word for word, is_so in (("errors only", self._errors), ("no reasoning", not self._reasons)) if is_so]
        if self.is_timeline and self._spans:
            begin, end = self._axis
            names = [f"{self._name_of(place)} {_lasted(self._spans[place])}" for place in self._longest]
            told += [humanize.exact((end - begin).total_seconds()), f"longest: {', '.join(names)}" if names else ""]
        return "  ".join(told)

    def _name_of(self, place: int) -> str:
        row = self._row(place)
        assert isinstance(row, Row)
        return self._desk.safe(row.node.entry.label if row.node else "", 24)

    # Drawing

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """The entry's own id."""
        return _key(self._row(index))

    def index_of(self, key: object) -> int | None:
        """Where an entry is."""
        if not isinstance(key, str):
            return None
        place = self._places.get(key)
        if place is None and self._is_plain:
            nodes = self._source.activities[self._source.root].nodes
            node = nodes.get(key.removeprefix(f"{self._source.root}/"))
            return nodes.place_of(node) if node else None
        return place

    def pieces(self, index: int, width: int) -> Pieces:
        """One row, as a line of the tree or a bar of the timeline."""
        row = self._row(index)
        if self.is_timeline:
            return self._bar_of(index, row, width)
        if isinstance(row, Remark):
            text = self._desk.safe(row.text, 2000)
            if row.key == "streaming":  # its end is what is new
                text = text[-max(width - 10, 8) :]
            return [Piece(f"   {row.word} ", "faint"), Piece(text, row.look)]
        return self._entry(index, row, width)

    def _begin(self, row: Row) -> str:
        fold = ("▾ " if self._is_open(row) else "▸ ") if row.child_id and not row.is_known else "  "
        return f" {'  ' * row.depth}{fold}"

    def _child(self, row: Row) -> str:
        child = self._tasks.get(row.child_id or "")
        return row.step.title if row.step else child.name if child else f"task {row.child_id}"

    def _entry(self, index: int, row: Row, width: int) -> Pieces:
        """Fold, word, text, and how it went at the right edge."""
        begin = self._begin(row)
        if row.node is None:
            word = "STP" if row.step else "SUB"
            done = "✓" if row.step and row.step.completed else ""
            return [
                Piece(f"{begin}{word} ", "faint"),
                Piece(self._desk.safe(self._child(row)), "strong" if row.step else ""),
                Piece(f" {done}", "faint"),
            ]
        line = told(row.node, self._desk.masks)
        at = row.node.at.astimezone() if row.node.at.year > 1 else None
        clock = f"{at:%H:%M:%S}" if at and width >= 60 else ""
        after, look = line.after, line.look
        if after == "waits" and not self._is_open_still(row):
            after = look = ""
        if (loop := self._loop(index)) >= REPEATED:
            after = f"loop×{loop} {after}"
        backfilled = "~" if row.node.provenance == "back-filled" and row.node.live is None else " "
        end = f"{backfilled}{clock} " if clock else backfilled
        text = line.text
        if row.child_id:
            agent = self._source.names.get(getattr(row.node.entry, "agent_id", None) or "", "")
            text = f"{self._desk.safe(agent, 60)}: {text}" if agent else text
        begin = f"{begin}{line.word} "
        room = max(width - cell_len(begin) - cell_len(after) - cell_len(end) - 2, 4)
        return [
            Piece(begin, "faint"),
            Piece(fit(text, room), look if look in {"strong", "faint"} else ""),
            Piece(f" {after} ", look or "faint"),
            Piece(end, "faint"),
        ]

    def _is_open_still(self, row: Row) -> bool:
        """Whether what asks for a person is the latest that does, with nothing after it that answers."""
        activity = self._source.activities.get(row.task_id)
        return activity is not None and activity.open_node is row.node

    def _bar_of(self, index: int, row: Row | Remark, width: int) -> Pieces:
        """Word and name, a bar on the common axis, and how long it took."""
        line = told(row.node, self._desk.masks) if isinstance(row, Row) and row.node else None
        if isinstance(row, Remark):
            text = f"   {row.word} {row.text}"
        else:
            text = f"{self._begin(row)}{line.word if line else 'SUB'} "
            text += line.text if line else self._desk.safe(self._child(row))
        name = fit(text, max(width // 3, 14))
        span = self._spans.get(index)
        if span is None:
            return [Piece(name)]
        took = _lasted(span).rjust(8)
        room = max(width - cell_len(name) - len(took) - 2, 6)
        first, last = bar(span, *self._axis, room)
        is_cut = span.end > self._axis[1]
        look = "failed" if line and line.look == "failed" else BAR_LOOKS[span.kind]
        return [
            Piece(f"{name} ", "strong" if index in self._longest else ""),
            Piece("·" * first if index % 2 else " " * first, "faint"),
            Piece(BARS[span.kind] * (last - first - is_cut) + "…" * is_cut, look),
            Piece(("·" if index % 2 else " ") * (room - last), "faint"),
            Piece(took, "need" if span.kind is Kind.PERSON else "faint"),
        ]

    # Doing

    def find(self, words: str, by: int) -> tuple[int, int]:
        """Go to the next entry that has these words, folded away or not, and open what hides it."""
        wanted = words.casefold()
        above: list[Row] = []
        found: list[tuple[str, tuple[str, ...]]] = []
        for row in self._walk():
            del above[row.depth :]
            above += [row] * (row.depth - len(above) + 1)
            if wanted in self._sought(row).casefold():
                hidden_by = tuple(one.child_id for one in dict.fromkeys(above[:-1]) if one.child_id)
                found.append((_key(row), hidden_by))
        if not found:
            return 0, 0
        keys = [key for key, _ in found]
        here = _key(self.row) if self.row else ""
        place = (keys.index(here) + by) % len(keys) if here in keys else 0
        key, hidden_by = found[place]
        self._opened |= set(hidden_by)
        if self.index_of(key) is None:
            self._arrange(at_once=True)
        if self.index_of(key) is None:
            self._errors, self._reasons, self.is_timeline = False, True, False
            self._arrange(at_once=True)
            self.post_message(self.Turned())
        self.was_led = True
        self.move_to(self.index_of(key) or 0)
        return place + 1, len(keys)

    def _sought(self, row: Row) -> str:
        """What a search looks through: the line, and all the entry holds."""
        if row.node is None:
            return self._child(row)
        entry = row.node.entry
        return f"{entry.label}\n{canonical(self._desk.masks.json(entry.raw))}"

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all whose logs are known."""
        known = {row.child_id for row in self._walk() if row.child_id and not row.is_known}
        self._opened = set() if away else {child for child in known if child}
        if not away:
            for child in self._opened - set(self._source.activities):
                self.post_message(self.Wanted(child))
        self._arrange()

    def action_fold(self, away: bool) -> None:
        """Open or fold the sub-task under the cursor; from within one, go up to it."""
        self.was_led = True
        row = self.row
        if not isinstance(row, Row):
            return
        if row.child_id is not None and not row.is_known and self._is_open(row) is away:
            if away:
                self._opened.discard(row.child_id)
            else:
                self._opened.add(row.child_id)
                self.post_message(self.Wanted(row.child_id))
            self._arrange()
        elif away and row.depth:
            above = (at for at in range(self.cursor, -1, -1) if self._depth(at) < row.depth)
            self.move_to(next(above, self.cursor), -1)

    def _depth(self, index: int) -> int:
        row = self._row(index)
        return row.depth if isinstance(row, Row) else 0

    def action_choose(self) -> None:
        """Open what has something beneath it; everything else is shown beside."""
        row = self.row
        if isinstance(row, Row) and row.child_id and not row.is_known:
            self.action_fold(row.child_id in self._opened)
        super().action_choose()

    def _turn(self) -> None:
        self._arrange()
        self.post_message(self.Turned())

    def action_errors(self) -> None:
        """Only what failed, or everything."""
        self._errors = not self._errors
        self._turn()

    def action_reasoning(self) -> None:
        """With or without the agent's thinking."""
        self._reasons = not self._reasons
        self._turn()

    def action_plan(self) -> None:
        """Under the steps of the plan, or in the order of time."""
        self._by_plan = not self._by_plan
        self._turn()

    def action_timeline(self) -> None:
        """As a timeline, or as a tree."""
        self.is_timeline = not self.is_timeline
        self._turn()


def _lasted(span: Span) -> str:
    about = "≈" if span.is_derived else ""
    return f"{about}{humanize.exact(span.seconds)}{'…' if span.is_open else ''}"


def _key(row: Row | Remark) -> str:
    if isinstance(row, Remark):
        return f"\n{row.key}"
    if row.node is not None:
        return f"{row.task_id}/{row.node.entry.id}"
    return f"{row.task_id}/{row.step.id if row.step else ''}/{row.child_id}"
