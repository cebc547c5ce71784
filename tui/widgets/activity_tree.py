"""What happened in a task as a tree: an entry a row, with the logs of sub-agents below what started them."""

from __future__ import annotations

from rich.cells import cell_len

from tui.domain.activity_log import TreeRow
from tui.domain.activity_rows import StatusRow
from tui.domain.entry_format import entry_line
from tui.widgets.activity_view import ActivityView
from tui.widgets.styled_text import StyledLine, StyledText, fit

MIN_REPEATS = 3
"""Times that the same call is made in a row before it is called a loop."""
MIN_CELLS_WITH_CLOCK = 60


class ActivityTree(ActivityView):
    """Entries in the order of time, each with its kind, its text and how it went."""

    def pieces(self, index: int, width: int) -> StyledLine:
        """A row: an entry, a plan step, a sub-task, or the status."""
        row = self._rows.row(index)
        if isinstance(row, StatusRow):
            return self._status(row, width)
        if row.node is None:
            return self._step_or_task(row)
        return self._entry(index, row, width)

    def _status(self, row: StatusRow, width: int) -> StyledLine:
        text = self._ui.safe(row.text, 2000)
        if row.name == "streaming":  # its end is what is new
            text = text[-max(width - 10, 8) :]
        return [StyledText(f"   {row.code} ", "faint"), StyledText(text, row.style)]

    def _step_or_task(self, row: TreeRow) -> StyledLine:
        word = "STP" if row.step else "SUB"
        done = "✓" if row.step and row.step.completed else ""
        return [
            StyledText(f"{self.fold_mark(row)}{word} ", "faint"),
            StyledText(self._ui.safe(self._rows.title(row)), "strong" if row.step else ""),
            StyledText(f" {done}", "faint"),
        ]

    def _entry(self, index: int, row: TreeRow, width: int) -> StyledLine:
        """Fold mark, word, text, and how it went at the right edge."""
        assert row.node is not None
        line = entry_line(row.node, self._ui.redactor)
        after, style = line.outcome, line.style
        if after == "waits" and not self._rows.is_waiting(row):
            after = style = ""
        if (repeats := self._rows.repeats(index)) >= MIN_REPEATS:
            after = f"loop×{repeats} {after}"
        begin = f"{self.fold_mark(row)}{line.code} "
        end = self._end(row, width)
        room = max(width - cell_len(begin) - cell_len(after) - cell_len(end) - 2, 4)
        return [
            StyledText(begin, "faint"),
            StyledText(fit(self._text(row, line.text), room), style if style in {"strong", "faint"} else ""),
            StyledText(f" {after} ", style or "faint"),
            StyledText(end, "faint"),
        ]

    def _text(self, row: TreeRow, text: str) -> str:
        """Return the text of an entry; what starts a sub-task names the agent of it."""
        if not row.child_id or row.node is None:
            return text
        agent = self._rows.source.names.get(row.node.entry.agent_id or "", "")
        return f"{self._ui.safe(agent, 60)}: {text}" if agent else text

    def _end(self, row: TreeRow, width: int) -> str:
        """Return when it happened, and whether only the log told of it."""
        assert row.node is not None
        mark = "~" if row.node.live is None else " "
        if row.node.at.year <= 1 or width < MIN_CELLS_WITH_CLOCK:
            return mark
        return f"{mark}{row.node.at.astimezone():%H:%M:%S} "
