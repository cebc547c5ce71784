"""The key, as something that does not print."""

from __future__ import annotations


class Secret:
    """A text that only who asks for it gets to see. pydantic's SecretStr does as much, and takes 60 ms to import."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __str__(self) -> str:
        return "**********"
