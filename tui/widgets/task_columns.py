"""The columns of the task table: which of them fit into a width, and the line with their headings."""

from __future__ import annotations

from typing import NamedTuple

from tui.widgets.styled_text import StyledText, fit
from tui.widgets.ui_context import RELATIVE_TIME

MARK_CELLS = 1
"""Cells before the first column, for the mark of a marked task."""
MIN_TITLE_CELLS = 8
CLOCK_EXTRA_CELLS = 3
"""Cells that a time of day with its date needs more than a relative time."""


class TableColumn(NamedTuple):
    """A column of the table: its name, its heading, and its width in cells; the title has no width of its own."""

    name: str
    heading: str
    width: int
    min_table_width: int = 0
    """The width of the table from which the column is shown."""
    is_number: bool = False


COLUMNS = (
    TableColumn("status", "STATUS", 15),
    TableColumn("title", "TITLE", 0),
    TableColumn("agent", "AGENT", 13, 70),
    TableColumn("wait", "WAIT/RUN", 9, 0, True),
    TableColumn("plan", "PLAN", 6, 84, True),
    TableColumn("tokens", "TOKENS", 8, 100, True),
    TableColumn("updated", "UPDATED", 10, 92, True),
)


def columns_for(width: int, time_format: str) -> list[tuple[TableColumn, int]]:
    """Return the columns for a table of this width, each with its width; the title takes the rest."""
    extra_cells = 0 if time_format == RELATIVE_TIME else CLOCK_EXTRA_CELLS
    widths: dict[TableColumn, int] = {}
    for column in COLUMNS:
        if column.min_table_width and width < column.min_table_width + extra_cells:
            continue
        widths[column] = column.width
        if column.name == "updated":
            widths[column] += extra_cells
    cells_left = width - MARK_CELLS - sum(widths.values())
    title_width = max(cells_left, MIN_TITLE_CELLS)
    return [(column, column_width or title_width) for column, column_width in widths.items()]


def heading_line(width: int, time_format: str, sorted_by: str | None, reverse: bool) -> list[tuple[StyledText, str]]:
    """Return the line of headings, each with the name of its column; an arrow shows the order."""
    arrow = " ▾" if reverse else " ▴"
    headings = [(StyledText(" "), "")]
    for column, cell_width in columns_for(width, time_format):
        suffix = ""
        style = "faint"
        if column.name == sorted_by:
            suffix = arrow
            style = "accent"
        text_width = cell_width - 1  # a space is between two columns
        heading = column.heading[: text_width - len(suffix)].rstrip("/") + suffix
        text = fit(heading, text_width, right=column.is_number)
        headings.append((StyledText(f"{text} ", style), column.name))
    return headings
