"""CompressedBody: pieces of limited size, up to a limit."""

from __future__ import annotations

import gzip
import random

from tests.client.compressed import bomb
from tui.client.inflate import MAX_INFLATE_RATIO, MAX_PIECE_BYTES, MAX_PLAIN_BYTES, CompressedBody


def test_inflating_yields_pieces_of_limited_size() -> None:
    for piece in CompressedBody().feed(bomb(15)):
        assert len(piece) <= MAX_PIECE_BYTES


def test_well_compressed_data_is_inflated_up_to_a_limit() -> None:
    dice = random.Random(1)
    content = gzip.compress(b"".join(dice.randbytes(500) + b" " * 15_000 for _ in range(1_200)), 1)
    assert MAX_PLAIN_BYTES < sum(map(len, CompressedBody().feed(content))) < MAX_INFLATE_RATIO * len(content)
