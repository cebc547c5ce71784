"""How a frame is put together: of what is on the screen, only what has changed is rendered for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from textual._compositor import Compositor
from textual.geometry import Region
from textual.strip import Strip


class Frames(Compositor):
    """Textual's own renders every widget for every frame, and then leaves out the lines that are not in it."""

    _lines: Sequence[int] = ()
    """The lines of the frame, from top to bottom."""

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        self._lines = [y for y in crop.line_range if is_rendered_line(y)]
        return super()._render_chops(crop, is_rendered_line)

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """The widgets in the frame, each from its first line in it to its last."""
        crop = crop or self.size.region
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            lines = self._lines[bisect_left(self._lines, seen.y) : bisect_left(self._lines, seen.bottom)]
            if lines and seen.overlaps(crop):
                part = Region(seen.x, lines[0], seen.width, lines[-1] - lines[0] + 1)
                yield part, part, widget.render_lines(part.translate((-region.x, -region.y)))
