"""The table of tasks, whose columns depend on its width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.client.json_values import EPOCH
from tui.domain import humanize, wait_words
from tui.domain.list_status import counted_total
from tui.domain.task_list import TaskListModel
from tui.domain.task_list_rows import GroupHeader, ListRow, MoreLine, TaskLine, clock_text, duration_seconds
from tui.domain.wait_subject import wait_subject
from tui.security.sanitize import one_line
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine, StyledText, fit, fold_glyph
from tui.widgets.task_columns import columns_for
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
"""Seconds for which a changed row flashes."""
MAX_CACHED_LINES = 500
MAX_VALID_SECONDS = 86_400
MAX_STEP_CHARS = 40
MAX_AGENT_CHARS = 60
MIN_SUBJECT_CELLS = 12
"""Cells behind a title from which they tell what the task waits for."""
SUBJECT_SEPARATOR = "  "
NEVER = datetime.max.replace(tzinfo=UTC)
"""The end of validity of a line that shows no time."""


class CachedLine(NamedTuple):
    """A line in the cache: the values that it was made of, and the times between which it is valid."""

    source: object
    since: datetime
    until: datetime
    styled_line: StyledLine


class TaskTable(VirtualList):
    """A table of tasks under a cursor, with marks and folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="tasks.open"),
        Binding("right,l,equals_sign", "fold(True)", "Unfold", show=False, id="tasks.unfold"),
        Binding("left,h,minus", "fold(False)", "Fold", show=False, id="tasks.fold"),
        Binding("space", "mark", "mark", show=False, id="tasks.mark"),
        Binding("v", "range", "Mark from the last mark to here", show=False, id="tasks.range"),
    ]

    class Folded(Message):
        """A message that requests to fold or unfold the sub-tasks of a task, or a group."""

        def __init__(self, key: str, is_open: bool) -> None:
            super().__init__()
            self.key = key
            self.is_open = is_open

    class FoldedAll(Message):
        """A message that requests to fold or unfold all sub-tasks and groups."""

        def __init__(self, away: bool) -> None:
            super().__init__()
            self.away = away

    class Marked(Message):
        """A message that other tasks are marked than before."""

    class Resized(Message):
        """A message that the table was resized; its headings depend on the width."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._listing = TaskListModel()
        self._drawn_states: dict[str, str] = {}
        """The state of each visible task when it was drawn."""
        self._cached_lines: dict[str, CachedLine] = {}
        self._valid_until: dict[int, datetime] = {}
        """The time until which each line is valid, by its index."""
        self._last_tick = EPOCH
        self._flashing: set[str] = set()
        self._last_mark = ""
        self.marks: set[str] = set()

    @property
    def row(self) -> ListRow | None:
        """The row under the cursor."""
        if self.cursor >= len(self._listing):
            return None
        return self._listing.row(self.cursor)

    @property
    def line(self) -> TaskLine | None:
        """The line under the cursor, if it is that of a task."""
        row = self.row
        if isinstance(row, TaskLine):
            return row
        return None

    @property
    def selected_ids(self) -> list[str]:
        """The selected ids: those of the marked tasks, or else of the task under the cursor.

        Marked tasks that a filter hides come last.
        """
        if self.marks:
            indexes = {task_id: self._listing.index_of(task_id) for task_id in self.marks}
            return sorted(self.marks, key=lambda task_id: (indexes[task_id] is None, indexes[task_id] or 0, task_id))
        if self.line:
            return [self.line.task.id]
        return []

    def show(self, listing: TaskListModel, change: Callable[[], object]) -> None:
        """Call `change`, then show the listing; the cursor stays on its task, and changed rows flash once."""
        before = self.rows_will_change()
        change()
        self._listing = listing
        self.rows_changed(before)
        self._flash_changes()

    def _flash_changes(self) -> None:
        states = {line.key: _state_text(line) for line in self._visible_lines()}
        if not self._ui.is_still:
            changed = {key for key, state in states.items() if self._drawn_states.get(key, state) != state}
            if changed:
                self._flashing |= changed
                self.set_timer(FLASH_SECONDS, partial(self._stop_flash, changed))
        self._drawn_states = states

    def _visible_lines(self) -> Iterator[TaskLine]:
        top = self.scroll_offset.y
        for index in range(top, min(top + self.size.height, len(self._listing))):
            row = self._listing.row(index)
            if isinstance(row, TaskLine):
                yield row

    def _stop_flash(self, keys: set[str]) -> None:
        self._flashing -= keys
        self.refresh()

    def background_class(self, index: int) -> str:
        """Return the component class for the background of a row: that of a flash for a while after a change."""
        if self._flashing and self._listing.key(index) in self._flashing:
            return "lines--flash"
        return ""

    def tick(self) -> None:
        """Redraw, at a tick of the clock, the rows that are not valid any more."""
        now, top = self._ui.now(), self.scroll_offset.y
        if now < self._last_tick:  # the clock was set back
            self._valid_until.clear()
        self._last_tick = now
        visible = range(min(self.size.height, self.count() - top))
        outdated = {y for y in visible if self._valid_until.get(top + y, now) <= now}
        if outdated:
            self.draw_changed(outdated)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._listing)

    def key_of(self, index: int) -> object:
        """Return the key of a row, which is the id of its task."""
        return self._listing.key(index)

    def index_of(self, key: object) -> int | None:
        """Return the index of the row with this key."""
        if not isinstance(key, str):
            return None
        return self._listing.index_of(key)

    def can_hold_cursor(self, index: int) -> bool:
        """Return whether a row can hold the cursor: not the header of an open group."""
        header = self._listing.header(index)
        return header is None or not header.is_open

    # Folding

    def on_resize(self) -> None:
        """Post `Resized`."""
        super().on_resize()
        self.post_message(self.Resized())

    def on_click(self, event: events.Click) -> None:
        """Fold or unfold a group after a click on its header; mark a task after a click on its first cell."""
        index = self.scroll_offset.y + event.y
        if index >= len(self._listing):
            return
        header = self._listing.header(index)
        if header:
            self.post_message(self.Folded(header.key, not header.is_open))
        elif event.x == 0:
            self.cursor = index
            self.action_mark()

    def action_fold(self, is_open: bool) -> None:
        """Fold or unfold the task or group under the cursor; of a task without open sub-tasks, go to its parent."""
        line = self.line
        if line is None:
            if isinstance(self.row, GroupHeader):
                self.post_message(self.Folded(self.row.key, is_open))
        elif line.subtask_count and line.is_open is not is_open:
            self.post_message(self.Folded(line.task.id, is_open))
        elif not is_open:
            self._go_to_parent(line)

    def _go_to_parent(self, line: TaskLine) -> None:
        """Go to the parent task of a line; if it has none, fold its group."""
        indexes = range(self.cursor, -1, -1)
        parent = next((index for index in indexes if self._is_parent(index, line)), None)
        if parent is None:
            return
        header = self._listing.header(parent)
        if header:
            self.post_message(self.Folded(header.key, False))
        else:
            self.move_to(parent, -1)

    def _is_parent(self, index: int, line: TaskLine) -> bool:
        row = self._listing.row(index)
        if line.depth == 0:
            return isinstance(row, GroupHeader)
        return isinstance(row, TaskLine) and row.depth < line.depth

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all sub-tasks and groups."""
        self.post_message(self.FoldedAll(away))

    # Marking

    def action_mark(self) -> None:
        """Mark or unmark the task under the cursor, and go to the next row."""
        line = self.line
        if line:
            self.marks ^= {line.task.id}
            self._last_mark = line.task.id
            self.move_to(self.cursor + 1)
            self._marks_changed()

    def action_range(self) -> None:
        """Mark the range of tasks from the last mark to the cursor."""
        last_mark = self._listing.index_of(self._last_mark)
        if last_mark is None:
            last_mark = self.cursor
        first, last = sorted((last_mark, self.cursor))
        keys = (self._listing.key(index) for index in range(first, min(last + 1, len(self._listing))))
        self.marks |= {key for key in keys if not key.startswith("\n")}
        self._marks_changed()

    def unmark(self) -> None:
        """Unmark all tasks."""
        self.marks = set()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.Marked())

    # Drawing

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text: a group's header, a task in columns, or the line about further tasks."""
        row = self._listing.row(index)
        if len(self._valid_until) >= MAX_CACHED_LINES:
            self._valid_until.clear()
        self._valid_until[index] = NEVER
        if isinstance(row, GroupHeader):
            style = "need" if row.group == "Needs you" else "head"
            more = "+" if self._listing.may_have_more(row.group) else ""
            return [StyledText(f" {fold_glyph(row.is_open)} {one_line(row.group)} ({row.count}{more})", style)]
        if isinstance(row, MoreLine):
            key = key_name(self, "tasks.open")
            extent = f"{row.loaded:,} are loaded, the platform may have more"
            if row.total is not None:
                extent = f"{row.loaded:,} of {counted_total(row.total)} are loaded"
            return [StyledText(f"   {extent}: {key} loads more", "faint")]
        cached = self._cached_line(row, width)
        self._valid_until[index] = cached.until
        return cached.styled_line

    def _cached_line(self, row: TaskLine, width: int) -> CachedLine:
        """Return a task's line from the cache; make it if it has changed or is not valid any more."""
        if row.key not in self._drawn_states:
            self._drawn_states[row.key] = _state_text(row)
        now, is_marked = self._ui.now(), row.task.id in self.marks
        agent = self._listing.view.names.get(row.task.agent_id, row.task.agent_id)
        source = row, agent, is_marked, width, self._ui.time_format
        cached = self._cached_lines.get(row.key)
        if cached is not None and cached.source == source and cached.since <= now < cached.until:
            return cached
        if len(self._cached_lines) >= MAX_CACHED_LINES:
            self._cached_lines.clear()
        seconds = duration_seconds(row, now)
        cells = self._cells(row, agent, seconds)
        styled_line = [StyledText("*", "marked") if is_marked else StyledText(" ")]
        for column, cell_width in columns_for(width, self._ui.time_format):
            text, style = cells[column.name]
            if column.name == "title":
                styled_line += self._title_texts(row, cells["title"], cell_width)
                continue
            styled_line.append(StyledText(fit(text, cell_width - 1, right=column.is_number) + " ", style))
        cached = CachedLine(source, now, now + self._validity(row, seconds), tuple(styled_line))
        self._cached_lines[row.key] = cached
        return cached

    def _validity(self, row: TaskLine, seconds: float | None) -> timedelta:
        """Return for how long a line stays valid if its task does not change: until one of its times changes."""
        valid_seconds: float = MAX_VALID_SECONDS
        if row.task.changed_at is not None:
            valid_seconds = min(valid_seconds, self._ui.seconds_until_change(row.task.changed_at))
        if row.wait and row.wait.until:
            valid_seconds = min(valid_seconds, 1.0)
        elif seconds is not None and not row.task.is_final:
            clock_seconds = 1 - seconds % 1
            if row.wait:
                clock_seconds = humanize.seconds_until_change(seconds)
            valid_seconds = min(valid_seconds, clock_seconds)
        return timedelta(seconds=valid_seconds)

    def _cells(self, row: TaskLine, agent: str, seconds: float | None) -> dict[str, StyledText]:
        """Return the cells of a task's line by the names of their columns."""
        task = row.task
        plan = tokens = ""
        if task.plan and task.plan.steps:
            plan = f"{task.plan.done}/{len(task.plan.steps)}"
        if task.tokens and task.tokens.total:
            tokens = humanize.short_count(task.tokens.total)
        final_style = "faint" if task.is_final else ""
        title_style, clock_style = final_style, "faint"
        if row.wait and row.wait.needs_person:
            title_style, clock_style = "strong", wait_words.style_of(row.wait)
        return {
            "status": _status_cell(row),
            "title": StyledText(self._title(row), title_style),
            "agent": StyledText(self._ui.safe(agent, MAX_AGENT_CHARS), final_style),
            "wait": StyledText(clock_text(row, seconds, self._ui.now()), clock_style),
            "plan": StyledText(plan, final_style),
            "tokens": StyledText(tokens, "faint"),
            "updated": StyledText(self._ui.format_time(task.changed_at), "faint"),
        }

    def _title_texts(self, row: TaskLine, title: StyledText, width: int) -> StyledLine:
        """Return the title's cell, in which the room behind a short title tells what the task waits for."""
        text, style = title
        room = width - 1 - cell_len(text) - len(SUBJECT_SEPARATOR)
        if row.wait is None or room < MIN_SUBJECT_CELLS:
            return [StyledText(fit(text, width - 1) + " ", style)]
        subject = wait_subject(row.waiting_task, row.open_entry, self._ui.redactor)
        return [StyledText(text, style), StyledText(SUBJECT_SEPARATOR + fit(subject, room) + " ", "faint")]

    def _title(self, row: TaskLine) -> str:
        """Return a task's title, with the path to the sub-task that waits and the number of sub-tasks."""
        fold_mark, count = "", ""
        if row.subtask_count:
            fold_mark = f"{fold_glyph(row.is_open)} "
            count = f"  ({row.subtask_count})"
        path = "".join(f" › {self._ui.safe(step.name, MAX_STEP_CHARS)}" for step in row.path)
        return f"{'  ' * row.depth}{fold_mark}{self._ui.safe(row.task.name)}{path}{count}"


def _status_cell(row: TaskLine) -> StyledText:
    if row.wait:
        return StyledText(f"{wait_words.glyph_of(row.wait)} {row.wait.short_words}", wait_words.style_of(row.wait))
    status = row.task.status
    text = f"{STATUS_GLYPHS.get(status, '?')} {one_line(status) or 'unknown'}"
    return StyledText(text, STATUS_STYLES.get(status, ""))


def _state_text(line: TaskLine) -> str:
    """Return a text that differs when the state of a task has changed."""
    return f"{line.task.status} {line.wait}"
