"""A grid of three panes that can be resized, and of which one can be zoomed to the whole room."""

from __future__ import annotations

from textual.containers import Container

GRID_PARTS = 10
"""Parts into which width and height are divided."""
MIN_PARTS, MAX_PARTS = 2, 8


class PaneGrid(Container):
    """Gives the left pane its share of the width, and the one below its share of the height."""

    def __init__(self, *, left: str, right: str, below: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left, self._right, self._below = left, right, below
        self._shares = {left: 5, below: 4}
        self._is_zoomed = False

    def on_mount(self) -> None:
        """Divide the room."""
        self._divide()

    def resize(self, pane: str, by: int) -> None:
        """Give a pane more room, or less; a pane is named by its id."""
        if pane in self._shares:
            self._shares[pane] += by
        elif pane == self._right:
            self._shares[self._left] -= by
        self._shares = {name: max(MIN_PARTS, min(share, MAX_PARTS)) for name, share in self._shares.items()}
        self._divide()

    def zoom(self, pane: str | None) -> None:
        """Show one pane alone, or all of them."""
        self._is_zoomed = pane is not None
        for name in (self._left, self._right, self._below):
            self.query_one(f"#{name}").set_class(pane not in {None, name}, "-hidden")
        self._divide()

    def _divide(self) -> None:
        left, below = self._shares[self._left], self._shares[self._below]
        self.styles.grid_columns = "1fr" if self._is_zoomed else f"{left}fr {GRID_PARTS - left}fr"
        self.styles.grid_rows = "1fr" if self._is_zoomed else f"{GRID_PARTS - below}fr {below}fr"
