"""The task list: the first screen, with tasks that wait for a person on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.domain.list_status import ListLink, ListStatus, counted_total
from tui.domain.seen_values import SeenValues
from tui.domain.task_list_rows import Group, MoreLine, TaskLine
from tui.screens.base import BaseScreen
from tui.screens.messages import ReviewWanted, TaskCommand, task_to_review, why_no_review
from tui.widgets.filter_input import FilterInput
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.list_title import ListTitle, Liveness
from tui.widgets.segment_line import SegmentLine
from tui.widgets.task_filter import TaskFilter
from tui.widgets.task_list_pane import TaskListPane
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext
from tui.widgets.wait_cursor import WaitCursor

if TYPE_CHECKING:
    from tui.client.task_rows import TaskQuery
    from tui.domain.state import Change, State

WIDE_COLUMNS = 140
"""Columns from which on the preview is shown beside the list."""

LINK_STYLES = {
    ListLink.CONNECTING: "faint",
    ListLink.LIVE: "running",
    ListLink.RETRYING: "failed",
    ListLink.OFFLINE: "failed",
    ListLink.NOT_AUTHORIZED: "failed",
    ListLink.REFUSED: "failed",
}


class TaskListScreen(BaseScreen[None]):
    """The screen with the list of tasks, its filter, and a preview of the task under the cursor."""

    LEAVE_BINDING = "tasks.leave"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "wish('continue')", "reply", id="tasks.continue"),
        Binding("n", "wish('create')", "new", id="tasks.new"),
        Binding("y", "wish('copy')", "Copy", show=False, id="tasks.copy"),
        Binding("X", "wish('stop')", "stop", id="tasks.stop"),
        Binding("a", "review", "review", id="tasks.review"),
        Binding("slash", "filter", "filter", id="tasks.filter"),
        Binding("escape", "leave", "Back", show=False, id="tasks.leave"),
        *(
            Binding(str(number), f"group('{group}')", f"Only {group.lower()}", show=False, id=f"tasks.group_{number}")
            for number, group in enumerate(Group, 1)
        ),
        Binding("s", "sort", "Sort by the next column", show=False, id="tasks.sort"),
        Binding("S", "turn", "Turn the order round", show=False, id="tasks.turn"),
        Binding("t", "time", "Times: relative, local, UTC", show=False, id="tasks.times"),
        Binding("at", "agents", "Agents", show=False, id="tasks.agents"),
        Binding("m", "more", "Load more", show=False, id="tasks.more"),
        Binding("r", "reload", "Read again", show=False, id="tasks.reload"),
        Binding("q", "app.quit", "quit", id="tasks.quit"),
    ]
    AUTO_FOCUS = "#tasks"
    ServerQueryChanged: TypeAlias = TaskFilter.ServerQueryChanged
    PreviewRequested: TypeAlias = TaskListPane.PreviewRequested

    class Opened(Message):
        """A task was opened."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class Reload(Message):
        """A request to reload the lists now."""

    class More(Message):
        """A request to load more tasks."""

    class AgentsWanted(Message):
        """A request to show the agents, so that the operator can choose one."""

    def __init__(self, ui: UIContext, initial_filter: str = "") -> None:
        super().__init__()
        self._initial_filter = initial_filter
        self._ui = ui
        self._is_ready = False
        """Whether the widgets of the screen are mounted."""
        self._seen_values = SeenValues(ui.redactor)
        self.task_filter = TaskFilter(ui, self._seen_values)
        self.list_pane = TaskListPane(ui, self._seen_values, self._show_titles)
        self.wait_cursor = WaitCursor(self.list_pane)
        self._filter_result: tuple[TaskQuery, int | None] | None = None
        """The last query that the platform has answered, and the count of its tasks."""
        self._refused: tuple[TaskQuery, str] | None = None
        """The last query that the platform does not take, and its reason."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets, from top to bottom."""
        yield ListTitle(self._ui, id="title")
        yield self.task_filter
        yield self.list_pane
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_unmount(self) -> None:
        """Note that the widgets are unmounted, and can show nothing any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Fill the list after mounting, and connect it with the filter."""
        self._is_ready = True
        self.watch(self.task_filter, "active_filter", self._use_filter, init=False)
        self.watch(self.list_pane, "only_group", self.task_filter.show_group, init=False)
        self.watch(self.list_pane.tasks, "show_vertical_scrollbar", self._show_titles, init=False)
        self.filter(self._initial_filter)
        self.set_interval(1.0, self._tick)
        self.list_pane.scheduler.rebuild()

    # Called by the app

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the list with a new state; while another screen covers it, that is done later."""
        self._seen_values.collect(state)
        self.task_filter.update_state(state)
        self.list_pane.scheduler.collect(state)
        if self._is_ready and self.is_seen:
            self.list_pane.update_list()

    def on_screen_resume(self) -> None:
        """Catch up with the state once the screen is resumed."""
        if self._is_ready:
            self.list_pane.scheduler.catch_up()
            self.wait_cursor.leave_decided_row()

    def update_list_status(self, status: ListStatus) -> None:
        """Update the list with its status: how live it is, and why an empty list is empty."""
        before, now = self.list_pane.liveness, self._ui.now()
        is_other_extent = _extent(status) != _extent(self.list_pane.status)
        self.list_pane.status = status
        self.list_pane.liveness = Liveness(
            str(status.link),
            LINK_STYLES[status.link],
            self._ui.safe(status.reason),
            status.max_age_seconds,
            status.checked_at,
            status.read_at,
            status.link in {ListLink.CONNECTING, ListLink.LIVE},
        )
        if not self._is_ready:
            return
        if before.is_stale(now) or not before.has_same_text_as(self.list_pane.liveness):
            self._show_titles()
            self.list_pane.show_emptiness()
        if is_other_extent and self.is_seen:
            self.list_pane.scheduler.catch_up()  # for the last row, which offers to load more
        if status.filtered is not None and status.filtered != self._filter_result:
            self.task_filter.show_server_count(*status.filtered)
        self._filter_result = status.filtered
        if status.refused is not None and status.refused != self._refused:
            query, reason = status.refused
            self.task_filter.show_refusal(query, self._ui.safe(reason))
        self._refused = status.refused

    def filter(self, text: str) -> None:
        """Filter the list by this text."""
        self.task_filter.input.value = text
        self.list_pane.tasks.focus()

    # The next task

    def move_to_row(self, task_ids: Sequence[str], by: int) -> bool:
        """Move the cursor to the next of these tasks that is shown, and say how many the filter hides."""
        if hidden := self.wait_cursor.move_to_next(task_ids, by):
            self.hint(f"the filter hides {hidden} more: {key_name(self, 'tasks.leave')} shows all")
        return True

    def on_screen_suspend(self) -> None:
        """Note the wait under the cursor when another screen covers the list."""
        if self._is_ready and not self.is_seen:
            self.wait_cursor.note_covered()

    # Drawing

    @on(TaskTable.Resized)
    @on(TaskTable.Marked)
    def _show_titles(self) -> None:
        pane = self.list_pane
        self.query_one(ListTitle).show_counts(
            pane.liveness,
            pane.listing,
            marked=len(pane.tasks.marks),
            only_group=pane.only_group,
            is_filtered=bool(pane.active_filter or pane.only_group),
            status=pane.status,
        )
        pane.show_heading()
        self.task_filter.show_coverage(pane.coverage.words)

    def _tick(self) -> None:
        self.list_pane.tick()
        self._show_titles()

    def on_resize(self, event: events.Resize) -> None:
        """Move the preview beside the list or below it, as the size allows."""
        self.set_class(self.size.width >= WIDE_COLUMNS, "-wide")
        self.call_after_refresh(self._show_titles)

    # Actions

    @on(TaskTable.Chosen)
    def _open_chosen(self) -> None:
        match self.list_pane.row:
            case TaskLine(task=task):
                self.post_message(self.Opened(task.id))
            case MoreLine():
                self.action_more()

    def _use_filter(self) -> None:
        self.list_pane.active_filter = self.task_filter.active_filter

    @on(FilterInput.Submitted)
    def _go_to_list(self) -> None:
        self.list_pane.tasks.focus()

    @on(SegmentLine.Picked, "#title")
    def _handle_segment(self, event: SegmentLine.Picked) -> None:
        if event.name == "marks":
            self.list_pane.tasks.unmark()
        else:
            self.action_group(event.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: those of letter keys are not while a filter is being written."""
        is_writing = self._is_ready and self.task_filter.input.has_focus
        if is_writing and action in {"wish", "review", "filter", "group", "sort", "turn", "time", "more", "reload"}:
            return False
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled: read-only mode, except for copying."""
        if action == "wish" and parameters != ("copy",):
            return self._ui.read_only
        return ""

    def action_wish(self, verb: str) -> None:
        """Act as the operator wishes: stop or copy the marked tasks, continue one, or create one.

        Without marks, the task under the cursor is meant.
        """
        task_ids = self.list_pane.tasks.selected_ids
        if verb not in {"stop", "copy"}:
            task_ids = task_ids[:1]
        self.post_message(TaskCommand(verb, *task_ids))

    def action_review(self) -> None:
        """Review the marked tasks, or the one under the cursor."""
        task_ids = self.list_pane.tasks.selected_ids
        state = self.list_pane.scheduler.state
        candidates = [task_to_review(state, task_id) for task_id in task_ids]
        waiting = [task_id for task_id in candidates if task_id]
        if waiting:
            self.post_message(ReviewWanted(*dict.fromkeys(waiting)))
        elif len(task_ids) > 1:
            self.hint("none of the marked tasks waits")
        else:
            self.hint(why_no_review(state, task_ids[0]) if task_ids else "there is no task here")

    def action_filter(self) -> None:
        """Move the focus to the filter."""
        self.task_filter.input.focus()

    def action_leave(self) -> None:
        """Leave the filter, else clear the marks, else the filter, else the group and the sorting."""
        tasks, filter_input = self.list_pane.tasks, self.task_filter.input
        if filter_input.has_focus:
            tasks.focus()
        elif tasks.marks:
            tasks.unmark()
        elif self.task_filter.active_filter or filter_input.value:
            filter_input.value = ""
        else:
            self.list_pane.only_group = None
            self.list_pane.column = None

    def action_group(self, group: str) -> None:
        """Show only one group, or all groups again."""
        if self.list_pane.only_group == group:
            self.list_pane.only_group = None
        else:
            self.list_pane.only_group = group

    def action_sort(self) -> None:
        """Sort by the next column; after the last one, by groups."""
        self.list_pane.sort_by_next()

    def action_turn(self) -> None:
        """Turn the order of the rows round."""
        self.list_pane.reverse = not self.list_pane.reverse

    def action_reload(self) -> None:
        """Reload the lists now."""
        self.post_message(self.Reload())

    def action_time(self) -> None:
        """Switch to the next format of times."""
        self.hint(f"times: {self._ui.cycle_time_format()}")
        self._show_titles()
        self.list_pane.tasks.refresh()

    def action_agents(self) -> None:
        """Show the agents, to choose one."""
        self.post_message(self.AgentsWanted())

    def action_more(self) -> None:
        """Load more tasks, if the platform has more."""
        status, loaded = self.list_pane.status, self.list_pane.listing.loaded
        if status.has_more(loaded):
            self.hint("loading more …")
            self.post_message(self.More())
        elif not status.is_known:
            self.hint("how much there is, is not known yet")
        elif not status.has_all(loaded):
            self.hint(f"the platform lists no more than {counted_total(status.total)}")
        else:
            self.hint("all there is, is loaded")


def _extent(status: ListStatus) -> tuple[int | None, bool]:
    """Return the extent of the list that a status tells: how many tasks there are, and whether that is known."""
    return status.total, status.is_known
