"""What happened in a task, as a tree that grows: sub-agents' logs open under their triggers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from tui.activity import Activity, Row, walk
from tui.api.entries import Reasoning, ToolCall
from tui.api.models import Task
from tui.masks import Masks
from tui.plain import one_line
from tui.telling import told
from tui.widgets.lines import Lines, Piece, Pieces, fit


class ActivityTree(Lines):
    """Entries under a cursor; what has something beneath it folds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", show=False, id="tree.open"),
        Binding("right,l,equals_sign", "fold(False)", "Unfold", show=False, id="tree.unfold"),
        Binding("left,h,minus", "fold(True)", "Fold", show=False, id="tree.fold"),
        Binding("e", "errors", "errors", id="tree.errors"),
        Binding("T", "reasoning", "reasoning", id="tree.reasoning"),
    ]

    class Wanted(Message):
        """A sub-task's log is to be read."""

        def __init__(self, task_id: str) -> None:
            super().__init__()
            self.task_id = task_id

    def __init__(self, masks: Masks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._masks = masks
        self._rows: list[Row] = []
        self._places: dict[str, int] = {}
        self._folded: set[str] = set()
        self._opened: set[str] = set()
        self._names: Mapping[str, str] = {}
        self._tasks: Mapping[str, Task] = {}
        self._errors = False
        self._reasons = True
        self._source: tuple[Mapping[str, Activity], Mapping[str, tuple[Task, ...]], str] | None = None

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def show(
        self,
        activities: Mapping[str, Activity],
        children: Mapping[str, tuple[Task, ...]],
        root: str,
        names: Mapping[str, str],
    ) -> None:
        """Show a task's activity; what was folded stays so, and the cursor stays where it is."""
        self._names = names
        self._tasks = {task.id: task for below in children.values() for task in below}
        self._source = (activities, children, root)
        self._arrange()

    def _arrange(self) -> None:
        if self._source is None:
            return
        before = self.rows_will_change()
        is_at_end = self.cursor >= len(self._rows) - 1
        self._rows = list(self._visible(walk(*self._source)))
        self._places = {_key(row): place for place, row in enumerate(self._rows)}
        self.rows_changed(before)
        if is_at_end and len(self._rows) > 1 and self.cursor < len(self._rows) - 1 and not self.has_focus:
            self.move_to(len(self._rows) - 1)

    def _visible(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Without what is folded away or not asked for."""
        hidden_below: int | None = None
        for row in rows:
            if hidden_below is not None and row.depth > hidden_below:
                continue
            hidden_below = None
            if row.child_id and not self._is_open(row):
                hidden_below = row.depth
            entry = row.node.entry if row.node else None
            if self._errors and not (isinstance(entry, ToolCall) and entry.is_error) and not row.child_id:
                continue
            if not self._reasons and isinstance(entry, Reasoning):
                continue
            yield row

    def _is_open(self, row: Row) -> bool:
        return row.child_id in self._opened and not row.is_known

    def count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """The entry's own id."""
        return _key(self._rows[index])

    def index_of(self, key: object) -> int | None:
        """Where an entry is."""
        return self._places.get(key) if isinstance(key, str) else None

    def pieces(self, index: int, width: int) -> Pieces:
        """One entry: fold, word, text, and how it went at the right edge."""
        row = self._rows[index]
        fold = ("▾ " if self._is_open(row) else "▸ ") if row.child_id and not row.is_known else "  "
        indent = "  " * row.depth
        if row.node is None:
            child = self._tasks.get(row.child_id or "")
            name = row.step.title if row.step else child.name if child else f"task {row.child_id}"
            return [Piece(f" {indent}{fold}SUB ", "faint"), Piece(one_line(self._masks.text(name)))]
        line = told(row.node, self._masks)
        clock = row.node.at.astimezone().strftime("%H:%M:%S") if row.node.at.year > 1 else ""
        end = f" {line.after}  {clock} " if width >= 60 else f" {line.after} "
        after = fit(line.after, cell_len(line.after))
        text = line.text
        if row.child_id:
            agent = self._names.get(getattr(row.node.entry, "agent_id", None) or "", "")
            text = f"{one_line(agent)}: {text}" if agent else text
        begin = f" {indent}{fold}{line.word} "
        room = max(width - cell_len(begin) - cell_len(end), 4)
        backfilled = "~" if row.node.provenance == "back-filled" and row.node.live is None else " "
        return [
            Piece(begin, "faint"),
            Piece(fit(text, room), line.look if line.look in {"strong", "faint"} else ""),
            Piece(f" {after}", line.look or "faint"),
            Piece(f"{backfilled} {clock} " if width >= 60 else backfilled, "faint"),
        ]

    def action_fold(self, away: bool) -> None:
        """Open or fold the sub-task under the cursor."""
        row = self.row
        if row is None or row.child_id is None or row.is_known:
            return
        if away:
            self._opened.discard(row.child_id)
        else:
            self._opened.add(row.child_id)
            self.post_message(self.Wanted(row.child_id))
        self._arrange()

    def action_choose(self) -> None:
        """Open what has something beneath it; everything else is shown beside."""
        row = self.row
        if row is not None and row.child_id and not row.is_known:
            self.action_fold(row.child_id in self._opened)
        super().action_choose()

    def action_errors(self) -> None:
        """Only what failed, or everything."""
        self._errors = not self._errors
        self._arrange()

    def action_reasoning(self) -> None:
        """With or without the agent's thinking."""
        self._reasons = not self._reasons
        self._arrange()


def _key(row: Row) -> str:
    if row.node is not None:
        return f"{row.task_id}/{row.node.entry.id}"
    return f"{row.task_id}/{row.step.id if row.step else ''}/{row.child_id}"
