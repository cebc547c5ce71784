"""Streams without ids on servers that replay events: nothing is lost, and a replay is not yielded twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tui.client import event_stream as streams
from tui.client import replay
from tui.client.client import Client
from tui.client.event_stream import MAX_EMITTED_HASHES, EventStream, StreamItem, StreamResumed
from tui.client.events import Event
from tui.client.replay import MIN_REPLAY_EVENTS

HEADERS = {"Content-Type": "text/event-stream"}


def piece(text: object) -> bytes:
    """Return a chunk event: only its text distinguishes it from another."""
    return json.dumps({"type": "chunk", "data": str(text)}).encode()


def call(number: int) -> bytes:
    """Return an event that is unique, for it has a time."""
    return json.dumps({"type": "tool_call_request", "time": f"2026-11-28T10:00:{number:02}Z", "data": {}}).encode()


@pytest.fixture(autouse=True)
def without_pauses() -> Iterator[None]:
    """Remove the pauses of streams, during which the virtual clock would not advance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.client.pacing.PAUSE_SECONDS", 0.0)
        yield


class Clock:
    """A clock that advances only in sleep."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


class StillClock(Clock):
    """A clock that never advances, so that no silence is too long."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


PAUSE = b"pause"
"""In the place of an event: nothing comes for a while, in which a clock goes on by many seconds."""


class Connections:
    """A stub of a client: connections that each send some events, and then a 404."""

    transport = SimpleNamespace(silence=60.0)

    def __init__(self, connections: Sequence[Iterable[bytes]], *, holds_last: bool = False) -> None:
        self._left = list(connections)
        self._holds_last = holds_last

    async def events_url(self, task_id: str) -> str:
        return "http://platform.example/events"

    @asynccontextmanager
    async def open_events(self, url: str, last_id: str) -> AsyncGenerator[httpx.Response, None]:
        if not self._left:
            yield httpx.Response(404, content=self._body([]))
            return
        contents = self._left.pop(0)
        yield httpx.Response(200, headers=HEADERS, content=self._body(contents))

    async def _body(self, contents: Iterable[bytes]) -> AsyncIterator[bytes]:
        for content in contents:
            if content == PAUSE:
                for _ in range(50):
                    await asyncio.sleep(0)
                continue
            id_line, _, data = content.rpartition(b"|")
            yield b"%bdata: %b\n\n" % (id_line, data)
        if self._holds_last and not self._left:
            await asyncio.Event().wait()


def named(name: str, content: bytes) -> bytes:
    """Return an event with an id."""
    return b"id: %b\n|%b" % (name.encode(), content)


def told_by(connections: Sequence[Iterable[bytes]], clock: Clock | None = None) -> list[StreamItem]:
    """Return everything that a stream yields over these connections."""
    told: list[StreamItem] = []
    client = cast("Client", Connections(connections))
    error = asyncio.run(EventStream(client, "t1", clock=clock or StillClock()).run(told.append))
    assert getattr(error, "status", None) == 404
    return told


def events_of(told: Iterable[StreamItem]) -> list[bytes]:
    """Return the events as they were sent."""
    return [json.dumps(dict(event.raw)).encode() for event in told if isinstance(event, Event)]


def is_within(wanted: Sequence[bytes], told: Sequence[bytes]) -> bool:
    """Return whether the wanted events were yielded in this order."""
    left = iter(told)
    return all(any(one == other for other in left) for one in wanted)


Replays = list[tuple[int, int]]
"""For each connection the first event that it sends, and the one before which it is cut."""


@st.composite
def replays(draw: st.DrawFn, length: int) -> Replays:
    """Generate connections that restart at earlier points and are cut anywhere; the last one is complete."""
    spans = [(0, draw(st.integers(0, length)))]
    for _ in range(draw(st.integers(0, 5))):
        start = draw(st.integers(0, max(end for _, end in spans)))
        spans.append((start, draw(st.integers(start, length))))
    return [*spans, (draw(st.integers(0, max(end for _, end in spans))), length)]


