"""The inspector: the selected document as a whole, with every line masked and safe to show."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer

from tui.client.json_codec import dumps, pretty
from tui.security.redact import Redactor
from tui.security.sanitize import MAX_LINE_CHARS
from tui.widgets.document_layout import NOT_WHOLE_REASON, Document, DocumentLine, Part, ValueKey
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine
from tui.widgets.virtual_list import NO_RESULT, SearchResult, VirtualList

REVEAL_SECONDS = 10.0
"""Seconds for which a masked value is shown."""
MIN_SIGHT_SECONDS = 0.4
"""Seconds for which a line must stay visible to count as seen."""
MIN_SIGHTINGS = 3
"""How often before a line must have been noted as visible: on a slow machine, much time may pass between two notes."""
MAX_NAMED_RANGES = 2
"""Maximum ranges of unseen lines that are named."""
LineIdentity = tuple[ValueKey, int, str]
"""The identity of a line: its value, its offset from the first line of that value, and its text."""


class Inspector(VirtualList):
    """A list of a document's lines under a cursor; JSON can be folded.

    With `is_whole` the document is under review: no line is cut, the inspector notes which lines the operator
    has seen, and another document is always shown from its first line.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,equals_sign", "fold(False)", "Unfold", show=False, id="inspector.unfold"),
        Binding("left,h,minus", "fold(True)", "Fold", show=False, id="inspector.fold"),
        Binding("enter,space", "turn", "Fold or unfold", show=False, id="inspector.turn"),
        Binding("M", "reveal", "Show a masked value for 10 s", show=False, id="inspector.reveal"),
        Binding("w", "raw", "As it was written", show=False, id="inspector.raw"),
    ]

    def __init__(
        self, redactor: Redactor, *, can_fold: bool = True, is_whole: bool = False, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._is_whole = is_whole
        self._redactor = redactor
        self._can_fold = can_fold
        self._document = Document((), redactor)
        self._parts: Sequence[Part] = ()
        self._rows: list[DocumentLine] = []
        self._first_indexes: dict[ValueKey, int] = {}
        """The index of the first row of each value."""
        self.is_read = False
        """Whether every line of the document was visible for long enough, with all masked values revealed."""
        self._not_whole_reason = ""
        self._seen_lines: set[LineIdentity] = set()
        self._unseen_lines: set[LineIdentity] = set()
        """The lines that the operator still has to see: those of the document with all values revealed."""
        self._row_identities: list[LineIdentity] = []
        """The identity of each row."""
        self._unseen_indexes: set[int] = set()
        """The indexes of the rows that the operator still has to see."""
        self._visible_rows: dict[int, tuple[float, int]] = {}
        """For each visible row: the time since when it is visible, and how often that was noted."""
        self._hide_timer: Timer | None = None

    # Seen lines

    def note_visible_lines(self, now: float) -> None:
        """Note which lines are visible now; those that are visible for long enough count as seen."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        visible_before = self._visible_rows
        self._visible_rows = {}
        for index in range(top, min(top + height, len(self._rows))):
            since, sightings = visible_before.get(index, (now, 0))
            self._visible_rows[index] = since, sightings + 1
            if now - since >= MIN_SIGHT_SECONDS and sightings >= MIN_SIGHTINGS:
                self._seen_lines.add(self._row_identities[index])
                self._unseen_lines.discard(self._row_identities[index])
                self._unseen_indexes.discard(index)
        self.is_read = self.is_read or (bool(self._rows) and not self._unseen_lines)

    def unseen(self) -> str:
        """Return, in words, what is unseen and not visible now; empty when there is nothing."""
        indexes = sorted(self._unseen_indexes - self._visible_rows.keys())
        if indexes:
            return f"{_line_ranges(indexes)} were not shown yet"
        if self._unseen_lines and not self._unseen_indexes and not self._document.reveals_all:
            return "masked parts were not shown yet"
        return ""

    def not_shown_yet(self, name: str, reveal_key: str, before: str = "") -> str:
        """Return, in words, what was not shown yet and the keys that show it; empty when all was shown."""
        if self.is_read:
            return ""
        unseen = self.unseen()
        if not unseen:
            return "a moment: it has just appeared"
        if unseen.startswith("masked"):
            return f"{unseen} in {name}: {reveal_key} shows them for {REVEAL_SECONDS:.0f} s"
        return f"{name}: {unseen}: {before}{key_name(self, 'lines.page_down')}"

    # The document

    def show(self, parts: Sequence[Part], *, keeps_seen: bool = False) -> None:
        """Show a document with these parts: texts as they are or as Markdown, everything else as JSON.

        With `keeps_seen`, under review, a line that was seen and has not changed still counts as seen.
        """
        if _are_drawn_alike(parts, self._parts):
            return
        headings, old_headings = [part.heading for part in parts], [part.heading for part in self._parts]
        keeps_position = headings == old_headings and (keeps_seen or not self._is_whole)
        toggled: set[ValueKey] = set()
        if keeps_position:
            toggled |= self._document.toggled
        max_line_chars = sys.maxsize if self._is_whole else MAX_LINE_CHARS
        is_raw = self._document.raw
        self._parts = parts
        self._document = Document(parts, self._redactor, self._can_fold, toggled, max_line_chars, raw=is_raw)
        self.is_read = False
        self._not_whole_reason = ""
        if self._is_whole:
            self._not_whole_reason = self._document.not_whole_reason
        if not keeps_position:
            self._seen_lines.clear()
        if keeps_position:
            self._update_rows()
            return
        self._rows = []
        self._update_rows()
        self.cursor = 0
        self.scroll_to(y=0, animate=False)

    @property
    def not_whole_reason(self) -> str:
        """The reason, in words, why the document cannot be shown whole; empty when it can."""
        if not self._document.is_whole:
            return NOT_WHOLE_REASON
        return self._not_whole_reason

    @property
    def masked_count(self) -> int:
        """The count of masked values."""
        return self._document.masked_count

    @property
    def holds_own_secret(self) -> bool:
        """Whether the document holds a secret of this machine, which is never shown."""
        return self._document.holds_own_secret

    def _update_rows(self) -> None:
        """Lay out the document again, and note which of its lines are still unseen."""
        before = self.rows_will_change()
        width = self.scrollable_content_region.width
        self._rows = self._document.rows(width)
        self._first_indexes = _first_indexes(self._rows)
        self._visible_rows = {}
        if self._is_whole:
            self._row_identities = _identities(self._rows)
            self._unseen_lines = self._lines_to_see(width) - self._seen_lines
            self._unseen_indexes = {
                index for index, line in enumerate(self._row_identities) if line in self._unseen_lines
            }
        self.rows_changed(before)

    def _lines_to_see(self, width: int) -> set[LineIdentity]:
        """Return the lines of the document with all values revealed."""
        if self._document.reveals_all:
            return set(self._row_identities)
        return set(_identities(replace(self._document, reveals_all=True).rows(width)))

    def on_resize(self) -> None:
        """Wrap the lines again after a resize."""
        super().on_resize()
        self._update_rows()

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """Return the key of a row: its value, and the offset from the first row of that value."""
        key = self._rows[index].key
        return key, index - self._first_indexes[key]

    def index_of(self, key: object) -> int | None:
        """Return the index of the row with this key."""
        if not isinstance(key, tuple) or len(key) != 2 or key[0] not in self._first_indexes:
            return None
        return min(self._first_indexes[key[0]] + int(key[1]), len(self._rows) - 1)

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a row as styled text."""
        return self._rows[index].styled_line

    @property
    def row(self) -> DocumentLine | None:
        """The row under the cursor."""
        if self.cursor >= len(self._rows):
            return None
        return self._rows[self.cursor]

    def action_leap(self, pages: float) -> None:
        """Leap by so many pages: the view scrolls and takes the cursor along, so that each leap shows other lines."""
        height = self.scrollable_content_region.height
        top = self.scroll_offset.y
        by = int(pages * max(height - 1, 1)) or (1 if pages > 0 else -1)
        new_top = max(min(top + by, self.count() - height), 0)
        if new_top == top:
            super().action_leap(pages)
            return
        self.was_cursor_moved = True
        self.scroll_to(y=new_top, animate=False, immediate=True)
        index = max(min(self.cursor + by, new_top + height - 1), new_top)
        self.move_to(index, 1 if by > 0 else -1)

    # Revealing

    def reveal_all(self) -> None:
        """Reveal all values that may be secrets, for `REVEAL_SECONDS`."""
        if self._hide_timer is not None:
            self._hide_timer.stop()
        self._hide_timer = self.set_timer(REVEAL_SECONDS, self.hide_all)
        self._document.reveals_all = True
        self._update_rows()

    def hide_all(self) -> None:
        """Hide all values again that `reveal_all` has revealed."""
        self._document.reveals_all = False
        self._update_rows()

    def action_reveal(self) -> None:
        """Reveal the value under the cursor, though it may be a secret, for `REVEAL_SECONDS`."""
        row = self.row
        if row is not None:
            document = self._document
            document.revealed.add(row.key)
            self._update_rows()
            self.set_timer(REVEAL_SECONDS, partial(self._hide_value, document, row.key))

    def _hide_value(self, document: Document, key: ValueKey) -> None:
        document.revealed.discard(key)
        if document is self._document:
            self._update_rows()

    # Folding and searching

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Check whether an action is available: without folds, and under review, some are not.

        Under review the screen reveals all values at once.
        """
        if action == "reveal":
            return not self._is_whole
        if action in {"fold", "turn"}:
            return self._can_fold or any(part.folds for part in self._parts)
        return self._can_fold or action != "raw"

    def action_fold(self, away: bool) -> None:
        """Fold or unfold the value under the cursor; if it is folded or cannot be, go to its container."""
        row = self.row
        if row is None:
            return
        if away and not (row.folds and row.is_open):
            container = ValueKey(row.key.part, row.key.path[:-1])
            self.move_to(self._first_indexes.get(container, self.cursor))
        elif row.folds and row.is_open is away:
            self._document.toggle(row.key)
            self._update_rows()

    def action_turn(self) -> None:
        """Turn the value under the cursor: fold it if it is open, else unfold it."""
        row = self.row
        if row and row.folds:
            self.action_fold(row.is_open)

    @on(VirtualList.Chosen)
    def _toggle_chosen(self) -> None:
        self.action_turn()

    def fold_all(self, away: bool) -> None:
        """Fold or unfold all values."""
        self._document.set_all_open(not away)
        self._update_rows()

    def action_raw(self) -> None:
        """Switch between raw and formatted texts."""
        self._document.raw = not self._document.raw
        self._update_rows()

    def find(self, words: str, by: int) -> SearchResult:
        """Find the next value with these words, unfold it and go to it; return its number and the number of hits.

        With -1 it goes to the hit before.
        """
        if not self._can_fold:
            return NO_RESULT
        keys = self._document.find(words)
        if not keys:
            return NO_RESULT
        positions = {key: position for position, key in enumerate(keys)}
        cursor_key = self.row.key if self.row else keys[0]
        if cursor_key in positions:
            position = (positions[cursor_key] + by) % len(keys)
        else:
            below = (positions[key] for key in keys if _sort_key(key) >= _sort_key(cursor_key))
            position = next(below, 0)
        self._document.unfold_to(keys[position])
        self._update_rows()
        self.move_to(self._first_indexes.get(keys[position], 0))
        return SearchResult(position + 1, len(keys))

    # Copying

    @property
    def selected_value(self) -> object:
        """The whole value of the row under the cursor, masked; of a heading, that of its part."""
        if self.row is None:
            return None
        return self._document.value(self.row.key)

    def copies(self) -> dict[str, str]:
        """Return the texts that the copy dialog offers for the row under the cursor: value, path and subtree."""
        row = self.row
        if row is None:
            return {}
        value = self.selected_value
        texts = {"value": value if isinstance(value, str) else dumps(value), "path": str(row.key)}
        if isinstance(value, dict | list):
            texts["subtree"] = pretty(value)
        return texts


def _are_drawn_alike(parts: Sequence[Part], others: Sequence[Part]) -> bool:
    """Return whether these parts are drawn alike: equal is not enough, because in Python 1, 1.0 and True are equal."""
    return parts == others and dumps(parts) == dumps(others)


def _first_indexes(rows: Sequence[DocumentLine]) -> dict[ValueKey, int]:
    """Return the index of the first row of each value."""
    indexes: dict[ValueKey, int] = {}
    for index, row in enumerate(rows):
        indexes.setdefault(row.key, index)
    return indexes


def _identities(rows: Sequence[DocumentLine]) -> list[LineIdentity]:
    """Return the identity of each row, which stays the same when other rows are wrapped in another way."""
    first_indexes = _first_indexes(rows)
    return [
        (row.key, index - first_indexes[row.key], "".join(piece.text for piece in row.styled_line))
        for index, row in enumerate(rows)
    ]


def _line_ranges(indexes: Sequence[int]) -> str:
    """Return the ranges of line numbers in words: lines 12-48, 60-61 and more."""
    ranges: list[list[int]] = []
    for index in indexes:
        if ranges and index == ranges[-1][1] + 1:
            ranges[-1][1] = index
        else:
            ranges.append([index, index])
    named = ", ".join(f"{first + 1}-{last + 1}" for first, last in ranges[:MAX_NAMED_RANGES])
    if len(ranges) > MAX_NAMED_RANGES:
        named += " and more"
    return f"lines {named}"


def _sort_key(key: ValueKey) -> tuple[int, tuple[str, ...]]:
    """Return a value that sorts keys in document order."""
    return key.part, tuple(f"{step:08}" if isinstance(step, int) else step for step in key.path)
