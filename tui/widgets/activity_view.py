"""The base of the activity tree and the timeline: a cursor over the rows of a task's activity."""

from __future__ import annotations

from collections.abc import Callable

from tui.domain.activity_rows import ActivityRows
from tui.domain.status_rows import StatusRow
from tui.domain.tree_rows import TreeRow
from tui.widgets.styled_text import fold_glyph
from tui.widgets.ui_context import UIContext
from tui.widgets.virtual_list import CursorPosition, VirtualList


class ActivityView(VirtualList):
    """A view of activity rows that it never changes: folding and filtering is done by the pane around it."""

    def __init__(
        self,
        ui: UIContext,
        rows: ActivityRows,
        *,
        toggle_fold: Callable[[], None],
        fold_all: Callable[[bool], None],
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._ui = ui
        self._rows = rows
        self._toggle_fold = toggle_fold
        self._fold_all = fold_all

    @property
    def row(self) -> TreeRow | StatusRow | None:
        """The row under the cursor."""
        if self.cursor >= len(self._rows):
            return None
        return self._rows.row(self.cursor)

    @property
    def title_words(self) -> list[str]:
        """The words about this view for the pane's title."""
        return []

    def update_times(self) -> None:
        """Update the values that depend on the current time."""

    def rows_changed(self, before: CursorPosition) -> None:
        """Draw the changed rows; until the operator moves the cursor, it follows the last row."""
        self.update_times()
        super().rows_changed(before)
        if not self.was_cursor_moved:
            self.move_to(len(self._rows) - 1)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """Return the key of a row."""
        return self._rows.key(index)

    def index_of(self, key: object) -> int | None:
        """Return the index of the row with this key."""
        if not isinstance(key, str):
            return None
        return self._rows.index_of(key)

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all sub-tasks."""
        self._fold_all(away)

    def action_choose(self) -> None:
        """Fold or unfold the chosen sub-task, and post `Chosen`."""
        self._toggle_fold()
        super().action_choose()

    def fold_mark(self, row: TreeRow) -> str:
        """Return the indent of a row, with a fold mark when the row can be folded."""
        mark = "  "
        can_fold = row.child_id and not row.is_known
        if can_fold:
            mark = f"{fold_glyph(self._rows.is_unfolded(row))} "
        indent = "  " * row.depth
        return f" {indent}{mark}"
