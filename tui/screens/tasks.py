"""Home: the tasks, who needs a person first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from tui.board import Board
from tui.listing import Group, Head, Listing, arrange
from tui.masks import Masks
from tui.plain import one_line
from tui.query import Context, Filter, FilterError, parse
from tui.screens.wishes import ReviewWanted, Wish
from tui.widgets.bar import Bar
from tui.widgets.lines import Lines, Piece
from tui.widgets.peek import Peek
from tui.widgets.task_list import COLUMNS, TaskList, columns_for, heading

WIDE = 140
"""Columns from which the peek stands beside the list."""
COUNTERS = (
    (Group.NEEDS_YOU, "‖", "need you", "need"),
    (Group.RUNNING, "▶", "running", "running"),
    (Group.PENDING, "·", "pending", ""),
    (Group.FAILED, "✗", "failed", "failed"),
)


class TasksScreen(Screen[None]):
    """The list, its filter, and a glance at the task under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "wish('continue')", "reply", id="tasks.continue"),
        Binding("n", "wish('create')", "New task", show=False, id="tasks.new"),
        Binding("y", "wish('copy')", "Copy", show=False, id="tasks.copy"),
        Binding("X", "wish('stop')", "stop", id="tasks.stop"),
        Binding("a", "review", "review", id="tasks.review"),
        Binding("slash", "filter", "filter", id="tasks.filter"),
        Binding("escape", "leave", "Back", show=False, id="tasks.leave"),
        *(
            Binding(str(number), f"group('{group}')", f"Only {group.lower()}", show=False, id=f"tasks.group_{number}")
            for number, group in enumerate(Group, 1)
        ),
        Binding("s", "sort", "sort", id="tasks.sort"),
        Binding("S", "turn", "Turn the order round", show=False, id="tasks.turn"),
        Binding("r", "reload", "Read again", show=False, id="tasks.reload"),
        Binding("q", "app.quit", "quit", id="tasks.quit"),
    ]
    asked: reactive[Filter] = reactive(Filter, init=False)
    only: reactive[str | None] = reactive(None, init=False)
    column: reactive[str | None] = reactive(None, init=False)
    reverse: reactive[bool] = reactive(False, init=False)

    class Opened(Message):
        """A task is to be opened."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    class Reload(Message):
        """The lists are to be read again, now."""

    def __init__(self, now: Callable[[], datetime], place: str, masks: Masks) -> None:
        super().__init__()
        self._now = now
        self._place = place
        self._masks = masks
        self._board = Board()
        self._is_ready = False
        """Whether there are widgets to show anything in."""
        self._listing = Listing()
        self._opened: frozenset[str] = frozenset()
        self._total: int | None = None
        self._state = ("connecting", "faint")
        self._why = ""

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Bar(id="title")
        with Horizontal(id="line"):
            yield Static(" / ", id="slash")
            yield Input(placeholder="status:paused agent:invoice* age:<2d words", id="filter", compact=True)
        yield Static(id="wrong", markup=False)
        yield Bar(id="heading")
        with Container(id="body"):
            yield TaskList(self._now, self._masks, id="tasks")
            yield Static("reading the tasks …", id="empty", markup=False)
            yield Peek(self._now, self._masks, id="peek")
        yield Footer()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the list."""
        self._is_ready = True
        self.query_one(TaskList).focus()
        self.set_interval(1.0, self._tick)
        self._arrange()

    # What the app tells

    def board_changed(self, board: Board, total: int | None) -> None:
        """There is a new board."""
        self._board, self._total = board, total
        if not self._is_ready:
            return
        if board.touched.tasks or board.touched.agents or board.touched.logs or not self._listing.loaded:
            self._arrange()

    def state_changed(self, words: str, look: str, why: str = "") -> None:
        """How live this is, and where nothing is shown, why."""
        self._state, self._why = (words, look), why
        if self._is_ready:
            self._titles()
            self._emptiness()

    # Showing

    def _arrange(self) -> None:
        names = {agent_id: told[1].name for agent_id, told in self._board.agents.items()}
        matches = self.asked.predicate(Context(self._now(), names))
        self._listing = arrange(
            self._board,
            matches,
            only=self.only,
            opened=self._opened,
            column=self.column,
            reverse=self.reverse,
            names=names,
        )
        self.query_one(TaskList).show(self._listing, names)
        self._titles()
        self._emptiness()
        self._show_peek()

    def _titles(self) -> None:
        state, look = self._state
        left = [(Piece(" xp-tui ", "strong"), ""), (Piece(f" {one_line(self._place)} ", "faint"), "")]
        left.append((Piece(f" ● {state}  ", look), ""))
        for group, glyph, words, look in COUNTERS:
            count = self._listing.counts.get(group, 0)
            if not count and self.only != group and group != Group.NEEDS_YOU:
                continue
            chosen = "accent" if self.only == group else look if count else "faint"
            left.append((Piece(f" {glyph} {count} {words} ", chosen), str(group)))
        loaded, total = self._listing.loaded, self._total
        matched = f"{self._listing.matched} of " if self.asked else ""
        in_all = f" · {total:,} total" if total is not None and total != loaded else ""
        self.query_one("#title", Bar).show(left, [Piece(f"{matched}{loaded:,} loaded{in_all} ", "faint")])
        width = self.query_one(TaskList).scrollable_content_region.width or self.size.width
        self.query_one("#heading", Bar).show(
            [(Piece(heading(width, self.column, self.reverse), "faint"), "heading")], []
        )

    def _emptiness(self) -> None:
        """Where there is no row, say why, and what to press."""
        is_empty = not any(not isinstance(row, Head) for row in self._listing.rows)
        self.set_class(is_empty, "-empty")
        if not is_empty:
            return
        if self._why:
            words = f"{self._why}\n\nr tries again"
        elif self.asked or self.only:
            words = f"Nothing of {self._listing.loaded} loaded tasks is shown.\n\nesc takes the filter away"
        elif self._state[0] == "connecting":
            words = "Reading the tasks …"
        else:
            words = "There are no tasks yet."
        self.query_one("#empty", Static).update(words)

    def _show_peek(self) -> None:
        self.query_one(Peek).show(self.query_one(TaskList).line, self._board)

    def _tick(self) -> None:
        self.query_one(TaskList).tick()
        self.query_one(Peek).tick()

    def on_resize(self) -> None:
        """The peek goes where there is room for it."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.call_after_refresh(self._titles)

    # Doing

    @on(TaskList.Moved)
    def _moved(self) -> None:
        self._show_peek()

    @on(TaskList.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        if line := self.query_one(TaskList).line:
            self.post_message(self.Opened(line.task.id))

    @on(TaskList.Folded)
    def _folded(self, event: TaskList.Folded) -> None:
        self._opened = self._opened | {event.task_id} if event.is_open else self._opened - {event.task_id}
        self._arrange()

    @on(Bar.Picked, "#title")
    def _picked(self, event: Bar.Picked) -> None:
        self.action_group(event.name)

    def on_click(self, event: object) -> None:
        """A click on a heading sorts by its column."""
        from textual import events

        if isinstance(event, events.Click) and event.widget is self.query_one("#heading"):
            begun = 1
            for column, width in columns_for(self.query_one(TaskList).scrollable_content_region.width):
                begun += width
                if event.x < begun:
                    self.reverse = not self.reverse if self.column == column.name else False
                    self.column = column.name
                    return

    def action_wish(self, verb: str) -> None:
        """Stop, continue, or begin anew with the same agent."""
        if line := self.query_one(TaskList).line:
            self.post_message(Wish(verb, line.task.id))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        line = self.query_one(TaskList).line
        if line is None or line.wait is None:
            self.notify("this task waits for nobody", severity="warning", markup=False)
        else:
            self.post_message(ReviewWanted(line.path[-1].id if line.path else line.task.id))

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one("#filter", Input).focus()

    def action_leave(self) -> None:
        """Back by one step: from the filter to the list, then to everything."""
        if self.query_one("#filter", Input).has_focus:
            self.query_one(TaskList).focus()
        elif self.asked or self.query_one("#filter", Input).value:
            self.query_one("#filter", Input).value = ""
        else:
            self.only = None
            self.column = None

    def action_group(self, group: str) -> None:
        """Show one group alone, or all again."""
        self.only = None if self.only == group else group

    def action_sort(self) -> None:
        """Sort by the next column; after the last, by groups again."""
        names = [None, *(column.name for column in COLUMNS)]
        self.column = names[(names.index(self.column) + 1) % len(names)]

    def action_turn(self) -> None:
        """The other way round."""
        self.reverse = not self.reverse

    def action_reload(self) -> None:
        """Read the lists now."""
        self.post_message(self.Reload())

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        wrong = ""
        try:
            self.asked = parse(event.value)
        except FilterError as error:
            wrong = error.underlined().split("\n", 1)[1]  # the text itself stands above it
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#wrong").set_class(bool(wrong), "-shown")
        event.input.set_class(bool(wrong), "-wrong")

    @on(Input.Submitted, "#filter")
    def _entered(self) -> None:
        self.query_one(TaskList).focus()

    def watch_asked(self) -> None:
        """Another filter."""
        self._arrange()

    def watch_only(self) -> None:
        """Another group."""
        self._arrange()

    def watch_column(self) -> None:
        """Another order."""
        self._arrange()

    def watch_reverse(self) -> None:
        """The other way round."""
        self._arrange()
