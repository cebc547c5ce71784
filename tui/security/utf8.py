"""Texts that cannot be written; a module of its own, as `xp-tui --help` needs nothing else of the sanitizer."""

from __future__ import annotations


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8: bytes that are none come as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
