"""What happened in a task as a timeline: each row is a bar on one axis."""

from __future__ import annotations

from typing import Any

from tui.domain import humanize
from tui.domain.activity_log import TreeRow
from tui.domain.activity_rows import StatusRow
from tui.domain.entry_format import EntryLine, entry_line
from tui.domain.timeline import Span, SpanKind, TimelineScale, bar_cells, timeline_scale
from tui.widgets.activity_view import ActivityView
from tui.widgets.styled_text import StyledLine, StyledText, fit

BAR_GLYPHS = {SpanKind.TOOL: "█", SpanKind.THOUGHT: "▓", SpanKind.AGENT: "─", SpanKind.PERSON: "░"}
BAR_STYLES = {SpanKind.TOOL: "accent", SpanKind.THOUGHT: "faint", SpanKind.AGENT: "running", SpanKind.PERSON: "need"}


class ActivityTimeline(ActivityView):
    """The rows that have a duration, each with its bar and how long it took."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._scale = TimelineScale()

    def update_times(self) -> None:
        """Measure all rows anew: what goes on ends now."""
        rows, source = self._rows, self._rows.source
        self._scale = timeline_scale(rows.entry_rows(), rows.tasks, source.wait_since, self._ui.now())

    @property
    def title_words(self) -> list[str]:
        """How long all of it took, and what took longest."""
        spans = self._scale.spans
        if not spans:
            return []
        names = [f"{self._name_at(place)} {_duration(spans[place])}" for place in self._scale.longest]
        return [humanize.exact_duration(self._scale.seconds), f"longest: {', '.join(names)}" if names else ""]

    def _name_at(self, place: int) -> str:
        row = self._rows.row(place)
        assert isinstance(row, TreeRow)
        return self._ui.safe(row.node.entry.label if row.node else "", 24)

    def pieces(self, index: int, width: int) -> StyledLine:
        """A row: its name, its bar on the common axis, and how long it took."""
        row = self._rows.row(index)
        line = entry_line(row.node, self._ui.redactor) if isinstance(row, TreeRow) and row.node else None
        name_width = max(width // 3, 14)
        name = fit(self._text(row, line), name_width)
        span = self._scale.spans.get(index)
        if span is None:
            return [StyledText(name)]
        duration = _duration(span).rjust(8)
        room = max(width - name_width - len(duration) - 2, 6)
        first, last = bar_cells(span, *self._scale.axis, room)
        is_cut = span.end > self._scale.axis[1]
        filler = "·" if index % 2 else " "
        style = "failed" if line is not None and line.style == "failed" else BAR_STYLES[span.kind]
        return [
            StyledText(f"{name} ", "strong" if index in self._scale.longest else ""),
            StyledText(filler * first, "faint"),
            StyledText(BAR_GLYPHS[span.kind] * (last - first - is_cut) + "…" * is_cut, style),
            StyledText(filler * (room - last), "faint"),
            StyledText(duration, "need" if span.kind is SpanKind.PERSON else "faint"),
        ]

    def _text(self, row: TreeRow | StatusRow, line: EntryLine | None) -> str:
        if isinstance(row, StatusRow):
            return f"   {row.code} {row.text}"
        if line is None:
            return f"{self.fold_mark(row)}SUB {self._ui.safe(self._rows.title(row))}"
        return f"{self.fold_mark(row)}{line.code} {line.text}"


def _duration(span: Span) -> str:
    about = "≈" if span.is_derived else ""
    return f"{about}{humanize.exact_duration(span.seconds)}{'…' if span.is_open else ''}"
