"""A large log that is parsed lazily equals the same log parsed at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.lazy_entries import lazy_entries
from tests.screens.fixed_platforms import NOW
from tui.client import lazy_log as large_log
from tui.client.events import Event
from tui.client.json_codec import NotJson, loads
from tui.client.lazy_log import LargeLog, NotLazy
from tui.client.log_entries import Entry, Log, parse_entry
from tui.client.models import Task
from tui.client.partial_decode import split_log
from tui.domain.activity_log import Activity
from tui.domain.tree_rows import match_triggers

KINDS: list[dict[str, Any]] = [
    {"role": "agent", "content": {"text": "said"}},
    {"role": "user", "content": None},
    {"type": "think", "thought": "hm", "title": "t"},
    {"type": "login_required", "data": {"server_name": "s"}},
    {"tool_name": "search", "payload": {"q": 1}},
    {"tool_name": "search", "payload": {"q": 1}, "result": "r", "is_error": True},
    {"agent_id": "b", "query": "do it"},
    {"agent_id": "b", "query": "do it", "created_execution_id": "k"},
    {"action": "create_execution", "agent_id": "b", "title": "x"},
    {"action": "stop_execution", "created_execution_id": "k"},
    {"action": "ask_execution", "created_execution_id": ""},
    {"questions": [{"question": "which?"}]},
    {"request_id": "c", "type": "confirm_card"},
    {"request_id": "c", "type": "x", "action": "confirm"},
    {"action": "whatever"},
]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


entry = st.builds(
    lambda number, kind, seconds, name, form: {
        "id": f"e{number}", "created_at": form(at(seconds)), **kind, **({"request_id": name} if "tool_name" in kind else {})
    },
    st.integers(0, 30), st.sampled_from(KINDS), st.integers(0, 90), st.sampled_from(["", "r1", "r2", "e2", *[None] * 8]),
    st.sampled_from([lambda when: when.isoformat(), lambda when: f"{when:%Y-%m-%dT%H:%M:%SZ}"]),
)  # fmt: skip
logs = st.lists(entry, max_size=12, unique_by=lambda told: told["id"])
event = st.builds(
    lambda kind, seconds, data: Event.from_value({"type": kind, "time": at(seconds).isoformat(), "data": data}),
    st.sampled_from(["tool_call_request", "tool_call_result", "think", "chunk", "sub_agent_trigger"]), st.integers(0, 90),
    st.sampled_from([{"request_id": "r1", "tool_name": "search", "payload": {"q": 1}}, {"request_id": "r9", "tool_name": "x"},
                     {"id": "e3", "agent_id": "b", "query": "do it"}, {"value": "hm"}, {"tool_name": "search", "payload": {"q": 1}}]),
)  # fmt: skip


def whole(made: Activity) -> Any:
    """Return everything that an activity shows."""
    nodes = list(made.nodes)
    calls, failed = made.nodes.count_kinds()
    child = Task.from_value({"id": "k2", "agent_id": "b", "created_at": at(95).isoformat()})
    return (
        [(node.order, node.entry.raw, type(node.entry), node.provenance, node.seconds) for node in nodes],
        [made.nodes.index_of(node) for node in nodes] == list(range(len(nodes))),
        {key: found.order for node in nodes for key in node.entry.keys if (found := made.get(key))},
        (calls, failed, made.streaming, made.wait, match_triggers(made, ()), match_triggers(made, (child,))),
    )


def test_an_open_wait_in_a_large_log_is_found() -> None:
    made = Activity("t")
    assert made.wait is None
    asking = {"id": "q", "created_at": at(1).isoformat(), "questions": ["what?"]}
    made.add_log(Log(lazy_entries([asking])), at(2))
    assert made.wait


@given(st.lists(event, max_size=6), logs, st.lists(event, max_size=4), st.lists(st.integers(0, 40)), logs, logs)
def test_an_activity_with_a_lazy_log_equals_one_with_all_entries_read(
    before: list[Event], log: list[Any], later: list[Event], looked_at: list[int], more: list[Any], small: list[Any]
) -> None:
    names = {told["id"] for told in log}
    readings = [log, [*log, *(told for told in more if told["id"] not in names)], small]
    lazy, eager = Activity("t"), Activity("t")
    try:
        large = [lazy_entries(reading) for reading in readings[:2]]
    except NotLazy:
        return
    read: list[tuple[Entry, ...]] = [tuple(map(parse_entry, told)) for told in readings[:2]]
    ways: list[tuple[Activity, Sequence[Sequence[Entry]]]] = [(lazy, large), (eager, read)]
    for one, (first, second) in ways:
        for number, told in enumerate(before):
            one.add_event(told, at(100 + number))
        one.add_log(Log(first), at(110))
        for number, told in enumerate(later):
            one.add_event(told, at(120 + number))
        for number in looked_at if one is lazy else ():
            one.get(f"e{number}")
        one.add_log(Log(second), at(130))
        one.add_log(Log(tuple(map(parse_entry, small))), at(140))
    assert len(lazy) == len(eager)
    assert lazy.nodes.count_kinds() == eager.nodes.count_kinds()  # before anything else is looked at
    assert match_triggers(lazy, ()) == match_triggers(eager, ())
    assert whole(lazy) == whole(eager)


@given(logs)
def test_each_lazy_entry_equals_the_parsed_entry(log: list[Any]) -> None:
    try:
        large = lazy_entries(log)
    except NotLazy:
        assert len({name for told in log for name in parse_entry(told).keys}) < sum(
            len(parse_entry(told).keys) for told in log
        )
        return
    read = tuple(map(parse_entry, log))
    assert (tuple(large), large.kinds) == (read, [type(one) for one in read])
    assert (large[1:3], large.times) == (read[1:3], [one.created_at for one in read])
    assert large.index_by_key == {name: place for place, one in enumerate(read) for name in one.keys}
    assert large.order == sorted(range(len(read)), key=lambda place: (large.times[place], place))
    middle = at(45)
    assert sorted(large.between(middle, at(60))) == [
        n for n, when in enumerate(large.times) if middle <= when <= at(60)
    ]


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "a", "role": "user", "content": "twice"},
        {"id": "b", "created_at": None}, {"id": "b", "created_at": 1700000000}, {"id": "b", "created_at": "20261121"},
        {"id": "b", "created_at": "yesterday"}, {"id": "b", "created_at": "1822-01-01T00:00:00Z"}, {"id": 7}, {"id": " "},
        {"id": "", "tool_name": "x"}, "no object", {"id": "b", "tool_name": "x", "request_id": "a"},
    ],
)  # fmt: skip
def test_a_log_with_an_odd_entry_is_not_lazy(odd: Any) -> None:
    usual = {"id": "a", "created_at": "2026-11-21T10:00:00Z", "role": "user", "content": "x"}
    late = {"created_at": "2026-11-21T10:00:00+02:00"}
    assert (
        len(
            lazy_entries(
                [usual, {**usual, "id": "b", **late}, {**usual, "id": "c", "created_at": "2026-11-21T09:00:00"}]
            )
        )
        == 3
    )
    with pytest.raises(NotLazy):
        lazy_entries(
            [
                usual,
                {**usual, **odd}
                if isinstance(odd, dict) and "created_at" in odd
                else {**late, **odd}
                if isinstance(odd, dict)
                else odd,
            ]
        )


def test_only_the_new_entries_of_a_later_log_are_parsed() -> None:
    # Private: reading a node from outside parses it.
    log = [{"id": f"e{n}", "created_at": at(n).isoformat(), "tool_name": "x"} for n in range(50)]
    made = Activity("t")
    made.add_log(Log(lazy_entries(log)), at(100))
    made.get("e7")
    again = lazy_entries(
        [*log[:20], {**log[20], "is_error": True}, *log[21:], {**log[0], "id": "e50", "created_at": at(60).isoformat()}]
    )
    assert made.nodes.changed_ordinals(again) == {7, 20, 50}
    made.add_log(Log(again), at(101))
    assert [made.nodes[place].entry.id for place in (20, 50)] == ["e20", "e50"]
    assert made.nodes.count_kinds()[1] == 1
    assert sum(isinstance(item, int) for item in made.nodes._items) == 48


def test_unknown_to_returns_only_unknown_entries() -> None:
    log = lazy_entries(
        [{"id": f"e{n}", "created_at": at(n).isoformat(), "tool_name": "x", "request_id": f"r{n}"} for n in range(4)]
    )
    known: dict[str, object] = {}
    assert log.unknown_to(known) is log
    assert known.keys() == {f"{letter}{n}" for letter in "er" for n in range(4)}
    assert log.unknown_to(known) == ()
    assert [one.id for one in log.unknown_to(dict.fromkeys(("r1", "e3")))] == ["e0", "e2"]


def test_a_lazy_log_is_not_split_into_parts() -> None:
    log: Log = Log(lazy_entries([{"id": f"e{n}", "created_at": at(n).isoformat(), "tool_name": "x"} for n in range(4)]))
    assert list(log.parts(2)) == [log]
    first: Entry = log.entries[0]
    assert first.id == "e0"


# Indexing and comparing


@contextmanager
def small(large: int = 40) -> Iterator[None]:
    """Lower the size from which a log is lazy, and the number of entries that are added at a time."""
    with patch.multiple(large_log, MIN_LAZY_LOG_BYTES=large, MAX_ENTRIES_PER_STEP=3):
        yield


odd = st.sampled_from(
    ["no object", 7, None, {"id": 7, "tool_name": "x"}, {"id": "e1"}, {"id": "z", "created_at": "20261121"}]
)
nested = st.sampled_from(
    [[{"id": "e1", "created_at": "x"}] * 9, '}, {"id": "e3", "created_at": ', '"}, {"id": "', {"messages": [{"id": 1}] * 2}]
)  # fmt: skip
filled = st.builds(lambda told, result: {**told, "result": result}, entry, nested)
told = st.lists(entry | filled | filled | st.builds(lambda other: other, odd), max_size=14)


@st.composite
def written(draw: st.DrawFn, entries: st.SearchStrategy[list[Any]] = told) -> bytes:
    """Generate the bytes of a log, as a platform may write it."""
    log = draw(entries)
    around: list[dict[str, Any]] = [{"messages": log}, {"id": "log", "messages": log}, {"messages": log, "id": "log"}]
    around += [{"a": {"messages": []}, "messages": log, "more": [{"id": "e1"}, {"id": "e2"}]}, {"other": log}]
    form: dict[str, Any] = draw(st.sampled_from([{}, {"indent": 2}, {"separators": (",", ":")}]))
    return json.dumps(draw(st.sampled_from([log, *around])), **form).encode()


@given(written())
def test_a_large_log_equals_the_same_log_parsed_whole(content: bytes) -> None:
    with small():
        log = LargeLog.from_bytes(content)
        if split_log(content) is None or len(content) <= 40:
            assert log is None
            return
        assert log
        found = asyncio.run(log.entries())
    body = loads(content)
    assert log.thread_id == (None if isinstance(body, list) else body.get("id"))
    whole = [parse_entry(one) for one in (body if isinstance(body, list) else body["messages"])]
    assert [(type(one), one.raw, one.keys) for one in found] == [(type(one), one.raw, one.keys) for one in whole]


@given(
    written(),
    st.integers(0, 2000),
    st.sampled_from([b"", b",", b"]", b"}", b'"', b"[", b"\\", b"\xff", b'}, {"id": 1']),
)
def test_a_damaged_large_log_raises_the_same_error_as_a_parsed_one(content: bytes, place: int, damage: bytes) -> None:
    damaged = content[:place] + damage + content[place + 1 :]
    with small():
        log = LargeLog.from_bytes(damaged)
        if log is None:
            return
        found = asyncio.run(log.entries())
    try:
        body = loads(damaged)
    except NotJson:
        return  # msgspec is content with bytes within a text that are none
    messages = body if isinstance(body, list) else body["messages"]
    assert [one.raw for one in found] == [parse_entry(one).raw for one in messages]


def test_the_last_of_two_lists_of_entries_counts() -> None:
    first, second = ([{"id": f"{letter}{n}", "created_at": at(n).isoformat()} for n in range(20)] for letter in "ab")
    twice = f'{{"messages": {json.dumps(first)}, "messages": {json.dumps(second)}}}'.encode()
    with small():
        log = LargeLog.from_bytes(twice)
    assert log
    assert [entry.raw for entry in asyncio.run(log.entries())] == second == loads(twice)["messages"]


@given(*[st.lists(entry | filled, max_size=12, unique_by=lambda told: told["id"])] * 2, st.integers(0, 12))
def test_unlike_returns_the_positions_of_changed_entries(log: list[Any], more: list[Any], kept: int) -> None:
    again = [*log[:kept], *more]
    try:
        ours, theirs = lazy_entries(log), lazy_entries(again)
    except NotLazy:
        return
    differ = [
        place
        for place, (one, other) in enumerate(zip(log, again, strict=False))
        if json.dumps(one) != json.dumps(other)
    ]
    assert ours.changed_indexes(theirs) == [*differ, *range(min(len(log), len(again)), len(log))]


def test_lazy_entries_are_indexed_from_both_ends() -> None:
    log = lazy_entries([{"id": f"e{n}", "created_at": at(n).isoformat(), "tool_name": "x"} for n in range(7)])
    assert [log[place].id for place in (0, 6, -1, -7, 3)] == ["e0", "e6", "e6", "e0", "e3"]
    for place in (7, -8):
        with pytest.raises(IndexError):
            log[place]
