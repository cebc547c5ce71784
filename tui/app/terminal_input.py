"""Parses the bytes that a terminal sends into messages, and skips those that cannot be parsed."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from textual.events import Paste
from textual.message import Message

from tui.app.textual_workarounds import XTermParser

OLD_MOUSE_REPORT = b"\x1b[M"
"""The start of a mouse report in the oldest protocol: three bytes follow, which may not be UTF-8."""
OLD_MOUSE_REPORT_BYTES = 3
PASTE_BEGINS = b"\x1b[200~"
PASTE_ENDS = b"\x1b[201~"
UNREADABLE = "\ufffd"
"""The character that the decoder puts in the place of bytes that are not UTF-8."""


class TerminalInput:
    """A parser of terminal input: reads pastes itself, and all other bytes with Textual's parser.

    Textual's parser raises on bytes that it cannot parse, and cannot be used afterwards. In a paste, it takes
    escape sequences for keys.
    """

    def __init__(self) -> None:
        self._parser = XTermParser()
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._last_bytes = b""
        self._mouse_bytes_left = 0
        self._pasted: bytearray | None = None
        """The pasted bytes so far; None outside of a paste."""

    def messages(self, data: bytes) -> Iterator[Message]:
        """Yield the messages that these bytes complete."""
        for number in data:
            byte = bytes([number])
            self._last_bytes = (self._last_bytes + byte)[-len(PASTE_BEGINS) :]
            if self._pasted is not None:
                yield from self._add_pasted(byte)
            elif self._last_bytes == PASTE_BEGINS:
                self._pasted = bytearray()
                self._replace_parser()  # the old one has read all but the last byte of the sequence
            elif self._mouse_bytes_left:
                self._mouse_bytes_left -= 1
                # Nobody needs the place in such a report: spaces stand for its bytes, which may not be text.
                yield from self._replace_on_error(self._parser.feed(" "))
            else:
                for character in self._decode(byte):
                    if character != UNREADABLE:
                        yield from self._replace_on_error(self._parser.feed(character))
                if self._last_bytes.endswith(OLD_MOUSE_REPORT):
                    self._mouse_bytes_left = OLD_MOUSE_REPORT_BYTES

    def messages_after_silence(self) -> Iterator[Message]:
        """Yield the messages of an unfinished sequence after a silence: an escape alone is the Escape key."""
        self._mouse_bytes_left = 0
        yield from self._replace_on_error(self._parser.tick())

    def _add_pasted(self, byte: bytes) -> Iterator[Message]:
        """Add a byte to the pasted ones; yield the paste once it is complete."""
        assert self._pasted is not None
        self._pasted += byte
        if self._pasted.endswith(PASTE_ENDS):
            text = self._pasted.removesuffix(PASTE_ENDS).decode("utf-8", "replace")
            self._pasted = None
            yield Paste(text.replace("\x00", ""))

    def _replace_on_error(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield the parser's messages; replace the parser on an error."""
        try:
            yield from messages
        except Exception:  # noqa: BLE001 - the parser passes on any error of int() and chr()
            self._replace_parser()

    def _replace_parser(self) -> None:
        """Replace the parser with a new one that has the same information about the terminal."""
        new_parser = XTermParser()
        new_parser.mouse_pixels = self._parser.mouse_pixels
        new_parser.terminal_size = self._parser.terminal_size
        new_parser.terminal_pixel_size = self._parser.terminal_pixel_size
        self._parser = new_parser
