"""The API key as an object that does not print it."""

from __future__ import annotations


class Secret:
    """A secret text that `repr` and `str` mask, like pydantic's SecretStr, which takes 60 ms to import."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """Return the secret as plain text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return "**********"
