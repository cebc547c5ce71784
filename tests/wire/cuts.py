"""The bytes of a case of the event-stream table, and every split of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def wire(case: dict[str, Any]) -> bytes:
    """Return the bytes of a case, whose code points stand for bytes."""
    text = case["input"] if "input" in case else "".join(part * count for part, count in case["input_parts"])
    return str(text).encode("latin-1")


def variants(case: dict[str, Any]) -> Iterator[list[bytes]]:
    """Yield every split of the bytes of a case."""
    data = wire(case)
    yield [data]
    if len(data) < 100_000:
        for size in (1, 2, 3, 7):
            yield [data[place : place + size] for place in range(0, len(data), size)]
    if len(data) <= 256:
        for place in range(1, len(data)):
            yield [data[:place], data[place:]]
    if "chunks" in case:
        yield [chunk.encode("latin-1") for chunk in case["chunks"]]
    if step := case.get("chunk_size"):
        yield [data[place : place + step] for place in range(0, len(data), step)]
