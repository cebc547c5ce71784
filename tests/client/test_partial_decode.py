"""Partially decoded entries and events equal those that are parsed whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tui.client.events import Event
from tui.client.json_codec import NotJson, loads
from tui.client.lazy_log import LazyEntries, NotLazy
from tui.client.log_entries import Decision, Delegation, Entry, Log, parse_entry
from tui.client.partial_decode import PartialEntry, decode_partial, entry_class_of_partial, names_child, split_log
from tui.client.task_rows import MSGSPEC_ERRORS
from tui.client.wire_model import WireModel

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(["think", "login_required", "create_execution", "stop_execution", "confirm_x", "user", "x", ""])
entries = st.dictionaries(
    st.sampled_from([*PartialEntry.__struct_fields__, "payload", "result", "title", "data"]), JSON | WORDS, max_size=9
)


def fields_of(model: WireModel) -> dict[str, Any]:
    """Return every field of a model."""
    return {name: getattr(model, name) for name in sorted(type(model).model_fields)}


def fields_of_event(event: Event) -> dict[str, Any]:
    """Return the fields of an event, without derived ones."""
    return {name: getattr(event, name) for name in ("type", "task_id", "time", "data")}


def entry_at(part: Raw) -> Entry | None:
    """Return the entry whose class its partial fields show; None if it has to be parsed whole."""
    try:
        return entry_class_of_partial(decode_partial(part)).from_value(loads(bytes(part)))
    except MSGSPEC_ERRORS:
        return None


@given(st.lists(entries | JSON, max_size=4), st.booleans())
def test_a_partially_decoded_log_equals_the_parsed_log(log: list[Any], is_bare: bool) -> None:
    written = json.dumps(log if is_bare else {"agent_id": "a", "messages": log}).encode()
    told = loads(written)
    whole = [parse_entry(one) for one in (told if is_bare else told["messages"])]
    found = split_log(written)
    if found is None:
        return
    parts = found.messages
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


def test_usual_entries_are_classified_by_their_partial_fields() -> None:
    usual = [
        {"id": "1", "created_at": "2026-11-21T10:00:00Z", "role": "user", "content": {"text": "x"}},
        {"id": "2", "tool_name": "search", "request_id": "r", "payload": {"a": 1}, "result": "y"},
        {"id": "3", "type": "think", "thought": "x", "reasoning": "because"},
        {"id": "4", "agent_id": "a", "query": None},
    ]
    log = split_log(json.dumps(usual).encode())
    assert log is not None
    found = [entry_at(part) for part in log.messages]
    assert [entry.kind if entry else None for entry in found] == ["message", "tool", "reasoning", "sub-agent"]
    assert found[0] == parse_entry(usual[0])


@given(
    st.dictionaries(
        st.sampled_from(["data", "event", "organization_id", "task_id", "time", "type", "other"]), JSON | WORDS
    )
    | JSON,
    st.booleans(),
)
def test_a_partially_decoded_event_equals_the_parsed_event(told: Any, is_ascii: bool) -> None:
    written = json.dumps(told, ensure_ascii=is_ascii)
    found, whole = Event.from_sse(written, "7"), loads(written)
    expected = Event.from_value(whole if isinstance(whole, dict) else {"type": "untyped", "data": whole})
    assert repr(fields_of_event(found)) == repr(fields_of_event(expected))
    assert repr(found.raw) == repr(expected.raw)
    assert repr(found.entry) == repr(expected.entry)
    assert (found.frame_id, found.chunk) == ("7", expected.chunk)


def is_object(text: str) -> bool:
    """Return whether a text is a JSON object."""
    try:
        return isinstance(loads(text), dict)
    except NotJson:
        return False


@given(
    st.text(alphabet='{}[]":,0123456789.eE+-truefalsnd\\ \n\x01ä', max_size=12).map('{{"type":"a","data":{}}}'.format)
)
def test_an_event_that_is_left_undecoded_is_a_json_object(written: str) -> None:
    is_left_undecoded = Event.from_sse(written).json is written
    assert is_object(written) or not is_left_undecoded


def test_a_usual_event_is_not_decoded_before_it_is_read() -> None:
    written = '{"type": "chunk", "task_id": "t", "time": "2026-11-21T10:00:00Z", "data": "x"}'
    event = Event.from_sse(written)
    assert event.json is written
    assert isinstance(event.unparsed_data, Raw)
    assert (event.type, event.task_id, event.data) == ("chunk", "t", "x")


@pytest.mark.parametrize("content", [b"", b"nonsense", b'{"messages": 5}', b'{"other": []}', b"[NaN]", b"[" * 5000])
def test_content_that_is_no_log_is_not_lazy(content: bytes) -> None:
    assert split_log(content) is None


@pytest.mark.parametrize("kind", [Delegation, Decision])
@pytest.mark.parametrize(
    "told",
    [
        {},
        {"created_execution_id": "c"},
        {"sub_task_id": "c"},
        {"child_task_id": "c"},
        {"created_execution_id": "", "sub_task_id": "c"},
        {"created_execution_id": None, "sub_task_id": None, "child_task_id": "c"},
    ],
)
def test_a_partial_entry_knows_whether_it_names_a_sub_task(kind: type[Entry], told: dict[str, str | None]) -> None:
    head = decode_partial(Raw(json.dumps({"id": "a", **told}).encode()))
    assert names_child(head, kind) is bool(getattr(kind.from_value({"id": "a", **told}), "child_id", None))


@pytest.mark.parametrize("damage", [b'"a', b'"a\\q"', b'"a\n"', b"01", b"{]}", b"1."])
def test_a_damaged_entry_is_not_partially_decoded(damage: bytes) -> None:
    with pytest.raises(NotLazy):
        LazyEntries().extend(
            [Raw(b'{"id": "a", "created_at": "2026-11-21T10:00:00Z", "tool_name": "x", "payload": %b}' % damage)]
        )


def test_parts_of_a_log_have_their_index_and_the_time_before_them() -> None:
    entries = tuple(
        parse_entry({"id": str(n), "created_at": f"2026-11-21T10:00:0{n}Z" if n < 2 else None}) for n in range(5)
    )
    parts = list(Log(entries, {"child": ()}).parts(2))
    assert [(part.first, len(part.entries), len(part.children)) for part in parts] == [(0, 2, 1), (2, 2, 0), (4, 1, 0)]
    assert parts[0].since is None
    assert parts[2].since == parts[1].since == entries[1].created_at
    assert [len(part.entries) for part in Log().parts(2)] == [0]
