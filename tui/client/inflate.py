"""Bodies of answers, decoded piece by piece; what is compressed cannot take more memory than its bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

from tui.client.errors import UnexpectedAnswer

ACCEPT_ENCODING = "gzip"
"""What answers may be compressed with: nothing that is not bounded here is asked for."""
MAX_PIECE_BYTES = 65_536
"""Bytes that one step of decoding gives out at the most."""
MAX_PLAIN_BYTES = 16 * 1024 * 1024
"""Decoded bytes up to which it does not matter how much was compressed into how little."""
MAX_RATIO = 100
"""How many times as many as the compressed bytes the decoded ones may be, if they are more than that."""


class PlainBody:
    """A body that is not compressed."""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """The pieces of these bytes."""
        return (chunk,)

    def finish(self) -> None:
        """The body has ended."""


class CompressedBody:
    """A body that is compressed with gzip or zlib."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
        self._compressed_bytes = self._plain_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces that these bytes decode to."""
        self._compressed_bytes += len(chunk)
        while chunk:
            if self._inflate.eof:  # another member follows
                self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
            try:
                piece = self._inflate.decompress(chunk, MAX_PIECE_BYTES)
            except zlib.error as error:
                raise UnexpectedAnswer("the answer is compressed and damaged") from error
            chunk = self._inflate.unused_data if self._inflate.eof else self._inflate.unconsumed_tail
            self._plain_bytes += len(piece)
            if self._plain_bytes > MAX_PLAIN_BYTES and self._plain_bytes > MAX_RATIO * self._compressed_bytes:
                raise UnexpectedAnswer("the answer swells beyond all measure when it is unpacked")
            yield piece

    def finish(self) -> None:
        """The body has ended: raise NotUnderstood where it is not whole."""
        if self._compressed_bytes and not self._inflate.eof:
            raise UnexpectedAnswer("the answer is compressed and damaged: it ends too early")


def body_decoder(headers: Mapping[str, str]) -> PlainBody | CompressedBody:
    """What decodes a body with these headers; NotUnderstood where it is encoded in another way, or more than once."""
    told = headers.get("content-encoding", "").lower().split(",")
    codings = [coding for part in told if (coding := part.strip()) not in {"", "identity"}]
    if not codings:
        return PlainBody()
    if len(codings) == 1 and codings[0] in {"gzip", "x-gzip", "deflate"}:
        return CompressedBody()
    raise UnexpectedAnswer(f"the answer is encoded as {', '.join(codings)[:80]}, which was not asked for")
