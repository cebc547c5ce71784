"""One task: what happened as a tree or a timeline, what happens as events, and the selected thing whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from tui.client.event_stream import Link, LinkState
from tui.client.events import Event
from tui.client.json_codec import pretty
from tui.client.log_entries import Compaction, Delegation, Entry, Questions, Reasoning, SignIn, ToolCall
from tui.client.log_entries import Message as Said
from tui.client.models import Task
from tui.domain import humanize
from tui.domain.activity_log import Activity, Gap, Row
from tui.domain.entry_format import as_markdown
from tui.domain.state import Board, Change
from tui.domain.task_rows import Line, lasted
from tui.screens.base import Keyed
from tui.screens.messages import CopyWanted, ReviewWanted, Wish, task_to_review
from tui.screens.stylesheets import sheet
from tui.security.sanitize import one_line
from tui.widgets.activity_tree import ActivityTree, Remark, Source
from tui.widgets.context import Desk
from tui.widgets.document_layout import Part
from tui.widgets.event_pane import EventPane
from tui.widgets.inspector import Inspector
from tui.widgets.key_footer import Footer
from tui.widgets.keys import key_name
from tui.widgets.segment_line import Bar
from tui.widgets.styled_text import Piece
from tui.widgets.task_table import GLYPHS, LOOKS
from tui.widgets.virtual_list import Lines

STATES = {LinkState.LIVE: "running", LinkState.RECONNECTING: "need", LinkState.ENDED: "failed"}
PANES = ("tree", "events", "inspector")


class TaskScreen(Keyed[None]):
    """One task, live."""

    CSS_PATH = sheet("task")
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

    class ChildWanted(Message):
        """A sub-task's log is to be read."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    def __init__(self, task_id: str, desk: Desk) -> None:
        super().__init__()
        self.task_id = task_id
        self._desk = desk
        self._board = Board()
        self._is_ready = False
        """Whether there are widgets to show anything in."""
        self._ended = ""
        self._own = {task_id}
        """This task and all below it."""
        self._early: list[Change] = []
        """What happened before there was anything to show it in."""
        self._is_behind = False
        """Whether any of these has changed while this was behind another screen."""
        self._shares = {"tree": 5, "events": 4}
        """Of ten parts, the tree's of the width and the events' of the height."""

    def compose(self) -> ComposeResult:
        """The parts."""
        yield Bar(id="title")
        with Container(id="panes"):
            with Vertical(id="left", classes="pane"):
                yield Bar(id="tree-title")
                yield ActivityTree(self._desk, id="tree")
            with Vertical(id="right", classes="pane"):
                yield Bar(id="inspector-title")
                yield Inspector(self._desk.masks, id="inspector")
            with Vertical(id="below", classes="pane"):
                yield Bar(id="events-title")
                yield EventPane(self._desk, id="events")
        with Horizontal(id="searching"):
            yield Static(" / ", id="slash", markup=False)
            go_on = f"{key_name(self, 'task.new')} and {key_name(self, 'task.previous')} go on"
            words = f"Enter finds, then {go_on}; {key_name(self, 'task.back')} ends it"
            yield Input(placeholder=words, id="search", compact=True)
            yield Static("", id="found", markup=False)
        yield Bar(id="held")
        yield Footer()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the tree."""
        self._is_ready = True
        self.query_one("#tree").focus()
        self.watch(self.query_one(ActivityTree), "cursor", self._inspect, init=False)
        self.watch(self.query_one(EventPane), "cursor", self._inspect_event, init=False)
        self.set_interval(1.0, self._tick)
        self._size_panes()
        self.query_one(EventPane).take(self._early)
        self.board_changed(self._board)

    # What the app tells

    def board_changed(self, board: Board, *, is_seen: bool = True) -> None:
        """There is a new board; behind another screen it is looked at later."""
        self._board = board
        if not self._is_ready:
            return
        touched = board.touched.logs | board.touched.tasks
        self._is_behind = self._is_behind or bool(touched & self._own)
        if is_seen and (self._is_behind or not self.query_one(ActivityTree).count()):
            self._is_behind = False
            self._show_tree()
        self._titles()

    def on_screen_resume(self) -> None:
        """It is seen again."""
        if self._is_ready:
            self.board_changed(self._board)

    def happened(self, changes: Sequence[Change]) -> None:
        """These changes are about this task."""
        if self._is_ready:
            self.query_one(EventPane).take(changes)
        else:
            self._early += changes

    def ended(self, why: str) -> None:
        """It is followed no more, and why."""
        self._ended = why
        if self._is_ready:
            self._titles()

    # Showing

    def _tick(self) -> None:
        self.query_one(ActivityTree).tick()
        self._titles()

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
        self._own = set(children)
        names = {agent_id: told[1].name for agent_id, told in board.agents.items()}
        task, wait = board.task(self.task_id), board.wait(self.task_id)
        self.query_one(ActivityTree).show(Source(self.task_id, activities, children, names, task, wait))
        self._inspect()

    def _titles(self) -> None:
        task = self._board.task(self.task_id)
        activity = self._board.activity(self.task_id)
        room = max(16, min(60, self.size.width - 64))
        name = self._desk.safe(task.name, 300) if task else self.task_id
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        left: list[tuple[Piece, str]] = [(Piece(" xp-tui › ", "faint"), "back"), (Piece(f"{name}  ", "strong"), "")]
        if task:
            left += [(piece, "") for piece in self._about(task, activity)]
        self.query_one("#title", Bar).show(left, [self._chip()])
        focused = self.focused.id if self.focused else ""
        tree = self.query_one(ActivityTree)
        titles = {"tree": "Timeline" if tree.is_timeline else "Activity", "events": "Events", "inspector": "Inspector"}
        states = {"tree": tree.state, "events": self.query_one(EventPane).state}
        for number, pane in enumerate(PANES, 1):
            mark, look = ("▌", "accent") if pane == focused else (" ", "faint")
            told = Piece(f"{mark}{number} {titles[pane]}  {states.get(pane, '')}", look)
            self.query_one(f"#{pane}-title", Bar).show([(told, pane)], [])

    def _about(self, task: Task, activity: Activity | None) -> list[Piece]:
        """Status, plan, tokens, context."""
        wait, now = self._board.wait(task.id), self._desk.now()
        if wait:
            since = f" {humanize.span((now - wait.since).total_seconds())}" if wait.since else ""
            found = [Piece(f"‖ {wait.kind}{since}  ", "need")]
        else:
            word = one_line(task.status) or "unknown"
            found = [Piece(f"{GLYPHS.get(task.status, '?')} {word}  ", LOOKS.get(task.status, ""))]
        plan = (activity.plan if activity else None) or task.plan
        if plan and plan.steps:
            bar = "▓" * plan.done + "░" * (len(plan.steps) - plan.done) if len(plan.steps) <= 12 else ""
            found.append(Piece(f"plan {plan.done}/{len(plan.steps)} {bar}  "))
        seconds = lasted(Line(task), now)
        if seconds is not None:
            found.append(Piece(f"{humanize.clock(seconds)}  ", "faint"))
        if task.tokens:
            found.append(Piece(f"{humanize.amount(task.tokens.total)} tok  ", "faint"))
        if activity and activity.context and activity.context.percent is not None:
            found.append(Piece(f"context {activity.context.percent:.0f}%  ", "faint"))
        return found

    def _chip(self) -> Piece:
        """How live this is, in the same corner always."""
        task = self._board.task(self.task_id)
        if self._ended:
            return Piece(f"● ended: {self._desk.safe(self._ended, 60)} ", "failed")
        if task and task.is_final:
            return Piece("■ ended ", "faint")
        link = self._board.links.get(self.task_id)
        if link is None:
            return Piece("● connecting ", "faint")
        words = self._desk.safe(str(link[1]), 60)
        return Piece(f"● {words} ", STATES.get(link[1].state, "faint"))

    # Doing

    def _inspect(self) -> None:
        if self.focused is not self.query_one(EventPane):
            self.query_one(Inspector).show(self._parts())

    def _parts(self) -> list[Part]:
        """What the row under the tree's cursor is about."""
        match self.query_one(ActivityTree).row:
            case Row(node=node) if node is not None:
                return _parts_of(node.entry)
            case Row(child_id=str() as child_id) if child := self._board.task(child_id):
                return _parts_of_task(child)
            case Row(step=step) if step is not None:
                return [Part("step of the plan", step.title), Part("as it is", step.raw)]
            case Remark(key="end") if task := self._board.task(self.task_id):
                return _parts_of_task(task)
            case Remark(key="wait") as remark if task := self._board.task(self.task_id):
                asked = task.hitl_request or task.pending_eca_request
                heading = f"{key_name(self, 'task.review')} reviews it"
                return [Part(heading, remark.text), Part("what exactly", asked.raw if asked else None)]
            case Remark() as remark:
                return [Part(remark.word.strip(" ─"), remark.text)]
        if self._board.activity(self.task_id) is None:
            return [Part("a moment", "the log is being read")]
        if len(self._board.logs[self.task_id].activity):
            return [Part("nothing to show", "no entry is of the kind that is asked for")]
        return [Part("nothing has happened yet", "the log is empty")]

    def _inspect_event(self) -> None:
        pane = self.query_one(EventPane)
        if self.focused is not pane:
            return
        match pane.chosen:
            case Event() as event:
                self.query_one(Inspector).show([Part(event.type, event.data), Part("whole event", event.raw)])
            case Entry() as entry:
                self.query_one(Inspector).show(_parts_of(entry))
            case Gap() as gap:
                filled = "not known yet" if gap.filled is None else str(gap.filled)
                told = f"from {gap.at.astimezone():%H:%M:%S} for {humanize.exact(gap.seconds)}, back-filled: {filled}"
                self.query_one(Inspector).show([Part("the stream was away", told)])
            case Link() as link:
                self.query_one(Inspector).show([Part("link", str(link))])

    @on(EventPane.Changed)
    @on(ActivityTree.Turned)
    def _told(self) -> None:
        self.set_class(self.query_one(ActivityTree).is_timeline, "-timeline")
        self._titles()

    def on_descendant_focus(self) -> None:
        """The focused pane's title stands out, and what is under its cursor is shown."""
        self._titles()
        if self._is_ready and self.focused is not None and self.focused.id == "tree":
            self._inspect()

    @on(ActivityTree.Wanted)
    def _wanted(self, event: ActivityTree.Wanted) -> None:
        self.post_message(self.ChildWanted(event.task_id))

    @on(Bar.Picked)
    def _picked(self, event: Bar.Picked) -> None:
        if event.name == "back":
            self.dismiss()
        elif event.name in PANES:
            self.action_pane(event.name)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Nothing is sent in read-only mode."""
        is_wish = action == "wish" or (action == "new_or_next" and not self._is_searching)
        return self._desk.read_only if is_wish else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While words to search for are written, letters are letters."""
        is_writing = self._is_ready and self.query_one("#search").has_focus
        if is_writing and action in {"wish", "review", "copy", "search", "pane", "size", "zoom"}:
            return False
        return super().check_action(action, parameters)

    @property
    def _is_searching(self) -> bool:
        return self._is_ready and self.query_one("#searching").has_class("-shown")

    def action_wish(self, verb: str) -> None:
        """Stop, continue, or begin anew with the same agent."""
        self.post_message(Wish(verb, self.task_id))

    def action_copy(self) -> None:
        """What to copy: of the selected thing, and of the task."""
        masks, texts = self._desk.masks, dict[str, str]()
        focused = self.focused
        if isinstance(focused, Lines) and focused.count():
            texts["text"] = focused.text_of(focused.cursor).strip()
        chosen = self.query_one(EventPane).chosen if isinstance(focused, EventPane) else None
        row = self.query_one(ActivityTree).row
        if isinstance(focused, ActivityTree) and isinstance(row, Row) and row.node:
            chosen = row.node.entry
        if isinstance(chosen, Entry | Event):
            texts["JSON"] = pretty(masks.json(chosen.raw))
        if isinstance(chosen, Entry):
            texts["Markdown"] = as_markdown(chosen, masks)
        if isinstance(focused, Inspector):
            texts |= focused.copies()
        self.post_message(CopyWanted(texts))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        waiting = task_to_review(self._board, self.task_id)
        if waiting is None:
            self.hint("this task waits for nobody")
        else:
            self.post_message(ReviewWanted(waiting))

    # Panes

    def action_pane(self, pane: str) -> None:
        """Go to a pane; where one is zoomed, it is this one then."""
        self.query_one(f"#{pane}").focus()
        if self.has_class("-zoomed"):
            self._zoom(pane)

    def action_zoom(self) -> None:
        """The focused pane alone, or all again."""
        self.toggle_class("-zoomed")
        focused = self.focused.id if self.focused and self.focused.id in PANES else PANES[0]
        self._zoom(focused if self.has_class("-zoomed") else None)

    def _zoom(self, pane: str | None) -> None:
        for one in PANES:
            self.query_one(f"#{one}").parent.set_class(pane not in {None, one}, "-hidden")  # type: ignore[union-attr]
        self._size_panes()

    def action_size(self, by: int) -> None:
        """Give the focused pane more room, or less."""
        pane = self.focused.id if self.focused else None
        if pane in self._shares:
            self._shares[pane] += by
        elif pane == "inspector":
            self._shares["tree"] -= by
        self._shares = {name: max(2, min(share, 8)) for name, share in self._shares.items()}
        self._size_panes()

    def _size_panes(self) -> None:
        panes, tree, events = self.query_one("#panes"), self._shares["tree"], self._shares["events"]
        is_zoomed = self.has_class("-zoomed")
        panes.styles.grid_columns = "1fr" if is_zoomed else f"{tree}fr {10 - tree}fr"
        panes.styles.grid_rows = "1fr" if is_zoomed else f"{10 - events}fr {events}fr"

    # Searching

    @property
    def _sought_in(self) -> Lines:
        """The pane that a search is for."""
        return self.query_one(f"#{self._searched}", Lines)

    _searched = PANES[0]

    def action_search(self) -> None:
        """Search the focused pane; of events, only those found are shown."""
        self._searched = self.focused.id if self.focused and self.focused.id in PANES else PANES[0]
        self.query_one("#searching").add_class("-shown")
        self.query_one("#search", Input).focus()

    def on_key(self, event: events.Key) -> None:
        """Up in the search goes back to the one before."""
        if event.key in {"up", "down"} and self.query_one("#search").has_focus:
            event.stop()
            self._find(-1 if event.key == "up" else 1)
        super().on_key(event)

    @on(Input.Submitted, "#search")
    def _search_on(self) -> None:
        self._find(1)
        self._sought_in.focus()

    def action_new_or_next(self, by: int) -> None:
        """In a search, the next one found; else a new task."""
        if self._is_searching:
            self._find(by)
        elif by > 0:
            self.action_wish("create")

    @on(Input.Changed, "#search")
    def _search_anew(self) -> None:
        pane = self._sought_in
        if isinstance(pane, EventPane):
            self._tell_found(pane.narrow(self.query_one("#search", Input).value), None)

    def _find(self, by: int) -> None:
        text, pane = self.query_one("#search", Input).value.strip(), self._sought_in
        if text and not isinstance(pane, EventPane):
            place, count = pane.find(text, by)
            self._tell_found(count, place)

    def _tell_found(self, count: int, place: int | None) -> None:
        words = "nothing" if not count else f"{count:,} lines" if place is None else f"{place} of {count}"
        self.query_one("#found", Static).update(f" {words} ")

    def action_leave(self) -> None:
        """Back by one step: from the search to its pane, then to the list."""
        searching = self.query_one("#searching")
        if searching.has_class("-shown"):
            searching.remove_class("-shown")
            self.query_one("#search", Input).value = ""
            self._sought_in.focus()
        else:
            self.dismiss()


