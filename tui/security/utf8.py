"""A check for text that cannot be encoded as UTF-8.

It is a module of its own because `xp-tui --help` needs it and must not import the whole sanitizer.
"""

from __future__ import annotations


def is_utf8(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8: Python decodes invalid bytes as lone surrogates, which cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
