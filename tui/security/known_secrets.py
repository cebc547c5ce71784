"""Finds secrets that are known by value in a text, in the encodings and spellings that SECURITY.md lists.

A text is searched in several views: as it is, with escapes decoded, with quoted-printable decoded, without tags,
without console markup, and the last two also with escapes decoded. An escape, a tag or a piece of markup is a token.
Each view is folded to lower case in three ways: with nothing removed, without control characters, and reduced to
letters and digits. Secrets and their encodings are folded in the same way and searched for in the folded views.
Positions in the original text are only computed for views in which a secret occurs.
"""

from __future__ import annotations

import base64
import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import compress
from typing import NamedTuple
from urllib.parse import quote

SHORTEST_SECRET_CHARS = 6
"""Characters below which a secret is not searched for."""
SHORTEST_LOOSE_CHARS = 12
"""Characters from which a secret of letters alone or digits alone is searched for without its punctuation."""
SHORTEST_MIXED_CHARS = 8
"""Characters from which a secret of letters and digits is searched for without its punctuation."""

BASE64_GROUP_BYTES = 3
BASE64_CHAR_BITS = 6
BASE32_GROUP_BYTES = 5
BASE32_CHAR_BITS = 5
BASE85_GROUP_BYTES = 4
MIN_BASE85_GROUPS = 2
"""Groups of base85 from which they are distinctive inside longer data."""

# Alternatives that begin with a letter are found quickest.
_SLASHES = r"\\\\{0,7}"
_AMPERSAND = r"&(?:amp;){0,8}"
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
_QUOTED_PRINTABLE = r"=(?:(?P<hex1>[0-9A-Fa-f]{2})|\r?\n)"
_TOKENS_BY_FIRST_CHARS = (
    (("%", "\\", "&"), _ESCAPES),
    (("=",), _QUOTED_PRINTABLE),
    (("<", "\x1b"), _TAGS),
    (("<", "\x1b"), f"{_TAGS}|{_ESCAPES}"),
    (("[",), _CONSOLE_MARKUP),
    (("[",), f"{_CONSOLE_MARKUP}|{_ESCAPES}"),
)
"""The pattern of the tokens of each decoded view, with the characters of which a text must contain one."""
_NUMBER_BASES = {"dec": 10, "oct": 8}
"""The bases of the numbers in tokens, by the groups of the patterns; all others are hexadecimal."""


class TextRange(NamedTuple):
    """The range of a secret in a text."""

    start: int
    end: int


class _Fold:
    """Folds a text for searching: to its UTF-8 bytes in lower case, without the dropped ones, each as a character."""

    def __init__(self, dropped: bytes) -> None:
        self._dropped = dropped
        self._is_kept = bytes(code not in dropped for code in range(256))

    def __call__(self, text: str) -> str:
        return text.encode("utf-8", "surrogatepass").translate(_TO_LOWER_CASE, self._dropped).decode("latin-1")

    def positions(self, part: str, start: int) -> Iterable[int]:
        """Return the position in the text of each folded character of a part that begins at `start`."""
        if part.isascii():  # each character is one byte, kept or dropped
            return compress(range(start, start + len(part)), part.encode().translate(self._is_kept))
        return (position for position, char in enumerate(part, start) for _ in self(char))


_TO_LOWER_CASE = bytes(range(256)).lower()  # of bytes, only the letters of ASCII
_lower_case = _Fold(b"")
_without_controls = _Fold(bytes((*range(0x20), 0x7F)))
_letters_and_digits = _Fold(bytes(code for code in range(256) if code > 127 or not chr(code).isalnum()))


