"""The event-stream format of the WHATWG HTML standard, decoded from raw bytes the moment they arrive."""

from __future__ import annotations

from msgspec import Struct

BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 16 * 1024 * 1024
"""Bytes of one event beyond which it is left out."""
MAX_RETRY_MS = 60_000
"""The longest reconnection time in ms that a server can ask for."""


class SSEFrame(Struct, frozen=True, gc=False):
    """One dispatched event, its data as it was written."""

    event: str
    content: bytes
    id: str
    own_id: bool
    """Whether the event has an id of its own, not one inherited from the event before."""
    too_large: bool = False
    """Whether the event was larger than LARGEST, so that its data was left out."""

    @property
    def data(self) -> str:
        """The data as text."""
        return self.content.decode("utf-8", "replace")


class SSEDecoder:
    """Bytes in, events out; one for each connection, seeded with the last id of the connection before."""

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: int | None = None
        self._id = last_id
        self._type = ""
        self._data: list[bytes] = []
        self._has_id = False
        self._size = 0
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._after_cr = False
        self._head: bytes | None = b""

    def feed(self, chunk: bytes) -> list[SSEFrame]:
        """All events that are complete with these bytes."""
        if self._head is not None:
            chunk = self._strip_bom(chunk)
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        frames: list[SSEFrame] = []
        if lines:
            if self._tail:
                lines[0] = b"".join([*self._tail, lines[0]])
                self._tail = []
                self._tail_size = 0
            self._take(lines, frames)
        if rest:
            self._keep(rest)
        return frames

    def _take(self, lines: list[bytes], frames: list[SSEFrame]) -> None:
        """Take in whole lines: what is nothing but an id and its data at once, all else field by field."""
        is_new = not (self._data or self._size or self._type or self._has_id)
        place, last = 0, len(lines) - 2
        while place < last:
            named, told = lines[place], lines[place + 1]
            if (
                is_new
                and not lines[place + 2]
                and told[:6] == b"data: "
                and named[:4] == b"id: "
                and b"\0" not in named
                and len(told) < MAX_EVENT_BYTES
            ):
                self._id = self.last_id = name = named[4:].decode("utf-8", "replace")
                frames.append(SSEFrame("message", told[6:], name, True))
                place += 3
            else:
                is_new = self._line(named, frames)
                place += 1
        for line in lines[place:]:
            self._line(line, frames)

    def _line(self, line: bytes, frames: list[SSEFrame]) -> bool:
        """Take in a line; whether it ended an event."""
        if line:
            self._field(line)
            return False
        self._dispatch(frames)
        return True

    def _strip_bom(self, chunk: bytes) -> bytes:
        head = (self._head or b"") + chunk
        if BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        return head.removeprefix(BOM)

    def _keep(self, rest: bytes) -> None:
        """Hold back an unfinished line; a comment's beginning is enough, and an over-long one goes on as a comment."""
        self._tail_size += len(rest)
        if not self._tail or not (self._tail[0][:1] == b":" or self._tail_size + self._size > MAX_EVENT_BYTES):
            self._tail.append(rest)
        elif self._tail[0][:1] != b":":
            self._size = MAX_EVENT_BYTES + 1
            self._data = []
            self._tail = [b":"]

    def _field(self, line: bytes) -> None:
        """Take in one field; a comment is one without a name."""
        name, _, value = line.partition(b":")
        if value[:1] == b" ":
            value = value[1:]
        if name == b"data":
            self._size += len(value) + 1
            if self._size <= MAX_EVENT_BYTES:
                self._data.append(value)
            else:
                self._data = []
        elif name == b"id":
            if b"\0" not in value:
                self._id = value.decode("utf-8", "replace")
                self._has_id = True
        elif name == b"event":
            self._type = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit():
            self.retry = min(int(value[:12]), MAX_RETRY_MS)

    def _dispatch(self, frames: list[SSEFrame]) -> None:
        self.last_id = self._id
        too_large = self._size > MAX_EVENT_BYTES
        if self._data or too_large:
            content = b"" if too_large else b"\n".join(self._data)
            frames.append(SSEFrame(self._type or "message", content, self._id, self._has_id, too_large))
            self._data = []
        self._size = 0
        self._type = ""
        self._has_id = False
