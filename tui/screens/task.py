"""One task: what happened as a tree, what happens as events, and the selected thing whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Footer

from tui import words
from tui.activity import Activity
from tui.api.entries import Entry, Reasoning, ToolCall
from tui.api.entries import Message as Said
from tui.api.events import Event
from tui.api.models import Task
from tui.api.stream import LinkState
from tui.board import Board, Change
from tui.masks import Masks
from tui.plain import one_line
from tui.screens.wishes import ReviewWanted, Wish
from tui.widgets.activity_tree import ActivityTree
from tui.widgets.bar import Bar
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.lines import Piece
from tui.widgets.task_list import GLYPHS, LOOKS

STATES = {LinkState.LIVE: "running", LinkState.RECONNECTING: "need", LinkState.ENDED: "failed"}


class TaskScreen(Screen[None]):
    """One task, live."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", id="task.back"),
        Binding("c", "wish('continue')", "reply", id="task.continue"),
        Binding("n", "wish('create')", "New task", show=False, id="task.new"),
        Binding("y", "wish('copy')", "Copy", show=False, id="task.copy"),
        Binding("X", "wish('stop')", "stop", id="task.stop"),
        Binding("a", "review", "review", id="task.review"),
        Binding("1", "pane('#tree')", "Activity", show=False, id="task.activity"),
        Binding("2", "pane('#events')", "Events", show=False, id="task.events"),
        Binding("3", "pane('#inspector')", "Inspector", show=False, id="task.inspector"),
        Binding("Z", "zoom", "zoom", id="task.zoom"),
    ]

    class ChildWanted(Message):
        """A sub-task's log is to be read."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    def __init__(self, task_id: str, now: Callable[[], datetime], masks: Masks) -> None:
        super().__init__()
        self.task_id = task_id
        self._now = now
        self._board = Board()
        self._is_ready = False
        """Whether there are widgets to show anything in."""
        self._masks = masks
        self._ended = ""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Bar(id="title")
        with Container(id="panes"):
            with Vertical(id="left", classes="pane"):
                yield Bar(id="tree-title")
                yield ActivityTree(self._masks, id="tree")
            with Vertical(id="right", classes="pane"):
                yield Bar(id="inspector-title")
                yield Inspector(self._masks, id="inspector")
            with Vertical(id="below", classes="pane"):
                yield Bar(id="events-title")
                yield EventPane(self._masks, id="events")
        yield Footer()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the tree."""
        self._is_ready = True
        self.query_one("#tree").focus()
        self.set_interval(1.0, self._titles)
        self.board_changed(self._board)

    # What the app tells

    def board_changed(self, board: Board) -> None:
        """There is a new board."""
        self._board = board
        if not self._is_ready:
            return
        if board.touched.logs or board.touched.tasks or not self.query_one(ActivityTree).count():
            self._show_tree()
        self._titles()

    def happened(self, changes: Sequence[Change]) -> None:
        """These changes are about this task."""
        if self._is_ready:
            self.query_one(EventPane).take(changes)

    def ended(self, why: str) -> None:
        """It is followed no more, and why."""
        self._ended = why
        self._titles()

    # Showing

    def _show_tree(self) -> None:
        board = self._board
        activities: dict[str, Activity] = {task_id: log.activity for task_id, log in board.logs.items()}
        children: dict[str, tuple[Task, ...]] = {}
        left = [self.task_id]
        while left:
            task_id = left.pop()
            if task_id not in children:
                children[task_id] = board.children_of(task_id)
                left += [child.id for child in children[task_id]]
        names = {agent_id: told[1].name for agent_id, told in board.agents.items()}
        self.query_one(ActivityTree).show(activities, children, self.task_id, names)
        self._inspect()

    def _titles(self) -> None:
        task = self._board.task(self.task_id)
        activity = self._board.activity(self.task_id)
        name = one_line(self._masks.text(task.name), longest=60) if task else self.task_id
        left: list[tuple[Piece, str]] = [(Piece(" xp-tui › ", "faint"), "back"), (Piece(f"{name}  ", "strong"), "")]
        if task:
            left += [(piece, "") for piece in self._about(task, activity)]
        self.query_one("#title", Bar).show(left, [self._chip()])
        focused = self.focused.id if self.focused else ""
        for number, (pane, title) in enumerate(
            (("tree", "Activity"), ("events", "Events"), ("inspector", "Inspector")), 1
        ):
            mark = "▌" if pane == focused else " "
            look = "accent" if pane == focused else "faint"
            told = self.query_one(EventPane).state if pane == "events" else ""
            self.query_one(f"#{pane}-title", Bar).show([(Piece(f"{mark}{number} {title}  {told}", look), pane)], [])

    def _about(self, task: Task, activity: Activity | None) -> list[Piece]:
        """Status, plan, tokens, context."""
        wait, now = self._board.wait(task.id), self._now()
        if wait:
            since = f" {words.span((now - wait.since).total_seconds())}" if wait.since else ""
            found = [Piece(f"‖ {wait.kind}{since}  ", "need")]
        else:
            word = one_line(task.status) or "unknown"
            found = [Piece(f"{GLYPHS.get(task.status, '?')} {word}  ", LOOKS.get(task.status, ""))]
        plan = (activity.plan if activity else None) or task.plan
        if plan and plan.steps:
            bar = "▓" * plan.done + "░" * (len(plan.steps) - plan.done) if len(plan.steps) <= 12 else ""
            found.append(Piece(f"plan {plan.done}/{len(plan.steps)} {bar}  "))
        if task.tokens:
            found.append(Piece(f"{words.amount(task.tokens.total)} tok  ", "faint"))
        if activity and activity.context and activity.context.percent is not None:
            found.append(Piece(f"context {activity.context.percent:.0f}%  ", "faint"))
        return found

    def _chip(self) -> Piece:
        """How live this is, in the same corner always."""
        task = self._board.task(self.task_id)
        if self._ended:
            return Piece(f"● ended: {one_line(self._ended, longest=60)} ", "failed")
        if task and task.is_final:
            return Piece("■ ended ", "faint")
        link = self._board.links.get(self.task_id)
        if link is None:
            return Piece("● connecting ", "faint")
        return Piece(f"● {one_line(str(link[1]), longest=60)} ", STATES.get(link[1].state, "faint"))

    # Doing

    @on(ActivityTree.Moved)
    def _inspect(self) -> None:
        tree = self.query_one(ActivityTree)
        if self.focused is self.query_one(EventPane):
            return
        row = tree.row
        if row is None:
            self.query_one(Inspector).show([("nothing has happened yet", "the log is empty")])
        elif row.node is not None:
            self.query_one(Inspector).show(_parts_of(row.node.entry))
        elif row.child_id and (child := self._board.task(row.child_id)):
            self.query_one(Inspector).show([("sub-task", child.id), ("result", child.result), ("record", child.raw)])

    @on(EventPane.Moved, "#events")
    def _inspect_event(self) -> None:
        pane = self.query_one(EventPane)
        if self.focused is not pane:
            return
        match pane.chosen:
            case Event() as event:
                self.query_one(Inspector).show([(event.type, event.data), ("event", event.raw)])
            case Entry() as entry:
                self.query_one(Inspector).show(_parts_of(entry))

    @on(EventPane.Changed)
    def _told(self) -> None:
        self._titles()

    def on_descendant_focus(self) -> None:
        """The focused pane's title stands out."""
        self._titles()

    @on(ActivityTree.Wanted)
    def _wanted(self, event: ActivityTree.Wanted) -> None:
        self.post_message(self.ChildWanted(event.task_id))

    @on(Bar.Picked)
    def _picked(self, event: Bar.Picked) -> None:
        if event.name == "back":
            self.dismiss()
        else:
            self.action_pane(f"#{event.name}")

    def action_wish(self, verb: str) -> None:
        """Stop, continue, or begin anew with the same agent."""
        self.post_message(Wish(verb, self.task_id))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        waiting = next(self._board.waiting_below(self.task_id), None)
        if waiting is None:
            self.notify("this task waits for nobody", severity="warning", markup=False)
        else:
            self.post_message(ReviewWanted(waiting))

    def action_pane(self, selector: str) -> None:
        """Go to a pane."""
        self.query_one(selector).focus()

    def action_zoom(self) -> None:
        """The focused pane alone, or all again."""
        focused = self.focused
        pane = focused.parent if focused else None
        for one in self.query(".pane"):
            one.set_class(pane is not None and one is not pane and not self.has_class("-zoomed"), "-hidden")
        self.toggle_class("-zoomed")


def _parts_of(entry: Entry) -> list[tuple[str, object]]:
    """An entry, taken apart for reading; the whole of it last."""
    match entry:
        case ToolCall():
            why = entry.reasoning
            reason = "\n".join(part for part in (why.title, why.description) if part) if why else None
            cut = f"result, cut by the platform from {entry.cut_from} characters" if entry.cut_from else "result"
            found = [(entry.name, None), ("payload", entry.arguments), ("why, in the agent's words", reason)]
            found += [(cut if not entry.is_error else "error", entry.result)]
        case Said():
            found = [(entry.role, entry.text), ("files", list(entry.files))]
        case Reasoning():
            found = [(entry.title or entry.type, entry.thought or entry.analysis), ("action", entry.action)]
        case _:
            found = []
    return [*found, ("whole entry", entry.raw)]