def _parts_of(entry: Entry) -> list[Part]:
    """An entry, taken apart for reading; the whole of it last, folded."""
    found: list[Part] = []
    match entry:
        case ToolCall():
            why = entry.reasoning
            reason = "\n".join(part for part in (why.title, why.description) if part) if why else None
            cut = f"result, cut by the platform from {entry.cut_from:,} characters" if entry.cut_from else "result"
            found = [Part("payload", entry.arguments), Part("why, in the agent's words", reason)]
            found += [Part("error" if entry.is_error else cut, entry.result, is_markdown=not entry.is_error)]
        case Said():
            found = [Part(entry.role or "said", entry.text, is_markdown=True), Part("files", list(entry.files))]
        case Reasoning():
            found = [Part(entry.title or entry.type, entry.thought or entry.analysis, is_markdown=True)]
            found += [Part("action", entry.action), Part("result", entry.result, is_markdown=True)]
        case Delegation():
            found = [Part("asked", entry.query, is_markdown=True), Part("files", list(entry.files))]
        case Questions():
            found = [Part(question.text or "question", [words for _, words in question.options] or "open")
                     for question in entry.asked]  # fmt: skip
            found.append(Part("answers", entry.answers))
        case SignIn():
            found = [Part("sign-in", entry.label), Part("where", entry.url)]
        case Compaction():
            found = [Part(entry.label, entry.data)]
    return [*found, Part("whole entry", entry.raw, is_folded=bool(found))]


def _parts_of_task(task: Task) -> list[Part]:
    """A task, for reading."""
    asked = task.input.text if task.input else None
    return [
        Part("result", task.result, is_markdown=True),
        Part("asked", asked, is_markdown=True),
        Part("task", task.id),
        Part("whole record", task.raw, is_folded=True),
    ]
