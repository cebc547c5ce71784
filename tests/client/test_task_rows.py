"""TaskRow: it has the fields of the record, keeps the original bytes, and accepts any JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.client.json_codec import NotJson, loads
from tui.client.models import Task
from tui.client.task_facts import Status, WaitKind
from tui.client.task_rows import TaskRow, task_page

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TASK = {*Task.model_fields, "parent_task_id", "parent_execution", "source_node_type", "deep_planning"}
TASKS = st.dictionaries(
    st.sampled_from([*sorted(TASK), "title", "more"]),
    JSON | st.sampled_from(["2026-11-01T00:01:07.001Z", "1700000000.5", "executing", "", " "]),
    max_size=12,
)
ROW = [
    "organization_id",
    "conversation_id",
    "events_streaming",
    "input",
    "hitl_request",
    "pending_eca_request",
    "plan",
    "tokens",
]
ROW += [name for name in TaskRow.__struct_fields__ if name not in {"nested", "is_full", "is_root", "json"}]
DERIVED = ["is_final", "is_full", "thread_id", "name", "changed_at", "wait"]


def facts_of(task: TaskRow | Task) -> dict[str, Any]:
    """Return the facts that rows and records have in common."""
    return {name: getattr(task, name) for name in (*ROW, *DERIVED)}


@given(st.lists(TASKS | JSON, max_size=3))
def test_a_row_has_the_fields_of_its_object(rows: list[Any]) -> None:
    for data in loads(json.dumps(rows)):
        whole = Task.from_value(data)
        for row in (TaskRow.from_value(data), TaskRow.from_json(json.dumps(data).encode())):
            assert repr(facts_of(row)) == repr(facts_of(whole))
            assert repr(row.raw) == repr(whole.raw)  # in the same order
        assert (
            (TaskRow.from_value(data) == row)
            is (row == TaskRow.from_value(data))
            is (TaskRow.from_value(data).raw == row.raw)
        )


@given(st.lists(TASKS | JSON, max_size=4), st.booleans())
def test_a_page_has_a_row_for_each_item_with_the_bytes_it_was_written_in(rows: list[Any], is_bare: bool) -> None:
    body = rows if is_bare else {"total": len(rows), "items": rows, "total_pages": 1}
    page = task_page(json.dumps(body, indent=1).encode(), 3)
    if page is None:
        return  # it is decoded as a whole
    assert (page.total, page.pages, page.number) == (len(rows), 1, 3)
    assert [repr(row.raw) for row in page.items] == [
        repr(TaskRow.from_value(loads(json.dumps(row))).raw) for row in rows
    ]


@pytest.mark.parametrize("content", [b"", b"nonsense", b"{}", b'{"items": {}}', b'[{"a": NaN}]', b"[" * 5000])
def test_a_page_of_another_form_is_decoded_as_a_whole(content: bytes) -> None:
    assert task_page(content, 1) is None


def test_of_a_usual_page_every_row_keeps_its_own_bytes() -> None:
    page = task_page(b'{"items": [ {"id":"a"} , {"id":"b","x":1.50}], "total": 7}', 1)
    assert page is not None
    assert [row.json for row in page.items] == [b'{"id":"a"}', b'{"id":"b","x":1.50}']
    assert (page.total, page.pages) == (7, 0)


def test_rows_share_the_texts_that_many_have() -> None:
    rows = [TaskRow.from_value({"id": f"t{n}", "status": "".join(["exec", "uting"])}) for n in range(3)]
    assert len({id(row.status) for row in rows}) == 1


def test_a_value_that_is_no_task_becomes_a_row_that_shows_it() -> None:
    row = TaskRow.from_value([1, "x"])
    assert (row.status, row.title, row.raw) == (Status.UNREADABLE, '[1,"x"]', {"value": [1, "x"]})
    assert row.wait is None


def test_content_that_is_no_json_is_no_row() -> None:
    with pytest.raises(NotJson):
        TaskRow.from_json(b'{"id": "a"')


def test_a_row_of_odd_json_keeps_what_msgspec_would_refuse() -> None:
    row = TaskRow.from_json(b'{"id": "a", "title": "\\ud800", "deep": %b, "odd": NaN}' % (b"[" * 5000 + b"]" * 5000))
    assert (row.id, row.title, row.raw["odd"]) == ("a", "\ufffd", "NaN")
    assert row.raw["title"] == "\ud800"


def test_an_id_made_of_the_content_is_stable() -> None:
    written = b'{"title": "x", "amount": 1, "amount": 2, "id": " "}'
    assert TaskRow.from_json(written).id == TaskRow.from_value(loads(written)).id == Task.from_value(loads(written)).id
    assert TaskRow.from_json(written).id.startswith("?")


@pytest.mark.parametrize(
    ("told", "is_root", "parent_id"),
    [
        ({}, False, None),
        ({"parent_task_id": None}, True, None),
        ({"parent_execution": None, "parent_task_id": None}, True, None),
        ({"parent_execution": "p", "parent_task_id": None}, False, "p"),
        ({"parent_task_id": "q", "parent_execution": "p"}, False, "q"),
    ],
)
def test_only_a_row_with_a_parent_field_says_that_it_has_no_parent(
    told: dict[str, Any], is_root: bool, parent_id: str | None
) -> None:
    row = TaskRow.from_value({"id": "t", **told})
    assert (row.is_root, row.parent_id) == (is_root, parent_id)


def test_nested_fields_are_parsed_when_they_are_read() -> None:
    row = TaskRow.from_json(
        b'{"id":"t","status":"paused","input":{"text":"pay"},"hitl_request":{"wait_node_id":"n"},"tokens":{},'
        b'"deep_planning":{"tasks":[{"id":"1","completed":true},{"id":"2"}]}}'
    )
    assert row.nested == ("input", "hitl_request", "deep_planning")
    assert row.tokens is None
    assert row.plan
    assert (row.plan.done, len(row.plan.steps)) == (1, 2)
    assert row.wait
    assert (row.name, row.wait.kind) == ("pay", WaitKind.APPROVAL)


def test_rows_of_the_same_object_are_equal_whatever_they_were_made_of() -> None:
    one, other = TaskRow.from_json(b'{"id": "t", "x": 1}'), TaskRow.from_value({"id": "t", "x": 1})
    assert one == other
    assert one.has_same_json(other)
    assert one != TaskRow.from_json(b'{"id": "t", "x": 2}')


def test_a_record_becomes_a_row_of_its_whole_object() -> None:
    task = Task.from_value({"id": "t", "status": "executing", "input": {"text": "x"}, "new": 1})
    row = TaskRow.from_task(task)
    assert row.raw is task.raw
    assert row.is_full
    assert TaskRow.from_task(row) is row


def test_a_number_that_no_float_represents_keeps_its_digits() -> None:
    assert TaskRow.from_json(b'{"id": "a", "title": 12345678901234567.89}').title == "12345678901234567.89"
