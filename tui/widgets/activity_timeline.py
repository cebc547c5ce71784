"""The activity timeline: each row of a task's activity as a bar on one time axis."""

from __future__ import annotations

from typing import Any

from tui.client.task_facts import FAILED_STATUSES
from tui.domain import humanize
from tui.domain.entry_format import EntryLine, entry_line
from tui.domain.status_rows import StatusRow
from tui.domain.timeline import Span, SpanKind, TimelineScale, bar_cells, timeline_scale
from tui.domain.tree_rows import TreeRow
from tui.widgets.activity_view import ActivityView
from tui.widgets.styled_text import StyledLine, StyledText, fit

BAR_GLYPHS = {SpanKind.TOOL: "█", SpanKind.THOUGHT: "▓", SpanKind.AGENT: "─", SpanKind.PERSON: "░"}
BAR_STYLES = {SpanKind.TOOL: "accent", SpanKind.THOUGHT: "faint", SpanKind.AGENT: "running", SpanKind.PERSON: "need"}
DURATION_CELLS = 8
MIN_NAME_CELLS = 14
MIN_BAR_CELLS = 6
SPACES_BETWEEN_COLUMNS = 2
MAX_LONGEST_NAME_CHARS = 24


class ActivityTimeline(ActivityView):
    """A timeline of the activity rows that have a duration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._scale = TimelineScale()

    def update_times(self) -> None:
        """Update the scale; a span that is still open ends at the current time."""
        rows = self._rows
        self._scale = timeline_scale(rows.entry_rows(), rows.tasks, rows.source.wait_since, self._ui.now())

    @property
    def title_words(self) -> list[str]:
        """The title words: the total duration, and the rows that took longest."""
        spans = self._scale.spans
        if not spans:
            return []
        names = [f"{self._name_at(index)} {_duration_text(spans[index])}" for index in self._scale.longest]
        longest = ""
        if names:
            longest = f"longest: {', '.join(names)}"
        return [humanize.exact_duration(self._scale.seconds), longest]

    def _name_at(self, index: int) -> str:
        """Return the name of the entry at an index; empty for a row without an entry."""
        row = self._rows.row(index)
        assert isinstance(row, TreeRow)
        if row.node is None:
            return ""
        return self._ui.safe(row.node.entry.label, MAX_LONGEST_NAME_CHARS)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text: its text, its bar and its duration."""
        row = self._rows.row(index)
        entry = None
        if isinstance(row, TreeRow) and row.node:
            entry = entry_line(row.node, self._ui.redactor)
        name_width = max(width // 3, MIN_NAME_CELLS)
        name = fit(self._row_text(row, entry), name_width)
        span = self._scale.spans.get(index)
        if span is None:
            return [StyledText(name)]
        duration = _duration_text(span).rjust(DURATION_CELLS)
        bar_width = max(width - name_width - len(duration) - SPACES_BETWEEN_COLUMNS, MIN_BAR_CELLS)
        bar_style = BAR_STYLES[span.kind]
        has_failed = self._has_failed(row, entry)
        if has_failed:
            bar_style = "failed"
        return [
            StyledText(f"{name} ", "strong" if index in self._scale.longest else ""),
            *self._bar(index, span, bar_width, bar_style, has_failed=has_failed),
            StyledText(duration, "need" if span.kind is SpanKind.PERSON else "faint"),
        ]

    def _has_failed(self, row: TreeRow | StatusRow, entry: EntryLine | None) -> bool:
        """Return whether a tool call has failed, or a sub-task or one that is folded away below it."""
        if entry is not None and entry.style == "failed":
            return True
        if not isinstance(row, TreeRow) or row.child_id is None:
            return False
        child, digest = self._rows.tasks.get(row.child_id), self._rows.digest(row)
        is_failure_below = digest is not None and digest.has_failed
        return is_failure_below or (child is not None and child.status in FAILED_STATUSES)

    def _bar(self, index: int, span: Span, width: int, style: str, *, has_failed: bool) -> list[StyledText]:
        """Return a bar on the common axis.

        At its end, an ellipsis shows that the span goes on beyond the axis, and a cross that it has failed.
        """
        axis_begin, axis_end = self._scale.axis
        first, end = bar_cells(span, axis_begin, axis_end, width)
        glyphs = BAR_GLYPHS[span.kind] * (end - first)
        if span.end > axis_end:
            glyphs = f"{glyphs[:-1]}…"
        if has_failed:
            glyphs = f"{glyphs[:-1]}✗"
        filler = "·" if index % 2 else " "  # dots on every other row lead the eye from the name to the bar
        return [
            StyledText(filler * first, "faint"),
            StyledText(glyphs, style),
            StyledText(filler * (width - end), "faint"),
        ]

    def _row_text(self, row: TreeRow | StatusRow, entry: EntryLine | None) -> str:
        """Return the text of a row: of its status, of its sub-task if it has no entry, or of its entry."""
        if isinstance(row, StatusRow):
            return f"   {row.code} {row.text}"
        if entry is None:
            return f"{self.fold_mark(row)}SUB {self._ui.safe(self._rows.title(row))}"
        return f"{self.fold_mark(row)}{entry.code} {entry.text}"


def _duration_text(span: Span) -> str:
    """Return the text of a duration: with ≈ when it is derived, with … when the span is still open."""
    text = humanize.exact_duration(span.seconds)
    if span.is_derived:
        text = f"≈{text}"
    if span.is_open:
        text = f"{text}…"
    return text
