"""A decoder of server-sent events (the event stream format of the WHATWG HTML standard) from raw bytes."""

from __future__ import annotations

from msgspec import Struct

BOM = b"\xef\xbb\xbf"
MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The data of a larger event are left out."""
MAX_RETRY_MS = 60_000
"""The longest reconnection time, in milliseconds, that a server can ask for."""
MAX_RETRY_DIGITS = 12
"""Digits that are read of a reconnection time: more of them mean a time beyond MAX_RETRY_MS."""


class SSEFrame(Struct, frozen=True, gc=False):
    """A frame of the stream: a dispatched event, its data not parsed yet."""

    event: str
    content: bytes
    id: str
    has_own_id: bool
    """Whether the event has its own id, not one inherited from the event before."""
    is_too_large: bool = False
    """Whether the data were left out because they exceed MAX_EVENT_BYTES."""

    @property
    def data(self) -> str:
        """The data as text."""
        return self.content.decode("utf-8", "replace")


class SSEDecoder:
    """A decoder of server-sent events for one connection; `last_id` is the last id of the connection before."""

    def __init__(self, last_id: str = "") -> None:
        """Create a decoder that waits for the first bytes of a connection."""
        self.last_id = last_id
        """The id of the last dispatched event."""
        self.retry: int | None = None
        """The reconnection time in milliseconds that the server asks for."""
        # The fields of the event that is being read.
        self._id = last_id
        self._type = ""
        self._data: list[bytes] = []
        self._has_id = False
        self._size = 0
        # The unfinished line at the end of the bytes so far, in pieces.
        self._tail: list[bytes] = []
        self._tail_size = 0
        self._after_cr = False
        self._bom_start: bytes | None = b""
        """The first bytes of the stream while they may be part of a byte order mark, then None."""

    def feed(self, chunk: bytes) -> list[SSEFrame]:
        """Feed a chunk of bytes; return the events that it completes."""
        if self._bom_start is not None:
            chunk = self._strip_bom(chunk)
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:  # a line ends with CR, LF or both; after a CR at the end, an LF may be in the next chunk
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        unfinished = lines.pop()
        frames: list[SSEFrame] = []
        if lines:
            if self._tail:
                lines[0] = b"".join([*self._tail, lines[0]])
                self._tail = []
                self._tail_size = 0
            self._read_lines(lines, frames)
        if unfinished:
            self._hold_back(unfinished)
        return frames

    def _read_lines(self, lines: list[bytes], frames: list[SSEFrame]) -> None:
        """Read complete lines; an event of one id and one data line takes a fast path, all others go line by line."""
        is_new_event = not (self._data or self._size or self._type or self._has_id)
        index = 0
        last_start = len(lines) - 2  # where the last event of three lines can begin, excluded
        while index < last_start:
            id_line = lines[index]
            data_line = lines[index + 1]
            if (
                is_new_event
                and not lines[index + 2]
                and data_line[:6] == b"data: "
                and id_line[:4] == b"id: "
                and b"\0" not in id_line
                and len(data_line) < MAX_EVENT_BYTES
            ):
                event_id = id_line[4:].decode("utf-8", "replace")
                self._id = event_id
                self.last_id = event_id
                frames.append(SSEFrame("message", data_line[6:], event_id, True))
                index += 3
            else:
                is_new_event = self._read_line(id_line, frames)
                index += 1
        for line in lines[index:]:
            self._read_line(line, frames)

    def _read_line(self, line: bytes, frames: list[SSEFrame]) -> bool:
        """Read a line; return whether it ended an event."""
        if line:
            self._read_field(line)
            return False
        self._dispatch(frames)
        return True

    def _strip_bom(self, chunk: bytes) -> bytes:
        """Strip the byte order mark from the beginning of the stream, even if it arrives in several chunks."""
        start = (self._bom_start or b"") + chunk
        if BOM.startswith(start):
            self._bom_start = start
            return b""
        self._bom_start = None
        return start.removeprefix(BOM)

    def _hold_back(self, unfinished: bytes) -> None:
        """Hold back an unfinished line, of a comment only its beginning; a line that is too long becomes a comment."""
        self._tail_size += len(unfinished)
        if not self._tail:
            self._tail.append(unfinished)
            return
        is_comment = self._tail[0][:1] == b":"
        if is_comment:
            return
        if self._tail_size + self._size > MAX_EVENT_BYTES:
            self._size = MAX_EVENT_BYTES + 1
            self._data = []
            self._tail = [b":"]
        else:
            self._tail.append(unfinished)

    def _read_field(self, line: bytes) -> None:
        """Read a field; a comment is a field without a name."""
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
            self.retry = min(int(value[:MAX_RETRY_DIGITS]), MAX_RETRY_MS)

    def _dispatch(self, frames: list[SSEFrame]) -> None:
        """Dispatch the event that an empty line has completed, and begin the next one."""
        self.last_id = self._id
        is_too_large = self._size > MAX_EVENT_BYTES
        if self._data or is_too_large:
            content = b"" if is_too_large else b"\n".join(self._data)
            frames.append(SSEFrame(self._type or "message", content, self._id, self._has_id, is_too_large))
            self._data = []
        self._size = 0
        self._type = ""
        self._has_id = False
