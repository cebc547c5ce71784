"""Events of a run become entries of the activity log, whatever their data leaves out."""

from __future__ import annotations

import pytest

from tui.local.event_entries import finished_call, object_of, reasoning, tool_call

NOW = "2026-11-20T09:00:00Z"
LATER = "2026-11-20T09:00:05Z"


def test_a_result_is_added_to_its_call() -> None:
    call = tool_call({"tool_name": "pay", "payload": {"amount": 3}, "reasoning": "due"}, "c1", NOW)
    finished = finished_call(call, {"tool_name": "other", "result": "paid", "is_error": True}, "c1", LATER)
    assert finished == {
        "created_at": NOW,
        "id": "c1",
        "tool_name": "pay",
        "payload": {"amount": 3},
        "is_error": True,
        "reasoning": "due",
        "plan_task_id": None,
        "finished_at": LATER,
        "result": "paid",
    }


def test_a_result_without_a_request_is_a_call_of_its_own() -> None:
    finished = finished_call(None, {"result": None}, "c1", NOW)
    assert finished == {
        "created_at": NOW, "id": "c1", "tool_name": "tool", "payload": None, "finished_at": NOW, "result": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "thought"),
    [
        ("a plain text", "a plain text"),
        ({"payload": {"thought": "flat"}}, "flat"),
        ({"payload": {"input": {"thought": "nested"}}}, "nested"),
        ({"payload": "no object"}, None),
        (None, None),
    ],
)
def test_a_thought_is_found_in_each_form(data: object, thought: str | None) -> None:
    entry = reasoning("think", data, "r1", NOW)
    assert (entry["thought"], entry["type"], entry["id"], entry["created_at"]) == (thought, "think", "r1", NOW)


@pytest.mark.parametrize("value", [None, "text", 1, ["a"]])
def test_a_value_that_is_no_object_is_read_as_an_empty_one(value: object) -> None:
    assert object_of(value) == {}
