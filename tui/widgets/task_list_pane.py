"""The list of tasks with its headings, its preview, and what is said where no task is shown."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message
from textual.reactive import var
from textual.timer import Timer
from textual.worker import Worker

from tui.domain.filters import Filter
from tui.domain.seen_values import SeenValues
from tui.domain.state import State
from tui.domain.task_list import ListView, TaskListModel
from tui.domain.task_list_rows import GroupHeader, ListRow, TaskLine
from tui.widgets.empty_list import EmptyList
from tui.widgets.list_scheduler import ListScheduler
from tui.widgets.list_title import Liveness
from tui.widgets.segment_line import SegmentLine
from tui.widgets.task_filter import agent_names, filter_context
from tui.widgets.task_preview import TaskPreview
from tui.widgets.task_table import COLUMNS, TaskTable, columns_for, heading_line
from tui.widgets.ui_context import UIContext

PREVIEW_DELAY_SECONDS = 0.4
"""Seconds after which a cursor that stays on a task asks for more of it."""
TIMED_REBUILD_SECONDS = 5
"""Seconds after which a list that depends on the time is built anew."""


class TaskListPane(Vertical):
    """Shows the tasks that the filter wants, in groups or by a column, and a preview of the one under the cursor."""

    asked: var[Filter] = var(Filter, init=False)
    only: var[str | None] = var(None, init=False)
    """The group that is shown alone."""
    column: var[str | None] = var(None, init=False)
    """The column that the list is sorted by; without one, it stands in groups."""
    reverse: var[bool] = var(False, init=False)

    class PreviewRequested(Message):
        """The cursor has come to rest on a task: more is to be known of it, its log too where there is room for it."""

        def __init__(self, task_id: str, with_log: bool) -> None:
            super().__init__()
            self.task_id = task_id
            self.with_log = with_log

    def __init__(self, ui: UIContext, seen: SeenValues, on_shown: Callable[[], None]) -> None:
        super().__init__()
        self._ui = ui
        self._seen = seen
        self._on_shown = on_shown
        self.scheduler = ListScheduler(self)
        self.tasks = TaskTable(ui, id="tasks")
        self._peek = TaskPreview(ui.now, ui.redactor, id="peek")
        self.total: int | None = None
        """How many tasks the platform has."""
        self.liveness = Liveness()
        self._wanted = ""
        self._ticks = 0
        self._preview_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Yield headings, list, what is said without a list, and preview."""
        yield SegmentLine(id="heading")
        with Container(id="body", classes="-empty"):  # as it begins: to say so later would style it again
            yield self.tasks
            yield EmptyList(id="empty")
            yield self._peek

    def on_mount(self) -> None:
        """Follow the cursor."""
        self.watch(self.tasks, "cursor", self._follow_cursor, init=False)

    def on_unmount(self) -> None:
        """Start no more work."""
        self.scheduler.close()

    @property
    def listing(self) -> TaskListModel:
        """The listing that is shown."""
        return self.scheduler.listing

    @property
    def row(self) -> ListRow | None:
        """The row under the cursor."""
        return self.tasks.row

    # Showing

    def update_list(self) -> None:
        """Bring the list up to date with the state that the scheduler has collected."""
        scheduler, touched = self.scheduler, self.scheduler.state.touched
        if scheduler.needs_rebuild:
            scheduler.rebuild()
        elif scheduler.has_changes or not self.listing.loaded:
            scheduler.update()
            if (line := self.tasks.line) and _previewed(line) in touched.tasks:
                self._preview_later()
        elif touched.logs:
            self._show_preview()

    def current_view(self, state: State) -> ListView:
        """Return which tasks are wanted, and in which order."""
        matches = self.asked.predicate(filter_context(self._ui, state)) if self.asked else None
        total = None if self.only else self.total
        return ListView(matches, self.only, self.column, self.reverse, agent_names(state), self._ui.now(), total)

    def show_listing(self, listing: TaskListModel, change: Callable[[], object], *, is_other: bool = False) -> None:
        """Show a listing once it has changed; of another one, the cursor stays on its task or goes to the first."""
        is_first, before = not self.tasks.count(), self.tasks.line
        self.tasks.show(listing, change)
        if is_first:
            self._preview_later()
        if self._wanted and (place := self.tasks.index_of(self._wanted)) is not None:
            self._wanted = ""
            self.tasks.move_to(place)
        self._on_shown()
        self.show_emptiness()
        self._show_preview()
        if is_other:
            if before is None or self.tasks.index_of(before.key) is None:
                self.tasks.move_to(0)
            self.call_after_refresh(self.tasks.show_cursor)

    def run_in_background(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> Worker[None]:
        """Start work of the scheduler."""
        return self.run_worker(work, group=group)

    def select(self, task_id: str) -> None:
        """Put the cursor on a task as soon as it is in the list."""
        self._wanted = task_id

    def tick(self) -> None:
        """Draw the times anew; a list that depends on the time is built anew now and then."""
        self._ticks += 1
        is_timed = self.column == "wait" or any(term.field in {"age", "wait"} for term in self.asked.terms)
        if is_timed and self._ticks % TIMED_REBUILD_SECONDS == 0:
            self.scheduler.rebuild()
        self.tasks.tick()
        self._peek.tick()

    def show_heading(self) -> None:
        """Show the headings of the columns that there is room for."""
        width = self.tasks.scrollable_content_region.width or self.screen.size.width
        self.query_one("#heading", SegmentLine).show(heading_line(width, self._ui.time, self.column, self.reverse), [])

    def show_emptiness(self) -> None:
        """Say why no task is shown, where none is, and what to press."""
        is_empty, loaded = self.listing.is_empty, self.listing.loaded
        self.query_one("#body").set_class(is_empty, "-empty")
        if not is_empty:
            return
        if not self.liveness.why and (self.asked or self.only):
            has_more = self.total is not None and self.total > loaded
            statuses = self._seen.values("status")
            self.query_one(EmptyList).show_filtered(self.asked, statuses, loaded, has_more=has_more)
        else:
            self.query_one(EmptyList).show_reason(self.liveness)

    # The preview

    def _show_preview(self) -> None:
        self._peek.show(self.tasks.line, self.scheduler.state)

    def _follow_cursor(self) -> None:
        self._show_preview()
        self._preview_later()

    def _preview_later(self) -> None:
        """Ask for more of the task under the cursor once the cursor has stayed on it for a moment."""
        if self._preview_timer:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(PREVIEW_DELAY_SECONDS, self._ask_for_preview)

    def _ask_for_preview(self) -> None:
        if line := self.tasks.line:
            self.post_message(self.PreviewRequested(_previewed(line), self.screen.has_class("-wide")))

    # Folds and order

    @on(TaskTable.Chosen)
    def _fold_group(self) -> None:
        if isinstance(self.row, GroupHeader):
            self._toggle(self.row.key, True)

    @on(TaskTable.Folded)
    def _fold(self, event: TaskTable.Folded) -> None:
        self._toggle(event.key, event.is_open)

    def _toggle(self, key: str, is_open: bool) -> None:
        self.scheduler.toggle(key, is_open)
        if (place := self.tasks.index_of(key)) is not None:
            self.tasks.move_to(place)

    @on(TaskTable.FoldedAll)
    def _fold_all(self, event: TaskTable.FoldedAll) -> None:
        self.scheduler.toggle_all(not event.away)

    @on(SegmentLine.Picked, "#heading")
    def _sort_by_heading(self, event: SegmentLine.Picked) -> None:
        if self.column == event.name:
            self.reverse = not self.reverse
        else:
            self._sort_by(event.name)

    def sort_by_next(self) -> None:
        """Sort by the next column that is shown; after the last, by groups again."""
        width = self.tasks.scrollable_content_region.width
        names = [None, *(column.name for column, _ in columns_for(width, self._ui.time))]
        at = names.index(self.column) if self.column in names else 0
        self._sort_by(names[(at + 1) % len(names)])

    def _sort_by(self, name: str | None) -> None:
        """Sort by a column; numbers begin with the largest."""
        self.reverse = any(column.name == name and column.is_number for column in COLUMNS)
        self.column = name

    def watch_asked(self) -> None:
        """Build the list for another filter."""
        self.scheduler.rebuild(is_other=True)

    def watch_only(self) -> None:
        """Build the list for another group."""
        if self.only is not None:
            self.listing.folded.discard(self.only)
        self.scheduler.rebuild(is_other=True)

    def watch_column(self) -> None:
        """Build the list in another order."""
        self.scheduler.rebuild()

    def watch_reverse(self) -> None:
        """Build the list in the reversed order."""
        self.scheduler.rebuild()


def _previewed(line: TaskLine) -> str:
    """Return the task of a line that is previewed: the one that waits, where one below does."""
    return (line.path[-1] if line.path else line.task).id
