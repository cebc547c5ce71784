"""What the headless front end prints: data to stdout, all else to stderr, and every text of others through one door."""

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
"""Stands before every line of a text of others that may have several."""
AMBER, RED, COOL, FAINT, STRONG = "33", "31", "36", "2", "1"


class Column(NamedTuple):
    """One column of a table."""

    head: str
    is_number: bool = False
    least: int = 0
    """The width below which the column is not cut; 0 for a column that is never cut."""
    goes: int = 0
    """When there is too little room: the column with the lowest number goes first; 0 for one that stays."""


class Cell(Struct, frozen=True):
    """A text and how it stands out."""

    text: str
    style: str = ""


class NotPrinted(OSError):
    """Standard output does not take what is printed: it is full or closed."""


class Output(Struct):
    """Where everything is printed."""

    stdout: TextIO
    stderr: TextIO
    redactor: Redactor
    form: str = "table"
    time: str = "relative"
    environ: Mapping[str, str] | None = None

    @property
    def is_colourful(self) -> bool:
        """Whether stdout is a terminal that wants colours."""
        environ = os.environ if self.environ is None else self.environ
        return self.stdout.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"

    @property
    def width(self) -> int | None:
        """The terminal's width, or None where nothing has to fit."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None

    def safe(self, text: str) -> str:
        """A text of others, for one line."""
        return one_line(self.redactor.text(text))

    def when(self, moment: datetime | None) -> str:
        """A moment as the operator wants moments."""
        if self.time == "relative":
            return humanize.ago(moment, datetime.now(UTC))
        return humanize.timestamp(moment, utc=self.time == "utc")

    def line(self, *cells: Cell | str) -> None:
        """One line, made of pieces that are safe already."""
        self.write(" ".join(self._styled(_cell(cell)) for cell in cells).rstrip() + "\n")

    def text(self, text: str) -> None:
        """A text of others, on as many lines as it has."""
        self.indented(sanitize_text(self.redactor.text(text)))

    def indented(self, text: str) -> None:
        """Print lines that are safe already, indented further than any line of xp-tui's own, also where they wrap."""
        width = self.width
        for line in text.split("\n"):
            pieces = [line] if width is None else chop_cells(line, max(width - len(INDENT), 1))
            for piece in pieces or [""]:
                self.write(f"{INDENT}{piece}\n" if piece else "\n")

    def json(self, value: Mapping[str, Any]) -> None:
        """One JSON document."""
        self.write(self.document(value) + "\n")

    def document(self, value: Mapping[str, Any]) -> str:
        """A JSON document as it is printed, in ASCII."""
        return dumps({"v": 1, **self.redactor.json(value)}, indent=2 if self.form == "json" else None)

    def note(self, text: str) -> None:
        """Something beside the data."""
        self.flush()
        self._write_error(self.safe(text))

    def error(self, text: str) -> None:
        """Why it did not work; told also where standard output takes nothing any more."""
        try:
            self.flush()
        except (OSError, ValueError):
            discard_buffer(self.stdout)
        lines = sanitize_text(self.redactor.text(text)).split("\n")
        self._write_error("xp-tui: " + f"\n{INDENT}".join(lines))

    def _write_error(self, text: str) -> None:
        """Write to standard error; what it no longer takes changes nothing else."""
        try:
            self.stderr.write(text + "\n")
            self.stderr.flush()
        except (OSError, ValueError):
            discard_buffer(self.stderr)

    def write(self, text: str) -> None:
        """Print text that is safe already; NotPrinted is raised where standard output does not take it."""
        try:
            self.stdout.write(text)
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise NotPrinted(str(error)) from error

    def flush(self) -> None:
        """Let go of what is printed."""
        try:
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise NotPrinted(str(error)) from error

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]]) -> None:
        """A table that fits the terminal; cells are safe already."""
        lines = [[_cell(cell) for cell in row] for row in rows]
        widths = [max([cell_len(column.head), *(cell_len(row[place].text) for row in lines)])
                  for place, column in enumerate(columns)]  # fmt: skip
        kept = list(range(len(columns)))
        if (room := self.width) is not None:
            kept = _kept(widths, columns, room)
            _shrink(widths, columns, kept, room)
        for row in [[Cell(column.head, FAINT) for column in columns], *lines]:
            cells = (self._fitted(row[place], widths[place], columns[place]) for place in kept)
            self.write("  ".join(cells).rstrip() + "\n")

    def _fitted(self, cell: Cell, width: int, column: Column) -> str:
        text = cell.text
        if cell_len(text) > width:
            text = set_cell_size(text, max(width - 1, 0)).rstrip() + "…"
        padding = " " * (width - cell_len(text))
        styled = self._styled(Cell(text, cell.style))
        return padding + styled if column.is_number else styled + padding

    def _styled(self, cell: Cell) -> str:
        return f"\x1b[{cell.style}m{cell.text}\x1b[0m" if cell.style and cell.text and self.is_colourful else cell.text


def _cell(cell: Cell | str) -> Cell:
    return cell if isinstance(cell, Cell) else Cell(cell)


def _kept(widths: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """The columns that there is room for when each is cut as far as it can be."""
    kept = list(range(len(columns)))
    while sum(min(widths[place], columns[place].least or widths[place]) + 2 for place in kept) - 2 > room:
        going = [place for place in kept if columns[place].goes]
        if not going:
            break
        kept.remove(min(going, key=lambda place: columns[place].goes))
    return kept


def _shrink(widths: list[int], columns: Sequence[Column], kept: Sequence[int], room: int) -> None:
    """Make the widest of the columns that can be cut smaller until all fit."""
    over = sum(widths[place] + 2 for place in kept) - 2 - room
    while over > 0:
        places = [place for place in kept if columns[place].least and widths[place] > columns[place].least]
        if not places:
            return
        widths[max(places, key=lambda place: widths[place])] -= 1
        over -= 1


def write_error(text: str) -> None:
    """Write a sentence to standard error, where no session does that yet or any more."""
    try:
        sys.stderr.write(f"xp-tui: {text}\n")
    except (OSError, ValueError):
        discard_buffer(sys.stderr)


def ignore_broken_pipe() -> None:
    """After the reader of stdout has gone: let the interpreter's last flush go nowhere."""
    discard_buffer(sys.stdout)


def discard_buffer(stream: TextIO) -> None:
    """After a write to a stream has failed: let what is left in its buffer, and all that follows, go nowhere."""
    with suppress(OSError, ValueError):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_RDWR)
        if nowhere != number:
            os.dup2(nowhere, number)
            os.close(nowhere)
