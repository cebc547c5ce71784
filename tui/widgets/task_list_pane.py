"""The task list pane: the table of tasks with its headings, a preview, and a text in place of an empty list."""

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

from tui.domain.filter_coverage import FilterCoverage
from tui.domain.filters import Filter
from tui.domain.list_status import ListStatus
from tui.domain.seen_values import SeenValues
from tui.domain.state import State
from tui.domain.task_list import ListView, TaskListModel
from tui.domain.task_list_rows import GroupHeader, ListRow
from tui.widgets.empty_list import EmptyList
from tui.widgets.list_scheduler import ListScheduler
from tui.widgets.list_title import Liveness
from tui.widgets.segment_line import SegmentLine
from tui.widgets.task_columns import COLUMNS, columns_for, heading_line
from tui.widgets.task_filter import agent_names, filter_context
from tui.widgets.task_preview import TaskPreview
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext

FIRST_TASK_ROW = 1
"""The row of the first task, below the header of its group."""
PREVIEW_DELAY_SECONDS = 0.4
"""Seconds for which the cursor must stay on a task before more of the task is requested."""
TIMED_REBUILD_SECONDS = 5
"""Seconds between two rebuilds of a list whose filter or order depends on the time."""


class TaskListPane(Vertical):
    """A pane with the tasks that the filter matches, in groups or sorted by a column."""

    active_filter: var[Filter] = var(Filter, init=False)
    only_group: var[str | None] = var(None, init=False)
    """The group that is listed alone."""
    column: var[str | None] = var(None, init=False)
    """The column that the list is sorted by; None lists the tasks in groups."""
    reverse: var[bool] = var(False, init=False)

    class PreviewRequested(Message):
        """A message that requests more of the task under the cursor; its log too if there is room to show it."""

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
        self._preview = TaskPreview(ui.now, ui.redactor, id="peek")
        self.status = ListStatus()
        """How much of the platform's tasks is loaded, and when it was read."""
        self.liveness = Liveness()
        self.coverage = FilterCoverage(Filter())
        self._task_to_select = ""
        self._ticks = 0
        self._preview_timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Compose the headings, the table, the text for an empty list, and the preview."""
        yield SegmentLine(id="heading")
        # The class is set from the start, because setting it later would style the body a second time.
        with Container(id="body", classes="-empty"):
            yield self.tasks
            yield EmptyList(id="empty")
            yield self._preview

    def on_mount(self) -> None:
        """Watch the cursor from the mount on."""
        self.watch(self.tasks, "cursor", self._follow_cursor, init=False)

    def on_unmount(self) -> None:
        """Close the scheduler on unmount."""
        self.scheduler.close()

    @property
    def listing(self) -> TaskListModel:
        """The listing that is shown."""
        return self.scheduler.listing

    @property
    def row(self) -> ListRow | None:
        """The row under the cursor."""
        return self.tasks.row

    # Updating

    def update_list(self) -> None:
        """Update the list with the changes that the scheduler has collected."""
        scheduler = self.scheduler
        touched = scheduler.state.touched
        if scheduler.needs_rebuild:
            scheduler.rebuild()
        elif scheduler.has_changes or not self.listing.loaded:
            scheduler.update()
            line = self.tasks.line
            if line and line.waiting_task.id in touched.tasks:
                self._request_preview_later()
        elif touched.logs:
            self._update_preview()

    def current_view(self, state: State) -> ListView:
        """Return the current view: which tasks are listed, and in which order."""
        matches = None
        if self.active_filter:
            matches = self.coverage.predicate(filter_context(self._ui, state))
        now, names = self._ui.now(), agent_names(state)
        return ListView(matches, self.only_group, self.column, self.reverse, names, now, self.status)

    def show_listing(self, listing: TaskListModel, change: Callable[[], object], *, is_other: bool = False) -> None:
        """Call `change`, then show the listing.

        The cursor stays on its task. If `is_other` is true and the task is not listed any more, it goes to the top; at
        the top it stays while the lists are read for the first time, in which tasks change their places.
        """
        was_empty = self.tasks.count() == 0
        old_line = self.tasks.line
        was_at_top = self.tasks.cursor <= FIRST_TASK_ROW
        self.tasks.show(listing, change)
        if was_at_top and not self.status.is_known:
            self.tasks.move_to(0)
        if was_empty:
            self._request_preview_later()
        self._select_wanted_task()
        self._on_shown()
        self.show_emptiness()
        self._update_preview()
        if is_other:
            is_old_line_listed = old_line is not None and self.tasks.index_of(old_line.key) is not None
            if not is_old_line_listed:
                self.tasks.move_to(0)
            self.call_after_refresh(self.tasks.show_cursor)

    def run_in_background(self, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> Worker[None]:
        """Run work of the scheduler in the background."""
        return self.run_worker(work, group=group)

    def select(self, task_id: str) -> None:
        """Select a task as soon as it is in the list."""
        self._task_to_select = task_id

    def _select_wanted_task(self) -> None:
        """Select the task that `select` named, once it is in the list."""
        if not self._task_to_select:
            return
        index = self.tasks.index_of(self._task_to_select)
        if index is not None:
            self._task_to_select = ""
            self.tasks.move_to(index)

    def tick(self) -> None:
        """Redraw the times at each tick of the clock; rebuild a list that depends on the time now and then."""
        self._ticks += 1
        is_order_timed = self.column == "wait"
        is_filter_timed = any(term.field in {"age", "wait"} for term in self.active_filter.terms)
        is_rebuild_due = self._ticks % TIMED_REBUILD_SECONDS == 0
        if is_rebuild_due and (is_order_timed or is_filter_timed):
            self.scheduler.rebuild()
        self.tasks.tick()
        self._preview.tick()

    def show_heading(self) -> None:
        """Show the headings of the columns that fit."""
        width = self.tasks.scrollable_content_region.width or self.screen.size.width
        headings = heading_line(width, self._ui.time_format, self.column, self.reverse)
        self.query_one("#heading", SegmentLine).show(headings, [])

    def show_emptiness(self) -> None:
        """Show why the list is empty, if it is, and which key to press."""
        is_empty = self.listing.is_empty
        self.query_one("#body").set_class(is_empty, "-empty")
        if not is_empty:
            return
        empty_list = self.query_one(EmptyList)
        is_filtered = bool(self.active_filter or self.only_group)
        if is_filtered and not self.liveness.reason:
            loaded = self.listing.loaded
            has_more = self.status.has_more(loaded)
            statuses = self._seen.values("status")
            empty_list.show_filtered(self.active_filter, statuses, loaded, has_more=has_more)
        else:
            empty_list.show_reason(self.liveness)

    # The preview

    def _update_preview(self) -> None:
        self._preview.show(self.tasks.line, self.scheduler.state)

    def _follow_cursor(self) -> None:
        self._update_preview()
        self._request_preview_later()

    def _request_preview_later(self) -> None:
        """Request more of the task under the cursor once the cursor has stayed on it for `PREVIEW_DELAY_SECONDS`."""
        if self._preview_timer:
            self._preview_timer.stop()
        self._preview_timer = self.set_timer(PREVIEW_DELAY_SECONDS, self._request_preview)

    def _request_preview(self) -> None:
        line = self.tasks.line
        if line:
            self.post_message(self.PreviewRequested(line.waiting_task.id, self.screen.has_class("-wide")))

    # Folding and sorting

    @on(TaskTable.Chosen)
    def _unfold_group(self) -> None:
        if isinstance(self.row, GroupHeader):
            self._toggle(self.row.key, True)

    @on(TaskTable.Folded)
    def _fold(self, event: TaskTable.Folded) -> None:
        self._toggle(event.key, event.is_open)

    def _toggle(self, key: str, is_open: bool) -> None:
        self.scheduler.toggle(key, is_open)
        index = self.tasks.index_of(key)
        if index is not None:
            self.tasks.move_to(index)

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
        """Sort by the next column that is shown; after the last one, list the tasks in groups."""
        width = self.tasks.scrollable_content_region.width
        columns = columns_for(width, self._ui.time_format)
        names = [None, *(column.name for column, _ in columns)]  # None stands for the groups
        index = 0
        if self.column in names:
            index = names.index(self.column)
        next_index = (index + 1) % len(names)
        self._sort_by(names[next_index])

    def _sort_by(self, name: str | None) -> None:
        """Sort by a column, or by groups; numbers begin with the largest."""
        self.reverse = any(column.name == name and column.is_number for column in COLUMNS)
        self.column = name

    def watch_active_filter(self) -> None:
        """Rebuild the list for another filter."""
        self.coverage = FilterCoverage(self.active_filter)
        self.scheduler.rebuild(is_other=True)

    def watch_only_group(self) -> None:
        """Rebuild the list for another group."""
        if self.only_group is not None:
            self.listing.folded.discard(self.only_group)
        self.scheduler.rebuild(is_other=True)

    def watch_column(self) -> None:
        """Rebuild the list in the order of another column."""
        self.scheduler.rebuild()

    def watch_reverse(self) -> None:
        """Rebuild the list in reverse order."""
        self.scheduler.rebuild()
