"""Home: the tasks, who needs a person first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.domain.list_status import ListLink, ListStatus
from tui.domain.seen_values import SeenValues
from tui.domain.task_list_rows import Group, MoreLine, TaskLine
from tui.screens.base import BaseScreen
from tui.screens.messages import ReviewWanted, TaskCommand, task_to_review
from tui.widgets.filter_input import FilterInput
from tui.widgets.key_footer import KeyFooter
from tui.widgets.list_title import ListTitle, Liveness
from tui.widgets.segment_line import SegmentLine
from tui.widgets.task_filter import TaskFilter
from tui.widgets.task_list_pane import TaskListPane
from tui.widgets.task_table import TaskTable
from tui.widgets.ui_context import UIContext

if TYPE_CHECKING:
    from tui.client.task_rows import TaskQuery
    from tui.domain.state import Change, State

WIDE_COLUMNS = 140
"""Columns from which the preview stands beside the list."""


LINK_STYLES = {
    ListLink.CONNECTING: "faint",
    ListLink.LIVE: "running",
    ListLink.RETRYING: "failed",
    ListLink.OFFLINE: "failed",
}


class TaskListScreen(BaseScreen[None]):
    """The list, its filter, and a glance at the task under the cursor."""

    LEFT_BY = "tasks.leave"
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
        """A task is to be opened."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class Reload(Message):
        """The lists are to be read again, now."""

    class More(Message):
        """More tasks are to be loaded."""

    class AgentsWanted(Message):
        """An agent is to be chosen."""

    def __init__(self, ui: UIContext, begin_with: str = "") -> None:
        super().__init__()
        self._begin_with = begin_with
        self._ui = ui
        self._is_ready = False
        """Whether there are widgets to show anything in."""
        self._seen = SeenValues(ui.redactor)
        self.task_filter = TaskFilter(ui, self._seen)
        self.list_pane = TaskListPane(ui, self._seen, self._titles)
        self._filtered: tuple[TaskQuery, int] | None = None
        """What the platform was asked for, and how many tasks it has of that."""

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield ListTitle(self._ui, id="title")
        yield self.task_filter
        yield self.list_pane
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the list."""
        self._is_ready = True
        self.watch(self.task_filter, "active_filter", self._use_filter, init=False)
        self.watch(self.list_pane, "only_group", self.task_filter.show_group, init=False)
        self.watch(self.list_pane.tasks, "show_vertical_scrollbar", self._titles, init=False)
        self.filter(self._begin_with)
        self.set_interval(1.0, self._tick)
        self.list_pane.scheduler.rebuild()

    # What the app tells

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Take the new state into the list; behind another screen that is done later."""
        self._seen.collect(state)
        self.task_filter.update_state(state)
        self.list_pane.scheduler.collect(state)
        if self._is_ready and self.is_seen:
            self.list_pane.update_list()

    def on_screen_resume(self) -> None:
        """It is seen again."""
        if self._is_ready:
            self.list_pane.scheduler.catch_up()

    def update_list_status(self, status: ListStatus) -> None:
        """Show how live the list is, and where nothing is shown, why."""
        before, now = self.list_pane.liveness, self._ui.now()
        self.list_pane.total = status.total
        self.list_pane.liveness = Liveness(
            str(status.link),
            LINK_STYLES[status.link],
            self._ui.safe(status.reason),
            status.max_age_seconds,
            status.checked_at,
        )
        if not self._is_ready:
            return
        if before.is_stale(now) or not before.has_same_text_as(self.list_pane.liveness):
            self._titles()
            self.list_pane.show_emptiness()
        if status.filtered is not None and status.filtered != self._filtered:
            self.task_filter.show_server_count(*status.filtered)
        self._filtered = status.filtered

    def filter(self, text: str) -> None:
        """Use this filter."""
        self.task_filter.input.value = text
        self.list_pane.tasks.focus()

    def select(self, task_id: str) -> None:
        """Put the cursor on a task as soon as it is there."""
        self.list_pane.select(task_id)

    # Showing

    @on(TaskTable.Resized)
    @on(TaskTable.Marked)
    def _titles(self) -> None:
        pane = self.list_pane
        self.query_one(ListTitle).show_counts(
            pane.liveness,
            pane.listing,
            marked=len(pane.tasks.marks),
            only_group=pane.only_group,
            is_filtered=bool(pane.active_filter or pane.only_group),
            total=pane.total,
        )
        pane.show_heading()

    def _tick(self) -> None:
        self.list_pane.tick()
        self._titles()

    def on_resize(self, event: events.Resize) -> None:
        """The preview goes where there is room for it."""
        self.set_class(self.size.width >= WIDE_COLUMNS, "-wide")
        self.call_after_refresh(self._titles)

    # Doing

    @on(TaskTable.Chosen)
    def _chosen(self) -> None:
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
    def _picked(self, event: SegmentLine.Picked) -> None:
        if event.name == "marks":
            self.list_pane.tasks.unmark()
        else:
            self.action_group(event.name)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is written, letters are letters."""
        is_writing = self._is_ready and self.task_filter.input.has_focus
        if is_writing and action in {"wish", "review", "filter", "group", "sort", "turn", "time", "more", "reload"}:
            return False
        return super().check_action(action, parameters)

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Nothing is sent in read-only mode."""
        return self._ui.read_only if action == "wish" and parameters != ("copy",) else ""

    def action_wish(self, verb: str) -> None:
        """Stop or copy what is marked or under the cursor; continue it, or begin anew."""
        ids = self.list_pane.tasks.selected_ids
        self.post_message(TaskCommand(verb, *(ids if verb in {"stop", "copy"} else ids[:1])))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        ids = self.list_pane.tasks.selected_ids
        waiting = [found for one in ids if (found := task_to_review(self.list_pane.scheduler.state, one))]
        if waiting:
            self.post_message(ReviewWanted(*dict.fromkeys(waiting)))
        else:
            self.hint("none of the marked tasks waits" if len(ids) > 1 else "this task waits for nobody")

    def action_filter(self) -> None:
        """Go to the filter."""
        self.task_filter.input.focus()

    def action_leave(self) -> None:
        """Back by one step: from the filter to the list, from the marks, then to everything."""
        tasks, written = self.list_pane.tasks, self.task_filter.input
        if written.has_focus:
            tasks.focus()
        elif tasks.marks:
            tasks.unmark()
        elif self.task_filter.active_filter or written.value:
            written.value = ""
        else:
            self.list_pane.only_group = None
            self.list_pane.column = None

    def action_group(self, group: str) -> None:
        """Show one group alone, or all again."""
        self.list_pane.only_group = None if self.list_pane.only_group == group else group

    def action_sort(self) -> None:
        """Sort by the next column; after the last, by groups again."""
        self.list_pane.sort_by_next()

    def action_turn(self) -> None:
        """The other way round."""
        self.list_pane.reverse = not self.list_pane.reverse

    def action_reload(self) -> None:
        """Read the lists now."""
        self.post_message(self.Reload())

    def action_time(self) -> None:
        """Show times in the next way."""
        self.hint(f"times: {self._ui.cycle_time_format()}")
        self._titles()
        self.list_pane.tasks.refresh()

    def action_agents(self) -> None:
        """Choose an agent."""
        self.post_message(self.AgentsWanted())

    def action_more(self) -> None:
        """Load more."""
        total = self.list_pane.total
        if total is not None and total > self.list_pane.listing.loaded:
            self.hint("loading more …")
            self.post_message(self.More())
        else:
            self.hint("all there is, is loaded")
