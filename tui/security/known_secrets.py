"""Finds secrets that are known by value in a text, in the codings and spellings that SECURITY.md lists.

A text is read in several views: as it is, with escapes decoded, with quoted-printable decoded, without tags or without
console markup, and both of these also with escapes decoded.
Each view is folded twice, both times to small letters: without control characters, and to letters and digits alone.
Folded in the same way, a secret and its codings are looked for in these. Only where one is found, its place in the
original text is worked out.
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
SHORTEST_LOOSE_CHARS = 12
SHORTEST_MIXED_CHARS = 8
"""The length from which letters and digits alone are looked for, where both of them occur."""

TextRange = tuple[int, int]
"""Where a found secret begins and ends in a text."""

_SLASHES, _AMPERSAND = r"\\\\{0,7}", r"&(?:amp;){0,8}"  # alternatives that begin with a letter are found quickest
_ESCAPES = (
    r"%(?:25){0,8}(?P<hex1>[0-9A-Fa-f]{2})|%u(?P<hex2>[0-9A-Fa-f]{4})"
    rf"|{_SLASHES}(?:x(?P<hex3>[0-9A-Fa-f]{{2}})|[xu]\{{(?P<hex5>[0-9A-Fa-f]{{1,6}})\}}|u(?P<hex4>[0-9A-Fa-f]{{4}})"
    r"|U(?P<hex6>[0-9A-Fa-f]{8})|(?P<oct>[0-3]?[0-7]{1,2})|(?P<same>[^\w\s\\])|[nrtbfv])"
    rf"|{_AMPERSAND}(?:#[xX]0{{0,8}}(?P<hex7>[0-9A-Fa-f]{{1,6}});?|#0{{0,8}}(?P<dec>[0-9]{{1,7}});?"
    r"|(?P<entity>[A-Za-z][A-Za-z0-9]{1,31};))"
)
_NUMBERS = ("{:02x}", "0x{:02x}", "{:02x}h", "{}", "{:03}", "{:o}", "{:03o}", "0{:o}", "0o{:o}", "{:08b}", "0b{:08b}")
"""How one byte is written as a number, in letters and digits."""
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
"""What a text must have one of for a view to differ from the text, and what is decoded or left out in that view."""


class _Fold:
    """Turns a text into what is searched: its bytes in UTF-8, in small letters, some left out, each as a character."""

    def __init__(self, dropped: bytes) -> None:
        self._dropped = dropped
        self._kept = bytes(code not in dropped for code in range(256))

    def __call__(self, text: str) -> str:
        return text.encode("utf-8", "surrogatepass").translate(_SMALL_LETTERS, self._dropped).decode("latin-1")

    def places(self, run: str, start: int) -> Iterable[int]:
        """For each character of a folded run of text, the place in the text that it came from, counted from `start`."""
        if run.isascii():
            return compress(range(start, start + len(run)), run.encode().translate(self._kept))
        return (place for place, char in enumerate(run, start) for _ in self(char))


_SMALL_LETTERS = bytes(code + 32 if 65 <= code <= 90 else code for code in range(256))
_small_letters = _Fold(b"")
_without_controls = _Fold(bytes((*range(0x20), 0x7F)))
_letters_and_digits = _Fold(bytes(code for code in range(256) if code > 127 or not chr(code).isalnum()))


class KnownSecrets:
    """The secrets, with their codings folded as texts will be."""

    def __init__(self, secrets: Iterable[str]) -> None:
        needles: dict[_Fold, set[str]] = {_small_letters: set(), _without_controls: set(), _letters_and_digits: set()}
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET_CHARS:
                for spelling in _exact_spellings(secret):
                    _add_exact(needles, spelling)
                for coding in (secret, *_codings(secret)):
                    folded = _letters_and_digits(coding)
                    if _is_distinctive(folded):
                        needles[_letters_and_digits].add(folded)
                    else:
                        _add_exact(needles, coding)
        self._needles = [(fold, sorted(found)) for fold, found in needles.items() if found]
        self._shortest = min((_characters(needle) for _, found in self._needles for needle in found), default=0)

    def are_in(self, text: str) -> bool:
        """Whether any of the secrets is in the text."""
        if not self._shortest or len(text) < self._shortest:
            return False
        return any(self._has(shown) for shown, _ in _views(text))

    def masked(self, text: str, mask: str) -> str:
        """The text with each stretch that tells one of the secrets replaced by the mask."""
        if not self.are_in(text):
            return text
        parts, end = [], 0
        for start, stop in _merged(self._stretches(text)):
            parts += [text[end:start], mask]
            end = stop
        return "".join((*parts, text[end:]))

    def _has(self, shown: str) -> bool:
        return any(any(map(fold(shown).__contains__, needles)) for fold, needles in self._needles)

    def _stretches(self, text: str) -> Iterator[TextRange]:
        for shown, token in _views(text):
            for fold, needles in self._needles:
                found = list(filter(fold(shown).__contains__, needles))
                if not found:
                    continue
                folded, starts, ends = _mapped(text, token, fold)
                for needle in found:
                    for place in _places_of(needle, folded):
                        yield starts[place], ends[place + len(needle) - 1]


def _is_distinctive(folded: str) -> bool:
    """Whether letters and digits alone are so many that ordinary text does not have them by chance."""
    is_mixed = not folded.isalpha() and not folded.isdigit()
    return len(folded) >= (SHORTEST_MIXED_CHARS if is_mixed else SHORTEST_LOOSE_CHARS)


def _add_exact(needles: dict[_Fold, set[str]], spelling: str) -> None:
    """Look for a spelling with its punctuation: without control characters where enough is left, and with its own."""
    folded, own = _without_controls(spelling), _small_letters(spelling)
    if _characters(folded) >= SHORTEST_SECRET_CHARS:
        needles[_without_controls].add(folded)
    if folded != own:
        needles[_small_letters].add(own)


def _characters(folded: str) -> int:
    return len(folded.encode("latin-1").decode("utf-8", "surrogatepass"))


def _exact_spellings(secret: str) -> set[str]:
    """The secret and what libraries make of it, with its punctuation."""
    spellings = {secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], *_base85(secret.encode())}
    if any(map(secret.__contains__, "&<>\"'")):
        from html import escape  # loads a large table, which few secrets need

        spellings.add(escape(secret))
    return spellings | {shown for shown, _ in _views(secret) if len(shown) >= SHORTEST_SECRET_CHARS}


def _codings(secret: str) -> set[str]:
    """The secret in the codings of which letters and digits are enough to know it by."""
    data = secret.encode()
    little, big = secret.encode("utf-16-le", "surrogatepass"), secret.encode("utf-16-be", "surrogatepass")
    numbers = {"".join(map(form.format, data)) for form in _NUMBERS}
    units = "".join(f"u{byte:04x}" for byte in data)
    once = {text for raw in (data, little, big) for text in _base64(raw)}
    twice = {text for inner in _base64(data) for text in _base64(inner.encode())}
    return numbers | {units, little.hex(), big.hex()} | once | twice | set(_stable(base64.b32encode, data, 5, 5))


def _base64(data: bytes) -> set[str]:
    return {*_stable(base64.b64encode, data, 3, 6), *_stable(base64.urlsafe_b64encode, data, 3, 6)}


def _stable(encode: Callable[[bytes], bytes], data: bytes, group_bytes: int, char_bits: int) -> Iterator[str]:
    """The characters that are the same whatever bytes stand before and after the data."""
    for shift in range(group_bytes):
        raw = b"\0" * shift + data
        begin = -(-shift * 8 // char_bits)
        yield encode(raw).decode()[begin : len(raw) * 8 // char_bits]


def _base85(data: bytes) -> Iterator[str]:
    """The data in base85 by itself, and its whole groups where it is part of more and these are two or more."""
    for encode in (base64.a85encode, base64.b85encode):
        yield encode(data).decode()
        for shift in range(4):
            whole = data[shift : shift + (len(data) - shift) // 4 * 4]
            if len(whole) >= 8:
                yield encode(whole).decode()


def _views(text: str) -> Iterator[tuple[str, str]]:
    """The text in each view that differs, with the pattern of what is decoded in it."""
    yield text, ""
    seen = {text}
    for marks, token in _VIEWS:
        if any(map(text.__contains__, marks)):
            shown = _decoded(text, _compiled(token))
            if shown not in seen:
                seen.add(shown)
                yield shown, token


@cache
def _compiled(token: str) -> re.Pattern[str]:
    return re.compile(token)


def _decoded(text: str, token: re.Pattern[str]) -> str:
    return token.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    """What an escape stands for; nothing for markup and line ends."""
    kind = found.lastgroup
    if kind is None:
        return ""
    told = found[kind]
    if kind == "same":
        return told
    if kind == "entity":
        from html import unescape

        return unescape(f"&{told}")
    code = int(told, {"dec": 10, "oct": 8}.get(kind, 16))
    return chr(code) if code <= 0x10FFFF else ""


def _mapped(text: str, token: str, fold: _Fold) -> tuple[str, list[int], list[int]]:
    """The folded view of a text, and for each character of it where what it came from begins and ends in the text."""
    starts: list[int] = []
    ends: list[int] = []
    parts: list[str] = []

    def add_run(start: int, stop: int) -> None:
        run = text[start:stop]
        places = list(fold.places(run, start))
        parts.append(fold(run))
        starts.extend(places)
        ends.extend(place + 1 for place in places)

    end = 0
    for found in _compiled(token).finditer(text) if token else ():
        add_run(end, found.start())
        end = found.end()
        decoded = fold(_character(found))
        parts.append(decoded)
        starts += [found.start()] * len(decoded)
        ends += [end] * len(decoded)
    add_run(end, len(text))
    return "".join(parts), starts, ends


def _places_of(needle: str, folded: str) -> Iterator[int]:
    """Every place where the needle begins, also where it overlaps itself."""
    place = folded.find(needle)
    while place >= 0:
        yield place
        place = folded.find(needle, place + 1)


def _merged(stretches: Iterable[TextRange]) -> list[TextRange]:
    """The stretches in order, those that overlap made one."""
    merged: list[TextRange] = []
    for start, stop in sorted(stretches):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
