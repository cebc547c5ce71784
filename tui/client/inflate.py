"""Decompression of response bodies, with a limit on memory against compression bombs."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

from tui.client.errors import UnexpectedAnswer

ACCEPT_ENCODING = "gzip"
"""The only encoding that requests accept, because its decompression is limited here."""
MAX_PIECE_BYTES = 65_536
"""Bytes that one step of decompression returns at most."""
MAX_PLAIN_BYTES = 16 * 1024 * 1024
"""Decompressed bytes up to which the ratio is not limited."""
MAX_INFLATE_RATIO = 100
"""Decompressed bytes for each compressed byte, beyond MAX_PLAIN_BYTES."""
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
"""The `wbits` of zlib that recognise both formats by their headers."""
MAX_QUOTED_CHARS = 80
"""Characters that an error quotes of a header."""


class PlainBody:
    """A decoder of a plain body, which is not compressed."""

    def feed(self, chunk: bytes) -> Iterable[bytes]:
        """Feed a chunk of the body; return it as the only piece."""
        return (chunk,)

    def finish(self) -> None:
        """Finish the body, which cannot be incomplete."""


class CompressedBody:
    """A decoder of a body that is compressed with gzip or zlib."""

    def __init__(self) -> None:
        self._decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
        self._compressed_bytes = 0
        self._plain_bytes = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Feed a compressed chunk; yield its decompressed pieces, each of at most MAX_PIECE_BYTES."""
        self._compressed_bytes += len(chunk)
        rest = chunk
        while rest:
            if self._decompressor.eof:  # another gzip member follows
                self._decompressor = zlib.decompressobj(GZIP_OR_ZLIB)
            try:
                piece = self._decompressor.decompress(rest, MAX_PIECE_BYTES)
            except zlib.error as error:
                raise UnexpectedAnswer("the answer is compressed and damaged") from error
            rest = self._decompressor.unconsumed_tail
            if self._decompressor.eof:
                rest = self._decompressor.unused_data
            self._plain_bytes += len(piece)
            max_bytes = max(MAX_PLAIN_BYTES, MAX_INFLATE_RATIO * self._compressed_bytes)
            if self._plain_bytes > max_bytes:
                raise UnexpectedAnswer("the answer swells beyond all measure when it is unpacked")
            yield piece

    def finish(self) -> None:
        """Finish the body; raise UnexpectedAnswer if it is incomplete."""
        if self._compressed_bytes and not self._decompressor.eof:
            raise UnexpectedAnswer("the answer is compressed and damaged: it ends too early")


def body_decoder(headers: Mapping[str, str]) -> PlainBody | CompressedBody:
    """Return a decoder for a body with these headers; raise UnexpectedAnswer for other or several encodings."""
    header = headers.get("content-encoding", "").lower()
    names = [name.strip() for name in header.split(",")]
    encodings = [name for name in names if name not in {"", "identity"}]
    if not encodings:
        return PlainBody()
    if len(encodings) == 1 and encodings[0] in {"gzip", "x-gzip", "deflate"}:
        return CompressedBody()
    quoted = ", ".join(encodings)[:MAX_QUOTED_CHARS]
    raise UnexpectedAnswer(f"the answer is encoded as {quoted}, which was not asked for")
