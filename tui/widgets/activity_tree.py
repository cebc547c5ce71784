"""The activity tree: one row for each entry, with the logs of sub-tasks below the entries that started them."""

from __future__ import annotations

from rich.cells import cell_len

from tui.domain.entry_format import entry_line
from tui.domain.recorded_decision import RecordedDecision
from tui.domain.status_rows import StatusRow
from tui.domain.subtask_digest import SubtaskDigest
from tui.domain.tree_rows import TreeRow
from tui.widgets.activity_view import ActivityView
from tui.widgets.styled_text import StyledLine, StyledText, fit
from tui.widgets.task_table import STATUS_GLYPHS, STATUS_STYLES

MIN_REPEATS = 3
"""Number of equal calls in a row that is marked as a loop."""
MIN_CELLS_WITH_CLOCK = 60
MIN_TEXT_CELLS = 4
SPACES_AROUND_RESULT = 2
STREAMED_MARGIN_CELLS = 10
"""Cells that streamed text leaves free on its line, for the code before it."""
MIN_STREAMED_CHARS = 8
MAX_STATUS_CHARS = 2_000
MAX_AGENT_CHARS = 60
MIN_CELLS_WITH_CALLS = 34
"""Cells of a row from which a folded sub-task tells its calls."""


class ActivityTree(ActivityView):
    """A tree of a task's activity, sorted by time; each row shows an entry's kind, text and result."""

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text: an entry, a plan step, a sub-task or a status."""
        row = self._rows.row(index)
        if isinstance(row, StatusRow):
            return self._status_line(row, width)
        if row.node is None:
            return self._heading_line(row, width)
        return self._entry_line(index, row, width)

    def _status_line(self, row: StatusRow, width: int) -> StyledLine:
        text = self._ui.safe(row.text, MAX_STATUS_CHARS)
        if row.name == "streaming":  # new text arrives at the end, so the end is shown
            shown_chars = max(width - STREAMED_MARGIN_CELLS, MIN_STREAMED_CHARS)
            text = text[-shown_chars:]
        return [StyledText(f"   {row.code} ", "faint"), StyledText(text, row.style)]

    def _heading_line(self, row: TreeRow, width: int) -> StyledLine:
        """Return a plan step, or a sub-task without an entry, as styled text."""
        mark = self.fold_mark(row)
        title = self._ui.safe(self._rows.title(row))
        if not row.step:
            return self._subtask_line(row, f"{mark}SUB ", title, width)
        done = "✓" if row.step.completed else ""
        return [StyledText(f"{mark}STP ", "faint"), StyledText(title, "strong"), StyledText(f" {done}", "faint")]

    def _subtask_line(self, row: TreeRow, prefix: str, title: str, width: int) -> StyledLine:
        """Return a sub-task without an entry as styled text: its title, and its digest at the right edge."""
        digest = self._rows.digest(row)
        if digest is None:
            return [StyledText(prefix, "faint"), StyledText(title), StyledText(" ", "faint")]
        words = f" {digest_words(digest, width)} "
        text_width = max(width - cell_len(prefix) - cell_len(words), MIN_TEXT_CELLS)
        return [
            StyledText(prefix, "faint"),
            StyledText(fit(title, text_width)),
            StyledText(words, digest_style(digest) or "faint"),
        ]

    def _entry_line(self, index: int, row: TreeRow, width: int) -> StyledLine:
        """Return an entry as styled text: fold mark, code, text, and its result and time at the right edge."""
        assert row.node is not None
        entry = entry_line(row.node, self._ui.redactor)
        result = entry.outcome
        style = entry.style
        if result == "waits" and not self._rows.is_waiting(row):
            result = ""
            style = ""
        if digest := self._rows.digest(row):
            result, style = digest_words(digest, width), digest_style(digest)
        repeats = self._rows.repeats(index)
        if repeats >= MIN_REPEATS:
            result = f"loop×{repeats} {result}"
        prefix = f"{self.fold_mark(row)}{entry.code} "
        clock = self._clock(row, width)
        cells_beside_text = cell_len(prefix) + cell_len(result) + cell_len(clock) + SPACES_AROUND_RESULT
        text_width = max(width - cells_beside_text, MIN_TEXT_CELLS)
        text_style = style if style in {"strong", "faint"} else ""  # the other styles are for the result alone
        return [
            StyledText(prefix, "faint"),
            StyledText(fit(self._entry_text(row, entry.text), text_width), text_style),
            StyledText(f" {result} ", style or "faint"),
            StyledText(clock, "faint"),
        ]

    def _entry_text(self, row: TreeRow, text: str) -> str:
        """Return the text of an entry; one that starts a sub-task begins with the agent's name."""
        if not row.child_id or row.node is None:
            return text
        agent = self._rows.source.names.get(row.node.entry.agent_id or "", "")
        if not agent:
            return text
        return f"{self._ui.safe(agent, MAX_AGENT_CHARS)}: {text}"

    def _clock(self, row: TreeRow, width: int) -> str:
        """Return an entry's time of day; the mark ~ before it means that only the log has the entry, not the stream."""
        assert row.node is not None
        is_back_filled = row.node.live is None and not isinstance(row.node.entry, RecordedDecision)
        mark = "~" if is_back_filled else " "
        has_time = row.node.at.year > 1  # the year 1 stands for a time that is not known
        if not has_time or width < MIN_CELLS_WITH_CLOCK:
            return mark
        return f"{mark}{row.node.at.astimezone():%H:%M:%S} "


def digest_words(digest: SubtaskDigest, width: int) -> str:
    """Return the digest of a folded sub-task as short words: its calls, its time and the glyph of its worst state."""
    words = [digest.time_words, STATUS_GLYPHS.get(digest.status, "?")]
    if width >= MIN_CELLS_WITH_CALLS:
        words.insert(0, digest.call_words)
    return " ".join(filter(None, words))


def digest_style(digest: SubtaskDigest) -> str:
    """Return the style of a digest: of a failure, else of a wait for a person, else of the worst status."""
    if digest.has_failed:
        return "failed"
    if digest.needs_person:
        return "need"
    return STATUS_STYLES.get(digest.status, "")
