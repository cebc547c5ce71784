"""Sanitizing of untrusted text: the only way for it to the screen, so that it cannot command, hide or mislead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

MAX_LINE_CHARS = 10_000
"""Characters that are shown of one line."""
MAX_COMBINING_MARKS = 4
"""Combining marks that are shown on one character."""

_FIRST_CONTROL_PICTURE = 0x2400
_CONTROLS = {code: chr(_FIRST_CONTROL_PICTURE + code) for code in range(0x20)} | {0x7F: "\u2421"}
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
    range(0x1F3FB, 0x1F400),  # skin tones, which some terminals draw as separate characters
    range(0xE0000, 0xE1000),  # tags, and the reserved codes after them
)
_INVISIBLE = {code: "" for codes in _INVISIBLE_RANGES for code in codes}
_FIRST_REGIONAL = 0x1F1E6
_REGIONAL = {_FIRST_REGIONAL + index: chr(ord("A") + index) for index in range(26)}
"""The regional indicators, which terminals draw in pairs as flags: each becomes its letter."""
_BREAKS = {0x85: "\n", 0x2028: "\n", 0x2029: "\n", 0x0A: "\n", 0x09: "    "}
_NONCHARACTERS = dict.fromkeys(
    (*range(0xFDD0, 0xFDF0), *(plane << 16 | low for plane in range(17) for low in (0xFFFE, 0xFFFF))), "\ufffd"
)
_REPLACEMENTS = {**_CONTROLS, **_C1, **_BIDI, **_INVISIBLE, **_REGIONAL, **_NONCHARACTERS, **_BREAKS}
_REPLACED_CHARS = frozenset(map(chr, _REPLACEMENTS)) - {"\n"}

_JOINING_JAMO = frozenset(map(chr, (*range(0x1160, 0x1200), *range(0xD7B0, 0xD800))))
"""Korean vowels and final consonants, which are drawn as part of the syllable that begins before them."""

_HIDDEN = re.compile("[" + "".join(f"{chr(codes[0])}-{chr(codes[-1])}" for codes in _INVISIBLE_RANGES) + "]")
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?\Z")
_NUMBER_AT_END = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?\Z")
"""A host that browsers read as an IP address, in any notation."""
_SAFE_ASCII = re.compile(r"[\n\x20-\x7e]*\Z")


def sanitize_text(text: str, *, longest: int = MAX_LINE_CHARS, reveals: bool = False) -> str:
    """Return sanitized text of one or more lines: control characters as pictures, bidi codes visible, long lines cut.

    Invisible characters, such as joiners and fillers, are removed, or with `reveals` shown as code points.
    Combining marks beyond MAX_COMBINING_MARKS are removed, or with `reveals` counted.
    A line of more than `longest` characters is cut, and ends with the number of missing characters.
    """
    if not _SAFE_ASCII.match(text):
        if reveals:
            text = "".join(_code_point(char) if _is_invisible(char) else char for char in text)
        text = _replace_unsafe(text, counts_marks=reveals)
    if len(text) <= longest:
        return text
    return "\n".join(cut_line(line, longest) for line in text.split("\n"))


def without_hidden(text: str) -> str:
    """Return the text without hidden characters, which take no room on screen."""
    if text.isascii():
        return text
    return _HIDDEN.sub("", text)


def one_line(text: str, *, longest: int = MAX_LINE_CHARS) -> str:
    """Return sanitized text as one line of at most `longest` characters."""
    return cut_line(" ".join(sanitize_text(text, longest=longest).split()), longest)


def cut_line(line: str, longest: int) -> str:
    """Cut a line to `longest` characters, the last of which tell how many are missing."""
    if len(line) <= longest:
        return line
    longest_ending = _cut_ending(len(line))
    kept_chars = max(longest - len(longest_ending), 0)
    return line[:kept_chars] + _cut_ending(len(line) - kept_chars)


def _cut_ending(missing_chars: int) -> str:
    return f"… [+{missing_chars} chars]"


def host_of(url: str) -> str | None:
    """Return scheme, host and port of a web address, the host in ASCII; None if `address_problem` finds one."""
    if address_problem(url):
        return None
    parts = urlsplit(url)
    host = _ascii_host(parts)
    if ":" in host:
        host = f"[{host}]"
    if parts.port is None:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def with_ascii_host(url: str) -> str:
    """Return a web address with its host in ASCII, as `host_of` shows it, so that browsers open the host shown."""
    after_scheme = url.partition("://")[2]
    after_host = after_scheme[len(urlsplit(url).netloc) :]
    return f"{host_of(url)}{after_host}"


def address_problem(url: str) -> str:
    """Return the problem why an address is not opened; empty for a web address that all browsers read alike."""
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
    except ValueError:  # the host or the port cannot be read
        pass
    return "an address without a host that can be relied on, and is not opened"


def _ascii_host(parts: SplitResult) -> str:
    """Return the host of an address in ASCII, as browsers resolve it; raise ValueError if it has no such form."""
    host = parts.hostname or ""
    if ":" in host:  # an IPv6 address
        return host
    return host.encode("idna").decode("ascii").lower()


def _is_plain_host(host: str) -> bool:
    """Return whether a host is plain: an IP address in its usual form, or a name that is not read as a number."""
    with suppress(ValueError):  # raised for a name
        return "%" not in host and bool(ip_address(host))
    return bool(_HOST_NAME.match(host)) and not _NUMBER_AT_END.search(host)


def _is_invisible(char: str) -> bool:
    """Return whether a character is invisible or unassigned, and has no visible replacement."""
    code = ord(char)
    return code in _INVISIBLE or (code not in _REPLACEMENTS and unicodedata.category(char) in {"Cf", "Cn"})


def _code_point(char: str) -> str:
    return f"⟨U+{ord(char):04X}⟩"


def _is_mark(char: str, *, counts_marks: bool) -> bool:
    """Return whether a character is a mark drawn over the one before it; spacing marks only if marks are counted."""
    if counts_marks and (unicodedata.category(char) == "Mc" or char in _JOINING_JAMO):
        return True
    return char > "\u02ff" and unicodedata.category(char) in {"Mn", "Me"}


def _replace_unsafe(text: str, *, counts_marks: bool) -> str:
    """Replace the unsafe characters of a text, and the combining marks beyond MAX_COMBINING_MARKS on one character."""
    text = text.replace("\r\n", "\n")
    chars = set(text)  # a text has few different characters: to look at each of them once is quick
    if not chars.isdisjoint(_REPLACED_CHARS):
        text = text.translate(_REPLACEMENTS)
    surrogates = [char for char in chars if "\ud800" <= char <= "\udfff"]
    if surrogates:
        text = _char_class(surrogates).sub("\ufffd", text)
    marks = [char for char in chars if _is_mark(char, counts_marks=counts_marks)]
    if marks:
        mark = _char_class(marks).pattern
        stacked_marks = f"({mark}{{{MAX_COMBINING_MARKS}}})({mark}+)"
        text = re.sub(stacked_marks, _with_count if counts_marks else r"\1", text)
    return text


def _with_count(stacked_marks: re.Match[str]) -> str:
    """Return the marks that are shown, and the count of the others."""
    return f"{stacked_marks[1]}⟨+{len(stacked_marks[2])} marks⟩"


def _char_class(chars: Iterable[str]) -> re.Pattern[str]:
    return re.compile("[" + "".join(map(re.escape, sorted(chars))) + "]")
