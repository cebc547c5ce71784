"""The title of the task list: how live the list is, and how many tasks each group has."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from rich.cells import cell_len

from tui.domain import humanize
from tui.domain.list_status import ListStatus, counted_total
from tui.domain.task_list import TaskListModel
from tui.domain.task_list_rows import Group, is_read_whole
from tui.security.sanitize import one_line
from tui.widgets.segment_line import SegmentLine
from tui.widgets.styled_text import StyledText, fit
from tui.widgets.ui_context import UIContext

MIN_COLUMNS_WITH_WORDS = 100
"""On a narrower screen, a counter is a glyph and a number, without a word."""
COUNTERS = (
    (Group.NEEDS_YOU, "‖", "need you", "need"),
    (Group.RUNNING, "▶", "running", "running"),
    (Group.PENDING, "·", "pending", ""),
    (Group.FAILED, "✗", "failed", "failed"),
)
PLACE_SEPARATOR = " · "
"""What stands between a profile and its host."""
MIN_HOST_CELLS = 8
"""Cells that the host, or else the profile, keeps in a title without room for it."""
SPACES_AROUND_PLACE = 2
NamedText = tuple[StyledText, str]
"""A text, and the name that a click on it posts."""


class Liveness(Struct, frozen=True):
    """How live the lists are: in words, with the reason why nothing is shown, and the time of the last check."""

    words: str = "connecting"
    style: str = "faint"
    reason: str = ""
    max_silent_seconds: float = 60.0
    checked_at: datetime | None = None
    read_at: datetime | None = None
    """When all lists were last read; None while a count of zero means nothing."""
    is_current: bool = True
    """Whether the last read succeeded or is under way, so that the counts are those of now."""

    def silent_seconds(self, now: datetime) -> float:
        """Return the seconds since the last check."""
        if self.checked_at is None:
            return 0.0
        return (now - self.checked_at).total_seconds()

    def is_stale(self, now: datetime) -> bool:
        """Return whether the lists are stale, because the last check was too long ago."""
        return self.silent_seconds(now) > self.max_silent_seconds

    def are_counts_stale(self, now: datetime) -> bool:
        """Return whether the counts are stale: they are from a read before the last one failed."""
        return not self.is_current or self.is_stale(now)

    def age_words(self, now: datetime) -> str:
        """Return the age of stale counts in words; an empty text if they are current, or nothing was ever read."""
        if self.read_at is None or not self.are_counts_stale(now):
            return ""
        return f", read {humanize.duration((now - self.read_at).total_seconds())} ago"

    def has_same_text_as(self, other: Liveness) -> bool:
        """Return whether both have the same text and style."""
        mine = self.words, self.style, self.reason, self.read_at is None
        return mine == (other.words, other.style, other.reason, other.read_at is None)


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
        status: ListStatus,
    ) -> None:
        """Show the liveness, the counts of the groups, and the count of loaded tasks."""
        is_stale = liveness.are_counts_stale(self._ui.now())
        left = [(self._liveness_text(liveness), "")]
        if self._ui.read_only:
            left.append((StyledText(" read-only ", "strong"), ""))
        if marked:
            left.append((StyledText(f" * {marked} marked ", "accent"), "marks"))
        is_narrow = self.screen.size.width < MIN_COLUMNS_WITH_WORDS
        left += _counters(listing, only_group, status, is_narrow=is_narrow, is_stale=is_stale)
        counts = _extent_text(listing, status, is_filtered=is_filtered, is_narrow=is_narrow)
        name, right = StyledText(" xp-tui ", "strong"), StyledText(f"{counts} ", "faint")
        cells_beside_place = sum(cell_len(piece.text) for piece in (name, right, *(piece for piece, _ in left)))
        room = (self.size.width or self.screen.size.width) - cells_beside_place - SPACES_AROUND_PLACE
        place = StyledText(f" {shortened_place(one_line(self._ui.place), room)} ", "faint")
        self.show([(name, ""), (place, ""), *left], [right])

    def _liveness_text(self, liveness: Liveness) -> StyledText:
        """Return the words of the liveness; of a stale list, how long ago it was read."""
        now = self._ui.now()
        if liveness.is_stale(now):
            return StyledText(f" ● last read {humanize.duration(liveness.silent_seconds(now))} ago ", "failed")
        return StyledText(f" ● {liveness.words}{liveness.age_words(now)} ", liveness.style)


def shortened_place(place: str, room: int) -> str:
    """Return a profile and its host in the room that is left: of a host its end is kept, which tells whose it is."""
    if cell_len(place) <= room:
        return place
    profile, separator, host = place.rpartition(PLACE_SEPARATOR)
    host_room = room - cell_len(profile + separator)
    if profile and host_room < MIN_HOST_CELLS:
        return fit(profile, max(room, MIN_HOST_CELLS)).rstrip()
    if cell_len(host) <= MIN_HOST_CELLS:
        return place
    host = host[-max(host_room - 1, MIN_HOST_CELLS - 1) :]
    return f"{profile}{separator}…{host}"


def _counters(
    listing: TaskListModel, only_group: str | None, status: ListStatus, *, is_narrow: bool, is_stale: bool
) -> list[NamedText]:
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
        elif count == 0 or is_stale:
            style = "faint"
        text = f"{glyph} {_count_text(listing, group, count, status)}"
        has_word = needs_person or not is_narrow
        if has_word:
            text += f" {word}"
        counters.append((StyledText(f" {text} ", style), str(group)))
    return counters


def _extent_text(listing: TaskListModel, status: ListStatus, *, is_filtered: bool, is_narrow: bool) -> str:
    """Return how many tasks match, are loaded, and are there in all, as far as the platform tells."""
    text = f"{listing.loaded:,}"
    if is_filtered:
        text = f"{listing.matched:,} of {text}"
    has_total = status.total is not None and status.total != listing.loaded
    if not (is_narrow and has_total):
        text += " loaded"
    total = counted_total(status.total)
    if has_total and not is_narrow:
        return f"{text} · {total} total"
    if has_total and is_filtered:
        return f"{text} · {total}"
    if has_total:
        return f"{text} of {total}"
    if status.has_more(listing.loaded):
        return f"{text} · more there"
    return text


def _count_text(listing: TaskListModel, group: str, count: int, status: ListStatus) -> str:
    """Return the count of a group as text: with a plus if there may be more of it, `?` if nothing is known."""
    if not status.is_known and count == 0:
        return "?"
    if not status.is_known:
        return f"{count}+"
    if count and not is_read_whole(group) and not status.has_all(listing.loaded):
        return f"{count}+"
    return str(count)
