"""A scroll view of lines that builds only the visible lines, and draws only those that have changed."""

from __future__ import annotations

from collections.abc import Container
from typing import ClassVar, NamedTuple, Self

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.widgets.styled_text import StyledLine, StyledText, make_strip

MAX_CACHED_STRIPS = 200
NOT_DRAWN = False
"""A value that is equal to no line key, nor to the None of a blank line."""


class LineKey(NamedTuple):
    """The cache key of a line: everything specific to the line that its strip depends on."""

    styled_line: tuple[StyledText, ...]
    background_class: str
    is_cursor: bool


class FrameStyle(NamedTuple):
    """The style, geometry and selection that all lines of a frame have in common."""

    top: int
    """The index of the line at the top of the view."""
    width: int
    base: Style
    has_focus: bool
    selection: Selection | None


class LineView(ScrollView, inherit_bindings=False):
    """A view of lines. A subclass implements `count` and `styled_line`."""

    STYLES: ClassVar[frozenset[str]] = frozenset(
        {"strong", "faint", "need", "running", "failed", "accent", "head", "marked"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {"lines--cursor", "lines--flash", *(f"lines--{style}" for style in STYLES)}

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._drawn: dict[int, LineKey | None] = {}
        """The key that each line of the view was drawn from, by its y; None for a blank line."""
        self._pending: dict[tuple[int, int], LineKey | None] = {}
        """The keys of changed lines that are not drawn yet, by index and width; dropped by the next refresh."""
        self._strips: dict[tuple[LineKey, int, Style, bool], Strip] = {}
        """A cache of strips: after scrolling, most lines are drawn again at another y."""
        self._styles_by_name: dict[str, Style] = {}
        self._frame_style: FrameStyle | None = None
        """The style of the frame that is being drawn."""

    # To be implemented by a subclass

    def count(self) -> int:
        """Return the number of lines."""
        raise NotImplementedError

    def styled_line(self, index: int, width: int) -> StyledLine:
        """Return a line as styled text."""
        raise NotImplementedError

    def is_cursor(self, index: int) -> bool:
        """Return whether the cursor is on a line."""
        return False

    def background_class(self, index: int) -> str:
        """Return the component class for the background of a line; empty for the usual background."""
        return ""

    def text_of(self, index: int) -> str:
        """Return the plain text of a line."""
        styled_line = self.styled_line(index, self.scrollable_content_region.width)
        return "".join(text for text, _ in styled_line).rstrip()

    # Drawing

    def draw_changed(self, among: Container[int] | None = None) -> None:
        """Draw the visible lines that have changed; with `among`, check only the lines at these y."""
        pending: dict[tuple[int, int], LineKey | None] = {}
        width, height = self.scrollable_content_region.size
        top = self.scroll_offset.y
        first_changed = None
        # One y more than the view has: it never changes, and so ends the last run of changed lines.
        for y in range(height + 1):
            key = None
            has_changed = False
            if y < height and (among is None or y in among):
                key = self._line_key(top + y, width)
                has_changed = self._drawn.get(y, NOT_DRAWN) != key
            if has_changed:
                pending[top + y, width] = key
                if first_changed is None:
                    first_changed = y
            elif first_changed is not None:
                self.refresh_lines(top + first_changed, y - first_changed)
                first_changed = None
        self._pending = pending  # after the refreshes, which drop what is pending

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Refresh the view, and drop the pending keys: the lines may have changed since."""
        self._pending = {}
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _line_key(self, index: int, width: int) -> LineKey | None:
        """Return the key of a line; None if there is no such line."""
        if index >= self.count():
            return None
        return LineKey(tuple(self.styled_line(index, width)), self.background_class(index), self.is_cursor(index))

    def _set_line_count(self, count: int) -> None:
        """Set the number of lines; without a layout and a full repaint if the height and the scrollbar stay."""
        size = Size(self.size.width, count)
        has_scrollbar = self.show_vertical_scrollbar and self.virtual_size.width == size.width
        keeps_height = not self.styles.is_auto_height
        keeps_scrollbar = has_scrollbar and count > self.virtual_size.height
        if keeps_height and keeps_scrollbar:
            self.set_reactive(LineView.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = count
        else:
            self.virtual_size = size

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Get the height of the content, which is the number of lines.

        Textual's method returns the height of the virtual size, but a widget without a height gets no resize event,
        so its virtual size would never be set.
        """
        return self.count()

    def notify_style_update(self) -> None:
        """Clear the caches after a style update."""
        super().notify_style_update()
        self._strips.clear()
        self._styles_by_name.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render lines of the view, all with one frame style."""
        self._frame_style = self._current_frame_style()
        try:
            return super().render_lines(crop)
        finally:
            self._frame_style = None

    def _current_frame_style(self) -> FrameStyle:
        """Return the frame style as it is now."""
        width = self.scrollable_content_region.width
        return FrameStyle(self.scroll_offset.y, width, self.rich_style, self.has_focus, self.text_selection)

    def render_line(self, y: int) -> Strip:
        """Render a line of the view; the key of a changed line is already known from `draw_changed`."""
        frame = self._frame_style or self._current_frame_style()
        index = frame.top + y
        index_and_width = index, frame.width
        if index_and_width in self._pending:
            key = self._pending.pop(index_and_width)
        else:
            key = self._line_key(index, frame.width)
        self._drawn[y] = key
        if key is None:
            return Strip.blank(frame.width, frame.base)
        strip = self._strip_of(key, frame)
        if frame.selection is not None:
            span = frame.selection.get_span(index)
            if span is not None:
                strip = self._with_selection(strip, *span)
        # Textual asks for a single line to find the text under the mouse, and only then are the offsets needed.
        is_single_line = self._frame_style is None
        if is_single_line:
            return strip.apply_offsets(0, index)
        return strip

    def _strip_of(self, line_key: LineKey, frame: FrameStyle) -> Strip:
        """Return the strip of a line from the cache, or make it."""
        cache_key = line_key, frame.width, frame.base, frame.has_focus
        strip = self._strips.get(cache_key)
        if strip is not None:
            return strip
        base = frame.base
        if line_key.background_class:
            base += self.get_component_rich_style(line_key.background_class)
        if line_key.is_cursor:
            base += self.get_component_rich_style("lines--cursor", partial=not frame.has_focus)
        if len(self._strips) >= MAX_CACHED_STRIPS:
            self._strips.clear()
        strip = make_strip(line_key.styled_line, frame.width, base, self._rich_style_of)
        self._strips[cache_key] = strip
        return strip

    def _rich_style_of(self, name: str) -> Style:
        """Return the rich style for a style name of a styled text."""
        style = self._styles_by_name.get(name)
        if style is None:
            style = self._styles_by_name[name] = self.get_component_rich_style(f"lines--{name}", partial=True)
        return style

    # Selecting

    def _with_selection(self, strip: Strip, start: int, end: int) -> Strip:
        """Return a strip with the characters from start to end selected; an end of -1 is the end of the line."""
        text = strip.text
        start_cell = cell_len(text[:start])
        end_cell = strip.cell_length
        if end >= 0:
            end_cell = cell_len(text[:end])
        style = self.screen.get_component_rich_style("screen--selection")
        before, selected, after = strip.divide([start_cell, max(start_cell, end_cell), strip.cell_length])
        return Strip.join([before, selected.apply_style(style), after])

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Get the text of a selection, without the spaces that pad the lines."""
        first_index = 0
        if selection.start:
            first_index = selection.start.y
        last_index = self.count() - 1
        if selection.end:
            last_index = min(last_index, selection.end.y)
        selected_texts = []
        for index in range(first_index, last_index + 1):
            start, end = selection.get_span(index) or (0, 0)
            text = self.text_of(index)
            if end < 0:  # the selection goes on after this line
                end = len(text)
            selected_texts.append(text[start:end])
        line_break = "\n"
        return line_break.join(selected_texts), line_break