def once(stream: Sequence[bytes], spans: Replays) -> list[bytes]:
    """Return the expected events: new ones, and replays that cannot be recognized."""
    told: list[bytes] = []
    pending: list[bytes] = []
    reached = 0
    for start, end in spans:
        is_long = min(end, reached) - start >= MIN_REPLAY_EVENTS
        if end < reached:
            (pending if is_long else told).extend(stream[start:end])
        elif start < end:
            told += stream[reached:end] if is_long else [*pending, *stream[start:end]]
            pending = []
        reached = max(reached, end)
    return told + pending


@given(st.data(), st.integers(0, 60))
def test_a_replay_of_text_is_yielded_once_but_a_short_one_may_repeat(data: st.DataObject, length: int) -> None:
    stream = [piece(number) for number in range(length)]
    spans = data.draw(replays(length))
    told = told_by([stream[start:end] for start, end in spans])
    assert events_of(told) == once(stream, spans)


@given(st.data(), st.integers(0, 40))
def test_a_replay_of_events_with_times_is_yielded_once_however_short(data: st.DataObject, length: int) -> None:
    stream = [call(number) for number in range(length)]
    spans = data.draw(replays(length))
    told = told_by([stream[start:end] for start, end in spans])
    assert events_of(told) == stream


def has_long_repeat(stream: Sequence[bytes]) -> bool:
    """Return whether a sequence that is as long as a recognizable replay occurs twice."""
    stretches = [tuple(stream[at : at + MIN_REPLAY_EVENTS]) for at in range(len(stream) - MIN_REPLAY_EVENTS + 1)]
    return len(set(stretches)) < len(stretches)


@settings(max_examples=300)
@given(st.data(), st.lists(st.sampled_from(["ha", "ho", "hi"]), max_size=40))
def test_repetitive_text_loses_nothing(data: st.DataObject, texts: list[str]) -> None:
    stream = [piece(text) for text in texts]
    assume(not has_long_repeat(stream))
    spans = data.draw(replays(len(stream)))
    told = told_by([stream[start:end] for start, end in spans])
    assert is_within(stream, events_of(told))


@pytest.mark.parametrize("count", [1, 3, 30, 3000])
def test_text_that_continues_unchanged_after_a_reconnect_is_yielded(count: int) -> None:
    laughs = [piece("ha")] * count
    assert events_of(told_by([[piece("So:"), *laughs], laughs, laughs])) == [piece("So:"), *laughs * 3]


def test_a_sentence_that_is_repeated_after_a_reconnect_is_yielded_again() -> None:
    sentence = [piece(word) for word in ["I", "will", "look", "at", "the", "deployment", "once", "more", "now"]]
    assert len(sentence) > MIN_REPLAY_EVENTS
    first = [*sentence, piece("Failed.")]
    again = [*sentence, piece("Done.")]
    assert events_of(told_by([first, again])) == first + again


def test_repetition_before_a_reconnect_is_no_evidence_of_a_replay() -> None:
    loop = [piece(number) for number in range(20)] * 3
    assert events_of(told_by([loop, loop])) == loop * 2


def test_a_short_replay_with_new_events_is_not_mistaken_for_a_longer_one() -> None:
    told, again, new = ([piece(f"{name}{number}") for number in range(3)] for name in "abc")
    assert events_of(told_by([[*told, *again, *told], [*told, *again, *told, *new]])) == [
        *[*told, *again, *told] * 2,
        *new,
    ]


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 9])
def test_a_server_that_replays_everything_and_breaks_often_repeats_nothing(cut: int) -> None:
    stream = [call(0), *(piece(number) for number in range(40)), call(1)]
    connections = [stream[:end] for end in range(cut, len(stream), cut)]
    assert events_of(told_by([*connections, stream])) == stream


def test_a_greeting_event_is_no_part_of_a_replay() -> None:
    stream = [piece(number) for number in range(20)]
    hellos = [json.dumps({"type": "connected", "time": f"2026-11-28T10:0{n}:00Z"}).encode() for n in range(3)]
    told = told_by([[hellos[0], *stream[:10]], [hellos[1], *stream[:15]], [hellos[2], *stream]])
    assert events_of(told) == [hellos[0], *stream[:10], hellos[1], *stream[10:15], hellos[2], *stream[15:]]


