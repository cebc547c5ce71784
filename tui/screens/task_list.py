"""Home: the tasks, who needs a person first."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widgets import Static

from tui.client.models import Status, Wait
from tui.domain import humanize
from tui.domain.filters import FIELDS, Context, Filter, FilterError, Words, parse
from tui.domain.state import Board
from tui.domain.task_list import Listing, View
from tui.domain.task_rows import Group, Head, Line, More
from tui.screens.base import Keyed
from tui.screens.messages import ReviewWanted, Wish, task_to_review
from tui.security.sanitize import one_line
from tui.widgets.context import Desk
from tui.widgets.filter_input import FilterInput
from tui.widgets.key_footer import Footer
from tui.widgets.keys import key_name
from tui.widgets.segment_line import Bar
from tui.widgets.slices import MAX_BLOCKING_SECONDS, run_slice, run_sliced
from tui.widgets.styled_text import Piece
from tui.widgets.task_preview import Peek
from tui.widgets.task_table import COLUMNS, TaskList, columns_for, heading
from tui.widgets.virtual_list import Lines

if TYPE_CHECKING:
    from tui.client.models import TaskQuery

NARROW = 100
"""Columns below which the counters are but a glyph and a number."""
WIDE = 140
"""Columns from which the peek stands beside the list."""
REST = 0.4
"""Seconds after which a cursor that stays on a task asks for more of it."""
ANEW = 5
"""Seconds after which a list that depends on the time is arranged anew."""
PATIENCE = 0.6
"""Seconds without another letter after which the platform itself is asked for what a filter wants."""
COMPLETED = {"status": "status", "source": "source", "user": "user_id"}
"""Fields of a filter whose values are suggested as they come, and what a task calls them."""
COUNTERS = (
    (Group.NEEDS_YOU, "‖", "need you", "need"),
    (Group.RUNNING, "▶", "running", "running"),
    (Group.PENDING, "·", "pending", ""),
    (Group.FAILED, "✗", "failed", "failed"),
)


class TasksScreen(Keyed[None]):
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

    class More(Message):
        """More tasks are to be loaded."""

    class Wider(Message):
        """The platform itself is to be asked for what the filter wants."""

        def __init__(self, query: TaskQuery | None) -> None:
            super().__init__()
            self.query = query

    class Glanced(Message):
        """The cursor has come to rest on a task: more is to be known of it, its log too where there is room for it."""

        def __init__(self, task_id: str, is_deep: bool) -> None:
            super().__init__()
            self.task_id = task_id
            self.is_deep = is_deep

    class AgentsWanted(Message):
        """An agent is to be chosen."""

    def __init__(self, desk: Desk, begin_with: str = "") -> None:
        super().__init__()
        self._begin_with = begin_with
        self._wanted = ""
        self._waits: dict[str, Wait | None] = {}
        """Why those wait whose logs are known."""
        self._values: dict[str, set[str]] = {field: set() for field in COMPLETED}
        """What was seen in these fields."""
        self._desk = desk
        self._board = Board()
        self._is_ready = False
        """Whether there are widgets to show anything in."""
        self._listing = Listing()
        self._unseen: set[str] = set()
        """What has changed since that was arranged."""
        self._missed: set[str] = set()
        """What has changed since another list was begun."""
        self._has_new_names = False
        self._ticks = 0
        self._total: int | None = None
        self._state = ("connecting", "faint")
        self._why = ""
        self._patience = 60.0
        self._told_at: datetime | None = None
        self._asked_there: TaskQuery | None = None
        """What of the filter the platform was asked for."""
        self._asking: Timer | None = None
        self._resting: Timer | None = None

    def compose(self) -> ComposeResult:
        """The parts, from top to bottom."""
        yield Bar(id="title")
        with Horizontal(id="line"):
            yield Static(" / ", id="slash", markup=False)
            example = "status:paused agent:invoice* age:<2d words"
            yield FilterInput(self._desk.memory, self._seen, placeholder=example, id="filter")
            yield Static("", id="only", markup=False)
            yield Static("", id="there", markup=False)
        yield Static(id="wrong", markup=False)
        yield Bar(id="heading")
        with Container(id="body", classes="-empty"):  # as it begins: to say so later would style it again
            yield TaskList(self._desk, id="tasks")
            yield Static("Reading the tasks …", id="empty", markup=False)
            yield Peek(self._desk.now, self._desk.masks, id="peek")
        yield Bar(id="held")
        yield Footer()

    def on_unmount(self) -> None:
        """Nothing is shown any more."""
        self._is_ready = False

    def on_mount(self) -> None:
        """Begin with the list."""
        self._is_ready = True
        self.watch(self.query_one(TaskList), "cursor", self._moved, init=False)
        self.watch(self.query_one(TaskList), "show_vertical_scrollbar", self._titles, init=False)
        self.filter(self._begin_with)
        self.set_interval(1.0, self._tick)
        self._arrange()

    # What the app tells

    def board_changed(self, board: Board, total: int | None, *, is_seen: bool = True) -> None:
        """There is a new board; behind another screen it is looked at later."""
        self._board, self._total = board, total
        tasks, logs = board.touched.tasks, board.touched.logs
        for task in filter(None, map(board.task, tasks)):
            for field, name in COMPLETED.items():
                if value := getattr(task, name):
                    self._values[field].add(value)
        self._unseen |= tasks | set(filter(self._waits_otherwise, logs | (tasks & self._waits.keys())))
        self._has_new_names = self._has_new_names or bool(board.touched.agents)
        if not self._is_ready or not is_seen:
            return
        if self._has_new_names:
            self._arrange()
        elif self._unseen or not self._listing.loaded:
            self._go_on()
            line = self.query_one(TaskList).line
            if line and (line.path[-1] if line.path else line.task).id in tasks:
                self._rest()
        elif logs:
            self._show_peek()

    def _waits_otherwise(self, task_id: str) -> bool:
        """Whether a task waits otherwise than before: only then is it another row when its log has grown."""
        before, self._waits[task_id] = self._waits.get(task_id), self._board.wait(task_id)
        return self._waits[task_id] != before

    def on_screen_resume(self) -> None:
        """It is seen again."""
        if self._is_ready:
            self._arrange() if self._has_new_names else self._go_on()

    def state_changed(self, words: str, look: str, why: str = "", patience: float = 60.0) -> None:
        """How live this is, and where nothing is shown, why; after so many seconds without a word it is not live."""
        before = self._state, self._why, self._silence <= self._patience
        self._state, self._why, self._patience = (words, look), why, patience
        self._told_at = self._desk.now()
        if self._is_ready and before != (self._state, self._why, True):
            self._titles()
            self._emptiness()

    @property
    def _silence(self) -> float:
        """Seconds since that was told."""
        return (self._desk.now() - self._told_at).total_seconds() if self._told_at else 0.0

    def answered(self, query: TaskQuery, total: int) -> None:
        """The platform has told how many there are of what it was asked for."""
        if query == self._asked_there:
            names = [name for name in ("status", "agent_id", "parent_task_id", "from_date", "to_date")
                     if getattr(query, name)]  # fmt: skip
            told = ", ".join(_FIELDS[name] for name in names)
            self.query_one("#there", Static).update(f" {told} asked of the platform: {total:,} ")

    def filter(self, text: str) -> None:
        """Use this filter."""
        self.query_one(FilterInput).value = text
        self.query_one(TaskList).focus()

    # Showing

    def _view(self) -> View:
        names = {agent_id: told[1].name for agent_id, told in self._board.agents.items()}
        matches = self.asked.predicate(self._query_context(names)) if self.asked else None
        return View(
            matches, self.only, self.column, self.reverse, names, self._desk.now(), None if self.only else self._total
        )

    def _go_on(self) -> None:
        """Take into the list what has changed."""
        listing, touched, self._unseen = self._listing, self._unseen, set()
        self._missed |= touched

        def change() -> None:
            listing.view = self._view()
            listing.take(self._board, touched)

        self._show(listing, change)

    def _arrange(self, *, is_other: bool = False) -> None:
        """Arrange all tasks anew: at once while they are few, else some at a time, beside all else."""
        if self._unseen:
            self._go_on()
        self._has_new_names, self._missed = False, set()
        listing = self._listing.again(self._view())
        slices = listing.filled(self._board)
        self.workers.cancel_group(self, "arrange")
        if run_slice(slices, MAX_BLOCKING_SECONDS):
            self._arranged(listing, is_other)
        else:
            self._arrange_slowly(listing, slices, is_other)

    @work(group="arrange")
    async def _arrange_slowly(self, listing: Listing, slices: Iterator[None], is_other: bool) -> None:
        left = listing
        try:
            await run_sliced(slices)
            left = self._listing
            self._arranged(listing, is_other)
        finally:
            if self._is_ready:
                self._give_back(left)

    @work(group="give back")
    async def _give_back(self, listing: Listing) -> None:
        await run_sliced(listing.emptied())

    def _arranged(self, listing: Listing, is_other: bool) -> None:
        """Show it; with other rows, the cursor stays with its task, or goes to the first."""
        tasks = self.query_one(TaskList)
        before = tasks.line
        self._listing = listing
        self._show(listing, lambda: listing.take(self._board, self._missed))
        if is_other:
            if before is None or tasks.index_of(before.key) is None:
                tasks.move_to(0)
            self.call_after_refresh(tasks.show_cursor)

    def _show(self, listing: Listing, change: Callable[[], object]) -> None:
        is_first = not self.query_one(TaskList).count()
        self.query_one(TaskList).show(listing, change)
        if is_first:
            self._rest()
        if self._wanted and (place := self.query_one(TaskList).index_of(self._wanted)) is not None:
            self._wanted = ""
            self.query_one(TaskList).move_to(place)
        self._titles()
        self._emptiness()
        self._show_peek()

    def _query_context(self, names: dict[str, str]) -> Context:
        waits = {task_id: wait for task_id in self._board.logs if (wait := self._board.wait(task_id))}
        return Context(self._desk.now(), names, waits)

    def _seen(self, field: str) -> Iterable[str]:
        """The values that a field has in what is loaded, as far as they can be written."""
        values: Iterable[str] = self._values.get(field, ())
        if field == "agent":
            values = {told[1].name for told in self._board.agents.values()}
        elif field == "err":
            values = ("true", "false")
        return (value for value in values if value == one_line(self._desk.masks.text(value)))

    @on(TaskList.Resized)
    def _titles(self) -> None:
        state, look = self._state
        if (silent := self._silence) > self._patience:
            state, look = f"last read {humanize.span(silent)} ago", "failed"
        is_narrow = self.size.width < NARROW
        left = [(Piece(" xp-tui ", "strong"), ""), (Piece(f" {one_line(self._desk.place)} ", "faint"), "")]
        left.append((Piece(f" ● {state} ", look), ""))
        if self._desk.read_only:
            left.append((Piece(" read-only ", "strong"), ""))
        if marked := len(self.query_one(TaskList).marks):
            left.append((Piece(f" * {marked} marked ", "accent"), "marks"))
        for group, glyph, word, look in COUNTERS:
            count = self._listing.counts.get(group, 0)
            if not count and self.only != group and group != Group.NEEDS_YOU:
                continue
            chosen = "accent" if self.only == group else look if count else "faint"
            told = "" if is_narrow and group is not Group.NEEDS_YOU else f" {word}"
            left.append((Piece(f" {glyph} {count}{told} ", chosen), str(group)))
        loaded, total = self._listing.loaded, self._total
        matched = f"{self._listing.matched} of " if self.asked or self.only else ""
        in_all = f" · {total:,} total" if total is not None and total != loaded else ""
        self.query_one("#title", Bar).show(left, [Piece(f"{matched}{loaded:,} loaded{in_all} ", "faint")])
        width = self.query_one(TaskList).scrollable_content_region.width or self.size.width
        self.query_one("#heading", Bar).show(heading(width, self._desk.time, self.column, self.reverse), [])

    def _emptiness(self) -> None:
        """Where there is no row, say why, and what to press."""
        is_empty = self._listing.is_empty
        self.query_one("#body").set_class(is_empty, "-empty")
        if not is_empty:
            return
        if self._why:
            words = f"{self._why}\n\n{key_name(self, 'tasks.reload')} tries again"
        elif self.asked or self.only:
            has_more = self._total and self._total > self._listing.loaded
            more = f", {key_name(self, 'tasks.more')} loads more" if has_more else ""
            words = f"Nothing of {self._listing.loaded} loaded tasks is shown.{self._guess()}"
            words += f"\n\n{key_name(self, 'tasks.leave')} takes the filter away{more}"
        elif self._state[0] == "connecting":
            words = "Reading the tasks …"
        else:
            words = f"There are no tasks yet.\n\n{key_name(self, 'tasks.new')} starts one"
        self.query_one("#empty", Static).update(words)

    def _guess(self) -> str:
        """What may be wrong with a filter that finds nothing: a status that nothing has."""
        known = {*map(str, Status), *self._seen("status")}
        for term in self.asked.terms:
            for value in term.values if term.field == "status" else ():
                if isinstance(value, Words) and not value.is_wild and value.text.lower() not in known:
                    near = difflib.get_close_matches(value.text, known, 1, 0.5)
                    hint = f", did you mean {near[0]}?" if near else ""
                    return f"\nNo task has the status {one_line(value.text, longest=30)}{hint}"
        return ""

    def _show_peek(self) -> None:
        self.query_one(Peek).show(self.query_one(TaskList).line, self._board)

    def _rest(self) -> None:
        """When the cursor stays here for a moment, more is to be known."""
        if self._resting:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._glance)

    def _glance(self) -> None:
        if line := self.query_one(TaskList).line:
            task = line.path[-1] if line.path else line.task
            self.post_message(self.Glanced(task.id, self.has_class("-wide")))

    def _tick(self) -> None:
        self._ticks += 1
        is_timed = self.column == "wait" or any(term.field in {"age", "wait"} for term in self.asked.terms)
        if is_timed and self._ticks % ANEW == 0:
            self._arrange()
        self.query_one(TaskList).tick()
        self.query_one(Peek).tick()
        self._titles()

    def on_resize(self, event: events.Resize) -> None:
        """The peek goes where there is room for it."""
        self.set_class(self.size.width >= WIDE, "-wide")
        self.call_after_refresh(self._titles)

    # Doing

    def _moved(self) -> None:
        self._show_peek()
        self._rest()

    @on(TaskList.Chosen)
    def _chosen(self, event: Lines.Chosen) -> None:
        match self.query_one(TaskList).row:
            case Line(task=task):
                self.post_message(self.Opened(task.id))
            case Head() as head:
                self._turn(head.key, True)
            case More():
                self.action_more()

    @on(TaskList.Folded)
    def _turned(self, event: TaskList.Folded) -> None:
        self._turn(event.key, event.is_open)

    def _turn(self, key: str, is_open: bool) -> None:
        tasks, listing = self.query_one(TaskList), self._listing
        self._missed.add(key)
        self._show(listing, lambda: listing.turn(key, is_open))
        if (place := tasks.index_of(key)) is not None:
            tasks.move_to(place)

    @on(TaskList.FoldedAll)
    def _turned_all(self, event: TaskList.FoldedAll) -> None:
        self._listing.folded.clear()
        self._listing.opened.clear()
        self._listing.opened.update(() if event.away else self._board.children)
        self._arrange()

    @on(TaskList.Marked)
    def _marked(self) -> None:
        self._titles()

    @on(Bar.Picked, "#title")
    def _picked(self, event: Bar.Picked) -> None:
        if event.name == "marks":
            self.query_one(TaskList).unmark()
        else:
            self.action_group(event.name)

    @on(Bar.Picked, "#heading")
    def _heading_picked(self, event: Bar.Picked) -> None:
        if self.column == event.name:
            self.reverse = not self.reverse
        else:
            self._sort_by(event.name)

    def select(self, task_id: str) -> None:
        """Put the cursor on a task as soon as it is there."""
        self._wanted = task_id

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a filter is written, letters are letters."""
        is_writing = self._is_ready and self.query_one(FilterInput).has_focus
        if is_writing and action in {"wish", "review", "filter", "group", "sort", "turn", "time", "more", "reload"}:
            return False
        return super().check_action(action, parameters)

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str:
        """Nothing is sent in read-only mode."""
        return self._desk.read_only if action == "wish" and parameters != ("copy",) else ""

    def action_wish(self, verb: str) -> None:
        """Stop or copy what is marked or under the cursor; continue it, or begin anew."""
        ids = self.query_one(TaskList).chosen
        self.post_message(Wish(verb, *(ids if verb in {"stop", "copy"} else ids[:1])))

    def action_review(self) -> None:
        """See what it waits for, to decide."""
        ids = self.query_one(TaskList).chosen
        waiting = [found for one in ids if (found := task_to_review(self._board, one))]
        if waiting:
            self.post_message(ReviewWanted(*dict.fromkeys(waiting)))
        else:
            self.hint("none of the marked tasks waits" if len(ids) > 1 else "this task waits for nobody")

    def action_filter(self) -> None:
        """Go to the filter."""
        self.query_one(FilterInput).focus()

    def action_leave(self) -> None:
        """Back by one step: from the filter to the list, from the marks, then to everything."""
        tasks, written = self.query_one(TaskList), self.query_one(FilterInput)
        if written.has_focus:
            tasks.focus()
        elif tasks.marks:
            tasks.unmark()
        elif self.asked or written.value:
            written.value = ""
        else:
            self.only = None
            self.column = None

    def action_group(self, group: str) -> None:
        """Show one group alone, or all again."""
        self.only = None if self.only == group else group

    def action_sort(self) -> None:
        """Sort by the next column; after the last, by groups again."""
        width = self.query_one(TaskList).scrollable_content_region.width
        shown = {column.name: column for column, _ in columns_for(width, self._desk.time)}
        names = [None, *shown]
        at = names.index(self.column) if self.column in names else 0
        self._sort_by(names[(at + 1) % len(names)])

    def _sort_by(self, name: str | None) -> None:
        """Sort by a column; numbers begin with the largest."""
        self.reverse = any(column.name == name and column.is_number for column in COLUMNS)
        self.column = name

    def action_turn(self) -> None:
        """The other way round."""
        self.reverse = not self.reverse

    def action_reload(self) -> None:
        """Read the lists now."""
        self.post_message(self.Reload())

    def action_time(self) -> None:
        """Show times in the next way."""
        self.hint(f"times: {self._desk.turn_time()}")
        self._titles()
        self.query_one(TaskList).refresh()

    def action_agents(self) -> None:
        """Choose an agent."""
        self.post_message(self.AgentsWanted())

    def action_more(self) -> None:
        """Load more."""
        if self._total is not None and self._total > self._listing.loaded:
            self.hint("loading more …")
            self.post_message(self.More())
        else:
            self.hint("all there is, is loaded")

    @on(FilterInput.Changed)
    def _typed(self, event: FilterInput.Changed) -> None:
        wrong = ""
        try:
            self.asked = parse(_so_far(event.value))
        except FilterError as error:
            wrong = error.underlined().split("\n", 1)[1]  # the text itself stands above it
        self.query_one("#wrong", Static).update(wrong)
        self.query_one("#wrong").set_class(bool(wrong), "-shown")
        event.input.set_class(bool(wrong), "-wrong")
        if self._asking:
            self._asking.stop()
        self._asking = self.set_timer(PATIENCE, self._ask)

    def _ask(self) -> None:
        """Ask the platform itself for what of the filter it can choose by."""
        names = {agent_id: told[1].name for agent_id, told in self._board.agents.items()}
        query = self.asked.pushed_down(self._query_context(names))
        wanted = query if query != Filter().pushed_down() else None
        if wanted != self._asked_there:
            self._asked_there = wanted
            self.query_one("#there", Static).update("")
            self.post_message(self.Wider(wanted))

    @on(FilterInput.Submitted)
    def _entered(self, event: FilterInput.Submitted) -> None:
        self.query_one(FilterInput).remember()
        with suppress(FilterError):
            self.asked = parse(event.value)
        self.query_one(TaskList).focus()

    def watch_asked(self) -> None:
        """Another filter."""
        self._arrange(is_other=True)

    def watch_only(self) -> None:
        """Another group."""
        if self.only is not None:
            self._listing.folded.discard(self.only)
        words = f" only {self.only.lower()}: {key_name(self, 'tasks.leave')} shows all " if self.only else ""
        self.query_one("#only", Static).update(words)
        self._arrange(is_other=True)

    def watch_column(self) -> None:
        """Another order."""
        self._arrange()

    def watch_reverse(self) -> None:
        """The other way round."""
        self._arrange()


def _so_far(text: str) -> str:
    """What of a filter can be used while it is written: a last word that may become a field's name has to wait."""
    last = text.rsplit(" ", 1)[-1].lstrip("-")
    is_beginning = bool(last) and any(name.startswith(last) for name in FIELDS)
    return text[: len(text) - len(last)].rstrip("- ") if is_beginning else text


_FIELDS = {"status": "status", "agent_id": "agent", "parent_task_id": "parent", "from_date": "age", "to_date": "age"}
"""What the platform calls the fields of a filter."""
