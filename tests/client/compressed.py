"""Decompression bombs, and a measure of the memory that reading them takes."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def bomb(size: int, wbits: int = 31) -> bytes:
    """Return this many MiB of compressed blanks, without their end."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, wbits)
    begin = squeeze.compress(b" " * (1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    block = squeeze.compress(b" " * (1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return begin + block * (size - 1)


@contextmanager
def peak() -> Iterator[Callable[[], float]]:
    """Measure the peak of allocated memory, in MiB."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1] / (1 << 20)
    finally:
        tracemalloc.stop()