def test_only_a_replay_proves_that_nothing_was_missed() -> None:
    stream = [piece(number) for number in range(30)]
    told = told_by([stream[:10], stream[:20], stream[18:25], stream[26:], stream[5:12]])
    assert [one.is_seamless for one in told if isinstance(one, StreamResumed)] == [True, False, False, False]


def test_an_event_with_an_id_does_not_overtake_withheld_events() -> None:
    stream = [piece(number) for number in range(20)]
    told = told_by([stream, [*stream[:3], named("7", piece("new")), piece("end")]])
    assert events_of(told) == [*stream, *stream[:3], piece("new"), piece("end")]


def test_events_with_empty_ids_are_not_merged() -> None:
    assert events_of(told_by([[named("", piece("ha"))] * 3])) == [piece("ha")] * 3


async def test_withheld_events_are_yielded_when_no_more_come() -> None:
    stream = [piece(number) for number in range(20)]
    connections = Connections([stream, stream[:12]], holds_last=True)
    told: list[StreamItem] = []
    running = EventStream(cast("Client", connections), "t1", clock=Clock())

    def take(one: StreamItem) -> None:
        told.append(one)
        if len(events_of(told)) == 32:
            running.stop()

    async with asyncio.timeout(5):
        assert await running.run(take) is None
    assert events_of(told) == [*stream, *stream[:12]]


def test_a_replay_may_begin_late_but_not_pause_for_long() -> None:
    stream = [piece(number) for number in range(20)]
    assert events_of(told_by([stream, [PAUSE, *stream, piece("end")]], clock=Clock())) == [*stream, piece("end")]
    paused = [*stream[:12], PAUSE, *stream[12:], piece("end")]
    assert events_of(told_by([stream, paused], clock=Clock())) == [*stream, *stream, piece("end")]


async def test_a_closed_stream_yields_no_withheld_events() -> None:
    stream = [piece(number) for number in range(20)]
    running = EventStream(cast("Client", Connections([stream, [*stream[:9], piece("x")]])), "t1", clock=StillClock())
    told: list[StreamItem] = []

    def take(one: StreamItem) -> None:
        told.append(one)
        if len(events_of(told)) == 23:
            running.stop()

    assert await running.run(take) is None
    assert events_of(told) == [*stream, *stream[:3]]


async def test_an_exception_while_yielding_withheld_events_is_raised() -> None:
    stream = [piece(number) for number in range(20)]
    running = EventStream(cast("Client", Connections([stream, stream[:3]], holds_last=True)), "t1", clock=Clock())
    count = 0

    def take(one: StreamItem) -> None:
        nonlocal count
        count += isinstance(one, Event)
        if count > len(stream):
            raise KeyError(count)

    async with asyncio.timeout(5):
        with pytest.raises(KeyError):
            await running.run(take)


def test_a_replay_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_WITHHELD_BYTES", 20_000)
    monkeypatch.setattr(streams, "MAX_WITHHELD_BYTES", 20_000)
    most = 0
    take = replay.Replay.compare

    def measured(self: replay.Replay, content: bytes, event: Event) -> replay.Verdict:
        nonlocal most
        answer = take(self, content, event)
        most = max(most, len(self.withheld))
        return answer

    monkeypatch.setattr(replay.Replay, "compare", measured)
    stream = [piece(number) for number in range(500)]
    assert events_of(told_by([stream, stream[:300], [*stream, piece("end")]])) == [*stream, piece("end")]
    assert 0 < most <= 20_000 // replay.EVENT_OVERHEAD_BYTES + 1
    laughs = [piece("ha")] * 100
    assert len(events_of(told_by([[*laughs, piece("x")], laughs]))) == 201


def test_a_limited_number_of_events_is_remembered() -> None:
    # Private: the size of a stream's memory is not visible from outside.
    stream = [piece(number) for number in range(MAX_EMITTED_HASHES + 100)]
    recent = stream[200:]
    assert events_of(told_by([stream, [*recent, piece("end")]])) == [*stream, piece("end")]
    assert events_of(told_by([stream, stream])) == stream * 2
    running = EventStream(cast("Client", Connections([stream])), "t1", clock=StillClock())
    asyncio.run(running.run(lambda told: None))
    assert len(running._emitted_hashes) == MAX_EMITTED_HASHES
