"""A grid of three panes that can be resized, and of which one can be zoomed to the whole grid."""

from __future__ import annotations

from textual.containers import Container

GRID_PARTS = 10
"""Equal parts into which the width and the height are divided."""
MIN_PARTS, MAX_PARTS = 2, 8


class PaneGrid(Container):
    """A grid with two panes side by side and one below them."""

    def __init__(self, *, left: str, right: str, below: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left, self._right, self._below = left, right, below
        self._parts = {left: 5, below: 4}
        """The parts of the width for the left pane, and of the height for the one below."""
        self._is_zoomed = False

    def on_mount(self) -> None:
        """Set the sizes of the panes on mount."""
        self._apply_sizes()

    def resize(self, pane: str, by: int) -> None:
        """Resize the pane with this id by so many parts."""
        if pane in self._parts:
            self._parts[pane] += by
        elif pane == self._right:
            self._parts[self._left] -= by
        self._parts = {name: max(MIN_PARTS, min(parts, MAX_PARTS)) for name, parts in self._parts.items()}
        self._apply_sizes()

    def zoom(self, pane: str | None) -> None:
        """Zoom the pane with this id to the whole grid; with None, show all panes."""
        self._is_zoomed = pane is not None
        for name in (self._left, self._right, self._below):
            self.query_one(f"#{name}").set_class(pane not in {None, name}, "-hidden")
        self._apply_sizes()

    def _apply_sizes(self) -> None:
        if self._is_zoomed:
            self.styles.grid_columns = "1fr"
            self.styles.grid_rows = "1fr"
            return
        left, below = self._parts[self._left], self._parts[self._below]
        self.styles.grid_columns = f"{left}fr {GRID_PARTS - left}fr"
        self.styles.grid_rows = f"{GRID_PARTS - below}fr {below}fr"
