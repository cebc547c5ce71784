"""The screen of one task: its activity as a tree or a timeline, its events, and an inspector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from tui.client.events import Event
from tui.client.json_codec import pretty
from tui.client.log_entries import Entry
from tui.client.task_rows import TaskRow
from tui.domain.activity_log import Activity
from tui.domain.activity_rows import ActivitySource
from tui.domain.entry_format import as_markdown
from tui.domain.state import Change, State
from tui.domain.tree_rows import TreeRow
from tui.screens.base import BaseScreen
from tui.screens.messages import (
    AgentPageWanted,
    CopyWanted,
    ReadLog,
    ReviewWanted,
    TaskCommand,
    task_to_review,
    why_no_review,
)
from tui.screens.plain_text import item_text, row_text, value_text
from tui.screens.stylesheets import stylesheet
from tui.screens.task_parts import event_parts, row_parts
from tui.screens.task_title import live_state, shortened_name, styled_progress
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.activity_view import ActivityView
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.key_footer import KeyFooter
from tui.widgets.keys import key_name
from tui.widgets.pane_grid import PaneGrid
from tui.widgets.search_bar import SearchablePane, SearchBar
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import VirtualList

PANES = {"tree": "left", "events": "below", "inspector": "right"}
"""The panes, by the ids of their focusable widgets, with their places in the grid."""
MAX_SAFE_NAME_CHARS = 300
"""Characters of a name that are sanitized, before it is shortened to the room in the title."""


class TaskScreen(BaseScreen[None]):
    """The screen of one task, which is followed live."""

    CSS_PATH = stylesheet("task")
    LEAVE_BINDING = "task.back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", id="task.back"),
        Binding("c", "wish('continue')", "reply", id="task.continue"),
        Binding("n", "new_or_next(1)", "New task; in a search, the next", show=False, id="task.new"),
        Binding("N", "new_or_next(-1)", "In a search, the one before", show=False, id="task.previous"),
        Binding("y", "copy", "Copy", show=False, id="task.copy"),
        Binding("X", "wish('stop')", "stop", id="task.stop"),
        Binding("a", "review", "review", id="task.review"),
        Binding("slash", "search", "search", id="task.search"),
        Binding("at", "wish('agent')", "The page of its agent", show=False, id="task.agent"),
        Binding("1", "pane('tree')", "Activity", show=False, id="task.activity"),
        Binding("2", "pane('events')", "Events", show=False, id="task.events"),
        Binding("3", "pane('inspector')", "Inspector", show=False, id="task.inspector"),
        Binding("plus", "size(1)", "Larger pane", show=False, id="task.larger"),
        Binding("underscore", "size(-1)", "Smaller pane", show=False, id="task.smaller"),
        Binding("Z", "zoom", "Zoom the pane", show=False, id="task.zoom"),
    ]

    AUTO_FOCUS = "#tree"

    def __init__(self, task_id: str, ui: UIContext) -> None:
        super().__init__()
        self.task_id = self.followed_task = task_id
        self._ui = ui
        self._state = State()
        self._is_ready = False
        """Whether the widgets of the screen are mounted."""
        self._ended_reason = ""
        """The reason why the task is no longer followed; empty while it is followed."""
        self._tree_ids = {task_id}
        """The ids of this task and of all tasks below it."""
        self._early_changes: list[Change] = []
        """The changes of this task before the widgets were mounted."""
        self._is_tree_outdated = False
        """Whether any of these tasks has changed since the tree was shown."""

    def compose(self) -> ComposeResult:
        """Compose the screen from its widgets."""
        yield SegmentLine(id="title")
        with PaneGrid(left="left", right="right", below="below", id="panes"):
            with ActivityPane(self._ui, id="left", classes="pane"):
                yield SegmentLine(id="tree-title")
            with Vertical(id="right", classes="pane"):
                yield SegmentLine(id="inspector-title")
                yield Inspector(self._ui.redactor, id="inspector")
            with Vertical(id="below", classes="pane"):
                yield SegmentLine(id="events-title")
                yield EventPane(self._ui, id="events")
        next_keys = f"{key_name(self, 'task.new')} and {key_name(self, 'task.previous')} go on"
        yield SearchBar(f"Enter finds, then {next_keys}; {key_name(self, 'task.back')} ends it", id="searching")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_unmount(self) -> None:
        """Note that the widgets are unmounted, and can show nothing any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Show the state after mounting, with the focus on the activity."""
        self._is_ready = True
        activity = self.query_one(ActivityPane)
        activity.focus()
        for view in activity.query(ActivityView):
            self.watch(view, "cursor", self._inspect, init=False)
        self.watch(self.query_one(EventPane), "cursor", self._inspect_event, init=False)
        self.set_interval(1.0, self._tick)
        self.query_one(EventPane).add_changes(self._early_changes)
        self._show_state()

    # Called by the app

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Update the panes with a new state; while another screen covers this one, the tree is updated later."""
        self._state = state
        own_changes = [change for change in changes if getattr(change, "task_id", None) == self.task_id]
        if not self._is_ready:
            self._early_changes += own_changes
            return
        self._show_state()
        self.query_one(EventPane).add_changes(own_changes)

    def _show_state(self) -> None:
        changed_ids = self._state.touched.logs | self._state.touched.tasks
        if changed_ids & self._tree_ids:
            self._is_tree_outdated = True
        if self.is_seen and (self._is_tree_outdated or not self.query_one(ActivityPane).view.count()):
            self._is_tree_outdated = False
            self._show_tree()
        self._show_titles()

    def on_screen_resume(self) -> None:
        """Show the current state once the screen is resumed."""
        if self._is_ready:
            self._show_state()

    def follow_ended(self, task_id: str, reason: str) -> None:
        """Show the reason why following the task has ended."""
        if task_id != self.task_id:
            return
        self._ended_reason = reason
        if self._is_ready:
            self._show_titles()

    # Drawing

    def _tick(self) -> None:
        self.query_one(ActivityPane).tick()
        self._show_titles()

    def _show_tree(self) -> None:
        state = self._state
        activities: dict[str, Activity] = {task_id: log.activity for task_id, log in state.logs.items()}
        children: dict[str, tuple[TaskRow, ...]] = {}
        pending = [self.task_id]
        while pending:
            task_id = pending.pop()
            if task_id not in children:
                children[task_id] = state.children_of(task_id)
                pending += [child.id for child in children[task_id]]
        self._tree_ids = set(children)
        names = {agent_id: agent.name for agent_id, (_, agent) in state.agents.items()}
        task, wait = state.task(self.task_id), state.wait(self.task_id)
        source = ActivitySource(self.task_id, activities, children, names, task, wait)
        self.query_one(ActivityPane).show(source)
        self._inspect()

    def _show_titles(self) -> None:
        task = self._state.task(self.task_id)
        full_name = self._ui.safe(task.name, MAX_SAFE_NAME_CHARS) if task else self.task_id
        name = shortened_name(full_name, self.size.width)
        title = [(StyledText(" xp-tui › ", "faint"), "back"), (StyledText(f"{name}  ", "strong"), "")]
        if task:
            title += [(piece, "") for piece in styled_progress(task, self._state, self._ui.now())]
        link = self._state.links.get(self.task_id)
        live = live_state(task, link[1] if link else None, self._ended_reason, self._ui)
        self.query_one("#title", SegmentLine).show(title, [live])
        activity, focused = self.query_one(ActivityPane), self._focused_pane
        activity_title = "Timeline" if activity.rows.as_timeline else "Activity"
        titles = {
            "tree": f"{activity_title}  {'  '.join(activity.title_words)}",
            "events": f"Events  {self.query_one(EventPane).title_text}",
            "inspector": "Inspector  ",
        }
        for number, pane in enumerate(PANES, 1):
            text = StyledText(f" {number} {titles[pane]}", "faint")
            if pane == focused:
                text = StyledText(f"▌{number} {titles[pane]}", "accent")
            self.query_one(f"#{pane}-title", SegmentLine).show([(text, pane)], [])

    @property
    def _focused_pane(self) -> str:
        """The name of the focused pane; empty where none has the focus."""
        if isinstance(self.focused, ActivityView):
            return "tree"
        if self.focused and self.focused.id in PANES:
            return self.focused.id
        return ""

    # Actions

    def _inspect(self) -> None:
        if self.focused is not self.query_one(EventPane):
            row = self.query_one(ActivityPane).row
            parts = row_parts(row, self._state, self.task_id, key_name(self, "task.review"))
            self.query_one(Inspector).show(parts)

    def _inspect_event(self) -> None:
        pane = self.query_one(EventPane)
        if self.focused is not pane:
            return
        parts = event_parts(pane.selected)
        if parts is not None:
            self.query_one(Inspector).show(parts)

    @on(EventPane.Changed)
    @on(ActivityPane.ViewChanged)
    def _update_titles(self) -> None:
        self.set_class(self.query_one(ActivityPane).rows.as_timeline, "-timeline")
        self._show_titles()

    def on_descendant_focus(self) -> None:
        """Highlight the title of the pane whose descendant has the focus, and inspect the row under its cursor."""
        self._show_titles()
        if self._is_ready and self._focused_pane == "tree":
            self._inspect()

    @on(ActivityPane.LogRequested)
    def _read_log(self, event: ActivityPane.LogRequested) -> None:
        self.post_message(ReadLog(event.task_id))

    @on(SegmentLine.Picked)
    def _handle_segment(self, event: SegmentLine.Picked) -> None:
        if event.name == "back":
            self.dismiss()
        elif event.name in PANES:
            self.action_pane(event.name)

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Return the reason why an action is disabled: read-only mode, for those that send something."""
        is_searching = self._is_ready and self.query_one(SearchBar).is_open
        is_sending = (action == "wish" and parameters != ("agent",)) or (action == "new_or_next" and not is_searching)
        return self._ui.read_only if is_sending else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is available: those of letter keys are not while a search is being written."""
        is_writing = self._is_ready and self.query_one(SearchBar).is_writing
        if is_writing and action in {"wish", "review", "copy", "search", "pane", "size", "zoom"}:
            return False
        return super().check_action(action, parameters)

    def action_wish(self, verb: str) -> None:
        """Act as the operator wishes: stop or continue the task, create one for its agent, or open the agent's page."""
        if verb != "agent":
            self.post_message(TaskCommand(verb, self.task_id))
        elif (task := self._state.task(self.task_id)) and task.agent_id:
            self.post_message(AgentPageWanted(task.agent_id, self.task_id))
        else:
            self.hint("the agent of this task is not known yet")

    def action_copy(self) -> None:
        """Open the dialog to copy a text of the selected line, or of the task."""
        redactor, focused = self._ui.redactor, self.focused
        texts: dict[str, str] = {}
        row = self.query_one(ActivityPane).row
        selected = _selected_item(focused, row)
        if isinstance(focused, ActivityView) and row is not None:
            texts["text"] = row_text(row, self._state, self.task_id, redactor)
        elif isinstance(focused, EventPane) and selected is not None:
            texts["text"] = item_text(selected, redactor)
        elif isinstance(focused, Inspector) and focused.row is not None:
            texts["text"] = value_text(focused.selected_value, redactor)
        if isinstance(selected, Entry | Event):
            texts["JSON"] = pretty(redactor.json(selected.raw))
        if isinstance(selected, Entry):
            texts["Markdown"] = as_markdown(selected, redactor)
        if isinstance(focused, Inspector):
            texts |= focused.copies()
        self.post_message(CopyWanted(texts))

    def action_review(self) -> None:
        """Review the task, or the waiting one below it."""
        waiting = task_to_review(self._state, self.task_id)
        if waiting is None:
            self.hint(why_no_review(self._state, self.task_id))
        else:
            self.post_message(ReviewWanted(waiting))

    # Panes

    def _pane(self, name: str) -> SearchablePane:
        if name == "tree":
            return self.query_one(ActivityPane)
        return self.query_one(f"#{name}", VirtualList)

    def action_pane(self, pane: str) -> None:
        """Focus a pane, and zoom it if another one is zoomed."""
        self._pane(pane).focus()
        if self.has_class("-zoomed"):
            self.query_one(PaneGrid).zoom(PANES[pane])

    def action_zoom(self) -> None:
        """Zoom the focused pane, or show all panes again."""
        self.toggle_class("-zoomed")
        zoomed = None
        if self.has_class("-zoomed"):
            zoomed = PANES[self._focused_pane or "tree"]
        self.query_one(PaneGrid).zoom(zoomed)

    def action_size(self, by: int) -> None:
        """Change the size of the focused pane."""
        self.query_one(PaneGrid).resize(PANES.get(self._focused_pane, ""), by)

    # Searching

    def action_search(self) -> None:
        """Search the focused pane; the event pane shows only matching events then."""
        self.query_one(SearchBar).open(self._pane(self._focused_pane or "tree"))

    def action_new_or_next(self, by: int) -> None:
        """Go to the next match of a search; without a search, create a new task."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.find(by)
        elif by > 0:
            self.action_wish("create")

    def action_leave(self) -> None:
        """Leave the search, or the screen."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.close()
        else:
            self.dismiss()


def _selected_item(focused: Widget | None, row: object) -> object:
    """Return the selected item of the focused pane, an event or an entry; None where it has none."""
    if isinstance(focused, EventPane):
        return focused.selected
    if isinstance(focused, ActivityView) and isinstance(row, TreeRow) and row.node:
        return row.node.entry
    return None
