"""The one door through which text of others comes to be shown: nothing in it can command, hide or mislead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MAX_LINE_CHARS = 10_000
"""Characters of one line that are shown."""
MAX_COMBINING_MARKS = 4
"""Combining marks shown on one character."""

_CONTROLS = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
_C1 = dict.fromkeys(range(0x80, 0xA0), "\ufffd")
_BIDI_CODES = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x2070))
_BIDI = {code: f"⟨U+{code:04X}⟩" for code in _BIDI_CODES}
_INVISIBLE_RANGES = (
    *(range(code, code + 1) for code in (0xAD, 0x034F, 0x180E, 0x2060, 0x3164, 0xFEFF, 0xFFA0)),
    range(0x115F, 0x1161),  # fillers
    range(0x17B4, 0x17B6),
    range(0x180B, 0x1810),  # variation selectors
    range(0x200B, 0x200E),  # zero-width space, joiners
    range(0x2061, 0x2066),
    range(0xFE00, 0xFE10),
    range(0xFFF0, 0xFFFC),  # reserved, and interlinear annotation
    range(0x1BCA0, 0x1BCA4),  # shorthand formats
    range(0x1D173, 0x1D17B),
    range(0x1F3FB, 0x1F400),  # skin tones, which some terminals draw apart and others do not
    range(0xE0000, 0xE1000),  # tags, and what is reserved behind them
)
_INVISIBLE = {code: "" for codes in _INVISIBLE_RANGES for code in codes}
_REGIONAL = {0x1F1E6 + index: chr(ord("A") + index) for index in range(26)}
_BREAKS = {0x85: "\n", 0x2028: "\n", 0x2029: "\n", 0x0A: "\n", 0x09: "    "}
_NONCHARACTERS = dict.fromkeys(
    (*range(0xFDD0, 0xFDF0), *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF))), "\ufffd"
)
_TABLE = {**_CONTROLS, **_C1, **_BIDI, **_INVISIBLE, **_REGIONAL, **_NONCHARACTERS, **_BREAKS}
_SHOWN_OTHERWISE = frozenset(map(chr, _TABLE)) - {"\n"}

_JOINING_JAMO = frozenset(map(chr, (*range(0x1160, 0x1200), *range(0xD7B0, 0xD800))))
"""Vowels and final consonants of Korean, which are drawn within the syllable that begins before them."""

_HIDDEN = re.compile("[" + "".join(f"{chr(codes[0])}-{chr(codes[-1])}" for codes in _INVISIBLE_RANGES) + "]")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?\Z")
_NUMBER_AT_END = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?\Z")
"""Browsers read such a host as an IP address, in whatever form it is."""
_HARMLESS = re.compile(r"[\n\x20-\x7e]*\Z")


def sanitize_text(text: str, *, longest: int = MAX_LINE_CHARS, reveals: bool = False) -> str:
    """Text safe to show on several lines: controls become pictures, what hides is shown, long lines say their cut.

    What takes no room, as joiners and fillers, is left out, or with `reveals` shown by its number; combining marks
    beyond MARKS are left out, or with `reveals` counted.
    """
    if not _HARMLESS.match(text):
        if reveals:
            text = "".join(f"⟨U+{ord(char):04X}⟩" if _is_invisible(char) else char for char in text)
        text = _scrub(text, counts_marks=reveals)
    if len(text) <= longest:
        return text
    return "\n".join(cut_line(line, longest) for line in text.split("\n"))


def without_hidden(text: str) -> str:
    """The text without what takes no room, as the eye joins it."""
    return text if text.isascii() else _HIDDEN.sub("", text)


def one_line(text: str, *, longest: int = MAX_LINE_CHARS) -> str:
    """Text safe to show, on one line."""
    return cut_line(" ".join(sanitize_text(text, longest=longest).split()), longest)


def cut_line(line: str, longest: int) -> str:
    """The line, or its beginning and how much of it is not shown."""
    if len(line) <= longest:
        return line
    ending = f"… [+{len(line)} chars]"
    kept = max(longest - len(ending), 0)
    return f"{line[:kept]}… [+{len(line) - kept} chars]"


def host_of(url: str) -> str | None:
    """The scheme, host and port of a web address as they really are, in ASCII; None for an address with a problem."""
    if address_problem(url):
        return None
    parts = urlsplit(url)
    host = _ascii_host(parts)
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"


def with_ascii_host(url: str) -> str:
    """The same web address with its host as `host_of` shows it, so that no browser reads another one out of it."""
    after_host = url.partition("://")[2][len(urlsplit(url).netloc) :]
    return f"{host_of(url)}{after_host}"


def address_problem(url: str) -> str:
    """Why an address is not opened, in words; empty for a web address that every browser reads alike."""
    if "\\" in url:
        return "an address with a backslash in it, which is not opened"
    if not url.isprintable() or any(map(str.isspace, url)):
        return "an address with white space or control characters in it, which is not opened"
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"}:
            return "an address that is not http or https, and is not opened"
        if "@" in parts.netloc:
            return "an address with a user before its host, which is not opened"
        if _is_plain_host(_ascii_host(parts)) and (parts.port is None or parts.port > 0):
            return ""
    except ValueError:
        pass
    return "an address without a host that can be relied on, and is not opened"


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return host if ":" in host else host.encode("idna").decode("ascii").lower()


def _is_plain_host(host: str) -> bool:
    """Whether a host is an IP address in its usual form, or a name that cannot be taken for a number."""
    with suppress(ValueError):
        return "%" not in host and bool(ip_address(host))
    return bool(_HOST_NAME.match(host)) and not _NUMBER_AT_END.search(host)


def _is_invisible(char: str) -> bool:
    """Whether nothing, or nothing known, is drawn of a character that is not shown as something else already."""
    code = ord(char)
    return code in _INVISIBLE or (code not in _TABLE and unicodedata.category(char) in {"Cf", "Cn"})


def _is_mark(char: str, *, counts_marks: bool) -> bool:
    """Whether a character is drawn over the one before it; when marks are counted, every kind of them."""
    if counts_marks and (unicodedata.category(char) == "Mc" or char in _JOINING_JAMO):
        return True
    return char > "\u02ff" and unicodedata.category(char) in {"Mn", "Me"}


def _scrub(text: str, *, counts_marks: bool) -> str:
    text = text.replace("\r\n", "\n")
    found = set(text)
    if not found.isdisjoint(_SHOWN_OTHERWISE):
        text = text.translate(_TABLE)
    if surrogates := [char for char in found if "\ud800" <= char <= "\udfff"]:
        text = _class(surrogates).sub("\ufffd", text)
    if marks := [char for char in found if _is_mark(char, counts_marks=counts_marks)]:
        tower = f"({_class(marks).pattern}{{{MAX_COMBINING_MARKS}}})({_class(marks).pattern}+)"
        text = re.sub(tower, _with_count if counts_marks else r"\1", text)
    return text


def _with_count(tower: re.Match[str]) -> str:
    return f"{tower[1]}⟨+{len(tower[2])} marks⟩"


def _class(chars: Iterable[str]) -> re.Pattern[str]:
    return re.compile("[" + "".join(map(re.escape, sorted(chars))) + "]")
