"""One task: what happened as a tree or a timeline, what happens as events, and the selected thing whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from tui.client.events import Event
from tui.client.json_codec import pretty
from tui.client.log_entries import Entry
from tui.client.task_rows import TaskRow
from tui.domain.activity_log import Activity, TreeRow
from tui.domain.activity_rows import ActivitySource
from tui.domain.entry_format import as_markdown
from tui.domain.state import Change, State
from tui.screens.base import BaseScreen
from tui.screens.messages import CopyWanted, ReadLog, ReviewWanted, TaskCommand, task_to_review
from tui.screens.stylesheets import stylesheet
from tui.screens.task_parts import event_parts, row_parts
from tui.screens.task_title import live_state, progress_pieces
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
"""The panes by the ids of what has the focus in them, and where they are in the grid."""


class TaskScreen(BaseScreen[None]):
    """One task, live."""

    CSS_PATH = stylesheet("task")
    LEFT_BY = "task.back"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", id="task.back"),
        Binding("c", "wish('continue')", "reply", id="task.continue"),
        Binding("n", "new_or_next(1)", "New task; in a search, the next", show=False, id="task.new"),
        Binding("N", "new_or_next(-1)", "In a search, the one before", show=False, id="task.previous"),
        Binding("y", "copy", "Copy", show=False, id="task.copy"),
        Binding("X", "wish('stop')", "stop", id="task.stop"),
        Binding("a", "review", "review", id="task.review"),
        Binding("slash", "search", "search", id="task.search"),
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
        """Whether there are widgets to show anything in."""
        self._ended = ""
        self._own = {task_id}
        """This task and all below it."""
        self._early: list[Change] = []
        """What happened before there was anything to show it in."""
        self._is_behind = False
        """Whether any of these has changed while this was behind another screen."""

    def compose(self) -> ComposeResult:
        """The parts."""
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
        go_on = f"{key_name(self, 'task.new')} and {key_name(self, 'task.previous')} go on"
        yield SearchBar(f"Enter finds, then {go_on}; {key_name(self, 'task.back')} ends it", id="searching")
        yield SegmentLine(id="held")
        yield KeyFooter()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the tree."""
        self._is_ready = True
        activity = self.query_one(ActivityPane)
        activity.focus()
        for view in activity.query(ActivityView):
            self.watch(view, "cursor", self._inspect, init=False)
        self.watch(self.query_one(EventPane), "cursor", self._inspect_event, init=False)
        self.set_interval(1.0, self._tick)
        self.query_one(EventPane).add_changes(self._early)
        self._show_state()

    # What the app tells

    def update_state(self, state: State, changes: Sequence[Change]) -> None:
        """Take the new state; behind another screen the tree takes it later, the events are taken at once."""
        self._state = state
        own_changes = [change for change in changes if getattr(change, "task_id", None) == self.task_id]
        if not self._is_ready:
            self._early += own_changes
            return
        self._show_state()
        self.query_one(EventPane).add_changes(own_changes)

    def _show_state(self) -> None:
        touched = self._state.touched.logs | self._state.touched.tasks
        self._is_behind = self._is_behind or bool(touched & self._own)
        if self.is_seen and (self._is_behind or not self.query_one(ActivityPane).view.count()):
            self._is_behind = False
            self._show_tree()
        self._titles()

    def on_screen_resume(self) -> None:
        """It is seen again."""
        if self._is_ready:
            self._show_state()

    def follow_ended(self, task_id: str, reason: str) -> None:
        """Show why the task is no longer followed."""
        if task_id != self.task_id:
            return
        self._ended = reason
        if self._is_ready:
            self._titles()

    # Showing

    def _tick(self) -> None:
        self.query_one(ActivityPane).tick()
        self._titles()

    def _show_tree(self) -> None:
        state = self._state
        activities: dict[str, Activity] = {task_id: log.activity for task_id, log in state.logs.items()}
        children: dict[str, tuple[TaskRow, ...]] = {}
        left = [self.task_id]
        while left:
            task_id = left.pop()
            if task_id not in children:
                children[task_id] = state.children_of(task_id)
                left += [child.id for child in children[task_id]]
        self._own = set(children)
        names = {agent_id: told[1].name for agent_id, told in state.agents.items()}
        task, wait = state.task(self.task_id), state.wait(self.task_id)
        source = ActivitySource(self.task_id, activities, children, names, task, wait)
        self.query_one(ActivityPane).show(source)
        self._inspect()

    def _titles(self) -> None:
        task = self._state.task(self.task_id)
        room = max(16, min(60, self.size.width - 64))
        name = self._ui.safe(task.name, 300) if task else self.task_id
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        left: list[tuple[StyledText, str]] = [
            (StyledText(" xp-tui › ", "faint"), "back"),
            (StyledText(f"{name}  ", "strong"), ""),
        ]
        if task:
            left += [(piece, "") for piece in progress_pieces(task, self._state, self._ui.now())]
        link = self._state.links.get(self.task_id)
        live = live_state(task, link[1] if link else None, self._ended, self._ui)
        self.query_one("#title", SegmentLine).show(left, [live])
        focused, activity = self._focused_pane, self.query_one(ActivityPane)
        is_timeline = activity.rows.as_timeline
        titles = {"tree": "Timeline" if is_timeline else "Activity", "events": "Events", "inspector": "Inspector"}
        states = {"tree": "  ".join(activity.title_words), "events": self.query_one(EventPane).title_text}
        for number, pane in enumerate(PANES, 1):
            mark, style = ("▌", "accent") if pane == focused else (" ", "faint")
            told = StyledText(f"{mark}{number} {titles[pane]}  {states.get(pane, '')}", style)
            self.query_one(f"#{pane}-title", SegmentLine).show([(told, pane)], [])

    @property
    def _focused_pane(self) -> str:
        """The pane that has the focus; empty where none has it."""
        if isinstance(self.focused, ActivityView):
            return "tree"
        focused = self.focused.id if self.focused else None
        return focused if focused in PANES else ""

    # Doing

    def _inspect(self) -> None:
        if self.focused is not self.query_one(EventPane):
            row = self.query_one(ActivityPane).row
            parts = row_parts(row, self._state, self.task_id, key_name(self, "task.review"))
            self.query_one(Inspector).show(parts)

    def _inspect_event(self) -> None:
        pane = self.query_one(EventPane)
        if self.focused is pane and (parts := event_parts(pane.selected)) is not None:
            self.query_one(Inspector).show(parts)

    @on(EventPane.Changed)
    @on(ActivityPane.ViewChanged)
    def _told(self) -> None:
        self.set_class(self.query_one(ActivityPane).rows.as_timeline, "-timeline")
        self._titles()

    def on_descendant_focus(self) -> None:
        """The focused pane's title stands out, and what is under its cursor is shown."""
        self._titles()
        if self._is_ready and self._focused_pane == "tree":
            self._inspect()

    @on(ActivityPane.LogRequested)
    def _wanted(self, event: ActivityPane.LogRequested) -> None:
        self.post_message(ReadLog(event.task_id))

    @on(SegmentLine.Picked)
    def _picked(self, event: SegmentLine.Picked) -> None:
        if event.name == "back":
            self.dismiss()
        elif event.name in PANES:
            self.action_pane(event.name)

    def disabled_reason(self, action: str, parameters: tuple[object, ...]) -> str:
        """Nothing is sent in read-only mode."""
        is_searching = self._is_ready and self.query_one(SearchBar).is_open
        is_wish = action == "wish" or (action == "new_or_next" and not is_searching)
        return self._ui.read_only if is_wish else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While words to search for are written, letters are letters."""
        is_writing = self._is_ready and self.query_one(SearchBar).is_writing
        if is_writing and action in {"wish", "review", "copy", "search", "pane", "size", "zoom"}:
            return False
        return super().check_action(action, parameters)

    def action_wish(self, verb: str) -> None:
        """Stop, continue, or begin anew with the same agent."""
        self.post_message(TaskCommand(verb, self.task_id))

    def action_copy(self) -> None:
        """What to copy: of the selected thing, and of the task."""
        redactor, texts = self._ui.redactor, dict[str, str]()
        focused = self.focused
        if isinstance(focused, VirtualList) and focused.count():
            texts["text"] = focused.text_of(focused.cursor).strip()
        chosen = self.query_one(EventPane).selected if isinstance(focused, EventPane) else None
        row = self.query_one(ActivityPane).row
        if isinstance(focused, ActivityView) and isinstance(row, TreeRow) and row.node:
            chosen = row.node.entry
        if isinstance(chosen, Entry | Event):
            texts["JSON"] = pretty(redactor.json(chosen.raw))
        if isinstance(chosen, Entry):
            texts["Markdown"] = as_markdown(chosen, redactor)
        if isinstance(focused, Inspector):
            texts |= focused.copies()
        self.post_message(CopyWanted(texts))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        waiting = task_to_review(self._state, self.task_id)
        if waiting is None:
            self.hint("this task waits for nobody")
        else:
            self.post_message(ReviewWanted(waiting))

    # Panes

    def _pane(self, name: str) -> SearchablePane:
        return self.query_one(ActivityPane) if name == "tree" else self.query_one(f"#{name}", VirtualList)

    def action_pane(self, pane: str) -> None:
        """Go to a pane; where one is zoomed, it is this one then."""
        self._pane(pane).focus()
        if self.has_class("-zoomed"):
            self.query_one(PaneGrid).zoom(PANES[pane])

    def action_zoom(self) -> None:
        """The focused pane alone, or all again."""
        self.toggle_class("-zoomed")
        focused = PANES[self._focused_pane or "tree"]
        self.query_one(PaneGrid).zoom(focused if self.has_class("-zoomed") else None)

    def action_size(self, by: int) -> None:
        """Give the focused pane more room, or less."""
        self.query_one(PaneGrid).resize(PANES.get(self._focused_pane, ""), by)

    # Searching

    def action_search(self) -> None:
        """Search the focused pane; of events, only those found are shown."""
        self.query_one(SearchBar).open(self._pane(self._focused_pane or "tree"))

    def action_new_or_next(self, by: int) -> None:
        """In a search, the next one found; else a new task."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.find(by)
        elif by > 0:
            self.action_wish("create")

    def action_leave(self) -> None:
        """Back by one step: from the search to its pane, then to the list."""
        search = self.query_one(SearchBar)
        if search.is_open:
            search.close()
        else:
            self.dismiss()
