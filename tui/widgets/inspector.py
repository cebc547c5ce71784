"""The selected thing, whole: every line of it, masked and made safe, with nothing left out in silence."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType
from textual.timer import Timer

from tui.client.json_codec import dumps, pretty
from tui.security.redact import Redactor
from tui.security.sanitize import MAX_LINE_CHARS
from tui.widgets.document_layout import NOT_WHOLE_REASON, Document, DocumentLine, Part, ValueKey
from tui.widgets.keys import key_name
from tui.widgets.styled_text import StyledLine
from tui.widgets.virtual_list import VirtualList

REVEAL_SECONDS = 10.0
"""Seconds for which a masked value is shown."""
MIN_SIGHT_SECONDS = 0.4
"""Seconds for which a line has to be in sight to have been seen."""
MIN_SIGHTINGS = 3
"""How often it has to be found there meanwhile."""
MAX_NAMED_RANGES = 2
"""Ranges of lines that are named when not all were shown."""
SeenLine = tuple[ValueKey, int, str]
"""A line that is in sight: what it is about, how far below the first line about that it is, and its text."""


class Inspector(VirtualList):
    """A document, wrapped, under a cursor that scrolls it; JSON folds where it may."""

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
        """It is decided about: nothing of it is cut, and whatever else is shown begins at its beginning."""
        self._redactor = redactor
        self._can_fold = can_fold
        self._document = Document((), redactor)
        self._parts: Sequence[Part] = ()
        self._rows: list[DocumentLine] = []
        self._places: dict[ValueKey, int] = {}
        self.is_read = False
        """Whether every line was in sight for long enough to be seen, what is masked revealed, since this is shown."""
        self._not_whole_reason = ""
        """Why not all of it can be shown however it is scrolled, where it is decided about."""
        self._seen: set[SeenLine] = set()
        self._unseen: set[SeenLine] = set()
        """What has to be seen still: lines of the document with everything revealed that can be."""
        self._sights_of_rows: list[SeenLine] = []
        self._unseen_places: set[int] = set()
        """Which of the lines that are written out have to be seen still."""
        self._in_sight: dict[int, tuple[float, int]] = {}
        """Since when each line is in sight, and how often it was found there."""
        self._hiding: Timer | None = None

    def note_visible_lines(self, now: float) -> None:
        """Note which lines are in sight for long enough; what flashes by does not count."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        before, self._in_sight = self._in_sight, {}
        for index in range(top, min(top + height, len(self._rows))):
            since, styles = before.get(index, (now, 0))
            self._in_sight[index] = since, styles + 1
            if (
                now - since >= MIN_SIGHT_SECONDS and styles >= MIN_SIGHTINGS
            ):  # on a slow machine much time may pass between two looks
                self._seen.add(self._sights_of_rows[index])
                self._unseen.discard(self._sights_of_rows[index])
                self._unseen_places.discard(index)
        self.is_read = self.is_read or (bool(self._rows) and not self._unseen)

    def unseen(self) -> str:
        """Return what was not shown yet and is not in sight now, in words; empty where there is nothing."""
        places = sorted(self._unseen_places - self._in_sight.keys())
        if places:
            return f"{_ranges(places)} were not shown yet"
        if self._unseen and not self._unseen_places and not self._document.reveals_all:
            return "masked parts were not shown yet"
        return ""

    def not_shown_yet(self, name: str, reveal_key: str, before: str = "") -> str:
        """Return what of this pane was not shown yet and the keys that show it, in words; empty when all was."""
        if self.is_read:
            return ""
        what = self.unseen()
        if not what:
            return "a moment: it has just appeared"
        if what.startswith("masked"):
            return f"{what} in {name}: {reveal_key} shows them for {REVEAL_SECONDS:.0f} s"
        return f"{name}: {what}: {before}{key_name(self, 'lines.page_down')}"

    def show(self, parts: Sequence[Part]) -> None:
        """Show these parts: texts as they are or as Markdown, everything else as JSON."""
        if _are_drawn_alike(parts, self._parts):
            return
        is_alike = not self._is_whole and [part.heading for part in self._parts] == [part.heading for part in parts]
        turned = set(self._document.turned) if is_alike else set()
        before, self._parts = self._document, parts
        longest = sys.maxsize if self._is_whole else MAX_LINE_CHARS
        self._document = Document(parts, self._redactor, self._can_fold, turned, longest, raw=before.raw)
        self.is_read = False
        self._not_whole_reason = self._document.not_whole_reason if self._is_whole else ""
        self._seen.clear()
        if not is_alike:
            self._rows = []
        self._write()
        if not is_alike:
            self.cursor = 0
            self.scroll_to(y=0, animate=False)

    @property
    def not_whole_reason(self) -> str:
        """Why not all of it can be seen, even if one scrolls, in words; empty when it can."""
        return self._not_whole_reason if self._document.is_whole else NOT_WHOLE_REASON

    @property
    def masked(self) -> int:
        """How many values are masked."""
        return self._document.masked

    @property
    def holds_own_secret(self) -> bool:
        """Whether a secret of this machine is in it, which is never shown."""
        return self._document.holds_own_secret

    def reveal_all(self) -> None:
        """Show everything that is masked because it may be a secret, for a while."""
        if self._hiding is not None:
            self._hiding.stop()
        self._hiding = self.set_timer(REVEAL_SECONDS, self.hide_all)
        self._document.reveals_all = True
        self._write()

    def hide_all(self) -> None:
        """Mask again what was revealed."""
        self._document.reveals_all = False
        self._write()

    def action_reveal(self) -> None:
        """Show the value under the cursor, though it may be a secret, for a while."""
        if (row := self.row) is not None:
            document = self._document
            document.revealed.add(row.key)
            self._write()
            self.set_timer(REVEAL_SECONDS, partial(self._hide, document, row.key))

    def _hide(self, document: Document, key: ValueKey) -> None:
        document.revealed.discard(key)
        if document is self._document:
            self._write()

    def _write(self) -> None:
        before = self.rows_will_change()
        width = self.scrollable_content_region.width
        self._rows = self._document.rows(width)
        self._places = _places_of(self._rows)
        self._in_sight = {}
        if self._is_whole:
            self._sights_of_rows = _sights(self._rows)
            self._unseen = self._to_be_seen(width) - self._seen
            self._unseen_places = {place for place, sight in enumerate(self._sights_of_rows) if sight in self._unseen}
        self.rows_changed(before)

    def _to_be_seen(self, width: int) -> set[SeenLine]:
        """Return the lines of the document with everything revealed that can be."""
        if self._document.reveals_all:
            return set(self._sights_of_rows)
        return set(_sights(replace(self._document, reveals_all=True).rows(width)))

    def on_resize(self) -> None:
        """Wrap anew."""
        super().on_resize()
        self._write()

    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def key_of(self, index: int) -> object:
        """What a line is about, and how far below its first line it is."""
        key = self._rows[index].key
        return key, index - self._places[key]

    def index_of(self, key: object) -> int | None:
        """Where that line is now."""
        if not isinstance(key, tuple) or len(key) != 2 or key[0] not in self._places:
            return None
        return min(self._places[key[0]] + int(key[1]), len(self._rows) - 1)

    def pieces(self, index: int, width: int) -> StyledLine:
        """One line."""
        return self._rows[index].pieces

    @property
    def row(self) -> DocumentLine | None:
        """The line under the cursor."""
        return self._rows[self.cursor] if self.cursor < len(self._rows) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What does not fold has no keys for it; what is decided about is revealed by its screen, all at once."""
        if action == "reveal":
            return not self._is_whole
        return self._can_fold or action not in {"fold", "turn", "raw"}

    def action_fold(self, away: bool) -> None:
        """Fold or unfold what the line is about, or fold what it is in."""
        row = self.row
        if row is None:
            return
        if away and not (row.folds and row.is_open):
            above = ValueKey(row.key.part, row.key.path[:-1])
            self.move_to(self._places.get(above, self.cursor))
        elif row.folds and row.is_open is away:
            self._document.turn(row.key)
            self._write()

    def action_turn(self) -> None:
        """Fold what is open, open what is folded."""
        if (row := self.row) and row.folds:
            self.action_fold(row.is_open)

    def on_virtual_list_chosen(self, event: VirtualList.Chosen) -> None:
        """A double click does as Enter."""
        self.action_turn()

    def fold_all(self, away: bool) -> None:
        """Fold or unfold everything."""
        self._document.set_all(not away)
        self._write()

    def action_raw(self) -> None:
        """As it was written, or made easy to read."""
        self._document.raw = not self._document.raw
        self._write()

    def find(self, words: str, by: int) -> tuple[int, int]:
        """Go to the next line, or the one before, that has these words, and open what hides it."""
        keys = self._document.find(words) if self._can_fold else []
        if not keys:
            return 0, 0
        order = {key: place for place, key in enumerate(keys)}
        here = self.row.key if self.row else keys[0]
        if here in order:
            place = (order[here] + by) % len(keys)
        else:
            place = next((order[key] for key in keys if _spot(key) >= _spot(here)), 0)
        self._document.uncover(keys[place])
        self._write()
        self.move_to(self._places.get(keys[place], 0))
        return place + 1, len(keys)

    # Copying

    def copies(self) -> dict[str, str]:
        """What of the line under the cursor there is to copy: its value, its path, all below it."""
        row = self.row
        if row is None:
            return {}
        value = self._document.value(row.key)
        told = {"value": value if isinstance(value, str) else dumps(value), "path": str(row.key)}
        if isinstance(value, dict | list):
            told["subtree"] = pretty(value)
        return told


def _are_drawn_alike(parts: Sequence[Part], others: Sequence[Part]) -> bool:
    """Return whether these parts are drawn alike; to Python 1, 1.0 and true are equal."""
    return parts == others and dumps(parts) == dumps(others)


def _places_of(rows: Sequence[DocumentLine]) -> dict[ValueKey, int]:
    """Return the first line about each value."""
    places: dict[ValueKey, int] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.key, place)
    return places


def _sights(rows: Sequence[DocumentLine]) -> list[SeenLine]:
    """Return what tells each line from all others, also when some are wrapped otherwise."""
    places = _places_of(rows)
    return [
        (row.key, index - places[row.key], "".join(piece.text for piece in row.pieces))
        for index, row in enumerate(rows)
    ]


def _ranges(places: Sequence[int]) -> str:
    """Return the numbers of lines in words: lines 12-48, 60-61 and more."""
    ranges: list[list[int]] = []
    for place in places:
        if ranges and place == ranges[-1][1] + 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    told = ", ".join(f"{first + 1}-{last + 1}" for first, last in ranges[:MAX_NAMED_RANGES])
    return f"lines {told}{' and more' if len(ranges) > MAX_NAMED_RANGES else ''}"


def _spot(key: ValueKey) -> tuple[int, tuple[str, ...]]:
    return key.part, tuple(f"{step:08}" if isinstance(step, int) else step for step in key.path)
