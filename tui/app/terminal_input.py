"""The bytes that a terminal sends, read as messages; what cannot be read is skipped and never ends the reading."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator

from textual.events import Paste
from textual.message import Message

from tui.app.textual_workarounds import XTermParser

OLD_MOUSE_REPORT = b"\x1b[M"
"""Begins the report of a terminal that knows no better way: three bytes follow, which may be no text."""
OLD_MOUSE_REPORT_BYTES = 3
PASTE_BEGINS, PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"
UNREADABLE = "\ufffd"
"""What stands in the place of bytes that are no UTF-8."""


class TerminalInput:
    """Turns bytes into messages: pastes by itself, all else with Textual's parser.

    Textual's parser raises for what it cannot read, and is of no use then. In a paste, it takes escape
    sequences for keys.
    """

    def __init__(self) -> None:
        self._parser = XTermParser()
        self._decode = getincrementaldecoder("utf-8")("replace").decode
        self._last_bytes = b""
        self._mouse_bytes_left = 0
        self._pasted: bytearray | None = None
        """What was pasted so far, where something is being pasted."""

    def messages(self, data: bytes) -> Iterator[Message]:
        """Return the messages that these bytes complete."""
        for number in data:
            byte = bytes([number])
            self._last_bytes = (self._last_bytes + byte)[-len(PASTE_BEGINS) :]
            if self._pasted is not None:
                yield from self._pasted_with(byte)
            elif self._last_bytes == PASTE_BEGINS:
                self._pasted = bytearray()
                self._renew_parser()  # it has seen all but the last byte
            elif self._mouse_bytes_left:
                self._mouse_bytes_left -= 1
                yield from self._guarded(self._parser.feed(" "))
            else:
                for character in self._decode(byte):
                    if character != UNREADABLE:
                        yield from self._guarded(self._parser.feed(character))
                if self._last_bytes.endswith(OLD_MOUSE_REPORT):
                    self._mouse_bytes_left = OLD_MOUSE_REPORT_BYTES

    def messages_after_silence(self) -> Iterator[Message]:
        """Return the messages of what was begun and not gone on with for a moment: an escape is a key then."""
        self._mouse_bytes_left = 0
        yield from self._guarded(self._parser.tick())

    def _pasted_with(self, byte: bytes) -> Iterator[Message]:
        """Take one byte more of what is pasted; return the paste once it is whole."""
        assert self._pasted is not None
        self._pasted += byte
        if self._pasted.endswith(PASTE_ENDS):
            text = self._pasted.removesuffix(PASTE_ENDS).decode("utf-8", "replace")
            self._pasted = None
            yield Paste(text.replace("\x00", ""))

    def _guarded(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Return the parser's messages; where it raises, another one goes on."""
        try:
            yield from messages
        except Exception:  # noqa: BLE001 - it raises whatever int() and chr() do
            self._renew_parser()

    def _renew_parser(self) -> None:
        """Begin anew with a parser that knows what the old one knew of the terminal."""
        old, self._parser = self._parser, XTermParser()
        self._parser.mouse_pixels = old.mouse_pixels
        self._parser.terminal_size = old.terminal_size
        self._parser.terminal_pixel_size = old.terminal_pixel_size
