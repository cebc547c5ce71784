"""Sanitizing untrusted text: how each character is shown."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import cases
from tui.security.sanitize import (
    MAX_COMBINING_MARKS,
    MAX_LINE_CHARS,
    address_problem,
    cut_line,
    host_of,
    one_line,
    sanitize_text,
    with_ascii_host,
)

IGNORABLE = (
    "00AD 034F 061C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF FFA0 FFF0-FFF8 "
    "1BCA0-1BCA3 1D173-1D17A E0000-E0FFF"
)
"""What Unicode calls Default_Ignorable_Code_Point: nothing is drawn of it, and what is not drawn can hide."""
DIRECTIONS = "061C 200E-200F 202A-202E 2066-206F"
HIDDEN_TOO = "FFF9-FFFB 1F3FB-1F3FF"
NONCHARACTERS = "FDD0-FDEF " + " ".join(f"{plane:X}FFFE-{plane:X}FFFF" for plane in range(17))


def points(text: str) -> set[int]:
    """Return the code points of ranges."""
    ends = [[int(end, 16) for end in one.split("-")] for one in text.split()]
    return {code for end in ends for code in range(end[0], end[-1] + 1)}


SHOWN = {
    **{code: chr(0x2400 + code) for code in range(0x20)}, 0x7F: "␡",
    **dict.fromkeys((*range(128, 160), *range(55296, 57344), *points(NONCHARACTERS)), "�"),
    **dict.fromkeys(points(IGNORABLE) | points(HIDDEN_TOO), ""),
    **{code: f"⟨U+{code:04X}⟩" for code in points(DIRECTIONS)},
    **{0x1F1E6 + place: letter for place, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")},
    0x09: "    ", 0x0A: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n",
}  # fmt: skip
"""What is shown of each character that is not shown as itself."""


def test_every_control_hidden_or_misleading_character_is_replaced() -> None:
    found = {code: sanitize_text(f"a{chr(code)}b") for code in SHOWN}
    assert found == {code: f"a{shown}b" for code, shown in SHOWN.items()}


def test_every_other_character_is_unchanged() -> None:
    others = [chr(code) for code in range(sys.maxunicode + 1) if code not in SHOWN]
    marks = {char for char in others if unicodedata.category(char) in {"Mn", "Me"}}
    text = "".join(f"a{char}" if char in marks else char for char in others)
    assert sanitize_text(text, longest=len(text)) == text


def test_every_kind_of_line_end_is_a_line_end() -> None:
    assert sanitize_text("a\r\nb\rc\nd") == "a\nb␍c\nd"
    assert sanitize_text("ä\r\nb") == "ä\nb"


def test_hidden_characters_can_be_shown_by_number() -> None:
    assert sanitize_text("a\u200b\u00ad\U000e0041b", reveals=True) == "a⟨U+200B⟩⟨U+00AD⟩⟨U+E0041⟩b"
    assert sanitize_text("a\u202eb\x1b", reveals=True) == "a⟨U+202E⟩b␛"


def test_zero_width_characters_of_any_kind_are_revealed() -> None:
    assert sanitize_text("a\U00013430\u0897\U000e0080b", reveals=True) == "a⟨U+13430⟩⟨U+0897⟩⟨U+E0080⟩b"


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd", "\u0903", "\u1161", "\ud7b0"])
def test_invisible_marks_are_counted_when_all_is_revealed(mark: str) -> None:
    assert sanitize_text(f"e{mark * 4}", reveals=True) == f"e{mark * 4}"
    assert sanitize_text(f"e{mark * 400}x", reveals=True) == f"e{mark * 4}⟨+396 marks⟩x"


def test_only_a_few_combining_marks_stay_on_a_letter() -> None:
    assert MAX_COMBINING_MARKS == 4
    marks = "\u0301\u0302\u20dd\u0300"  # one of them encloses the letter
    assert sanitize_text(f"e{marks}") == f"e{marks}"
    assert sanitize_text(f"e{marks}\u0303\u0304 o{marks}\u0301") == f"e{marks} o{marks}"
    assert sanitize_text(f"e{marks}\u20dd") == f"e{marks}"
    assert unicodedata.normalize("NFC", sanitize_text("a\u0301" * 9)) == "á" * 9


@pytest.mark.parametrize(
    ("line", "longest", "shown"),
    [
        ("x" * 20, 20, "x" * 20),
        ("x" * 21, 20, "xxxxxxx… [+14 chars]"),
        ("x" * 100, 20, "xxxxxx… [+94 chars]"),
        ("x" * 1000, 20, "xxxxx… [+995 chars]"),
        ("x" * 30, 5, "… [+30 chars]"),
        ("", 0, ""),
    ],
)
def test_a_line_that_is_cut_says_how_much_is_missing(line: str, longest: int, shown: str) -> None:
    assert cut_line(line, longest) == shown
    assert sanitize_text(f"{line}\nab", longest=longest).startswith(f"{shown}\n")


def test_a_line_that_is_short_enough_is_not_cut() -> None:
    assert MAX_LINE_CHARS == 10_000
    whole = "x" * MAX_LINE_CHARS
    assert (sanitize_text(whole), one_line(whole)) == (whole, whole)
    assert sanitize_text(f"{whole}\n{whole}") == f"{whole}\n{whole}"
    assert sanitize_text(whole + "x") == one_line(whole + "x") == whole[:-16] + "… [+17 chars]"


def test_one_line_has_no_line_ends() -> None:
    assert one_line("  a\n\n b\tc\u2028d  ") == "a b c d"
    assert one_line("abc " * 10, longest=15) == "ab… [+38 chars]"


def test_only_web_addresses_have_a_host() -> None:
    assert host_of("http://EXAMPLE.com:8443/x") == "http://example.com:8443"
    assert [
        host_of(url) for url in ("ftp://example.com", "https:///x", f"https://{'a' * 64}.com", "//example.com")
    ] == [None] * 4


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://evil.example\\@accounts.google.com/", "backslash"),
        ("https://accounts.google.com/\\x", "backslash"),
        ("https:\\\\evil.example/", "backslash"),
        ("https://accounts.google.com@evil.example/", "a user before its host"),
        ("https://a:b@evil.example/", "a user before its host"),
        ("https://evil.example\t.accounts.google.com/", "white space or control"),
        ("https://evil.example\n/", "white space or control"),
        (" https://evil.example/", "white space or control"),
        ("https://evil.example/\x00", "white space or control"),
        ("https://evil.example/\u202e", "white space or control"),
        ("https://evil.example/\u3000x", "white space or control"),
        ("javascript:alert(1)", "not http or https"),
        ("https:evil.example", "without a host"),
        ("https:///evil.example", "without a host"),
        ("https://evil%2eexample/", "without a host"),
        ("https://evil.example;.accounts.google.com/", "without a host"),
        ("https://evil.example:99999/", "without a host"),
        ("https://evil.example:x/", "without a host"),
        ("https://0x7f.1/", "without a host"),
        ("https://2130706433/", "without a host"),
        ("https://[::1%25eth0]/", "without a host"),
    ],
)
def test_an_ambiguous_url_is_refused_with_a_reason(url: str, words: str) -> None:
    assert words in address_problem(url)
    assert host_of(url) is None


@pytest.mark.parametrize(
    ("url", "host", "opened"),
    [
        ("https://a.example/x?y=@z#\xfc", "https://a.example", "https://a.example/x?y=@z#\xfc"),
        ("https://fa\xdf.example:8443?x", "https://fass.example:8443", "https://fass.example:8443?x"),
        ("HTTPS://a\u3002example/", "https://a.example", "https://a.example/"),
        ("http://127.0.0.1:80/", "http://127.0.0.1:80", "http://127.0.0.1:80/"),
        ("http://[::1]:8080/", "http://[::1]:8080", "http://[::1]:8080/"),
    ],
)
def test_the_host_that_is_shown_is_the_one_that_is_opened(url: str, host: str, opened: str) -> None:
    assert (address_problem(url), host_of(url), with_ascii_host(url)) == ("", host, opened)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mail.example.com/x?y#z", "https://mail.example.com"),
        ("https://user:pass@mail.example.com@evil.example/", None),
        ("https://p\u0430ypal.com/", "https://xn--pypal-4ve.com"),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("https://", None),
        ("https://[::1", None),
        ("https://" + "a" * 300, None),
    ],
)
def test_a_url_shows_its_real_host(url: str, host: str | None) -> None:
    assert host_of(url) == host


HOSTILE = cases("hostile")
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066", "\u200b", "\u200d"} - {"\n"}


@pytest.mark.parametrize("case", HOSTILE, ids=lambda case: case["name"])
def test_hostile_text_is_sanitized(case: dict[str, str]) -> None:
    shown = sanitize_text(case["text"])
    assert not FORBIDDEN & set(shown)
    assert sanitize_text(shown) == shown


@given(st.text(st.characters(codec=None)))
def test_sanitizing_is_idempotent_and_complete(text: str) -> None:
    shown = sanitize_text(text, longest=40)
    assert not FORBIDDEN & set(shown)
    assert sanitize_text(shown, longest=40) == shown
    assert all(len(line) <= 40 for line in shown.split("\n"))
    shown.encode()
    assert "\n" not in one_line(text)
