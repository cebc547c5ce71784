"""A scrollbar that is drawn by the cell."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment, Segments
from rich.style import Style
from textual.geometry import Region
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import _RenderCache

from tui.widgets.strips import AsTheyAre


@lru_cache(64)
def _cell(segment: Segment, ground: Style) -> Strip:
    """One cell: there are few that look different."""
    return Strip(Segment.apply_style([segment], ground))


class Thumb(ScrollBar):
    """Textual's own is drawn whole for every eighth of a cell that it moves by."""

    def __init__(self, *, thickness: int) -> None:
        super().__init__(name="vertical", thickness=thickness)
        self._styles_cache = AsTheyAre()

    def show(self, total: int, height: int, position: float) -> None:
        """Show where the view is: those cells are drawn that look other than before."""
        self.set_reactive(ScrollBar.window_virtual_size, total)
        self.set_reactive(ScrollBar.window_size, height)
        self.set_reactive(ScrollBar.position, position)
        before = self._render_cache.lines
        self._render_content()
        after = self._render_cache.lines
        if len(before) != len(after):
            self.refresh()
        elif changed := [y for y, cell in enumerate(after) if cell is not before[y]]:
            self.refresh(*(Region(0, y, self.thickness, 1) for y in changed))

    def _render_bar(self, scrollbar_style: Style) -> Segments:
        style, total = scrollbar_style, self.window_virtual_size
        assert style.color
        assert style.bgcolor
        return self.renderer.render_bar(
            size=self.size.height, virtual_size=total, window_size=self.window_size if self.window_size < total else 0,
            position=self.position, thickness=self.thickness, back_color=style.bgcolor, bar_color=style.color,
        )  # fmt: skip

    def _render_content(self) -> None:
        """All cells; what was taken away while a frame was under way stays as it was."""
        if self.parent is None:
            return
        bar = self.render()
        assert isinstance(bar, Segments)
        ground = self.rich_style.background_style
        self._render_cache = _RenderCache(self.size, [_cell(segment, ground) for segment in bar.segments])
        self._dirty_regions.clear()
