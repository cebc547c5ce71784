"""The list of tasks, in columns that choose themselves by the width there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.client.json_values import EPOCH
from tui.domain import humanize
from tui.domain.task_list import TaskListModel
from tui.domain.task_list_rows import GroupHeader, ListRow, MoreLine, TaskLine, duration_seconds
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

STATUS_GLYPHS = {
    "paused": "‖", "executing": "▶", "pending": "·", "completed": "✓", "failed": "✗", "error": "!", "stopped": "■",
}  # fmt: skip
STATUS_STYLES = {
    "executing": "running",
    "failed": "failed",
    "error": "failed",
    "completed": "faint",
    "stopped": "faint",
}
FLASH_SECONDS = 0.6
"""Seconds for which a row stands out that has changed."""
MAX_CACHED_LINES = 500
"""How many lines are remembered as they were made last."""
NEVER_CHANGES = datetime.max.replace(tzinfo=UTC)
"""When what shows no clock has to be looked at again."""


class CachedLine(NamedTuple):
    """A line, what it was made of, and from when until when it tells the time as it is."""

    of: object
    since: datetime
    until: datetime
    pieces: StyledLine


class TableColumn(NamedTuple):
    """One column: its name, its heading, its width, and from which width of the list it is there."""

    name: str
    heading: str
    width: int
    since: int = 0
    is_number: bool = False


COLUMNS = (
    TableColumn("status", "STATUS", 15),
    TableColumn("title", "TITLE", 0),
    TableColumn("agent", "AGENT", 13, 70),
    TableColumn("wait", "WAIT/RUN", 9, 0, True),
    TableColumn("plan", "PLAN", 6, 84, True),
    TableColumn("tokens", "TOKENS", 8, 100, True),
    TableColumn("updated", "UPDATED", 10, 92, True),
)


class TaskTable(VirtualList):
    """Tasks under a cursor, with marks and folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="tasks.open"),
        Binding("right,l,equals_sign", "fold(True)", "Unfold", show=False, id="tasks.unfold"),
        Binding("left,h,minus", "fold(False)", "Fold", show=False, id="tasks.fold"),
        Binding("space", "mark", "mark", show=False, id="tasks.mark"),
        Binding("v", "range", "Mark from the last mark to here", show=False, id="tasks.range"),
    ]

    class Folded(Message):
        """The sub-tasks of a task, or a group, are wanted, or not any more."""

        def __init__(self, key: str, is_open: bool) -> None:
            super().__init__()
            self.key = key
            self.is_open = is_open

    class FoldedAll(Message):
        """All sub-tasks and groups are wanted, or not any more."""

        def __init__(self, away: bool) -> None:
            super().__init__()
            self.away = away

    class Marked(Message):
        """Other tasks are marked now."""

    class Resized(Message):
        """Its lines have another width, and so has what stands above them."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._listing = TaskListModel()
        self._states: dict[str, str] = {}
        """How the lines in sight were drawn last."""
        self._made: dict[str, CachedLine] = {}
        """Lines as they were made last: a moment later most are the same."""
        self._steady: dict[int, datetime] = {}
        """Until when what a line shows of the time, by its place, is right."""
        self._ticked = EPOCH
        self._flashing: set[str] = set()
        self._last_mark = ""
        self.marks: set[str] = set()

    @property
    def row(self) -> ListRow | None:
        """The row under the cursor."""
        return self._listing.row(self.cursor) if self.cursor < len(self._listing) else None

    @property
    def line(self) -> TaskLine | None:
        """The line under the cursor, where it is about a task."""
        row = self.row
        return row if isinstance(row, TaskLine) else None

    @property
    def chosen(self) -> list[str]:
        """The marked tasks, also those that a filter hides, or the one under the cursor."""
        places = {one: self._listing.index_of(one) for one in self.marks}
        marked = sorted(self.marks, key=lambda one: (places[one] is None, places[one] or 0, one))
        return marked or ([self.line.task.id] if self.line else [])

    def show(self, listing: TaskListModel, change: Callable[[], object]) -> None:
        """Show a listing once it has changed; the cursor stays on its task, and what has changed flashes once."""
        before = self.rows_will_change()
        change()
        self._listing = listing
        self.rows_changed(before)
        self._note_changes()

    def _note_changes(self) -> None:
        states = {line.key: _state(line) for line in self._in_sight()}
        if not self._ui.is_still:
            changed = {key for key, state in states.items() if self._states.get(key, state) != state}
            if changed:
                self._flashing |= changed
                self.set_timer(FLASH_SECONDS, partial(self._flashed, changed))
        self._states = states

    def _in_sight(self) -> Iterator[TaskLine]:
        """The lines in sight."""
        top = self.scroll_offset.y
        for place in range(top, min(top + self.size.height, len(self._listing))):
            if isinstance(row := self._listing.row(place), TaskLine):
                yield row

    def _flashed(self, keys: set[str]) -> None:
        self._flashing -= keys
        self.refresh()

    def ground(self, index: int) -> str:
        """What has just changed stands out for a moment."""
        return "lines--flash" if self._flashing and self._listing.key(index) in self._flashing else ""

    def tick(self) -> None:
        """The clocks go on: only those are looked at that may say something else by now."""
        now, top = self._ui.now(), self.scroll_offset.y
        if now < self._ticked:  # somebody has set them back
            self._steady.clear()
        self._ticked = now
        in_sight = range(min(self.size.height, self.count() - top))
        if due := {y for y in in_sight if self._steady.get(top + y, now) <= now}:
            self.draw_changed(due)

    def count(self) -> int:
        """How many rows there are."""
        return len(self._listing)

    def key_of(self, index: int) -> object:
        """The task's id."""
        return self._listing.key(index)

    def index_of(self, key: object) -> int | None:
        """Where a task is."""
        return self._listing.index_of(key) if isinstance(key, str) else None

    def can_hold_cursor(self, index: int) -> bool:
        """A heading is passed over while its group is open."""
        head = self._listing.head(index)
        return head is None or not head.is_open

    def on_resize(self) -> None:
        """Tell of it."""
        super().on_resize()
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        """A click on a heading folds its group, or opens it."""
        index = self.scroll_offset.y + event.y
        if index < len(self._listing) and (head := self._listing.head(index)):
            self.post_message(self.Folded(head.key, not head.is_open))
        elif index < len(self._listing) and event.x == 0:
            self.cursor = index
            self.action_mark()

    def action_fold(self, is_open: bool) -> None:
        """Show or hide the sub-tasks, or the whole group."""
        line = self.line
        if line is None:
            if isinstance(self.row, GroupHeader):
                self.post_message(self.Folded(self.row.key, is_open))
        elif line.below and line.is_open is not is_open:
            self.post_message(self.Folded(line.task.id, is_open))
        elif not is_open:
            above = next((at for at in range(self.cursor, -1, -1) if self._above(at, line)), None)
            if above is not None and (head := self._listing.head(above)):
                self.post_message(self.Folded(head.key, False))
            elif above is not None:
                self.move_to(above, -1)

    def _above(self, index: int, line: TaskLine) -> bool:
        """Whether a row is what a line stands under."""
        row = self._listing.row(index)
        return isinstance(row, GroupHeader) if line.depth == 0 else isinstance(row, TaskLine) and row.depth < line.depth

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all sub-tasks."""
        self.post_message(self.FoldedAll(away))

    def action_mark(self) -> None:
        """Mark the task, or not any more, and go on to the next."""
        if line := self.line:
            self.marks ^= {line.task.id}
            self._last_mark = line.task.id
            self.move_to(self.cursor + 1)
            self._marked()

    def action_range(self) -> None:
        """Mark everything from the last mark to here."""
        begin = self._listing.index_of(self._last_mark)
        first, last = sorted((self.cursor if begin is None else begin, self.cursor))
        keys = (self._listing.key(place) for place in range(first, min(last + 1, len(self._listing))))
        self.marks |= {key for key in keys if not key.startswith("\n")}
        self._marked()

    def unmark(self) -> None:
        """Nothing is marked any more."""
        self.marks = set()
        self._marked()

    def _marked(self) -> None:
        self.refresh()
        self.post_message(self.Marked())

    def pieces(self, index: int, width: int) -> StyledLine:
        """A heading, a task in its columns, or that there are more."""
        row = self._listing.row(index)
        if len(self._steady) >= MAX_CACHED_LINES:
            self._steady.clear()
        self._steady[index] = NEVER_CHANGES
        if isinstance(row, GroupHeader):
            style = "need" if row.group == "Needs you" else "head"
            return [StyledText(f" {'▾' if row.is_open else '▸'} {one_line(row.group)} ({row.count})", style)]
        if isinstance(row, MoreLine):
            key = key_name(self, "tasks.open")
            return [StyledText(f"   {row.loaded:,} of {row.total:,} are loaded: {key} loads more", "faint")]
        if row.key not in self._states:
            self._states[row.key] = _state(row)
        now, is_marked = self._ui.now(), row.task.id in self.marks
        agent = self._listing.view.names.get(row.task.agent_id, row.task.agent_id)
        of = row, agent, is_marked, width, self._ui.time
        known = self._made.get(row.key)
        if known is None or known.of != of or not known.since <= now < known.until:
            if len(self._made) >= MAX_CACHED_LINES:
                self._made.clear()
            seconds, changed = duration_seconds(row, now), row.task.changed_at
            found: list[StyledText] = [StyledText("*", "marked") if is_marked else StyledText(" ")]
            cells = self._cells(row, agent, _clock(row, seconds), self._ui.when(changed))
            for column, cell_width in columns_for(width, self._ui.time):
                text, style = cells[column.name]
                found.append(StyledText(fit(text, cell_width - 1, right=column.is_number) + " ", style))
            known = self._made[row.key] = CachedLine(of, now, now + self._steadily(row, seconds, changed), tuple(found))
        self._steady[index] = known.until
        return known.pieces

    def _steadily(self, row: TaskLine, seconds: float | None, changed: datetime | None) -> timedelta:
        """For how long a line is right though nobody tells anything of it."""
        until = math.inf if changed is None else self._ui.steady(changed)
        if seconds is not None and not row.task.is_final:
            until = min(until, humanize.seconds_until_change(seconds) if row.wait else 1 - seconds % 1)
        return timedelta(seconds=min(until, 86400))

    def _cells(self, row: TaskLine, agent: str, clock: str, updated: str) -> dict[str, StyledText]:
        task = row.task
        if row.wait:
            status = StyledText(f"‖ {row.wait.kind}", "need")
        else:
            status = StyledText(
                f"{STATUS_GLYPHS.get(task.status, '?')} {one_line(task.status) or 'unknown'}",
                STATUS_STYLES.get(task.status, ""),
            )
        fold = f"{'▾' if row.is_open else '▸'} " if row.below else ""
        below = f"  ({row.below})" if row.below else ""
        where = "".join(f" › {self._ui.safe(step.name, 40)}" for step in row.path)
        title = f"{'  ' * row.depth}{fold}{self._ui.safe(task.name)}{where}{below}"
        plan = f"{task.plan.done}/{len(task.plan.steps)}" if task.plan and task.plan.steps else ""
        strength = "strong" if row.wait else "faint" if task.is_final else ""
        return {
            "status": status,
            "title": StyledText(title, strength),
            "agent": StyledText(self._ui.safe(agent, 60), "faint" if task.is_final else ""),
            "wait": StyledText(clock, "need" if row.wait else "faint"),
            "plan": StyledText(plan, "faint" if task.is_final else ""),
            "tokens": StyledText(
                humanize.short_count(task.tokens.total) if task.tokens and task.tokens.total else "", "faint"
            ),
            "updated": StyledText(updated, "faint"),
        }


def _clock(line: TaskLine, seconds: float | None) -> str:
    """How long a task has waited or run, or took."""
    is_running = not line.wait and not line.task.is_final
    return "" if seconds is None else humanize.running_clock(seconds) if is_running else humanize.duration(seconds)


def _state(line: TaskLine) -> str:
    return f"{line.task.status} {line.wait}"


def columns_for(width: int, time: str) -> list[tuple[TableColumn, int]]:
    """The columns that there is room for, and how wide each is; the title takes what is left."""
    wider = 0 if time == "relative" else 3  # a clock with a day before it
    chosen = [column for column in COLUMNS if width >= column.since + (wider if column.since else 0)]
    widths = {column.name: column.width + (wider if column.name == "updated" else 0) for column in chosen}
    left = width - 1 - sum(widths.values())
    return [(column, widths[column.name] or max(left, 8)) for column in chosen]


def heading_line(width: int, time: str, column: str | None, reverse: bool) -> list[tuple[StyledText, str]]:
    """The line above the list: each heading with the name of its column."""
    found = [(StyledText(" "), "")]
    for one, cell_width in columns_for(width, time):
        arrow = (" ▾" if reverse else " ▴") if one.name == column else ""
        style = "accent" if one.name == column else "faint"
        text = one.heading[: cell_width - 1 - len(arrow)].rstrip("/") + arrow
        found.append((StyledText(fit(text, cell_width - 1, right=one.is_number) + " ", style), one.name))
    return found
