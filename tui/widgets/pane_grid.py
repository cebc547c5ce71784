"""A grid of three panes that can be resized, and of which one can be zoomed to the whole grid."""

from __future__ import annotations

from textual.containers import Container

GRID_PARTS = 10
"""Equal parts into which the width and the height are divided."""
MIN_PARTS = 2
MAX_PARTS = 8
INITIAL_LEFT_PARTS = 5
INITIAL_BELOW_PARTS = 4


class PaneGrid(Container):
    """A grid with two panes side by side and one below them."""

    def __init__(self, *, left: str, right: str, below: str, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left = left
        self._right = right
        self._below = below
        self._parts = {left: INITIAL_LEFT_PARTS, below: INITIAL_BELOW_PARTS}
        """The parts of the width for the left pane, and of the height for the one below, by their ids."""
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
        for name, parts in self._parts.items():
            self._parts[name] = max(MIN_PARTS, min(parts, MAX_PARTS))
        self._apply_sizes()

    def zoom(self, pane: str | None) -> None:
        """Zoom the pane with this id to the whole grid; with None, show all panes."""
        self._is_zoomed = pane is not None
        for name in (self._left, self._right, self._below):
            is_hidden = self._is_zoomed and name != pane
            self.query_one(f"#{name}").set_class(is_hidden, "-hidden")
        self._apply_sizes()

    def _apply_sizes(self) -> None:
        """Apply the sizes of the panes to the grid; a zoomed pane gets all of it."""
        if self._is_zoomed:
            self.styles.grid_columns = "1fr"
            self.styles.grid_rows = "1fr"
            return
        left_parts = self._parts[self._left]
        below_parts = self._parts[self._below]
        self.styles.grid_columns = f"{left_parts}fr {GRID_PARTS - left_parts}fr"
        self.styles.grid_rows = f"{GRID_PARTS - below_parts}fr {below_parts}fr"
