"""A thing written out for reading: headings, JSON that folds, Markdown, texts; wrapped, masked and safe to show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, field
from rich.cells import cell_len

from tui.client.json_codec import dumps, parse_nested
from tui.security.redact import Redactor
from tui.security.sanitize import MAX_LINE_CHARS, cut_line, sanitize_text
from tui.widgets.markdown_layout import markdown_lines
from tui.widgets.styled_text import StyledLine, StyledText, wrap

MAX_LINES = 20_000
"""Lines shown of one thing; that there are more is said."""
MIN_FOLDED_MEMBERS = 12
"""Members from which what lies deep begins folded."""
MAX_MARKDOWN_CHARS = 200_000
"""Characters of a text beyond which it is shown as it is."""
MAX_DEPTH = 200
"""Levels of nesting that are written out; the masks stop there too."""
NOT_WHOLE_REASON = "it is too long, too deep or named too alike to be shown whole, and cannot be decided here"
HIDES_OTHER_TEXT_REASON = (
    "text that may be your own API key in another spelling is in it and is never shown: it cannot be decided here"
)


class Part(NamedTuple):
    """One part of a document: a heading and a value; a text may be Markdown, or stand beside its heading."""

    heading: str
    value: object
    is_markdown: bool = False
    is_folded: bool = False
    is_beside: bool = False


class ValueKey(NamedTuple):
    """Which value a line is about: the number of its part, and the way down to it."""

    part: int
    path: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path).removeprefix(".")


class DocumentLine(Struct, frozen=True):
    """One line: what it is made of, what it is about, and whether that folds."""

    pieces: StyledLine
    key: ValueKey
    folds: bool = False
    is_open: bool = True


class Document(Struct):
    """Parts and what of them is folded; `rows` writes them out for a width."""

    parts: Sequence[Part]
    redactor: Redactor
    can_fold: bool = True
    turned: set[ValueKey] = field(default_factory=set)
    """What is folded or unfolded against how it began."""
    longest: int = MAX_LINE_CHARS
    """Characters of one line that are written out."""
    is_whole: bool = True
    """Whether all of it was written out: no line was too many or too wide."""
    revealed: set[ValueKey] = field(default_factory=set)
    """What is shown although it may be a secret."""
    reveals_all: bool = False
    """Whether everything is shown that may be a secret; only this machine's own secrets stay masked."""
    raw: bool = False
    """Whether texts stay as they are: no Markdown, no JSON within JSON taken apart."""

    def __post_init__(self) -> None:
        self.parts = [part for part in self.parts if part.value not in (None, "", {}, [])]

    def value(self, key: ValueKey) -> Any:
        """The masked value that a line is about."""
        value = self._masked(self.parts[key.part].value)
        for step in key.path:
            value = value[step]
        return value

    @property
    def masked(self) -> int:
        """How many values are masked because they may be secrets, and can be revealed."""
        return sum(
            _differing(self._with_secrets_masked(part.value), self._without_known(part.value)) for part in self.parts
        )

    @property
    def holds_own_secret(self) -> bool:
        """Whether a secret of this machine is in it, which is never shown."""
        return any(_differing(self._without_known(part.value), self._told(part.value)) for part in self.parts)

    def turn(self, key: ValueKey) -> None:
        """Fold what is open, open what is folded."""
        self.turned ^= {key}

    def set_all(self, is_open: bool) -> None:
        """Open or fold everything."""
        self.turned = set()
        for key, begins_open, _ in list(self._foldable()):
            if begins_open != is_open:
                self.turned.add(key)

    def uncover(self, key: ValueKey) -> None:
        """Open everything that hides a value."""
        begins = {one: begins_open for one, begins_open, _ in self._foldable()}
        for depth in range(len(key.path)):
            above = ValueKey(key.part, key.path[:depth])
            if above in begins and not begins[above] ^ (above in self.turned):
                self.turn(above)

    def _revealed(self, key: ValueKey) -> Any:
        """A value as it is, but for the secrets that are this machine's own."""
        value = self._told(self.parts[key.part].value)
        try:
            for step in key.path:
                value = value[step]
        except KeyError:  # a name on the way is masked itself
            return self.value(key)
        return self.redactor.known(value) if isinstance(value, str) else value

    def find(self, words: str) -> list[ValueKey]:
        """What has these words, in a name or a value, folded away or not."""
        wanted = words.casefold()
        found = []
        for number, part in enumerate(self.parts):
            for key, text in _texts(self._masked(part.value), ValueKey(number)):
                if wanted in text.casefold():
                    found.append(key)
        return found

    def rows(self, width: int) -> list[DocumentLine]:
        """Every line, wrapped to a width."""
        rows: list[DocumentLine] = []
        self.is_whole = True
        for number, part in enumerate(self.parts):
            for row in self._part(ValueKey(number), part, max(width - 2, 8)):
                rows.append(row)
                if not self.can_fold and sum(cell_len(piece.text) for piece in row.pieces) > max(width, 10):
                    self.is_whole = False
                if len(rows) > MAX_LINES:
                    self.is_whole = False
                    rows.append(
                        DocumentLine(
                            [StyledText(f" … more than {MAX_LINES} lines: the rest is not shown", "need")], row.key
                        )
                    )
                    return rows
        return rows

    def _told(self, value: object) -> Any:
        """A value with the JSON within its texts taken apart."""
        return value if self.raw else parse_nested(value)

    def _without_known(self, value: object) -> Any:
        """A value as it is, but for this machine's own secrets."""
        return _mapped(self._told(value), self.redactor.known)

    @property
    def not_whole_reason(self) -> str:
        """Why not all of it can be written out once all is revealed, in words; empty when it can."""
        if self.hides_other_text:
            return HIDES_OTHER_TEXT_REASON
        return "" if self.is_lossless else NOT_WHOLE_REASON

    @property
    def hides_other_text(self) -> bool:
        """Whether more is masked for good than this machine's own secrets to the letter: it may hide other text."""
        return any(
            _differing(_mapped(told, self.redactor.known), _mapped(told, self.redactor.known_to_the_letter))
            for told in (self._told(part.value) for part in self.parts)
        )

    @property
    def is_lossless(self) -> bool:
        """Whether no level is too deep to be written out, and no two names are masked alike once all is revealed."""
        return not any(
            _differing(_mapped(told, str), told) or _count(_mapped(told, self.redactor.known)) != _count(told)
            for told in (self._told(part.value) for part in self.parts)
        )

    def _masked(self, value: object) -> Any:
        return self._without_known(value) if self.reveals_all else self._with_secrets_masked(value)

    def _with_secrets_masked(self, value: object) -> Any:
        """Return a value with whatever may be a secret masked."""
        told = self._told(value)
        return self.redactor.text(told) if isinstance(told, str) else self.redactor.json(told)

    def _is_open(self, key: ValueKey, begins_open: bool) -> bool:
        return not self.can_fold or begins_open ^ (key in self.turned)

    def _foldable(self) -> Iterator[tuple[ValueKey, bool, Any]]:
        """Everything that folds, whether it begins open, and what it is."""
        for number, part in enumerate(self.parts):
            yield ValueKey(number), not part.is_folded, part.value
            left = [(ValueKey(number), self._masked(part.value))]
            while left:
                key, value = left.pop()
                for step, item in _members(value):
                    if isinstance(item, dict | list) and item:
                        below = ValueKey(number, (*key.path, step))
                        yield below, _begins_open(below, item), item
                        left.append((below, item))

    def _part(self, key: ValueKey, part: Part, width: int) -> Iterator[DocumentLine]:
        if part.is_beside:
            text = self._clean(str(self._masked(str(part.value)))).replace("\n", " ")
            lines = wrap([StyledText(text)], max(width - 10, 8))
            yield DocumentLine([StyledText(f" {part.heading:<9} ", "head"), *lines[0]], key)
            for line in lines[1:]:
                yield DocumentLine([StyledText(" " * 11), *line], key)
            return
        is_open = self._is_open(key, not part.is_folded)
        mark = ("▾ " if is_open else "▸ ") if self.can_fold else ""
        size = f"  {_size(part.value)}" if not is_open else ""
        yield DocumentLine(
            [StyledText(f" {mark}{sanitize_text(part.heading)}", "head"), StyledText(size, "faint")],
            key,
            self.can_fold,
            is_open,
        )
        if not is_open:
            return
        value = self._masked(part.value)
        if not isinstance(value, str):
            yield from self._json(key, value, 1, width)
        elif part.is_markdown and not self.raw and len(value) <= MAX_MARKDOWN_CHARS:
            for line in markdown_lines(sanitize_text(value), width):
                yield DocumentLine([StyledText("  "), *line], key)
        else:
            for text in self._clean(value).split("\n"):
                for line in wrap([StyledText(text)], width):
                    yield DocumentLine([StyledText("  "), *line], key)

    def _clean(self, text: str) -> str:
        return sanitize_text(text, longest=self.longest, reveals=True)

    def _name(self, step: str | int) -> str:
        return f"{step}" if isinstance(step, int) else f"{self._clean(step)}:".replace("\n", " ")

    def _json(self, key: ValueKey, value: Any, depth: int, width: int) -> Iterator[DocumentLine]:
        """A value of JSON, each member on its own lines."""
        if not isinstance(value, dict | list) or not value:
            yield from self._leaf(key, None, value, depth, width)
            return
        for step, item in _members(value):
            below = ValueKey(key.part, (*key.path, step))
            if not isinstance(item, dict | list) or not item:
                yield from self._leaf(below, step, item, depth, width)
                continue
            is_open = self._is_open(below, _begins_open(below, item))
            mark = ("▾ " if is_open else "▸ ") if self.can_fold else "  "
            indent = _indent(depth, width)
            told = [StyledText(f"{self._name(step)} ", "accent"), StyledText(_size(item), "faint")]
            lines = wrap(told, max(width + 2 - len(indent + mark), 8)) if not self.can_fold else [told]
            yield DocumentLine([StyledText(indent + mark, "faint"), *lines[0]], below, self.can_fold, is_open)
            for line in lines[1:]:  # a name of many characters
                yield DocumentLine([StyledText(indent + "  "), *line], below)
            if is_open:
                yield from self._json(below, item, depth + 1, width)

    def _leaf(
        self, key: ValueKey, step: str | int | None, value: Any, depth: int, width: int
    ) -> Iterator[DocumentLine]:
        """A name and a value; a text of several lines stands below its name, behind an edge."""
        if key in self.revealed:
            value = self._revealed(key)
        begin = [StyledText(_indent(depth + 1, width))]
        if step is not None:
            name = wrap([StyledText(f"{self._name(step)} ", "accent")], max(width - len(begin[0].text), 8))
            for line in name[:-1]:  # a name of many characters
                yield DocumentLine([*begin, *line], key)
            begin += name[-1]
        indent = _indent(depth + 2, width)
        if isinstance(value, str) and "\n" in value.strip("\n"):
            size = StyledText(f"text of {len(value):,} characters", "faint")
            if sum(cell_len(piece.text) for piece in [*begin, size]) <= width + 2:
                yield DocumentLine([*begin, size], key)
            else:
                yield DocumentLine(begin, key)
                yield DocumentLine([StyledText(indent), size], key)
            for text in self._clean(value).split("\n"):
                for line in wrap([StyledText(text)], max(width - len(indent) - 2, 8)):
                    yield DocumentLine([StyledText(f"{indent}│ ", "faint"), *line], key)
            return
        text = cut_line(scalar_text(value), self.longest)
        used = sum(cell_len(piece.text) for piece in begin)
        room = width + 2 - used
        if cell_len(text) <= room or (used > width // 2 and room >= 8):
            lines = wrap([StyledText(text)], room)
            yield DocumentLine([*begin, *lines[0]], key)
        else:
            yield DocumentLine(begin, key)
            lines = [[], *wrap([StyledText(text)], max(width - len(indent), 8))]
        for line in lines[1:]:
            yield DocumentLine([StyledText(indent), *line], key)


def _indent(depth: int, width: int) -> str:
    """Return the blanks before what lies so deep; they never take more than half of the width."""
    return "  " * min(depth, max(width // 4, 1))


def _mapped(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """Return a value with every text and name in it changed, as deep as it is written out."""
    if depth > MAX_DEPTH:
        return "… nested too deep to show"
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(str(name)): _mapped(item, change, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, change, depth + 1) for item in value]
    return value


def _differing(shown: Any, told: Any) -> int:
    """Return how many scalars of a value are told and not shown so."""
    texts = dict(_texts(shown, ValueKey(0)))
    return sum(texts.get(key) != text for key, text in _texts(told, ValueKey(0)))


def _count(value: Any) -> int:
    """Return how many names and scalars a value has."""
    return sum(1 for _ in _texts(value, ValueKey(0)))


def scalar_text(value: Any) -> str:
    """A scalar as JSON, read as it is: only what could hide or command is an escape."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isascii():
        return text
    return "".join(char if char.isascii() or sanitize_text(char) == char else json.dumps(char)[1:-1] for char in text)


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from ((str(name), item) for name, item in value.items())
    elif isinstance(value, list):
        yield from enumerate(value)


def _begins_open(key: ValueKey, value: Any) -> bool:
    return len(key.path) < 3 or len(value) <= MIN_FOLDED_MEMBERS


def _size(value: object) -> str:
    match value:
        case dict():
            return f"{len(value):,} field{'s' * (len(value) != 1)}"
        case list():
            return f"{len(value):,} item{'s' * (len(value) != 1)}"
        case str():
            return f"{len(value):,} characters"
        case _:
            return ""


def _texts(value: Any, key: ValueKey) -> Iterator[tuple[ValueKey, str]]:
    """Every name and scalar, with where it is."""
    left = [(key, value, "")]
    while left:
        at, item, name = left.pop()
        if isinstance(item, dict | list) and item:
            if name:
                yield at, name
            left += reversed([(ValueKey(at.part, (*at.path, step)), one, str(step)) for step, one in _members(item)])
        else:
            yield at, f"{name} {item if isinstance(item, str) else dumps(item)}"