class KnownSecrets:
    """The known secrets and their encodings, folded for the search."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Fold the secrets, in all their encodings and spellings, into the needles to search for."""
        needles: dict[_Fold, set[str]] = {_lower_case: set(), _without_controls: set(), _letters_and_digits: set()}
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET_CHARS:
                _add_needles(needles, secret)
        self._needles_by_fold = [(fold, sorted(folded)) for fold, folded in needles.items() if folded]
        needle_lengths = [_count_chars(needle) for _, folded in self._needles_by_fold for needle in folded]
        self._shortest_needle = min(needle_lengths, default=0)

    def are_in(self, text: str) -> bool:
        """Return whether any of the secrets is in a text."""
        if not self._shortest_needle or len(text) < self._shortest_needle:
            return False
        return any(self._are_in_view(view) for view, _ in _decoded_views(text))

    def masked(self, text: str, mask: str) -> str:
        """Return the text masked: each range that contains a secret replaced by `mask`."""
        if not self.are_in(text):
            return text
        parts: list[str] = []
        copied_until = 0
        for start, end in _merged(self._secret_ranges(text)):
            parts += [text[copied_until:start], mask]
            copied_until = end
        parts.append(text[copied_until:])
        return "".join(parts)

    def _are_in_view(self, view: str) -> bool:
        """Return whether any needle is in the folded view."""
        for fold, needles in self._needles_by_fold:
            folded = fold(view)
            for needle in needles:
                if needle in folded:
                    return True
        return False

    def _secret_ranges(self, text: str) -> Iterator[TextRange]:
        """Yield the range in the text of each secret that is in one of its views."""
        for view, token_pattern in _decoded_views(text):
            for fold, needles in self._needles_by_fold:
                folded = fold(view)
                needles_in_view = [needle for needle in needles if needle in folded]
                if needles_in_view:
                    yield from _FoldedView(text, token_pattern, fold).ranges_of(needles_in_view)


def _add_needles(needles: dict[_Fold, set[str]], secret: str) -> None:
    """Add the needles of a secret: exact spellings, and encodings reduced to letters and digits if possible."""
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
    shortened = _without_controls(spelling)
    full = _lower_case(spelling)
    if _count_chars(shortened) >= SHORTEST_SECRET_CHARS:
        needles[_without_controls].add(shortened)
    if shortened != full:
        needles[_lower_case].add(full)


def _count_chars(folded: str) -> int:
    """Count the characters of a folded text, in which each byte is a character."""
    return len(folded.encode("latin-1").decode("utf-8", "surrogatepass"))


def _exact_spellings(secret: str) -> set[str]:
    """Return the exact spellings of a secret: as it is, and as libraries escape or encode it with punctuation."""
    spellings = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], *_base85(secret.encode())}
    is_changed_by_html = not set(secret).isdisjoint("&<>\"'")
    if is_changed_by_html:
        from html import escape  # loads a large table, which few secrets need

        spellings.add(escape(secret))
    return spellings | {view for view, _ in _decoded_views(secret) if len(view) >= SHORTEST_SECRET_CHARS}


def _encodings(secret: str) -> set[str]:
    """Return the encodings of a secret that are recognized by their letters and digits alone."""
    utf8 = secret.encode()
    utf16_little = secret.encode("utf-16-le", "surrogatepass")
    utf16_big = secret.encode("utf-16-be", "surrogatepass")
    byte_numbers = {"".join(map(byte_format.format, utf8)) for byte_format in _BYTE_FORMATS}
    unicode_escapes = "".join(f"u{byte:04x}" for byte in utf8)
    base64_once = {text for data in (utf8, utf16_little, utf16_big) for text in _base64(data)}
    base64_twice = {text for inner in _base64(utf8) for text in _base64(inner.encode())}
    base32 = set(_stable_chars(base64.b32encode, utf8, BASE32_GROUP_BYTES, BASE32_CHAR_BITS))
    hexadecimals = {utf16_little.hex(), utf16_big.hex()}
    return byte_numbers | hexadecimals | {unicode_escapes} | base64_once | base64_twice | base32


def _base64(data: bytes) -> set[str]:
    """Return the data in both alphabets of base64, at each place that they can have inside longer data."""
    return {
        encoded
        for encode in (base64.b64encode, base64.urlsafe_b64encode)
        for encoded in _stable_chars(encode, data, BASE64_GROUP_BYTES, BASE64_CHAR_BITS)
    }


