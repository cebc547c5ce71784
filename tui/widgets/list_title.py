"""The title of the task list: how live the list is, and how many tasks each group has."""

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

MIN_COLUMNS_WITH_WORDS = 100
"""On a narrower screen, a counter is a glyph and a number, without a word."""
COUNTERS = (
    (Group.NEEDS_YOU, "‖", "need you", "need"),
    (Group.RUNNING, "▶", "running", "running"),
    (Group.PENDING, "·", "pending", ""),
    (Group.FAILED, "✗", "failed", "failed"),
)
NamedText = tuple[StyledText, str]
"""A text, and the name that a click on it posts."""


class Liveness(Struct, frozen=True):
    """How live the lists are: in words, with the reason why nothing is shown, and the time of the last check."""

    words: str = "connecting"
    style: str = "faint"
    reason: str = ""
    max_silent_seconds: float = 60.0
    checked_at: datetime | None = None

    def silent_seconds(self, now: datetime) -> float:
        """Return the seconds since the last check."""
        if self.checked_at is None:
            return 0.0
        return (now - self.checked_at).total_seconds()

    def is_stale(self, now: datetime) -> bool:
        """Return whether the lists are stale, because the last check was too long ago."""
        return self.silent_seconds(now) > self.max_silent_seconds

    def has_same_text_as(self, other: Liveness) -> bool:
        """Return whether both have the same text and style."""
        return (self.words, self.style, self.reason) == (other.words, other.style, other.reason)


class ListTitle(SegmentLine):
    """The title of the task list, with a counter for each group that filters the list when it is clicked."""

    def __init__(self, ui: UIContext, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._ui = ui

    def show_counts(
        self,
        liveness: Liveness,
        listing: TaskListModel,
        *,
        marked: int,
        only_group: str | None,
        is_filtered: bool,
        total: int | None,
    ) -> None:
        """Show the liveness, the counts of the groups, and the count of loaded tasks."""
        left = [
            (StyledText(" xp-tui ", "strong"), ""),
            (StyledText(f" {one_line(self._ui.place)} ", "faint"), ""),
            (self._liveness_text(liveness), ""),
        ]
        if self._ui.read_only:
            left.append((StyledText(" read-only ", "strong"), ""))
        if marked:
            left.append((StyledText(f" * {marked} marked ", "accent"), "marks"))
        left += _counters(listing, only_group, is_narrow=self.screen.size.width < MIN_COLUMNS_WITH_WORDS)
        counts = f"{listing.loaded:,} loaded"
        if is_filtered:
            counts = f"{listing.matched} of {counts}"
        if total is not None and total != listing.loaded:
            counts += f" · {total:,} total"
        self.show(left, [StyledText(f"{counts} ", "faint")])

    def _liveness_text(self, liveness: Liveness) -> StyledText:
        """Return the words of the liveness; of a stale list, how long ago it was read."""
        now = self._ui.now()
        if liveness.is_stale(now):
            return StyledText(f" ● last read {humanize.duration(liveness.silent_seconds(now))} ago ", "failed")
        return StyledText(f" ● {liveness.words} ", liveness.style)


def _counters(listing: TaskListModel, only_group: str | None, *, is_narrow: bool) -> list[NamedText]:
    """Return the counters of groups with tasks, of the tasks that need a person, and of the group shown alone."""
    counters: list[NamedText] = []
    for group, glyph, word, style in COUNTERS:
        count = listing.counts.get(group, 0)
        is_alone = group == only_group
        needs_person = group == Group.NEEDS_YOU
        if not (count or is_alone or needs_person):
            continue
        if is_alone:
            style = "accent"
        elif count == 0:
            style = "faint"
        text = f"{glyph} {count}"
        has_word = needs_person or not is_narrow
        if has_word:
            text += f" {word}"
        counters.append((StyledText(f" {text} ", style), str(group)))
    return counters
