"""SSEDecoder: every case of the conformance table, in every split."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import cases
from tests.wire.cuts import variants
from tui.client.sse import MAX_EVENT_BYTES, SSEDecoder, SSEFrame

SSE = cases("sse")


def told(frame: SSEFrame, expected: dict[str, Any]) -> dict[str, Any]:
    """Return a frame with the fields of the table."""
    if "data" in expected:
        return {"type": frame.event, "data": frame.data, "id": frame.id}
    digest = hashlib.sha256(frame.data.encode()).hexdigest()
    return {"type": frame.event, "id": frame.id, "data_len": len(frame.data), "data_sha256": digest}


@pytest.mark.parametrize("case", SSE["parse"], ids=lambda case: case["name"])
def test_every_case_of_the_table_is_decoded_in_every_split(case: dict[str, Any]) -> None:
    for pieces in variants(case):
        frames = SSEDecoder(case.get("seed_last_event_id", ""))
        found = [frame for piece in pieces for frame in frames.feed(piece)]
        assert len(found) == len(case["events"]), pieces[:5]
        assert [told(*pair) for pair in zip(found, case["events"], strict=True)] == case["events"]
        assert frames.last_id == case["last_event_id"]
        if case["retry"] == "clamp":
            assert frames.retry is not None
            assert frames.retry <= 60_000
        else:
            assert frames.retry == case["retry"]


@pytest.mark.parametrize("case", SSE["liveness"], ids=lambda case: case["name"])
def test_an_event_is_yielded_with_its_last_byte(case: dict[str, Any]) -> None:
    frames, count = SSEDecoder(), 0
    for piece, expected in case["steps"]:
        count += len(frames.feed(piece.encode("latin-1")))
        assert count == expected


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6))
def test_the_split_of_the_bytes_does_not_matter(data: bytes, cuts: list[int]) -> None:
    whole = [(frame.event, frame.data, frame.id, frame.has_own_id) for frame in SSEDecoder().feed(data)]
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    frames = SSEDecoder()
    pieces = [data[start:end] for start, end in pairwise(places)]
    assert [(f.event, f.data, f.id, f.has_own_id) for piece in pieces for f in frames.feed(piece)] == whole


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=8))
def test_encoded_events_are_decoded(events: list[tuple[str, str]]) -> None:
    lines = [f"id: {number}\ndata: {data}\n\n" for number, (data, _) in enumerate(events)]
    readable = [data for data, _ in events if not {"\r", "\n"} & set(data) and data.encode("utf-8", "ignore")]
    if len(readable) != len(events):
        return
    found = SSEDecoder().feed("".join(lines).encode())
    assert [frame.data for frame in found] == readable
    assert all(frame.has_own_id for frame in found)


def test_an_oversized_event_is_left_out_and_its_neighbours_are_not() -> None:
    # Private: the size of the buffer is not visible from outside.
    frames = SSEDecoder()
    piece = b"x" * 65536
    found = frames.feed(b"data: before\n\nid: 7\ndata: ")
    for _ in range(MAX_EVENT_BYTES // len(piece) + 2):
        found += frames.feed(piece)
        assert sum(map(len, frames._tail)) <= MAX_EVENT_BYTES + len(piece)
    found += frames.feed(b"\n\ndata: after\n\n")
    assert [(frame.data, frame.is_too_large, frame.id) for frame in found] == [
        ("before", False, ""),
        ("", True, "7"),
        ("after", False, "7"),
    ]


@pytest.mark.parametrize("name", ["id", "event", "retry", "data"])
def test_an_oversized_line_is_dropped_whole(name: str) -> None:
    # Private: the size of the buffer is not visible from outside.
    frames = SSEDecoder("3")
    found = frames.feed(f"data: before\ndata\n{name}: 7".encode())
    for _ in range(17):
        found += frames.feed(b"7" * (1 << 20))
        assert sum(map(len, frames._tail)) + frames._size <= MAX_EVENT_BYTES + (1 << 20)
    assert frames._data == []
    found += frames.feed(b"7\n\ndata: after\n\n")
    assert [(frame.event, frame.data, frame.id, frame.has_own_id, frame.is_too_large) for frame in found] == [
        ("message", "", "3", False, True),
        ("message", "after", "3", False, False),
    ]
    assert frames.retry is None


def test_an_event_of_the_maximum_size_is_read_whole() -> None:
    assert MAX_EVENT_BYTES == 16 * 1024 * 1024
    for size, too_large in ((MAX_EVENT_BYTES - 1, False), (MAX_EVENT_BYTES, True)):
        (frame,) = SSEDecoder().feed(b"data: %s\n\n" % (b"x" * size))
        assert (len(frame.data), frame.is_too_large) == (0 if too_large else size, too_large)
    frames = SSEDecoder()
    found = frames.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 10)) + frames.feed(b"yz") + frames.feed(b"\n\n")
    assert [(len(frame.data), frame.is_too_large) for frame in found] == [(MAX_EVENT_BYTES - 8, False)]
    frames.feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 20) + b"\n")
    assert [frame.is_too_large for frame in frames.feed(b"data: 0123456789") + frames.feed(b"012345678901234\n\n")] == [
        True
    ]


def test_a_large_event_leaves_room_for_the_next() -> None:
    frames = SSEDecoder()
    half = b"x" * (MAX_EVENT_BYTES // 4)
    found = [frame for _ in range(9) for piece in (b"data: ", half, half, b"\n\n") for frame in frames.feed(piece)]
    assert [(len(frame.data), frame.is_too_large) for frame in found] == [(MAX_EVENT_BYTES // 2, False)] * 9


def test_an_endless_comment_takes_no_memory() -> None:
    # Private: the size of the buffer is not visible from outside.
    frames = SSEDecoder()
    frames.feed(b"data: a\n:c")
    for _ in range(40):
        assert frames.feed(b"x" * (1 << 20)) == []
        assert sum(map(len, frames._tail)) <= 2
    assert [(frame.data, frame.is_too_large) for frame in frames.feed(b"\n\n")] == [("a", False)]


def test_invalid_utf_8_is_replaced() -> None:
    (frame,) = SSEDecoder().feed(b"id: \xff\nevent: \xfe\ndata: \xfd\n\n")
    assert (frame.id, frame.event, frame.data) == ("\ufffd", "\ufffd", "\ufffd")


def test_an_event_says_whether_its_id_is_its_own() -> None:
    found = SSEDecoder("0").feed(b"data: a\n\nid: 1\ndata: b\n\ndata: c\n\nid: 2\n\ndata: d\n\nid\ndata: e\n\n")
    assert [(frame.id, frame.has_own_id) for frame in found] == [
        ("0", False),
        ("1", True),
        ("1", False),
        ("2", False),
        ("", True),
    ]


def test_a_retry_delay_is_at_most_a_minute() -> None:
    frames = SSEDecoder()
    for told, retry in ((b"60000", 60_000), (b"60001", 60_000), (b"9" * 5000, 60_000), (b"5", 5), (b"-5", 5), (b"", 5)):
        frames.feed(b"retry: %s\n" % told)
        assert frames.retry == retry


def test_many_small_lines_that_are_too_large_together_are_dropped() -> None:
    frames = SSEDecoder()
    found = [frame for _ in range(20) for frame in frames.feed(b"data: " + b"y" * 1_000_000 + b"\n")]
    found += frames.feed(b"\ndata: after\n\n")
    assert [(frame.data, frame.is_too_large) for frame in found] == [("", True), ("after", False)]