def _stable_chars(encode: Callable[[bytes], bytes], data: bytes, group_bytes: int, char_bits: int) -> Iterator[str]:
    """Yield the encoded characters that are stable, whatever bytes precede and follow the data.

    A character at either end may also encode bits of a neighbour; which ones do, depends on the place in the group.
    """
    for shift in range(group_bytes):
        shifted_data = b"\0" * shift + data
        first_stable = math.ceil(shift * 8 / char_bits)
        end_of_stable = len(shifted_data) * 8 // char_bits
        yield encode(shifted_data).decode()[first_stable:end_of_stable]


def _base85(data: bytes) -> Iterator[str]:
    """Yield the data in base85: by itself, and its complete groups inside longer data if there are at least two."""
    for encode in (base64.a85encode, base64.b85encode):
        yield encode(data).decode()
        for shift in range(BASE85_GROUP_BYTES):
            group_count = (len(data) - shift) // BASE85_GROUP_BYTES
            if group_count >= MIN_BASE85_GROUPS:
                yield encode(data[shift : shift + group_count * BASE85_GROUP_BYTES]).decode()


def _decoded_views(text: str) -> Iterator[tuple[str, str]]:
    """Yield the distinct views of a text, each with the pattern of the tokens that are decoded in it."""
    yield text, ""
    yielded = {text}
    for first_chars, token_pattern in _TOKENS_BY_FIRST_CHARS:
        can_have_token = any(map(text.__contains__, first_chars))  # a generator would be slower
        if can_have_token:
            view = _compiled(token_pattern).sub(_decode_token, text)
            if view not in yielded:
                yielded.add(view)
                yield view, token_pattern


@cache
def _compiled(token_pattern: str) -> re.Pattern[str]:
    return re.compile(token_pattern)


def _decode_token(match: re.Match[str]) -> str:
    """Decode a token: an escape becomes its character; markup, line ends and impossible characters become nothing."""
    kind = match.lastgroup
    if kind is None:
        return ""
    value = match[kind]
    if kind == "same":
        return value
    if kind == "entity":
        from html import unescape  # loads a large table, which few texts need

        return unescape(f"&{value}")
    code = int(value, _NUMBER_BASES.get(kind, 16))
    if code > sys.maxunicode:
        return ""
    return chr(code)


class _FoldedView:
    """A folded view of a text, and for each of its characters the range in the text that it comes from."""

    def __init__(self, text: str, token_pattern: str, fold: _Fold) -> None:
        """Fold the text, with the tokens in it decoded."""
        self._text = text
        self._fold = fold
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        folded_until = 0
        if token_pattern:
            for token in _compiled(token_pattern).finditer(text):
                self._add_plain(folded_until, token.start())
                self._add_token(token)
                folded_until = token.end()
        self._add_plain(folded_until, len(text))
        self._folded = "".join(self._parts)

    def _add_plain(self, start: int, end: int) -> None:
        """Add a part of the text without tokens: each folded character comes from one character."""
        plain = self._text[start:end]
        positions = list(self._fold.positions(plain, start))
        self._parts.append(self._fold(plain))
        self._starts += positions
        self._ends += [position + 1 for position in positions]

    def _add_token(self, token: re.Match[str]) -> None:
        """Add a decoded token: each folded character comes from the whole token."""
        decoded = self._fold(_decode_token(token))
        self._parts.append(decoded)
        self._starts += [token.start()] * len(decoded)
        self._ends += [token.end()] * len(decoded)

    def ranges_of(self, needles: Iterable[str]) -> Iterator[TextRange]:
        """Yield the range in the text of each occurrence of a needle, also of overlapping ones."""
        for needle in needles:
            index = self._folded.find(needle)
            while index >= 0:
                last = index + len(needle) - 1
                yield TextRange(self._starts[index], self._ends[last])
                index = self._folded.find(needle, index + 1)


def _merged(ranges: Iterable[TextRange]) -> list[TextRange]:
    """Return the ranges sorted, with overlapping ones merged."""
    merged: list[TextRange] = []
    for start, end in sorted(ranges):
        if merged and start < merged[-1].end:
            previous = merged.pop()
            merged.append(TextRange(previous.start, max(end, previous.end)))
        else:
            merged.append(TextRange(start, end))
    return merged
