"""The layout of documents: headings, foldable JSON, Markdown and texts, wrapped, masked and safe to show."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field
from rich.cells import cell_len, chop_cells

from tui.client.json_codec import parse_nested
from tui.security.redact import Redactor
from tui.security.sanitize import MAX_LINE_CHARS, cut_line, sanitize_text
from tui.widgets.json_walk import count_differences, count_texts, has_members, iterate_texts, map_texts, members
from tui.widgets.markdown_layout import markdown_lines
from tui.widgets.styled_text import StyledLine, StyledText, fold_glyph, wrap

MAX_LINES = 20_000
"""Maximum lines of a document; the last line says that more were left out."""
MIN_FOLDED_DEPTH = 3
MAX_UNFOLDED_MEMBERS = 12
"""A value at `MIN_FOLDED_DEPTH` or deeper begins folded if it has more members than this."""
MAX_MARKDOWN_CHARS = 200_000
"""Maximum characters of a text that is parsed as Markdown; a longer one is shown as plain text."""
MIN_TEXT_CELLS = 8
HEADING_CELLS = 12
"""Cells of the column of headings that have their values beside them."""
NOT_WHOLE_REASON = "it is too long, too deep or named too alike to be shown whole, and cannot be decided here"
HIDES_OTHER_TEXT_REASON = (
    "text that may be your own API key in another spelling is in it and is never shown: it cannot be decided here"
)


class Part(NamedTuple):
    """A part of a document: a heading, and a value below it or beside it."""

    heading: str
    value: object
    is_markdown: bool = False
    is_folded: bool = False
    is_beside: bool = False
    folds: bool = False
    """Whether the part folds even in a document without folds: its value to nothing, one beside to a line."""


class ValueKey(NamedTuple):
    """The key of a value in a document: the index of its part, and the path to it within the part."""

    part: int
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")


class DocumentLine(Struct, frozen=True):
    """A line of a document: its styled text, the key of its value, and whether that value folds and is open."""

    styled_line: StyledLine
    key: ValueKey
    folds: bool = False
    is_open: bool = True


class Document(Struct):
    """A document: its parts, which values are folded, and which are revealed."""

    parts: Sequence[Part]
    redactor: Redactor
    can_fold: bool = True
    toggled: set[ValueKey] = field(default_factory=set)
    """The values that were folded or unfolded since the document was opened."""
    max_line_chars: int = MAX_LINE_CHARS
    is_whole: bool = True
    """False if the last call of `rows` left something out: too many lines, or a line that is too wide."""
    revealed: set[ValueKey] = field(default_factory=set)
    """The values that are shown although they may be secrets."""
    reveals_all: bool = False
    """Show every value that may be a secret; only the secrets of this machine stay masked."""
    raw: bool = False
    """Show texts as they are: Markdown is not laid out, JSON within texts is not parsed."""

    def __post_init__(self) -> None:
        self.parts = [part for part in self.parts if part.value not in (None, "", {}, [])]

    # Values

    def value(self, key: ValueKey) -> Any:
        """Return the value with this key, masked."""
        value = self._masked(self.parts[key.part].value)
        for step in key.path:
            value = value[step]
        return value

    @property
    def masked_count(self) -> int:
        """The count of values that are masked because they may be secrets, and can be revealed."""
        return sum(
            count_differences(self._with_possible_secrets_masked(part.value), self._with_own_secrets_masked(part.value))
            for part in self.parts
        )

    @property
    def holds_own_secret(self) -> bool:
        """Whether the document holds a secret of this machine, which is never shown."""
        return any(
            count_differences(self._with_own_secrets_masked(part.value), self._parsed(part.value))
            for part in self.parts
        )

    @property
    def not_whole_reason(self) -> str:
        """The reason, in words, why the document cannot be shown whole even if all is revealed; empty if it can."""
        if self.hides_other_text:
            return HIDES_OTHER_TEXT_REASON
        return "" if self.is_lossless else NOT_WHOLE_REASON

    @property
    def hides_other_text(self) -> bool:
        """Whether masking may hide other text: something is masked that is not exactly a secret of this machine."""
        return any(
            count_differences(
                map_texts(parsed, self.redactor.mask_known), map_texts(parsed, self.redactor.mask_known_exact)
            )
            for parsed in self._parsed_parts()
        )

    @property
    def is_lossless(self) -> bool:
        """Whether showing all values loses none: no level is too deep, and no two member names are masked alike."""
        return not any(
            count_differences(map_texts(parsed, str), parsed)
            or count_texts(map_texts(parsed, self.redactor.mask_known)) != count_texts(parsed)
            for parsed in self._parsed_parts()
        )

    def _parsed_parts(self) -> Iterator[Any]:
        return (self._parsed(part.value) for part in self.parts)

    def _parsed(self, value: object) -> Any:
        """Return a value with the JSON within its texts parsed."""
        if self.raw:
            return value
        return parse_nested(value)

    def _masked(self, value: object) -> Any:
        if self.reveals_all:
            return self._with_own_secrets_masked(value)
        return self._with_possible_secrets_masked(value)

    def _with_own_secrets_masked(self, value: object) -> Any:
        """Return a value in which only the secrets of this machine are masked."""
        return map_texts(self._parsed(value), self.redactor.mask_known)

    def _with_possible_secrets_masked(self, value: object) -> Any:
        """Return a value in which everything is masked that may be a secret."""
        parsed = self._parsed(value)
        if isinstance(parsed, str):
            return self.redactor.text(parsed)
        return self.redactor.json(parsed)

    def _revealed_value(self, key: ValueKey) -> Any:
        """Return the value with this key; only the secrets of this machine are masked."""
        value = self._parsed(self.parts[key.part].value)
        try:
            for step in key.path:
                value = value[step]
        except KeyError:  # a member name on the path is masked itself
            return self.value(key)
        if isinstance(value, str):
            return self.redactor.mask_known(value)
        return value

    # Folding and searching

    def toggle(self, key: ValueKey) -> None:
        """Toggle a value: fold it if it is open, else unfold it."""
        self.toggled ^= {key}

    def set_all_open(self, is_open: bool) -> None:
        """Set all values that fold open or folded."""
        self.toggled = {key for key, begins_open in self._foldable() if begins_open != is_open}

    def unfold_to(self, key: ValueKey) -> None:
        """Unfold every value that contains the one with this key."""
        begins_open = dict(self._foldable())
        for depth in range(len(key.path)):
            container = ValueKey(key.part, key.path[:depth])
            if container in begins_open and begins_open[container] == (container in self.toggled):
                self.toggle(container)

    def find(self, words: str) -> list[ValueKey]:
        """Find the values with these words in their name or text, also in folded ones."""
        wanted = words.casefold()
        return [
            ValueKey(number, path)
            for number, part in enumerate(self.parts)
            for path, text in iterate_texts(self._masked(part.value))
            if wanted in text.casefold()
        ]

    def _is_open(self, key: ValueKey, begins_open: bool) -> bool:
        return not self._folds(key) or begins_open != (key in self.toggled)

    def _folds(self, key: ValueKey) -> bool:
        return self.can_fold or (not key.path and self.parts[key.part].folds)

    def _foldable(self) -> Iterator[tuple[ValueKey, bool]]:
        """Yield the key of every value that folds, and whether it begins open."""
        for number, part in enumerate(self.parts):
            yield ValueKey(number), not part.is_folded
            stack = [(ValueKey(number), self._masked(part.value))]
            while stack:
                key, value = stack.pop()
                for step, member in members(value):
                    if has_members(member):
                        member_key = ValueKey(number, (*key.path, step))
                        yield member_key, _begins_open(member_key, member)
                        stack.append((member_key, member))

    # Layout

    def rows(self, width: int) -> list[DocumentLine]:
        """Return the document's rows, wrapped to a width, and update `is_whole`."""
        rows: list[DocumentLine] = []
        self.is_whole = True
        for number, part in enumerate(self.parts):
            for row in self._part_lines(ValueKey(number), part, max(width - 2, MIN_TEXT_CELLS)):
                rows.append(row)
                if not self.can_fold and _cell_count(row.styled_line) > max(width, 10):
                    self.is_whole = False
                if len(rows) > MAX_LINES:
                    self.is_whole = False
                    notice = StyledText(f" … more than {MAX_LINES} lines: the rest is not shown", "need")
                    rows.append(DocumentLine([notice], row.key))
                    return rows
        return rows

    def _part_lines(self, key: ValueKey, part: Part, width: int) -> Iterator[DocumentLine]:
        if part.is_beside:
            yield from self._beside_lines(key, part, width)
            return
        is_open, folds = self._is_open(key, not part.is_folded), self._folds(key)
        mark = f"{fold_glyph(is_open)} " if folds else ""
        heading = StyledText(f" {mark}{sanitize_text(part.heading)}", "head")
        if not is_open:
            size = StyledText(f"  {_size_text(part.value)}", "faint")
            yield DocumentLine([heading, size], key, folds, is_open)
            return
        if part.heading:
            yield DocumentLine([heading, StyledText("", "faint")], key, folds, is_open)
        value = self._masked(part.value)
        if not isinstance(value, str):
            yield from self._json_lines(key, value, 1, width)
        elif part.is_markdown and not self.raw and len(value) <= MAX_MARKDOWN_CHARS:
            for line in markdown_lines(sanitize_text(value), width):
                yield DocumentLine([StyledText("  "), *line], key)
        else:
            for text in self._sanitized(value).split("\n"):
                for line in wrap([StyledText(text)], width):
                    yield DocumentLine([StyledText("  "), *line], key)

    def _beside_lines(self, key: ValueKey, part: Part, width: int) -> Iterator[DocumentLine]:
        """Yield the lines of a part whose value is beside its heading; one that folds is a line that says its cut."""
        text = self._sanitized(str(self._masked(str(part.value)))).replace("\n", " ")
        lines = wrap([StyledText(text)], room := max(width - HEADING_CELLS, MIN_TEXT_CELLS))
        folds, is_open = part.folds and len(lines) > 1, self._is_open(key, not part.is_folded)
        if folds:
            text = f"{fold_glyph(is_open)} {text}"
            lines = wrap([StyledText(text if is_open else _cut_beside(text, room))], room)
        heading = StyledText(f" {part.heading:<{HEADING_CELLS - 2}} ", "head")
        yield DocumentLine([heading, *lines[0]], key, folds, is_open)
        for line in lines[1:]:
            yield DocumentLine([StyledText(" " * HEADING_CELLS), *line], key)

    def _json_lines(self, key: ValueKey, value: Any, depth: int, width: int) -> Iterator[DocumentLine]:
        """Yield the lines of a JSON value; each member begins on a line of its own."""
        if not has_members(value):
            yield from self._scalar_lines(key, None, value, depth, width)
            return
        for step, member in members(value):
            member_key = ValueKey(key.part, (*key.path, step))
            if not has_members(member):
                yield from self._scalar_lines(member_key, step, member, depth, width)
                continue
            is_open = self._is_open(member_key, _begins_open(member_key, member))
            mark = self._fold_mark(is_open) or "  "
            indent = _indent(depth, width)
            heading = [StyledText(f"{self._name_text(step)} ", "accent"), StyledText(_size_text(member), "faint")]
            lines = [heading]
            if not self.can_fold:
                lines = wrap(heading, max(width + 2 - len(indent + mark), MIN_TEXT_CELLS))
            yield DocumentLine([StyledText(indent + mark, "faint"), *lines[0]], member_key, self.can_fold, is_open)
            for line in lines[1:]:  # the member's name is longer than a line
                yield DocumentLine([StyledText(indent + "  "), *line], member_key)
            if is_open:
                yield from self._json_lines(member_key, member, depth + 1, width)

    def _scalar_lines(
        self, key: ValueKey, step: str | int | None, value: Any, depth: int, width: int
    ) -> Iterator[DocumentLine]:
        """Yield the lines of a name and a scalar; a text of several lines begins below its name."""
        if key in self.revealed:
            value = self._revealed_value(key)
        start = [StyledText(_indent(depth + 1, width))]
        if step is not None:
            name_width = max(width - len(start[0].text), MIN_TEXT_CELLS)
            name_lines = wrap([StyledText(f"{self._name_text(step)} ", "accent")], name_width)
            for line in name_lines[:-1]:  # the name is longer than a line
                yield DocumentLine([*start, *line], key)
            start += name_lines[-1]
        indent = _indent(depth + 2, width)
        if isinstance(value, str) and "\n" in value.strip("\n"):
            yield from self._text_lines(key, start, value, indent, width)
            return
        text = cut_line(scalar_text(value), self.max_line_chars)
        start_width = _cell_count(start)
        room = width + 2 - start_width
        if cell_len(text) <= room or (start_width > width // 2 and room >= MIN_TEXT_CELLS):
            lines = wrap([StyledText(text)], room)
            yield DocumentLine([*start, *lines.pop(0)], key)
        else:
            lines = wrap([StyledText(text)], max(width - len(indent), MIN_TEXT_CELLS))
            yield DocumentLine(start, key)
        for line in lines:
            yield DocumentLine([StyledText(indent), *line], key)

    def _text_lines(
        self, key: ValueKey, start: list[StyledText], value: str, indent: str, width: int
    ) -> Iterator[DocumentLine]:
        """Yield the lines of a text of several lines: its size beside the name, the text below with a left edge."""
        size = StyledText(f"text of {len(value):,} characters", "faint")
        if _cell_count([*start, size]) <= width + 2:
            yield DocumentLine([*start, size], key)
        else:
            yield DocumentLine(start, key)
            yield DocumentLine([StyledText(indent), size], key)
        for text in self._sanitized(value).split("\n"):
            for line in wrap([StyledText(text)], max(width - len(indent) - 2, MIN_TEXT_CELLS)):
                yield DocumentLine([StyledText(f"{indent}│ ", "faint"), *line], key)

    def _fold_mark(self, is_open: bool) -> str:
        if not self.can_fold:
            return ""
        return f"{fold_glyph(is_open)} "

    def _sanitized(self, text: str) -> str:
        return sanitize_text(text, longest=self.max_line_chars, reveals=True)

    def _name_text(self, step: str | int) -> str:
        if isinstance(step, int):
            return f"{step}"
        return f"{self._sanitized(step)}:".replace("\n", " ")


def scalar_text(value: Any) -> str:
    """Return the text of a scalar as JSON, with escapes only for characters that could hide text or do harm."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    return "".join(map(_escaped_if_unsafe, text))


def _escaped_if_unsafe(char: str) -> str:
    if char.isascii() or sanitize_text(char) == char:
        return char
    return json.dumps(char)[1:-1]


def _cut_beside(text: str, room: int) -> str:
    """Return a text cut to a room in cells, with the count of the characters that are left out."""
    ending = f"… [+{len(text)} chars]"
    kept = chop_cells(text, max(room - len(ending), MIN_TEXT_CELLS // 2))[0]
    return f"{kept}… [+{len(text) - len(kept)} chars]"


def _cell_count(styled_line: StyledLine) -> int:
    return sum(cell_len(piece.text) for piece in styled_line)


def _indent(depth: int, width: int) -> str:
    """Return the indent of a level of nesting, at most half of the width."""
    return "  " * min(depth, max(width // 4, 1))


def _begins_open(key: ValueKey, value: Any) -> bool:
    return len(key.path) < MIN_FOLDED_DEPTH or len(value) <= MAX_UNFOLDED_MEMBERS


def _size_text(value: object) -> str:
    match value:
        case dict():
            return f"{len(value):,} field{'s' * (len(value) != 1)}"
        case list():
            return f"{len(value):,} item{'s' * (len(value) != 1)}"
        case str():
            return f"{len(value):,} characters"
        case _:
            return ""
