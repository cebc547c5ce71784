"""The list of tasks, in columns that choose themselves by the width there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from tui import words
from tui.listing import Head, Line, Listing, Row, lasted
from tui.masks import Masks
from tui.plain import one_line
from tui.widgets.lines import Lines, Piece, Pieces, fit

GLYPHS = {
    "paused": "‖", "executing": "▶", "pending": "·", "completed": "✓", "failed": "✗", "error": "!", "stopped": "■",
}  # fmt: skip
LOOKS = {"executing": "running", "failed": "failed", "error": "failed", "completed": "faint", "stopped": "faint"}


class Column(NamedTuple):
    """One column: its name, its heading, its width, and from which width of the list it is there."""

    name: str
    heading: str
    width: int
    since: int = 0
    is_number: bool = False


COLUMNS = (
    Column("status", "STATUS", 15),
    Column("title", "TITLE", 0),
    Column("agent", "AGENT", 13, 70),
    Column("wait", "WAIT/RUN", 9, 0, True),
    Column("plan", "PLAN", 6, 84, True),
    Column("tokens", "TOKENS", 8, 100, True),
    Column("updated", "UPDATED", 10, 92, True),
)


class TaskList(Lines):
    """Tasks under a cursor, with marks and folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="tasks.open"),
        Binding("right,l,equals_sign", "fold(True)", "Unfold", show=False, id="tasks.unfold"),
        Binding("left,h,minus", "fold(False)", "Fold", show=False, id="tasks.fold"),
    ]

    class Folded(Message):
        """The sub-tasks of a task are wanted, or not any more."""

        def __init__(self, task_id: str, is_open: bool) -> None:
            super().__init__()
            self.task_id = task_id
            self.is_open = is_open

    def __init__(self, now: Callable[[], datetime], masks: Masks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._masks = masks
        self._now = now
        self._rows: tuple[Row, ...] = ()
        self._places: dict[str, int] = {}
        self._names: Mapping[str, str] = {}

    @property
    def line(self) -> Line | None:
        """The line under the cursor."""
        row = self._rows[self.cursor] if self.cursor < len(self._rows) else None
        return row if isinstance(row, Line) else None

    def show(self, listing: Listing, names: Mapping[str, str]) -> None:
        """Show another listing; the cursor stays on its task."""
        before = self.rows_will_change()
        self._rows = listing.rows
        self._places = {row.key: place for place, row in enumerate(self._rows)}
        self._names = names
        self.rows_changed(before)

    def tick(self) -> None:
        """The clocks go on: draw the lines in sight whose clock runs."""
        top = self.scroll_offset.y
        for place in range(top, min(top + self.size.height, len(self._rows))):
            row = self._rows[place]
            if isinstance(row, Line) and (row.wait or not row.task.is_final):
                self.refresh_line(place - top)

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """The task's id."""
        return self._rows[index].key

    def index_of(self, key: object) -> int | None:
        """Where a task is."""
        return self._places.get(key) if isinstance(key, str) else None

    def can_rest(self, index: int) -> bool:
        """A heading is passed over."""
        return isinstance(self._rows[index], Line)

    def action_fold(self, is_open: bool) -> None:
        """Show or hide the sub-tasks."""
        if (line := self.line) and line.below:
            self.post_message(self.Folded(line.task.id, is_open))

    def pieces(self, index: int, width: int) -> Pieces:
        """A heading, or a task in its columns."""
        row = self._rows[index]
        if isinstance(row, Head):
            return [Piece(f" ▾ {one_line(row.group)} ({row.count})", "need" if row.group == "Needs you" else "head")]
        cells = self._cells(row)
        found: list[Piece] = [Piece(" ")]
        for column, cell_width in columns_for(width):
            text, look = cells[column.name]
            found.append(Piece(fit(text, cell_width - 1, right=column.is_number) + " ", look))
        return found

    def _cells(self, row: Line) -> dict[str, Piece]:
        task, now = row.task, self._now()
        if row.wait:
            status = Piece(f"‖ {row.wait.kind}", "need")
        else:
            status = Piece(
                f"{GLYPHS.get(task.status, '?')} {one_line(task.status) or 'unknown'}", LOOKS.get(task.status, "")
            )
        seconds = lasted(row, now)
        is_running = not row.wait and not task.is_final
        clock = "" if seconds is None else words.clock(seconds) if is_running else words.span(seconds)
        fold = f"{'▾' if row.is_open else '▸'} " if row.below else ""
        below = f"  ({row.below})" if row.below else ""
        where = "".join(f" › {one_line(self._masks.text(step.name), longest=40)}" for step in row.path)
        title = f"{'  ' * row.depth}{fold}{one_line(self._masks.text(task.name), longest=300)}{where}{below}"
        plan = f"{task.plan.done}/{len(task.plan.steps)}" if task.plan and task.plan.steps else ""
        strength = "strong" if row.wait else "faint" if task.is_final else ""
        return {
            "status": status,
            "title": Piece(title, strength),
            "agent": Piece(one_line(self._names.get(task.agent_id, task.agent_id)), "faint" if task.is_final else ""),
            "wait": Piece(clock, "need" if row.wait else "faint"),
            "plan": Piece(plan, "faint" if task.is_final else ""),
            "tokens": Piece(words.amount(task.tokens.total) if task.tokens else "", "faint"),
            "updated": Piece(words.ago(task.changed_at, now), "faint"),
        }


def columns_for(width: int) -> list[tuple[Column, int]]:
    """The columns that there is room for, and how wide each is; the title takes what is left."""
    chosen = [column for column in COLUMNS if width >= column.since]
    left = width - 1 - sum(column.width for column in chosen)
    return [(column, column.width or max(left, 8)) for column in chosen]


def heading(width: int, column: str | None, reverse: bool) -> str:
    """The line above the list."""
    found = " "
    for one, cell_width in columns_for(width):
        arrow = (" ▾" if reverse else " ▴") if one.name == column else ""
        found += fit(one.heading + arrow, cell_width - 1, right=one.is_number) + " "
    return found if cell_len(found) <= width else found[:width]
