"""Finds secrets that are known by value in a text, in the encodings and spellings that SECURITY.md lists.

A text is searched in several views: as it is, with escapes decoded, with quoted-printable decoded, without tags,
without console markup, and the last two also with escapes decoded.
Each view is folded to lower case in three ways: with nothing removed, without control characters, and reduced to
letters and digits. Secrets and their encodings are folded in the same way and searched for in the folded views.
Positions in the original text are only computed for views in which a secret occurs.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import compress
from urllib.parse import quote

SHORTEST_SECRET_CHARS = 6
"""Characters below which a secret is not searched for."""
SHORTEST_LOOSE_CHARS = 12
"""Characters from which a secret of letters alone or digits alone is searched for without its punctuation."""
SHORTEST_MIXED_CHARS = 8
"""Characters from which a secret of letters and digits is searched for without its punctuation."""

TextRange = tuple[int, int]
"""The start and the end of a secret in a text."""

_SLASHES, _AMPERSAND = r"\\\\{0,7}", r"&(?:amp;){0,8}"  # alternatives that begin with a letter are found quickest
_ESCAPES = (
    r"%(?:25){0,8}(?P<hex1>[0-9A-Fa-f]{2})|%u(?P<hex2>[0-9A-Fa-f]{4})"
    rf"|{_SLASHES}(?:x(?P<hex3>[0-9A-Fa-f]{{2}})|[xu]\{{(?P<hex5>[0-9A-Fa-f]{{1,6}})\}}|u(?P<hex4>[0-9A-Fa-f]{{4}})"
    r"|U(?P<hex6>[0-9A-Fa-f]{8})|(?P<oct>[0-3]?[0-7]{1,2})|(?P<same>[^\w\s\\])|[nrtbfv])"
    rf"|{_AMPERSAND}(?:#[xX]0{{0,8}}(?P<hex7>[0-9A-Fa-f]{{1,6}});?|#0{{0,8}}(?P<dec>[0-9]{{1,7}});?"
    r"|(?P<entity>[A-Za-z][A-Za-z0-9]{1,31};))"
)
_BYTE_FORMATS = (
    "{:02x}",
    "0x{:02x}",
    "{:02x}h",
    "{}",
    "{:03}",
    "{:o}",
    "{:03o}",
    "0{:o}",
    "0o{:o}",
    "{:08b}",
    "0b{:08b}",
)
"""The ways to write one byte as a number, in letters and digits."""
_TAGS = r"<[^<>\n]{0,200}>|\x1b\[[0-9;:]{0,40}[A-Za-z]"
_CONSOLE_MARKUP = r"\[/?[A-Za-z#@][^\[\]\n]{0,60}\]|\[/\]"
_VIEWS = (
    (("%", "\\", "&"), _ESCAPES),
    (("=",), r"=(?:(?P<hex1>[0-9A-Fa-f]{2})|\r?\n)"),
    (("<", "\x1b"), _TAGS),
    (("<", "\x1b"), f"{_TAGS}|{_ESCAPES}"),
    (("[",), _CONSOLE_MARKUP),
    (("[",), f"{_CONSOLE_MARKUP}|{_ESCAPES}"),
)
"""The decoded views: characters of which a text must contain one, and the pattern of the tokens to decode or remove."""


class _Fold:
    """Folds a text for searching: to its UTF-8 bytes in lower case, without the dropped ones, each as a character."""

    def __init__(self, dropped: bytes) -> None:
        self._dropped = dropped
        self._kept = bytes(code not in dropped for code in range(256))

    def __call__(self, text: str) -> str:
        return text.encode("utf-8", "surrogatepass").translate(_TO_LOWER_CASE, self._dropped).decode("latin-1")

    def positions(self, part: str, start: int) -> Iterable[int]:
        """Return the position in the text of each folded character of a part that begins at `start`."""
        if part.isascii():
            return compress(range(start, start + len(part)), part.encode().translate(self._kept))
        return (position for position, char in enumerate(part, start) for _ in self(char))


_TO_LOWER_CASE = bytes(code + 32 if 65 <= code <= 90 else code for code in range(256))
_lower_case = _Fold(b"")
_without_controls = _Fold(bytes((*range(0x20), 0x7F)))
_letters_and_digits = _Fold(bytes(code for code in range(256) if code > 127 or not chr(code).isalnum()))


class KnownSecrets:
    """The known secrets and their encodings, folded for the search."""

    def __init__(self, secrets: Iterable[str]) -> None:
        needles: dict[_Fold, set[str]] = {_lower_case: set(), _without_controls: set(), _letters_and_digits: set()}
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET_CHARS:
                _add_needles(needles, secret)
        self._needles = [(fold, sorted(folded)) for fold, folded in needles.items() if folded]
        self._shortest = min((_count_chars(needle) for _, folded in self._needles for needle in folded), default=0)

    def are_in(self, text: str) -> bool:
        """Return whether any of the secrets is in a text."""
        if not self._shortest or len(text) < self._shortest:
            return False
        return any(self._are_in_view(view) for view, _ in _views(text))

    def masked(self, text: str, mask: str) -> str:
        """Return the text masked: each range that contains a secret replaced by `mask`."""
        if not self.are_in(text):
            return text
        parts: list[str] = []
        end = 0
        for start, stop in _merged(self._secret_ranges(text)):
            parts += [text[end:start], mask]
            end = stop
        return "".join((*parts, text[end:]))

    def _are_in_view(self, view: str) -> bool:
        return any(any(map(fold(view).__contains__, needles)) for fold, needles in self._needles)

    def _secret_ranges(self, text: str) -> Iterator[TextRange]:
        for view, token in _views(text):
            for fold, needles in self._needles:
                needles_in_view = list(filter(fold(view).__contains__, needles))
                if not needles_in_view:
                    continue
                folded, starts, ends = _fold_with_positions(text, token, fold)
                for needle in needles_in_view:
                    for index in _occurrences(needle, folded):
                        yield starts[index], ends[index + len(needle) - 1]


def _add_needles(needles: dict[_Fold, set[str]], secret: str) -> None:
    for spelling in _exact_spellings(secret):
        _add_exact(needles, spelling)
    for encoding in (secret, *_encodings(secret)):
        folded = _letters_and_digits(encoding)
        if _is_distinctive(folded):
            needles[_letters_and_digits].add(folded)
        else:
            _add_exact(needles, encoding)


def _is_distinctive(folded: str) -> bool:
    """Return whether letters and digits are distinctive: too many to occur in ordinary text by chance."""
    if folded.isalpha() or folded.isdigit():
        return len(folded) >= SHORTEST_LOOSE_CHARS
    return len(folded) >= SHORTEST_MIXED_CHARS


def _add_exact(needles: dict[_Fold, set[str]], spelling: str) -> None:
    """Add an exact spelling, with its punctuation: without its control characters if that is long enough, and with."""
    shortened, full = _without_controls(spelling), _lower_case(spelling)
    if _count_chars(shortened) >= SHORTEST_SECRET_CHARS:
        needles[_without_controls].add(shortened)
    if shortened != full:
        needles[_lower_case].add(full)


def _count_chars(folded: str) -> int:
    return len(folded.encode("latin-1").decode("utf-8", "surrogatepass"))


def _exact_spellings(secret: str) -> set[str]:
    """Return the exact spellings of a secret: as it is, and as libraries escape or encode it with punctuation."""
    spellings = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], *_base85(secret.encode())}
    if any(map(secret.__contains__, "&<>\"'")):
        from html import escape  # loads a large table, which few secrets need

        spellings.add(escape(secret))
    return spellings | {view for view, _ in _views(secret) if len(view) >= SHORTEST_SECRET_CHARS}


def _encodings(secret: str) -> set[str]:
    """Return the encodings of a secret that are recognized by their letters and digits alone."""
    data = secret.encode()
    little_endian = secret.encode("utf-16-le", "surrogatepass")
    big_endian = secret.encode("utf-16-be", "surrogatepass")
    numbers = {"".join(map(byte_format.format, data)) for byte_format in _BYTE_FORMATS}
    units = "".join(f"u{byte:04x}" for byte in data)
    base64_once = {text for raw in (data, little_endian, big_endian) for text in _base64(raw)}
    base64_twice = {text for inner in _base64(data) for text in _base64(inner.encode())}
    base32 = set(_stable_chars(base64.b32encode, data, 5, 5))
    return numbers | {units, little_endian.hex(), big_endian.hex()} | base64_once | base64_twice | base32


def _base64(data: bytes) -> set[str]:
    return {*_stable_chars(base64.b64encode, data, 3, 6), *_stable_chars(base64.urlsafe_b64encode, data, 3, 6)}


def _stable_chars(encode: Callable[[bytes], bytes], data: bytes, group_bytes: int, char_bits: int) -> Iterator[str]:
    """Yield the encoded characters that are stable, whatever bytes precede and follow the data."""
    for shift in range(group_bytes):
        raw = b"\0" * shift + data
        begin = -(-shift * 8 // char_bits)
        yield encode(raw).decode()[begin : len(raw) * 8 // char_bits]


def _base85(data: bytes) -> Iterator[str]:
    """Yield the data in base85: by itself, and its complete groups inside longer data if there are at least two."""
    for encode in (base64.a85encode, base64.b85encode):
        yield encode(data).decode()
        for shift in range(4):
            groups = data[shift : shift + (len(data) - shift) // 4 * 4]
            if len(groups) >= 8:
                yield encode(groups).decode()


def _views(text: str) -> Iterator[tuple[str, str]]:
    """Yield the distinct views of a text, each with the pattern of the tokens that are decoded in it."""
    yield text, ""
    yielded = {text}
    for marks, token in _VIEWS:
        if any(map(text.__contains__, marks)):
            view = _compiled(token).sub(_decode_token, text)
            if view not in yielded:
                yielded.add(view)
                yield view, token


@cache
def _compiled(token: str) -> re.Pattern[str]:
    return re.compile(token)


def _decode_token(match: re.Match[str]) -> str:
    """Decode a token: an escape becomes its character; markup, line ends and impossible characters become nothing."""
    kind = match.lastgroup
    if kind is None:
        return ""
    value = match[kind]
    if kind == "same":
        return value
    if kind == "entity":
        from html import unescape

        return unescape(f"&{value}")
    code = int(value, {"dec": 10, "oct": 8}.get(kind, 16))
    if code > 0x10FFFF:
        return ""
    return chr(code)


def _fold_with_positions(text: str, token: str, fold: _Fold) -> tuple[str, list[int], list[int]]:
    """Fold a view of a text; return it with the start and end positions in the text of each folded character."""
    starts: list[int] = []
    ends: list[int] = []
    parts: list[str] = []

    def add_part(start: int, stop: int) -> None:
        part = text[start:stop]
        positions = list(fold.positions(part, start))
        parts.append(fold(part))
        starts.extend(positions)
        ends.extend(position + 1 for position in positions)

    end = 0
    if token:
        for match in _compiled(token).finditer(text):
            add_part(end, match.start())
            end = match.end()
            decoded = fold(_decode_token(match))
            parts.append(decoded)
            starts += [match.start()] * len(decoded)
            ends += [end] * len(decoded)
    add_part(end, len(text))
    return "".join(parts), starts, ends


def _occurrences(needle: str, folded: str) -> Iterator[int]:
    """Yield the index of each occurrence, including overlapping ones."""
    index = folded.find(needle)
    while index >= 0:
        yield index
        index = folded.find(needle, index + 1)


def _merged(ranges: Iterable[TextRange]) -> list[TextRange]:
    """Return the ranges sorted, with overlapping ones merged."""
    merged: list[TextRange] = []
    for start, stop in sorted(ranges):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
