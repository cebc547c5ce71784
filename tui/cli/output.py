"""Prints data to stdout and messages to stderr; text from the platform is redacted and sanitized before printing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TextIO

from msgspec import Struct
from rich.cells import cell_len, chop_cells, set_cell_size

from tui.client.json_codec import dumps
from tui.domain import humanize
from tui.security.redact import Redactor
from tui.security.sanitize import one_line, sanitize_text

INDENT = " " * 4
"""The indent of every line of a text from the platform that may have several lines."""
AMBER = "33"
RED = "31"
COOL = "36"
FAINT = "2"
STRONG = "1"


COLUMN_GAP = "  "


class Column(NamedTuple):
    """A column of a table."""

    head: str
    is_number: bool = False
    min_width: int = 0
    """The width below which the column is not cut; 0 for a column that is never cut."""
    drop_order: int = 0
    """The column with the lowest number is dropped first when the table is too wide; 0 for a column that stays."""


class Cell(Struct, frozen=True):
    """A cell: its text, and the SGR parameter that styles it."""

    text: str
    style: str = ""


class NotPrinted(OSError):
    """Raised when text is not printed because standard output is full or closed."""


class Output(Struct):
    """The output of one run: its streams, its format, and how times and colours are shown."""

    stdout: TextIO
    stderr: TextIO
    redactor: Redactor
    format: str = "table"
    time: str = "relative"
    environ: Mapping[str, str] | None = None

    @property
    def is_colourful(self) -> bool:
        """Return whether output is colourful: stdout is a terminal, and NO_COLOR is not set."""
        environ = self.environ
        if environ is None:
            environ = os.environ
        return self.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """The width of the terminal; None when stdout is not a terminal."""
        if not self.stdout.isatty():
            return None
        return shutil.get_terminal_size().columns

    def safe(self, text: str) -> str:
        """Return a text from the platform redacted, sanitized and in one line, so that it is safe to print."""
        return one_line(self.redactor.text(text))

    def when(self, moment: datetime | None) -> str:
        """Return when something happened, in the time format that the operator chose."""
        if self.time == "relative":
            return humanize.ago(moment, datetime.now(UTC))
        return humanize.timestamp(moment, utc=self.time == "utc")

    def line(self, *cells: Cell | str) -> None:
        """Print a line of cells; their text must be safe already."""
        self.write(" ".join(self._styled(_cell(cell)) for cell in cells).rstrip() + "\n")

    def text(self, text: str) -> None:
        """Print a text from the platform, which may have several lines, redacted and sanitized."""
        self.indented(sanitize_text(self.redactor.text(text)))

    def indented(self, text: str) -> None:
        """Print safe lines indented, also where they wrap, so that none can look like a line of xp-tui."""
        terminal_width = self.width
        for line in text.split("\n"):
            wrapped_lines = [line]
            if terminal_width is not None:
                wrapped_lines = chop_cells(line, max(terminal_width - len(INDENT), 1)) or [""]
            for wrapped_line in wrapped_lines:
                indent = INDENT if wrapped_line else ""
                self.write(f"{indent}{wrapped_line}\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """Print a JSON document."""
        self.write(self.document(value) + "\n")

    def document(self, value: Mapping[str, Any]) -> str:
        """Return a JSON document with its secrets redacted, in ASCII."""
        indent = 2 if self.format == "json" else None
        return dumps({"v": 1, **self.redactor.json(value)}, indent=indent)

    def note(self, text: str) -> None:
        """Print a note to standard error."""
        self.flush()
        self._write_error(self.safe(text))

    def error(self, text: str) -> None:
        """Print an error to standard error, also when standard output cannot be written any more."""
        try:
            self.flush()
        except (OSError, ValueError):
            discard_buffer(self.stdout)
        lines = sanitize_text(self.redactor.text(text)).split("\n")
        self._write_error("xp-tui: " + f"\n{INDENT}".join(lines))

    def _write_error(self, text: str) -> None:
        """Write to standard error; a failure to write is ignored."""
        try:
            self.stderr.write(text + "\n")
            self.stderr.flush()
        except (OSError, ValueError):
            discard_buffer(self.stderr)

    def write(self, text: str) -> None:
        """Write safe text to standard output; raise NotPrinted when that fails, and BrokenPipeError as it is."""
        try:
            self.stdout.write(text)
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise NotPrinted(str(error)) from error

    def flush(self) -> None:
        """Flush standard output; raise NotPrinted when that fails, and BrokenPipeError as it is."""
        try:
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise NotPrinted(str(error)) from error

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]]) -> None:
        """Print a table that fits the terminal; the text of its cells must be safe already."""
        header = [Cell(column.head, FAINT) for column in columns]
        lines = [header, *([_cell(cell) for cell in row] for row in rows)]
        widths = [max(cell_len(line[index].text) for line in lines) for index in range(len(columns))]
        visible = list(range(len(columns)))
        terminal_width = self.width
        if terminal_width is not None:
            visible = _visible_columns(widths, columns, terminal_width)
            _shrink(widths, columns, visible, terminal_width)
        for line in lines:
            cells = [self._fitted(line[index], widths[index], columns[index]) for index in visible]
            self.write(COLUMN_GAP.join(cells).rstrip() + "\n")

    def _fitted(self, cell: Cell, width: int, column: Column) -> str:
        """Return a cell fitted to a width: its text cut with an ellipsis, or padded, a number at the left."""
        text = cell.text
        if cell_len(text) > width:
            text = set_cell_size(text, max(width - 1, 0)).rstrip() + "…"
        padding = " " * (width - cell_len(text))
        styled = self._styled(Cell(text, cell.style))
        if column.is_number:
            return padding + styled
        return styled + padding

    def _styled(self, cell: Cell) -> str:
        """Return the text of a cell, in its style if the output is colourful."""
        if not cell.style or not cell.text or not self.is_colourful:
            return cell.text
        return f"\x1b[{cell.style}m{cell.text}\x1b[0m"


def _cell(cell: Cell | str) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)


def _visible_columns(widths: Sequence[int], columns: Sequence[Column], terminal_width: int) -> list[int]:
    """Return the indices of the columns that stay visible when each is cut to its minimum width."""
    min_widths = [min(width, column.min_width or width) for width, column in zip(widths, columns, strict=True)]
    visible = list(range(len(columns)))
    while _table_width(min_widths[index] for index in visible) > terminal_width:
        droppable = [index for index in visible if columns[index].drop_order]
        if not droppable:
            break
        first_to_drop = min(droppable, key=lambda index: columns[index].drop_order)
        visible.remove(first_to_drop)
    return visible


def _shrink(widths: list[int], columns: Sequence[Column], visible: Sequence[int], terminal_width: int) -> None:
    """Shrink the widest columns that can be cut, a cell at a time, until the table fits."""
    excess_cells = _table_width(widths[index] for index in visible) - terminal_width
    for _ in range(excess_cells):
        shrinkable = [index for index in visible if 0 < columns[index].min_width < widths[index]]
        if not shrinkable:
            return
        widest = max(shrinkable, key=lambda index: widths[index])
        widths[widest] -= 1


def _table_width(widths: Iterable[int]) -> int:
    """Return the width of a table whose columns have these widths, with the gaps between them."""
    all_widths = list(widths)
    gaps = max(len(all_widths) - 1, 0)
    return sum(all_widths) + gaps * len(COLUMN_GAP)


def write_error(text: str) -> None:
    """Write an error message to standard error, for callers that have no session."""
    try:
        sys.stderr.write(f"xp-tui: {text}\n")
    except (OSError, ValueError):
        discard_buffer(sys.stderr)


def ignore_broken_pipe() -> None:
    """Ignore that the pipe of stdout is broken: let the interpreter's flush at exit write to /dev/null."""
    discard_buffer(sys.stdout)


def discard_buffer(stream: TextIO) -> None:
    """Discard the buffer of a stream that failed: redirect its file descriptor to /dev/null."""
    with suppress(OSError, ValueError):
        stream_descriptor = stream.fileno()
        null_descriptor = os.open(os.devnull, os.O_RDWR)
        if null_descriptor != stream_descriptor:
            os.dup2(null_descriptor, stream_descriptor)
            os.close(null_descriptor)
