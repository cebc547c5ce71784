"""How a frame is put together: of what is on the screen, only what has changed is rendered for it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from rich.console import Console
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region, Spacing
from textual.strip import Strip


class Parts(ChopsUpdate):
    """Textual's own moves the cursor to what begins where a part ends as well, and writes nothing there."""

    def render_segments(self, console: Console) -> str:
        """What the terminal is sent."""
        return "".join(
            f"\x1b[{y + 1};{x + 1}H{strip.crop(0, min(until, end) - x).render(console)}"
            for y, begin, end in self.spans
            for (x, strip), until in zip(self.chops[y].items(), self.chop_ends[y], strict=True)
            if strip is not None and x < end and until > begin
        )


class Frames(Compositor):
    """Textual's own renders every widget for every frame, and then leaves out the lines that are not in it."""

    _lines: Sequence[int] = ()
    """The lines of the frame, from top to bottom."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """What has changed."""
        update = super().render_partial_update()
        return update and Parts(update.chops, update.spans, update.chop_ends)

    def _render_chops(self, crop: Region, is_rendered_line: Callable[[int], bool]) -> Sequence[Mapping[int, Strip]]:
        self._lines = [y for y in crop.line_range if is_rendered_line(y)]
        return super()._render_chops(crop, is_rendered_line)

    def _get_renders(self, crop: Region | None = None) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """The widgets in the frame, each from its first line in it to its last."""
        crop = crop or self.size.region
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            if widget._vertical_scrollbar in self.visible_widgets:  # it is in front, to the right
                seen = seen.shrink(Spacing(right=widget.scrollbar_size_vertical))
            lines = self._lines[bisect_left(self._lines, seen.y) : bisect_left(self._lines, seen.bottom)]
            if lines and seen.overlaps(crop):
                part = Region(seen.x, lines[0], seen.width, lines[-1] - lines[0] + 1)
                yield part, part, widget.render_lines(part.translate((-region.x, -region.y)))
