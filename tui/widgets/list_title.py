"""What stands above the task list: how live it is, and how many tasks there are of each kind."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from tui.domain import humanize
from tui.domain.task_list import TaskListModel
from tui.domain.task_list_rows import Group
from tui.security.sanitize import one_line
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText
from tui.widgets.ui_context import UIContext

NARROW_COLUMNS = 100
"""Columns below which a counter is a glyph and a number, without a word."""
COUNTERS = (
    (Group.NEEDS_YOU, "‖", "need you", "need"),
    (Group.RUNNING, "▶", "running", "running"),
    (Group.PENDING, "·", "pending", ""),
    (Group.FAILED, "✗", "failed", "failed"),
)
Segment = tuple[StyledText, str]
"""A piece, and what a click on it means."""


class Liveness(Struct, frozen=True):
    """How live the lists are, in words; where nothing is shown, why; and when that was told."""

    words: str = "connecting"
    style: str = "faint"
    why: str = ""
    max_silent_seconds: float = 60.0
    checked_at: datetime | None = None

    def silent_seconds(self, now: datetime) -> float:
        """Return for how long nothing was told."""
        return (now - self.checked_at).total_seconds() if self.checked_at else 0.0

    def is_stale(self, now: datetime) -> bool:
        """Return whether nothing was told for so long that the lists are not live."""
        return self.silent_seconds(now) > self.max_silent_seconds

    def has_same_text_as(self, other: Liveness) -> bool:
        """Return whether both say the same."""
        return (self.words, self.style, self.why) == (other.words, other.style, other.why)


class ListTitle(SegmentLine):
    """The title of the screen, with a counter for each group that can be clicked."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui

    def show_counts(
        self,
        liveness: Liveness,
        listing: TaskListModel,
        *,
        marked: int,
        only: str | None,
        is_filtered: bool,
        total: int | None,
    ) -> None:
        """Show how live the list is, its counters, and how many tasks are loaded."""
        left = [(StyledText(" xp-tui ", "strong"), ""), (StyledText(f" {one_line(self._ui.place)} ", "faint"), "")]
        left.append((self._live(liveness), ""))
        if self._ui.read_only:
            left.append((StyledText(" read-only ", "strong"), ""))
        if marked:
            left.append((StyledText(f" * {marked} marked ", "accent"), "marks"))
        left += _counters(listing, only, is_narrow=self.screen.size.width < NARROW_COLUMNS)
        loaded = listing.loaded
        matched = f"{listing.matched} of " if is_filtered else ""
        in_all = f" · {total:,} total" if total is not None and total != loaded else ""
        self.show(left, [StyledText(f"{matched}{loaded:,} loaded{in_all} ", "faint")])

    def _live(self, liveness: Liveness) -> StyledText:
        now = self._ui.now()
        if liveness.is_stale(now):
            return StyledText(f" ● last read {humanize.duration(liveness.silent_seconds(now))} ago ", "failed")
        return StyledText(f" ● {liveness.words} ", liveness.style)


def _counters(listing: TaskListModel, only: str | None, *, is_narrow: bool) -> list[Segment]:
    """Return the counters; but for the tasks that need a person, only groups that have any, or are shown alone."""
    found: list[Segment] = []
    for group, glyph, word, style in COUNTERS:
        count = listing.counts.get(group, 0)
        if not count and only != group and group != Group.NEEDS_YOU:
            continue
        if only == group:
            style = "accent"
        elif not count:
            style = "faint"
        told = "" if is_narrow and group is not Group.NEEDS_YOU else f" {word}"
        found.append((StyledText(f" {glyph} {count}{told} ", style), str(group)))
    return found
