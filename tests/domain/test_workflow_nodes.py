"""The nodes of a workflow as a task tells of them: what is not told is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from tui.client.agent_models import OrchestrationNode
from tui.client.log_entries import ToolCall
from tui.client.models import Task
from tui.domain.workflow_nodes import NodeRow, node_rows

NODES = [
    OrchestrationNode.from_value({"id": "book", "type": "action", "name": "Book"}),
    OrchestrationNode.from_value({"id": "hook", "type": "wait", "name": "Carrier called"}),
    OrchestrationNode.from_value({"id": "release", "type": "wait"}),
]


def states(fields: dict[str, Any], *calls: dict[str, Any]) -> list[str]:
    task = Task.from_value({"id": "t", "agent_id": "a", "status": "executing", **fields})
    rows = node_rows(task, NODES, [ToolCall.from_value(call) for call in calls])
    return [row.value.split("  ·  ")[0] for row in rows[: len(NODES)]]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, ["unknown", "unknown", "unknown"]),
        ({"last_executed_node_id": "book"}, ["ran", "unknown", "unknown"]),
        # A paused task stands at its last node if that one waits, and has left it if it does not.
        ({"status": "paused", "last_executed_node_id": "hook"}, ["unknown", "waits", "unknown"]),
        ({"status": "paused", "last_executed_node_id": "book"}, ["ran", "unknown", "unknown"]),
        ({"last_executed_node_id": "hook"}, ["unknown", "ran", "unknown"]),
        ({"status": "completed", "last_executed_node_id": "hook"}, ["unknown", "ran", "unknown"]),
        (
            {"status": "paused", "last_executed_node_id": "hook", "hitl_request": {"wait_node_id": "release"}},
            ["unknown", "ran", "waits"],
        ),
        ({"hitl_request": {"wait_node_id": "release", "approved_by": "Kim"}}, ["unknown", "unknown", "ran"]),
        # It is not told what became of a wait that nobody decided.
        ({"status": "stopped", "hitl_request": {"wait_node_id": "release"}}, ["unknown", "unknown", "unknown"]),
        ({"last_executed_node_id": {"id": "book"}}, ["unknown", "unknown", "unknown"]),
    ],
)
def test_the_record_tells_which_node_ran_and_which_waits(fields: dict[str, Any], wanted: list[str]) -> None:
    assert states(fields) == wanted


@pytest.mark.parametrize(
    ("status", "call", "wanted"),
    [
        ("executing", {}, "running"),
        ("executing", {"returned": True}, "ran"),
        ("executing", {"is_error": True}, "ran, with an error"),
        ("paused", {}, "waits"),
        ("failed", {}, "ran, its end is not told"),
    ],
)
def test_the_tool_calls_tell_what_their_node_does(status: str, call: dict[str, Any], wanted: str) -> None:
    assert states({"status": status}, {"id": "c", "graph_node_id": "book", **call})[0] == wanted


def test_a_node_that_runs_again_is_running() -> None:
    calls = [{"id": "c1", "graph_node_id": "book", "result": "ok"}, {"id": "c2", "graph_node_id": "book"}]
    assert states({"last_executed_node_id": "book"}, *calls)[0] == "running"


def test_a_row_has_the_name_the_type_and_the_id_and_unlisted_nodes_come_last() -> None:
    task = Task.from_value({"id": "t", "status": "executing", "last_executed_node_id": "old"})
    assert node_rows(task, NODES) == [
        NodeRow("Book", "unknown  ·  action  ·  book"),
        NodeRow("Carrier called", "unknown  ·  wait  ·  hook"),
        NodeRow("release", "unknown  ·  wait  ·  release"),
        NodeRow("old", "ran  ·  not in the workflow as it is now"),
    ]


def test_an_agent_without_nodes_has_rows_only_for_those_that_the_record_names() -> None:
    plain = Task.from_value({"id": "t", "status": "executing"})
    call = ToolCall.from_value({"id": "c", "graph_node_id": "tool-of-the-graph"})
    assert node_rows(plain, [], [call]) == []
    named = Task.from_value({"id": "t", "status": "executing", "last_executed_node_id": "n"})
    assert node_rows(named, [], [call]) == [NodeRow("n", "ran")]
