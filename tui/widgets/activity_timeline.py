"""What happened in a task as a timeline: each row is a bar on one axis."""

from __future__ import annotations

from typing import Any

from tui.domain import humanize
from tui.domain.activity_log import Row
from tui.domain.activity_rows import StatusRow
from tui.domain.entry_format import Told, told
from tui.domain.timeline import Kind, Span, TimelineScale, bar, scale_of
from tui.widgets.activity_view import ActivityView
from tui.widgets.styled_text import Piece, Pieces, fit

BARS = {Kind.TOOL: "█", Kind.THOUGHT: "▓", Kind.AGENT: "─", Kind.PERSON: "░"}
BAR_LOOKS = {Kind.TOOL: "accent", Kind.THOUGHT: "faint", Kind.AGENT: "running", Kind.PERSON: "need"}


class ActivityTimeline(ActivityView):
    """The rows that have a duration, each with its bar and how long it took."""

    def __init__(self, *words: Any, **more: Any) -> None:
        super().__init__(*words, **more)
        self._scale = TimelineScale()

    def update_times(self) -> None:
        """Measure all rows anew: what goes on ends now."""
        rows, source = self._rows, self._rows.source
        self._scale = scale_of(rows.entry_rows(), rows.tasks, source.wait_since, self._desk.now())

    @property
    def title_words(self) -> list[str]:
        """How long all of it took, and what took longest."""
        spans = self._scale.spans
        if not spans:
            return []
        names = [f"{self._name_at(place)} {_duration(spans[place])}" for place in self._scale.longest]
        return [humanize.exact(self._scale.seconds), f"longest: {', '.join(names)}" if names else ""]

    def _name_at(self, place: int) -> str:
        row = self._rows.row(place)
        assert isinstance(row, Row)
        return self._desk.safe(row.node.entry.label if row.node else "", 24)

    def pieces(self, index: int, width: int) -> Pieces:
        """A row: its name, its bar on the common axis, and how long it took."""
        row = self._rows.row(index)
        line = told(row.node, self._desk.masks) if isinstance(row, Row) and row.node else None
        name_width = max(width // 3, 14)
        name = fit(self._text(row, line), name_width)
        span = self._scale.spans.get(index)
        if span is None:
            return [Piece(name)]
        duration = _duration(span).rjust(8)
        room = max(width - name_width - len(duration) - 2, 6)
        first, last = bar(span, *self._scale.axis, room)
        is_cut = span.end > self._scale.axis[1]
        filler = "·" if index % 2 else " "
        look = "failed" if line is not None and line.look == "failed" else BAR_LOOKS[span.kind]
        return [
            Piece(f"{name} ", "strong" if index in self._scale.longest else ""),
            Piece(filler * first, "faint"),
            Piece(BARS[span.kind] * (last - first - is_cut) + "…" * is_cut, look),
            Piece(filler * (room - last), "faint"),
            Piece(duration, "need" if span.kind is Kind.PERSON else "faint"),
        ]

    def _text(self, row: Row | StatusRow, line: Told | None) -> str:
        if isinstance(row, StatusRow):
            return f"   {row.word} {row.text}"
        if line is None:
            return f"{self.fold_mark(row)}SUB {self._desk.safe(self._rows.title(row))}"
        return f"{self.fold_mark(row)}{line.word} {line.text}"


def _duration(span: Span) -> str:
    about = "≈" if span.is_derived else ""
    return f"{about}{humanize.exact(span.seconds)}{'…' if span.is_open else ''}"
