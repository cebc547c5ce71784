"""Texts that attack a terminal, a markup parser or a layout."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conftest import cases

INTRODUCERS = {"CSI": ("\x1b[", "\x9b"), "OSC": ("\x1b]", "\x9d"), "DCS": ("\x1bP", "\x90"), "APC": ("\x1b_", "\x9f"),
               "PM": ("\x1b^", "\x9e"), "SOS": ("\x1bX", "\x98")}  # fmt: skip
ENDS = ("\x07", "\x1b\\", "\x9c", "")
BODIES = {
    "CSI": ("31m", "2J", "1;1H", "?1049l", "?25l", "5n", "6n", "c", ">c", "21t", "8;1;1t", "?2004l", "1000000b"),
    "OSC": ("0;PWNED", "2;PWNED", "52;c;cHduZWQ=", "8;;http://evil.example", "9;PWNED", "10;?", "777;notify;a;b",
            "1337;SetMark", "133;A", "7;file://evil/", "4;1;?", "104"),
    "DCS": ("$qm", "+q544e", "tmux;\x1b\x1b]52;c;cHduZWQ=\x07", "1000p"),
    "APC": ("Ga=T,f=100;AAAA",), "PM": ("x",), "SOS": ("x",),
}  # fmt: skip
MARKUP = (
    "[@click=app.quit]x[/]", "[@click='app.bell']x[/]", "[link=http://evil.example]x[/link]", "[red]x[/red]", "[/]",
    "[/path]", "see [1] and [/2]", "[[", "\\[x]", "[bold", "[on red]x", "[$primary]x", "[@click=screen.decide('approve')]x",
    "[b][i][u]" * 20, "%s %d {0} {x} {{}}", "`[link](javascript:alert(1))`", "[x](http://evil.example/\x1b]0;a\x07)",
    "<script>x</script>", "&#27;[31m", "&#x9b;31m", "![i](http://evil.example/a.png)", "| a | b |\n|-|\n| \x1b[31m |",
)  # fmt: skip
LAYOUT = (
    "x" * 5000, "\n" * 300, "\t" * 50, "あ" * 300, "e\u0301" * 200, "Z" + "\u0335" * 300, "👩‍👩‍👧‍👦" * 40, "🇩🇪" * 50, "\u3164" * 20,
    "ﷺ" * 20, "꧅" * 20, "\ud800", "a\udfffb", "\ufdd0", "\uffff", "\U000e0041" * 20, "\u00ad" * 50, "\u2028\u2029", "\u0085x",
    "1\u20e3" * 10, "\ufe0f" * 30, "\u200b" * 100 + "hidden", "\u034f" * 30, "\u115f\u1160" * 10, "",
)  # fmt: skip


def corpus() -> list[str]:
    """Return all attacks without duplicates."""
    found = [str(case["text"]).replace("{T}", "") for case in cases("hostile")]
    found += list(_made())
    return list(dict.fromkeys(found))


def _made() -> Iterator[str]:
    for code in (*range(0x20), *range(0x7F, 0xA0)):
        yield f"a{chr(code)}b"
        yield f"{chr(code)}[31m"
    for name, begins in INTRODUCERS.items():
        for begin in begins:
            for body in BODIES[name]:
                for end in ENDS if name != "CSI" else ("",):
                    yield f"x{begin}{body}{end}y"
    for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x061C, 0xFEFF, 0x180E):
        yield f"pay {chr(code)}1000{chr(code)} now"
    yield from MARKUP
    yield from LAYOUT
