"""The output of a program to a terminal, split into tokens; a token of no allowed shape is an offender."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

ALLOWED = {
    "style": r"\x1b\[[0-9;:]*m",
    "cursor": r"\x1b\[(?:\d+;\d+)?H",
    "mode": r"\x1b\[\?[0-9;]+[hl]",
    "mode asked": r"\x1b\[\?\d+\$p",
    "keyboard": r"\x1b\[[<>=][0-9;]*u",
    "pixels": r"\x1b\[\?1016[hl]",
    "title": r"\x1b\]0;[^\x00-\x1f\x7f-\x9f]*\x07",
    "pointer": r"\x1b\]22;(?:default|text|pointer)\x07",
    "clipboard": r"\x1b\]52;c;[A-Za-z0-9+/=]*\x07",
    "line end": r"\r?\n",
    "bell": r"\x07",
    "cursor key mode": r"\x1b[=>]",
}
_ALLOWED = re.compile("|".join(f"(?P<{name.replace(' ', '_')}>{shape})" for name, shape in ALLOWED.items()))
_HARMLESS = re.compile(r"[\x20-\x7e]+")
_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn"}


def offenders(raw: bytes) -> Counter[str]:
    """Return everything that no allow-list knows, with its count."""
    return shapes(raw)[1]


def shapes(raw: bytes) -> tuple[Counter[str], Counter[str]]:
    """Return the counts of the allowed shapes, and everything else."""
    text = raw.decode("utf-8", "surrogateescape")
    told: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    at = 0
    while at < len(text):
        if found := _HARMLESS.match(text, at) or _ALLOWED.match(text, at):
            told[found.lastgroup or "text"] += 1
            at = found.end()
        elif unicodedata.category(text[at]) in _HIDDEN:
            bad[ascii(text[at : at + 12])] += 1
            at += 1
        else:
            told["text"] += 1
            at += 1
    return told, bad
