"""Entries by their heads say what entries that are read whole say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client import wire_model
from tui.client.events import Event
from tui.client.json_codec import loads
from tui.client.log_entries import Log, ToolCall, entry_of
from tui.client.models import Task
from tui.client.partial_decode import EVENT, TOLD, Head, entry_at, event_head, split
from tui.client.wire_model import MOST, Field, Record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["think", "login_required", "create_execution", "stop_execution", "confirm_x", "user", "x", ""])
entries = st.dictionaries(
    st.sampled_from([*Head.__struct_fields__, "payload", "result", "title", "data"]), JSON | WORDS, max_size=9
)


def fields_of(record: Record) -> dict[str, Any]:
    """Every field of a record."""
    names = {name for kind in type(record).__mro__ for name, field in vars(kind).items() if isinstance(field, Field)}
    return {name: getattr(record, name) for name in sorted(names)}


@given(st.lists(entries | JSON, max_size=4), st.booleans())
def test_a_log_taken_apart_says_the_same(log: list[Any], is_bare: bool) -> None:
    written = json.dumps(log if is_bare else {"agent_id": "a", "messages": log}).encode()
    told = loads(written)
    whole = [entry_of(one) for one in (told if is_bare else told["messages"])]
    found = split(written)
    if found is None:
        return
    _, parts = found
    assert len(parts) == len(whole)
    for part, entry in zip(parts, whole, strict=True):
        one = entry_at(part)
        if one is None:
            continue  # it is read whole
        assert type(one) is type(entry)
        assert one.keys == entry.keys
        assert one.label == entry.label
        assert repr(fields_of(one)) == repr(fields_of(entry))
        assert repr(one.raw) == repr(entry.raw)


def test_the_usual_entries_are_told_by_their_heads() -> None:
    usual = [
        {"id": "1", "created_at": "2026-11-21T10:00:00Z", "role": "user", "content": {"text": "x"}},
        {"id": "2", "tool_name": "search", "request_id": "r", "payload": {"a": 1}, "result": "y"},
        {"id": "3", "type": "think", "thought": "x", "reasoning": "because"},
        {"id": "4", "agent_id": "a", "query": None},
    ]
    _, parts = split(json.dumps(usual).encode()) or (None, [])
    assert parts is not None
    found = [entry_at(part) for part in parts]
    assert [entry.kind if entry else None for entry in found] == ["message", "tool", "reasoning", "sub-agent"]
    assert found[0] == entry_of(usual[0])


@given(st.dictionaries(st.sampled_from([*sorted(EVENT), "other"]), JSON | WORDS) | JSON, st.booleans())
def test_an_event_by_its_head_says_the_same(told: Any, is_ascii: bool) -> None:
    written = json.dumps(told, ensure_ascii=is_ascii)
    found, whole = Event.of_frame(written, "7"), loads(written)
    expected = Event.of(whole if isinstance(whole, dict) else {"type": "untyped", "data": whole})
    assert repr(fields_of(found)) == repr(fields_of(expected))
    assert repr(found.raw) == repr(expected.raw)
    assert repr(found.entry) == repr(expected.entry)
    assert (found.frame_id, found.chunk) == ("7", expected.chunk)


@given(
    st.text(alphabet='{}[]":,0123456789.eE+-truefalsnd\\ \n\x01ä', max_size=12).map('{{"type":"a","data":{}}}'.format)
)
def test_what_a_head_takes_for_json_is_json(written: str) -> None:
    if event_head(written) is not None:
        assert isinstance(loads(written), dict)


def test_the_usual_event_is_told_by_its_head() -> None:
    event = Event.of_frame('{"type": "chunk", "task_id": "t", "time": "2026-11-21T10:00:00Z", "data": "x"}')
    assert event.head is not None
    assert (event.type, event.task_id, event.data) == ("chunk", "t", "x")


@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"messages": 5}', b'{"other": []}', b"[NaN]", b"[" * 5000])
def test_what_is_no_log_is_read_whole(content: bytes) -> None:
    assert split(content) is None


def test_what_is_damaged_within_an_entry_is_shown_as_it_is() -> None:
    found = ToolCall(b'{"tool_name": "x", "payload": "a', Head(tool_name="x"), TOLD)
    assert found.name == "x"
    assert found.payload is None
    assert "payload" in found.raw["value"]
    assert found != ToolCall.of({"tool_name": "x"})


def test_the_parts_of_a_log_know_their_place_and_the_time_before_them() -> None:
    entries = tuple(
        entry_of({"id": str(n), "created_at": f"2026-11-21T10:00:0{n}Z" if n < 2 else None}) for n in range(5)
    )
    parts = list(Log(entries, {"child": ()}).parts(2))
    assert [(part.first, len(part.entries), len(part.children)) for part in parts] == [(0, 2, 1), (2, 2, 0), (4, 1, 0)]
    assert parts[0].since is None
    assert parts[2].since == parts[1].since == entries[1].created_at
    assert [len(part.entries) for part in Log().parts(2)] == [0]


TASK = {name for field in vars(Task).values() if isinstance(field, Field) for name in field.names}
TASKS = st.dictionaries(
    st.sampled_from([*sorted(TASK), "title", "more"]),
    JSON | st.sampled_from(["2026-11-01T00:01:07.001Z", "1700000000.5", "executing", "", " "]),
    max_size=12,
)


@given(st.lists(TASKS | JSON, max_size=3))
def test_a_row_says_what_its_object_says(rows: list[Any]) -> None:
    for data in rows:
        row, whole = Task.row(data), Task.of(data)
        assert repr(fields_of(row)) == repr(fields_of(whole))
        assert repr(row.raw) == repr(whole.raw)  # in the same order
        assert (row.wait, row.changed_at, row.is_full) == (whole.wait, whole.changed_at, whole.is_full)
        assert (row == whole) is (whole == row) is (row.raw == whole.raw)


def test_rows_share_what_they_have_in_common() -> None:
    rows = [Task.row({"id": f"t{n}", "status": "".join(["exec", "uting"]), "title": "x" * 50}) for n in range(3)]
    assert len({id(row.status) for row in rows}) == 1
    assert len({id(row.made_of[0]) for row in rows}) == 1
    for n in range(2 * MOST):  # what is remembered has an end
        Task.row({"id": f"other {n}"})
        Task.row({"id": "same", "user_id": f"user {n}"})
    assert len(wire_model._texts) <= MOST + 2
    assert len(wire_model._rests) <= MOST + 1
    assert [row.raw["id"] for row in rows] == ["t0", "t1", "t2"]


def test_what_only_looks_the_same_is_not_shared() -> None:
    for value in (1, True, 1.0, [True], None):
        raw = {"id": "t1", "events_streaming": value, "status": "executing"}
        assert repr(Task.row(raw).raw) == repr(raw)
