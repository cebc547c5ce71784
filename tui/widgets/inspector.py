"""The selected thing, whole: every line of it, masked and made safe, with nothing left out in silence."""

from __future__ import annotations

from rich.cells import chop_cells

from tui.api.wirejson import pretty, unfolded
from tui.masks import Masks
from tui.plain import clean
from tui.widgets.lines import Lines, Piece, Pieces

GLANCE = 0.4
"""Seconds for which the end has to be in sight to have been seen."""
MOST = 20_000
"""Lines shown of one thing; more is said, not shown."""


class Inspector(Lines):
    """A text or JSON, wrapped, under a cursor that scrolls it."""

    def __init__(self, masks: Masks, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._masks = masks
        self._shown: object = None
        self._parts: list[tuple[str, object]] = []
        self._rows: list[Pieces] = []
        self.is_end_seen = False
        """Whether the last line has stood on the screen for long enough to be seen, since this is shown."""
        self._end_since: float | None = None

    def look(self, now: float) -> None:
        """Look whether the end is in sight; what flashes by while the screen is laid out does not count."""
        height = self.scrollable_content_region.height
        in_sight = bool(height and self._rows) and self.scroll_offset.y + height >= len(self._rows)
        if not in_sight:
            self._end_since = None
        elif self._end_since is None:
            self._end_since = now
        elif now - self._end_since >= GLANCE:
            self.is_end_seen = True

    def show(self, parts: list[tuple[str, object]]) -> None:
        """Show parts with a heading each: texts as they are, everything else as JSON."""
        if parts == self._parts:
            return
        self._parts = parts
        self.is_end_seen, self._end_since = False, None
        self._wrap()
        self.cursor = 0
        self.scroll_to(y=0, animate=False)

    def _wrap(self) -> None:
        width = max(self.scrollable_content_region.width - 2, 8)
        rows: list[Pieces] = []
        for heading, value in self._parts:
            if value in (None, "", {}, []):
                continue
            rows.append([Piece(f" {clean(heading)}", "head")])
            text = self._masks.text(value) if isinstance(value, str) else pretty(self._masks.json(unfolded(value)))
            for line in clean(text).split("\n"):
                rows += [[Piece(f"  {part}")] for part in chop_cells(line, width)] or [[Piece("")]]
                if len(rows) > MOST:
                    rows.append([Piece(f" … more than {MOST} lines: the rest is not shown", "need")])
                    break
        before = self.rows_will_change()
        self._rows = rows
        self.rows_changed(before)

    def on_resize(self) -> None:
        """Wrap anew."""
        super().on_resize()
        self._wrap()

    def count(self) -> int:
        """How many lines there are."""
        return len(self._rows)

    def pieces(self, index: int, width: int) -> Pieces:
        """One line."""
        return self._rows[index]
